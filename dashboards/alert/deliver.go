package alert

import (
	"context"
	"errors"
	"time"
)

// maxTake bounds what is looked at in one round.
const maxTake = 200

// work delivers the items of one channel until ctx ends.
func (n *Notifier) work(ctx context.Context, c *channel) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var stated time.Time
	for {
		n.deliver(ctx, c)
		if s, ok := c.sender.(stater); ok && time.Since(stated) >= s.again() {
			stated = time.Now()
			n.restate(ctx, c, s)
		}
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		case <-tick.C:
		}
	}
}

// deliver sends what is due: each message for itself while the rate allows,
// and what is beyond that as one digest.
func (n *Notifier) deliver(ctx context.Context, c *channel) {
	now := time.Now()
	if now.Before(c.until) {
		return
	}
	due, err := n.box.Take(ctx, c.name, now, maxTake)
	if err != nil {
		if ctx.Err() == nil {
			n.log.Error("reading the outbox", "channel", c.name, "err", err)
		}
		return
	}
	var messages []Item
	for _, i := range due {
		if u, ok := c.unkept[i.ID]; ok {
			if u.State == Waiting && !u.Due.After(now) {
				delete(c.unkept, i.ID)
			} else if n.box.Put(ctx, u) == nil {
				delete(c.unkept, i.ID)
				continue
			} else {
				continue
			}
		}
		if i.Kind == Updated {
			n.editOne(ctx, c, i)
		} else {
			messages = append(messages, i)
		}
	}
	if c.sender.traits().states { // it groups and limits by itself
		for _, i := range messages {
			n.sendOne(ctx, c, i)
		}
		return
	}
	for len(messages) > 0 && ctx.Err() == nil {
		switch allowed := c.allowed(now); {
		case allowed < 1:
			return
		case allowed == 1 && len(messages) > 1:
			c.tokens--
			n.sendDigest(ctx, c, messages)
			return
		}
		c.tokens--
		if !n.sendOne(ctx, c, messages[0]) {
			return // the others would fare no better
		}
		messages = messages[1:]
	}
}

// sendOne delivers an item as its incident now stands.
func (n *Notifier) sendOne(ctx context.Context, c *channel, i Item) bool {
	r, root, ok := n.current(ctx, c, &i)
	if !ok {
		n.finish(ctx, c, i, r, Failed, errUnreadable)
		return true
	}
	sctx, cancel := n.attempt(ctx)
	defer cancel()
	ref, err := c.sender.send(sctx, r.Alert, root)
	if err == nil {
		r.Ref = ref
		n.finish(ctx, c, i, r, Sent, nil)
		return true
	}
	n.retry(ctx, c, i, r, err)
	return false
}

func (n *Notifier) editOne(ctx context.Context, c *channel, i Item) {
	e, ok := c.sender.(editor)
	r, root, readable := n.current(ctx, c, &i)
	if !ok || !readable || root == "" {
		n.finish(ctx, c, i, r, Dropped, nil)
		return
	}
	sctx, cancel := n.attempt(ctx)
	defer cancel()
	switch err := e.edit(sctx, r.Alert.as(Opened), root); {
	case err == nil, errors.Is(err, errGone):
		i.Due = time.Now()
		n.finish(ctx, c, i, r, Sent, nil)
	default:
		n.retry(ctx, c, i, r, err)
	}
}

func (n *Notifier) sendDigest(ctx context.Context, c *channel, items []Item) {
	var alerts []Alert
	records := make([]record, len(items))
	for k := range items {
		r, _, ok := n.current(ctx, c, &items[k])
		records[k] = r
		if ok {
			alerts = append(alerts, r.Alert)
		}
	}
	sctx, cancel := n.attempt(ctx)
	defer cancel()
	_, err := c.sender.send(sctx, digest(alerts), "")
	for k, i := range items {
		if err == nil {
			n.finish(ctx, c, i, records[k], Sent, nil)
		} else {
			n.retry(ctx, c, i, records[k], err)
		}
	}
	if err == nil {
		c.count("digests")
	}
}

// attempt is the time that one delivery has. Once begun it is finished, also
// when the program is about to end.
func (n *Notifier) attempt(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), n.cfg.Timeout)
}

