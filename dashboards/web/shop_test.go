package web

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"why503/aggregate"
)

// A memoryStore answers from rows in memory, as the stores do from tables.
type memoryStore struct {
	mu        sync.Mutex
	rows      []aggregate.Failure // newest first
	words     map[string]string   // by cause
	advice    map[string][]string
	traffic   map[int64]int64 // requests by minute, of all sites
	incidents []aggregate.Incident
	sources   []aggregate.SourceState
	marks     []aggregate.Mark
	records   map[string][]byte
	covered   func(time.Time) bool
	partial   time.Time // minutes from here are not complete
	err       error
	wait      time.Duration // every query takes so long, or until its context ends
	asked     int
}

func (m *memoryStore) ask(ctx context.Context) error {
	m.mu.Lock()
	m.asked++
	wait, err := m.wait, m.err
	m.mu.Unlock()
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

// list is the incidents as they are now.
func (m *memoryStore) list() []aggregate.Incident {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.incidents)
}

func (m *memoryStore) set(f func()) { m.mu.Lock(); defer m.mu.Unlock(); f() }

func ended(f *aggregate.Failure) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, f.Ended)
	return t
}

func (m *memoryStore) match(q aggregate.Query, f *aggregate.Failure) bool {
	t := ended(f)
	if q.Incident != "" {
		i := slices.IndexFunc(m.incidents, func(in aggregate.Incident) bool { return in.ID == q.Incident })
		if i < 0 || m.incidents[i].Site != f.Site || t.Before(m.incidents[i].Start) || t.After(m.incidents[i].End) {
			return false
		}
	}
	class := q.Class
	if class == "" {
		class = "failure"
	}
	return (q.From.IsZero() || !t.Before(q.From)) && (q.To.IsZero() || t.Before(q.To)) && (q.Site == "" || q.Site == f.Site) &&
		(q.Cause == "" || q.Cause == f.Cause || q.Cause == f.Symptom) && (q.Backend == "" || q.Backend == f.Backend) && (class == "all" || class == f.Class) &&
		(q.Text == "" || strings.Contains(f.Path+" "+f.UID+" "+f.RequestID+" "+f.Client+" "+f.Route+" "+f.Cause, q.Text))
}

func (m *memoryStore) causes(rows []aggregate.Failure) (list []aggregate.Cause, reached map[string]int64, undecided int64) {
	reached = map[string]int64{}
	byCause := map[string]*aggregate.Cause{}
	var order []string
	bump := func(list []aggregate.Count, name string) []aggregate.Count {
		for i := range list {
			if list[i].Name == name {
				list[i].Count++
				return list
			}
		}
		return append(list, aggregate.Count{Name: name, Count: 1})
	}
	for i := range rows {
		f := &rows[i]
		reached[f.Reached]++
		if !f.Decidable {
			undecided++
		}
		c := byCause[f.Cause+"|"+f.Symptom]
		if c == nil {
			c = &aggregate.Cause{Cause: f.Cause, Symptom: f.Symptom, Layer: f.Layer, Class: f.Class, Words: m.words[f.Cause], Advice: m.advice[f.Cause], First: ended(f), Last: ended(f), UID: f.UID, ID: f.RequestID}
			for _, l := range f.Chain {
				c.Chain = append(c.Chain, aggregate.ChainLink{Link: l})
			}
			byCause[f.Cause+"|"+f.Symptom] = c
			order = append(order, f.Cause+"|"+f.Symptom)
		}
		c.Count++
		c.Confidence += f.Confidence
		if f.Decidable {
			c.Decidable++
		}
		if t := ended(f); t.Before(c.First) {
			c.First = t
		} else if t.After(c.Last) {
			c.Last = t
		}
		c.Backends, c.Routes = bump(c.Backends, f.Backend), bump(c.Routes, f.Route)
		for k := range c.Chain {
			c.Chain[k].N++
		}
	}
	for _, k := range order {
		c := byCause[k]
		c.Confidence /= float64(c.Count)
		c.Share = float64(c.Count) / float64(max(len(rows), 1))
		for _, l := range [][]aggregate.Count{c.Backends, c.Routes} {
			slices.SortStableFunc(l, func(a, b aggregate.Count) int { return cmp.Compare(b.Count, a.Count) })
		}
		list = append(list, *c)
	}
	slices.SortStableFunc(list, func(a, b aggregate.Cause) int { return cmp.Compare(b.Count, a.Count) })
	return list, reached, undecided
}

