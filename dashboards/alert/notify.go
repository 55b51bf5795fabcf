package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"why503/aggregate"
	"why503/aggregate/slo"
)

// A Notifier decides who is told what, and delivers it.
type Notifier struct {
	cfg      Config
	box      Outbox
	log      *slog.Logger
	channels []*channel

	mu      sync.Mutex
	stories map[string]*story
	budgets map[string]Alert // that burn, by id
}

// maxStories bounds the incidents that are followed at a time.
const maxStories = 4096

// New returns a Notifier of a valid cfg. It sends nothing before Run.
func New(cfg Config, box Outbox, log *slog.Logger) (*Notifier, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.fill()
	n := &Notifier{cfg: cfg, box: box, log: log, stories: make(map[string]*story), budgets: make(map[string]Alert)}
	add := func(name string, i int, sites []string, s sender) {
		if i > 0 {
			name += "-" + strconv.Itoa(i+1)
		}
		n.channels = append(n.channels, newChannel(name, sites, s, cfg))
	}
	client := newClient(cfg.Timeout)
	for i, w := range cfg.Webhook {
		add("webhook", i, w.Sites, &webhook{w, client})
	}
	for i, s := range cfg.Slack {
		if s.Token != "" {
			add("slack", i, s.Sites, newSlackAPI(s, client))
		} else {
			add("slack", i, s.Sites, &slackHook{s, client})
		}
	}
	for i, a := range cfg.Alertmanager {
		add("alertmanager", i, a.Sites, newAlertmanager(a, client, log))
	}
	for i, e := range cfg.Email {
		add("email", i, e.Sites, &email{cfg: e, timeout: cfg.Timeout})
	}
	for i, e := range cfg.Exec {
		add("exec", i, e.Sites, &program{e})
	}
	return n, nil
}

// Observe tells how an incident stands. It is called whenever that changes,
// and after a start for each incident that goes on or has ended within
// Config.MaxAge: what has been told already is not told again.
func (n *Notifier) Observe(ctx context.Context, in aggregate.Incident) error {
	return n.observe(ctx, n.cfg.of(in, false))
}

// Withdraw tells that corrections left nothing of an incident.
func (n *Notifier) Withdraw(ctx context.Context, in aggregate.Incident) error {
	in.Ongoing = false
	return n.observe(ctx, n.cfg.of(in, true))
}

// Budget tells that a budget has begun or stopped to burn. After a start it is
// called for each that fires.
func (n *Notifier) Budget(ctx context.Context, b slo.Alert) error {
	a := n.cfg.ofBudget(b)
	n.mu.Lock()
	defer n.mu.Unlock()
	if delete(n.budgets, a.ID); a.Firing && len(n.budgets) < maxStories {
		n.budgets[a.ID] = a
	}
	known, err := n.known(ctx, a.ID)
	if err != nil {
		return err
	}
	var put []Item
	for _, c := range n.channels {
		id := itemID(a.ID, c.name, a.Kind, "", 0)
		if a.Kind == BurnOver && known[itemID(a.ID, c.name, Burning, "", 0)].ID == "" {
			continue // nobody was told that it began
		}
		if c.takes(a.Site) && known[id].ID == "" {
			put = append(put, newItem(id, c.name, a, time.Now()))
		}
	}
	return n.put(ctx, put)
}

func (n *Notifier) observe(ctx context.Context, a Alert) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.stories[a.ID]
	if s == nil {
		if len(n.stories) >= maxStories {
			return fmt.Errorf("alert on incident %s: %d are followed already", a.ID, maxStories)
		}
		known, err := n.known(ctx, a.ID)
		if err != nil {
			return err
		}
		if len(known) == 0 && (!a.Firing && (a.Kind != Ended || time.Since(*a.End) > n.cfg.MaxAge)) {
			return nil // nobody was told, and it is no news
		}
		s = &story{threads: make(map[string]*thread)}
		for _, c := range n.channels {
			if c.takes(a.Site) {
				s.threads[c.name] = restore(c, known)
			}
		}
		n.stories[a.ID] = s
	}
	s.now, s.seen = a, time.Now()
	return n.plan(ctx, s)
}