// current returns the alert of an item with the figures of now, and the
// channel's name of the incident's first message.
func (n *Notifier) current(ctx context.Context, c *channel, i *Item) (r record, root string, ok bool) {
	r, err := i.record()
	if err != nil {
		return record{Created: i.Due}, "", false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.stories[i.Incident]
	if s == nil || s.threads[c.name] == nil { // of before a restart, and not told of since
		known, err := n.known(ctx, i.Incident)
		if err != nil {
			n.log.Warn("an alert is sent without its thread", "channel", c.name, "err", err)
		}
		return r, restore(c, known).ref, true
	}
	t := s.threads[c.name]
	// The cause, and what it was before, stay as they were decided.
	if s.now.Firing == r.Alert.Firing || i.Kind == Opened || i.Kind == Updated {
		a := s.now
		a.WasCause, a.WasLayer = r.Alert.WasCause, r.Alert.WasLayer
		if i.Kind == Opened || i.Kind == Updated {
			a.Cause, a.Layer = t.cause, t.layer
		} else {
			a.Cause, a.Layer = r.Alert.Cause, r.Alert.Layer
		}
		r.Alert = a.as(i.Kind)
		r.Alert.Key = i.ID
	}
	return r, t.ref, true
}

// finish keeps the result of an item, and plans what follows from it.
func (n *Notifier) finish(ctx context.Context, c *channel, i Item, r record, state State, err error) {
	c.count(string(state))
	if err != nil {
		n.log.Error("an alert was not delivered", "channel", c.name, "kind", i.Kind, "incident", i.Incident, "tries", i.Tries, "err", err)
	}
	i.State = state
	n.store(ctx, c, i, r)
}

// retry puts an item off, or gives up.
func (n *Notifier) retry(ctx context.Context, c *channel, i Item, r record, err error) {
	i.Tries++
	if time.Since(r.Created) > n.cfg.GiveUp {
		n.finish(ctx, c, i, r, Failed, err)
		return
	}
	c.count("retries")
	wait := backoff(i.Tries, err)
	n.log.Warn("an alert could not be delivered and will be tried again", "channel", c.name, "kind", i.Kind, "incident", i.Incident,
		"tries", i.Tries, "wait", wait, "err", err)
	i.Due = time.Now().Add(wait)
	if later := (laterError{}); errors.As(err, &later) {
		c.until = i.Due
	}
	n.store(ctx, c, i, r)
}

// store writes an item back. It is done also when ctx has ended: what has been
// sent is not to be sent again at the next start.
func (n *Notifier) store(ctx context.Context, c *channel, i Item, r record) {
	ctx = context.WithoutCancel(ctx)
	i.keep(r)
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.stories[i.Incident]
	var t *thread
	if s != nil {
		t = s.threads[c.name]
	}
	if t != nil {
		if was := t.items[i.ID]; was != nil && was.State == Dropped && i.State == Waiting {
			return // it became untrue while it was tried
		}
		t.items[i.ID] = &i
		switch {
		case i.Kind == Opened:
			t.root = &i
			if i.State == Sent {
				t.ref, t.cause, t.layer, t.shown, t.edited = r.Ref, r.Alert.Cause, r.Alert.Layer, r.Alert.Text, time.Now()
				t.closed = !r.Alert.Firing
			}
		case i.Kind == Updated && i.State == Sent:
			t.shown, t.edited = r.Alert.as(Opened).Text, time.Now()
		}
	}
	if err := n.box.Put(ctx, i); err != nil {
		c.unkept[i.ID] = i
		n.log.Error("the outbox did not take what became of an alert: it will be sent again after a restart", "channel", c.name, "incident", i.Incident, "err", err)
	}
	if s != nil {
		if err := n.plan(ctx, s); err != nil {
			n.log.Error("an alert is not kept", "incident", i.Incident, "err", err)
		}
	}
}

// restate tells a channel that wants to hear it again what goes on.
func (n *Notifier) restate(ctx context.Context, c *channel, s stater) {
	var firing []Alert
	n.mu.Lock()
	for _, story := range n.stories {
		t := story.threads[c.name]
		if t == nil || t.root == nil || t.root.State != Sent {
			continue
		}
		if end := t.items[itemID(story.now.ID, c.name, Ended, "", t.again)]; story.now.Firing || end != nil && end.State == Waiting {
			a := t.as(story.now, Opened)
			a.Firing = true
			firing = append(firing, a)
		}
	}
	for _, a := range n.budgets {
		if c.takes(a.Site) {
			firing = append(firing, a)
		}
	}
	n.mu.Unlock()
	if len(firing) == 0 {
		return
	}
	sctx, cancel := n.attempt(ctx)
	defer cancel()
	if err := s.state(sctx, firing); err != nil {
		c.count("retries")
		n.log.Warn("alerts that go on could not be repeated", "channel", c.name, "err", err)
	}
}