func (m *memoryStore) requests(from, to time.Time) (n int64) {
	for at, k := range m.traffic {
		if t := time.Unix(at, 0); !t.Before(from.Truncate(time.Minute)) && t.Before(to) {
			n += k
		}
	}
	return n
}

func (m *memoryStore) Summary(ctx context.Context, q aggregate.Query) (*aggregate.Summary, error) {
	if err := m.ask(ctx); err != nil {
		return nil, err
	}
	var rows []aggregate.Failure
	s := &aggregate.Summary{Window: aggregate.Window{From: q.From, To: q.To}, Classes: map[string]int64{}}
	all := q
	all.Class = "all"
	for i := range m.rows {
		if m.match(all, &m.rows[i]) {
			s.Classes[m.rows[i].Class]++
			if m.rows[i].Class == "failure" {
				rows = append(rows, m.rows[i])
			}
		}
	}
	s.Requests, s.Failures = m.requests(q.From, q.To), int64(len(rows))
	s.Causes, s.Reached, s.Undecided = m.causes(rows)
	s.Ratio = float64(s.Failures) / float64(max(s.Requests, 1))
	for _, in := range m.list() {
		if m.overlaps(q, &in) {
			s.Incidents = append(s.Incidents, in)
		}
	}
	for _, st := range m.sources {
		s.Sources = append(s.Sources, st.Source)
	}
	return s, nil
}

func (m *memoryStore) overlaps(q aggregate.Query, in *aggregate.Incident) bool {
	return (q.To.IsZero() || in.Start.Before(q.To)) && (q.From.IsZero() || !in.End.Before(q.From)) && (q.Site == "" || q.Site == in.Site) &&
		(q.Cause == "" || slices.ContainsFunc(in.Causes, func(c aggregate.Cause) bool { return c.Cause == q.Cause }))
}

func (m *memoryStore) Timeseries(ctx context.Context, q aggregate.Query, step time.Duration) ([]aggregate.Point, error) {
	if err := m.ask(ctx); err != nil {
		return nil, err
	}
	var out []aggregate.Point
	for at := q.From.Truncate(step); at.Before(q.To); at = at.Add(step) {
		p := aggregate.Point{At: at, Causes: map[string]int64{}, Requests: m.requests(at, at.Add(step)), Partial: !m.partial.IsZero() && at.Add(step).After(m.partial)}
		p.NoData = m.covered != nil && !m.covered(at)
		out = append(out, p)
	}
	for i := range m.rows {
		f := &m.rows[i]
		if k := int(ended(f).Sub(q.From.Truncate(step)) / step); m.match(q, f) && k >= 0 && k < len(out) {
			out[k].Failures++
			out[k].Causes[f.Cause]++
		}
	}
	return out, nil
}

func (m *memoryStore) Failures(ctx context.Context, q aggregate.Query, cursor string, limit int) ([]aggregate.Failure, string, error) {
	if err := m.ask(ctx); err != nil {
		return nil, "", err
	}
	skip, _ := strconv.Atoi(cursor)
	var out []aggregate.Failure
	n := 0
	for i := range m.rows {
		if !m.match(q, &m.rows[i]) {
			continue
		}
		if n++; n <= skip {
			continue
		}
		if len(out) == limit {
			return out, strconv.Itoa(skip + limit), nil
		}
		out = append(out, m.rows[i])
	}
	return out, "", nil
}