// known returns the items of an incident by id.
func (n *Notifier) known(ctx context.Context, incident string) (map[string]Item, error) {
	items, err := n.box.Of(ctx, incident)
	if err != nil {
		return nil, fmt.Errorf("reading what was told of %s: %w", incident, err)
	}
	known := make(map[string]Item, len(items))
	for _, i := range items {
		known[i.ID] = i
	}
	return known, nil
}

// plan writes what is to be told of a story by now into the outbox.
func (n *Notifier) plan(ctx context.Context, s *story) error {
	var put []Item
	for _, t := range s.threads {
		put = append(put, t.plan(s.now, &n.cfg, time.Now())...)
	}
	return n.put(ctx, put)
}

func (n *Notifier) put(ctx context.Context, items []Item) error {
	if len(items) == 0 {
		return nil
	}
	if err := n.box.Put(ctx, items...); err != nil {
		return fmt.Errorf("keeping %d alerts: %w", len(items), err)
	}
	for _, c := range n.channels {
		c.wakeUp()
	}
	return nil
}

// keepSent is how long what was told is remembered.
const keepSent = 30 * 24 * time.Hour

// Run delivers until ctx ends, and waits for what it has begun, which takes no
// longer than Config.Timeout.
func (n *Notifier) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, c := range n.channels {
		wg.Go(func() { n.work(ctx, c) })
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	forget := time.Now()
	for {
		select {
		case <-ctx.Done():
			wg.Wait()
			return nil
		case <-tick.C:
		}
		n.review(ctx)
		if time.Since(forget) > time.Hour {
			forget = time.Now()
			if err := n.box.Forget(ctx, forget.Add(-keepSent)); err != nil {
				n.log.Warn("alerts of long ago are kept", "err", err)
			}
		}
	}
}

// review plans what has become due since the last Observe, and lets go of what
// is over and told.
func (n *Notifier) review(ctx context.Context) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, s := range n.stories {
		if err := n.plan(ctx, s); err != nil && ctx.Err() == nil {
			n.log.Error("an alert is not kept", "incident", id, "err", err)
			continue
		}
		if !s.now.Firing && s.told() && time.Since(s.seen) > n.cfg.MaxAge {
			delete(n.stories, id)
		}
	}
}

// Counts returns, by channel, how many messages were sent and why others were
// not: for metrics.
func (n *Notifier) Counts() map[string]map[string]int64 {
	out := make(map[string]map[string]int64)
	for _, c := range n.channels {
		out[c.name] = c.counts()
	}
	return out
}

// A record is the payload of an Item.
type record struct {
	Alert Alert  `json:"alert"`
	Ref   string `json:"ref,omitempty"` // of the message at the channel, once sent
	// Created is when it was first put: delivery is given up from then.
	Created time.Time `json:"created"`
}

func (i *Item) record() (record, error) {
	var r record
	err := json.Unmarshal(i.Payload, &r)
	return r, err
}

func (i *Item) keep(r record) {
	data, err := json.Marshal(r)
	if err != nil { // a float that JSON has no number for: the texts have all that matters
		r.Alert.Incident, r.Alert.SLO = nil, nil
		data, err = json.Marshal(r)
	}
	if err != nil {
		panic(err) // strings and times always can
	}
	i.Payload = data
}

func newItem(id, channel string, a Alert, due time.Time) Item {
	a.Key = id
	i := Item{ID: id, Channel: channel, Kind: a.Kind, Incident: a.ID, Due: due, State: Waiting}
	i.keep(record{Alert: a, Created: due})
	return i
}

// itemID names the one message of its kind. n counts how often an incident
// went on after its end.
func itemID(incident, channel string, kind Kind, cause string, n int) string {
	return strings.Join([]string{incident, channel, string(kind), key(cause)[:8], strconv.Itoa(n)}, "/")
}

var errUnreadable = errors.New("its stored text cannot be read")