func (m *memoryStore) Find(ctx context.Context, id string) ([]aggregate.Failure, error) {
	if err := m.ask(ctx); err != nil {
		return nil, err
	}
	var out []aggregate.Failure
	for i := range m.rows {
		f := &m.rows[i]
		if f.UID == id || len(id) >= 6 && strings.HasPrefix(f.UID, id) || f.RequestID == id || strconv.FormatUint(f.VXID, 10) == id {
			out = append(out, *f)
		}
	}
	if len(out) == 0 {
		return nil, aggregate.ErrNotFound
	}
	return out, nil
}

func (m *memoryStore) Records(ctx context.Context, uid string) ([]byte, uint64, error) {
	if err := m.ask(ctx); err != nil {
		return nil, 0, err
	}
	if b, ok := m.records[uid]; ok {
		return b, 1, nil
	}
	return nil, 0, aggregate.ErrNotFound
}

func (m *memoryStore) Incidents(ctx context.Context, q aggregate.Query, cursor string, limit int) ([]aggregate.Incident, string, error) {
	if err := m.ask(ctx); err != nil {
		return nil, "", err
	}
	skip, _ := strconv.Atoi(cursor)
	var out []aggregate.Incident
	for _, in := range m.list() {
		if m.overlaps(q, &in) {
			out = append(out, in)
		}
	}
	out = out[min(skip, len(out)):]
	if len(out) > limit {
		return out[:limit], strconv.Itoa(skip + limit), nil
	}
	return out, "", nil
}

func (m *memoryStore) Incident(ctx context.Context, id string) (*aggregate.Incident, error) {
	if err := m.ask(ctx); err != nil {
		return nil, err
	}
	for _, in := range m.list() {
		if strings.Contains(in.ID, id) {
			return &in, nil
		}
	}
	return nil, aggregate.ErrNotFound
}

func (m *memoryStore) Sources(ctx context.Context) ([]aggregate.SourceState, error) {
	return m.sources, m.ask(ctx)
}

func (m *memoryStore) Marks(ctx context.Context, q aggregate.Query) ([]aggregate.Mark, error) {
	if err := m.ask(ctx); err != nil {
		return nil, err
	}
	var out []aggregate.Mark
	for _, x := range m.marks {
		if (q.From.IsZero() || !x.At.Before(q.From)) && (q.To.IsZero() || x.At.Before(q.To)) {
			out = append(out, x)
		}
	}
	return out, nil
}

func (m *memoryStore) Mark(ctx context.Context, x aggregate.Mark) error {
	if err := m.ask(ctx); err != nil {
		return err
	}
	m.set(func() { m.marks = append(m.marks, x) })
	return nil
}

// A liveState is a Live that tests move.
type liveState struct {
	mu     sync.Mutex
	status Status
	subs   map[chan struct{}]bool
}

func (l *liveState) Subscribe() (<-chan struct{}, func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := make(chan struct{}, 1)
	if l.subs == nil {
		l.subs = map[chan struct{}]bool{}
	}
	l.subs[c] = true
	return c, func() { l.mu.Lock(); defer l.mu.Unlock(); delete(l.subs, c) }
}

func (l *liveState) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

func (l *liveState) change() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.subs {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// now is the moment of the invented shop.
var now = time.Date(2026, 11, 22, 21, 24, 10, 0, time.UTC)

func uid(n int) string {
	h := sha256.Sum256([]byte(strconv.Itoa(n)))
	return hex.EncodeToString(h[:16])
}

// shop is the shop of the page's design: an import locks rows in its order
// database since 21:17:02.
func shop(t testing.TB) (*memoryStore, *liveState) {
	t.Helper()
	m := &memoryStore{traffic: map[int64]int64{}, words: map[string]string{
		"database.lock_wait":             "a stock import holds row locks in MariaDB on db-1; Varnish waits 5.0 s",
		"cache_config.keepalive_race":    "the origin closed an idle connection as Varnish wrote to it",
		"origin_slow.first_byte_timeout": "Varnish gave up at 5.0 s",
	}, advice: map[string][]string{"database.lock_wait": {"Stop or batch the import: db-1, thread 8812.", "Let a wait fail before Varnish does: `innodb_lock_wait_timeout=1`."}}}
	began := time.Date(2026, 11, 22, 21, 17, 2, 0, time.UTC)
	for at := now.Add(-26 * time.Hour).Truncate(time.Minute); at.Before(now); at = at.Add(time.Minute) {
		m.traffic[at.Unix()] = 2640 + int64(at.Minute()*7%90)
	}
	m.traffic[now.Truncate(time.Minute).Unix()] = 440
	m.partial = now.Add(-90 * time.Second)
	routes := []string{"/cart/checkout", "/cart/checkout", "/cart/checkout", "/order/:id", "/order/:id", "/account"}
	n := 0
	add := func(at time.Time, cause, symptom, reached string, decidable bool) {
		n++
		route := routes[n*5%len(routes)]
		f := aggregate.Failure{
			Schema: 1, UID: uid(n), Revision: 1, Final: at.Before(m.partial), Class: "failure", Site: "shop.example", Time: at.Add(-5 * time.Second).UTC().Format("2006-01-02T15:04:05.000000Z"),
			Ended: at.UTC().Format("2006-01-02T15:04:05.000000Z"), DurationMS: 5001.2, Status: 503, Method: "POST", Host: "shop.example", Path: strings.ReplaceAll(route, ":id", strconv.Itoa(1000+n)), Route: route,
			Bytes: 274, Protocol: "HTTP/1.1", RequestID: fmt.Sprintf("req-%06d", n), VXID: uint64(60000 + n), Client: fmt.Sprintf("203.0.113.%d", n%250), ClientClass: "person", Proxy: "varnish@edge-1",
			Handling: "pass", Backend: fmt.Sprintf("app-%d", n%3+1), BackendAddr: fmt.Sprintf("10.0.0.%d:8080", n%3+5), Reached: reached, Symptom: symptom, Cause: cause, Layer: "database", Confidence: .93,
			Decidable: decidable, Evidence: "complete", Join: aggregate.Join{How: "x-varnish"}, Versions: map[string]string{"shop": "1.8.3"},
		}
		f.Chain = []aggregate.Link{{Cause: symptom, Level: "symptom", Time: f.Ended, Host: "edge-1", Program: "varnish", File: "varnishlog.log", Offset: 99120, LineNo: 3638, Words: "Varnish gave up at 5.00 s", Line: "-   FetchError     first byte timeout", Rule: "varnish.first_byte_timeout"}}
		if cause == "database.lock_wait" {
			f.Chain = append(f.Chain,
				aggregate.Link{Cause: "overload.workers_exhausted", Level: "info", Time: "2026-11-22T21:17:04Z", Host: "app-1", Program: "php-fpm", File: "php-fpm.log", LineNo: 20, Words: "no PHP worker was free", Line: "[22-Nov-2026 21:17:04] WARNING: [pool www] server reached pm.max_children setting (40), consider raising it"},
				aggregate.Link{Cause: cause, Level: "root", Time: "2026-11-22T21:16:58Z", Host: "db-1", Program: "mariadb", File: "mariadb-slow.log", LineNo: 13, Words: "rows were locked", Line: "# Query_time: 11.204518  Lock_time: 0.000412  Rows_sent: 0  Rows_examined: 1\nUPDATE stock SET qty=qty-1 WHERE id=2;"})
		}
		if !decidable {
			f.Confidence = .4
			f.Missing = []aggregate.Missing{{Source: "nginx error log on app-3", Kind: "nginx_error", Why: "not_covered", WouldDecide: "whether app-3 refused", Snippet: "error_log /var/log/nginx/error.log warn;"}}
		}
		m.rows = append(m.rows, f)
	}
	for i := range 412 {
		at := began.Add(time.Duration(i) * 428 * time.Second / 412)
		switch {
		case i%41 == 7:
			add(at, "origin_slow.first_byte_timeout", "origin_slow.first_byte_timeout", "unknown", false)
		case i%90 == 11:
			add(at, "cache_config.keepalive_race", "network.reset", "never", true)
		case i%9 == 3:
			add(at, "database.lock_wait", "app_error.origin_5xx", "origin_5xx", true)
		default:
			add(at, "database.lock_wait", "origin_slow.first_byte_timeout", "late", true)
		}
	}
	for i := range 3 {
		add(now.Add(-time.Duration(40+i*5)*time.Minute), "cache_config.keepalive_race", "network.reset", "never", true)
	}
	slices.SortStableFunc(m.rows, func(a, b aggregate.Failure) int { return cmp.Compare(b.Ended, a.Ended) })
	var in []aggregate.Failure
	for _, f := range m.rows {
		if !ended(&f).Before(began) {
			in = append(in, f)
		}
	}
	open := aggregate.Incident{
		ID: "20261122T2117Z-1f2e3d4c", Site: "shop.example", Start: began, End: now, Ongoing: true, DurationS: now.Sub(began).Seconds(), Failures: int64(len(in)), Requests: m.requests(began, now),
		Clients: 390, PeakRatio: .24, Trigger: &aggregate.Trigger{Kind: "import", What: "import", BeforeS: 7},
		Localisation: []aggregate.Local{{Where: map[string]string{"route": "/cart/checkout"}, Share: .59, Baseline: .12, OutsideRatio: .0002}},
	}
	open.Causes, open.Reached, open.Undecided = m.causes(in)
	open.Chain = open.Causes[0].Chain
	past := aggregate.Incident{
		ID: "20261121T2210Z-99aa00bb", Site: "shop.example", Start: now.Add(-23 * time.Hour), End: now.Add(-23*time.Hour + 11*time.Minute), DurationS: 660, Failures: 2310, Requests: 29000, Clients: 1800, PeakRatio: .31,
		Causes:  []aggregate.Cause{{Cause: "tls.cert_expired", Symptom: "app_error.origin_5xx", Count: 2310, Share: 1, First: now.Add(-23 * time.Hour), Last: now.Add(-23*time.Hour + 11*time.Minute), Words: "the payment service's certificate had expired", Confidence: .95, Decidable: 2310}},
		Reached: map[string]int64{"origin_5xx": 2310},
	}
	m.incidents = []aggregate.Incident{open, past}
	m.marks = []aggregate.Mark{{At: time.Date(2026, 11, 22, 21, 16, 55, 0, time.UTC), Kind: "mark", Site: "shop.example", What: "import starts"}}
	live := &liveState{status: Status{Lossless: true, StoreAnswers: true, IncidentsOpen: 1, Started: now.Add(-30 * time.Hour), OldestOpen: now.Add(-2 * time.Minute), Sites: []string{"shop.example", "blog.example"}}}
	for i, host := range []string{"edge-1", "edge-2", "app-1", "app-2", "app-3", "db-1"} {
		lag := 2.0
		if host == "app-3" {
			lag = 40
		}
		s := aggregate.Source{Path: "/var/log/" + host + ".log", Format: "varnishlog", Host: host, Lines: 1000, Records: 900, First: now.Add(-time.Hour), Last: now, Lossless: true, Program: "varnish", SkewMS: 40, Clock: "within 40 ms"}
		m.sources = append(m.sources, aggregate.SourceState{Source: s, LagS: lag, ReadTo: now, Updated: now})
		live.status.Sources = append(live.status.Sources, SourceStatus{Path: s.Path, Format: s.Format, Program: s.Program, Host: host, Front: i < 2, LastLine: now.Add(-time.Second), LagS: lag, Lossless: true})
	}
	return m, live
}
