package alert

import (
	"time"
)

// A story is an incident as it stands, and what each channel was told of it.
type story struct {
	now     Alert
	seen    time.Time
	threads map[string]*thread
}

// told reports whether nothing waits to be sent.
func (s *story) told() bool {
	for _, t := range s.threads {
		for _, i := range t.items {
			if i.State == Waiting {
				return false
			}
		}
	}
	return true
}

// A thread is what one channel was told of one incident.
type thread struct {
	c       *channel
	items   map[string]*Item
	root    *Item  // the opening; nil before
	ref     string // of the root at the channel
	cause   string // under which it is told
	layer   string
	again   int    // how often it went on after its end was told
	closed  bool   // the opening itself said that it was over
	shown   string // text of the root as last written
	edited  time.Time
	leading string // another cause that has most failures
	since   time.Time
}

// restore makes the thread of a channel from its items.
func restore(c *channel, known map[string]Item) *thread {
	t := &thread{c: c, items: make(map[string]*Item)}
	var newest time.Time
	for _, i := range known {
		if i.Channel != c.name {
			continue
		}
		t.items[i.ID] = &i
		r, err := i.record()
		if err != nil {
			continue
		}
		switch i.Kind {
		case Opened:
			if i.State != Dropped {
				t.root, t.ref, t.closed = &i, r.Ref, i.State == Sent && !r.Alert.Firing
			}
			if t.cause == "" {
				t.cause, t.layer = r.Alert.Cause, r.Alert.Layer
			}
		case CauseChanged:
			if r.Created.After(newest) {
				newest, t.cause, t.layer = r.Created, r.Alert.Cause, r.Alert.Layer
			}
		case Reopened:
			t.again++
		case Updated:
			if i.State == Sent {
				t.edited = i.Due
			}
		}
	}
	t.closed = t.closed && t.again == 0
	return t
}

// plan returns the items that are new or changed now that the incident stands
// like a.
func (t *thread) plan(a Alert, cfg *Config, now time.Time) []Item {
	gone := a.Kind == Merged || a.Kind == Withdrawn
	if t.root == nil || t.root.State == Dropped {
		if gone || t.root == nil && !a.Firing && now.Sub(*a.End) > cfg.MaxAge {
			return nil
		}
		t.cause, t.layer = a.Cause, a.Layer
		t.root = t.add(a.as(Opened), "", 0, now.Add(cfg.Hold))
		return []Item{*t.root}
	}
	if t.root.State == Waiting {
		if gone {
			t.root.State = Dropped
			return []Item{*t.root}
		}
		t.cause, t.layer = a.Cause, a.Layer // delivery takes it as it then stands
		return nil
	}
	if a.Firing {
		return t.ongoing(a, cfg, now)
	}
	return t.over(a, cfg, now)
}

func (t *thread) ongoing(a Alert, cfg *Config, now time.Time) (put []Item) {
	back := t.closed
	for _, kind := range []Kind{Ended, Merged, Withdrawn} {
		switch end := t.items[t.id(a, kind, "", t.again)]; {
		case end == nil || end.State == Dropped:
		case end.State == Waiting:
			end.State = Dropped
			put = append(put, *end)
		default:
			back = true
		}
	}
	if back {
		t.again++
		t.closed = false
		put = append(put, *t.add(t.as(a, Reopened), "", t.again, now))
	}
	if a.Cause != t.cause && a.Cause != "" {
		if t.leading != a.Cause {
			t.leading, t.since = a.Cause, now
		}
		if now.Sub(t.since) >= cfg.CauseHold {
			put = append(put, t.change(a, now)...)
		}
	} else {
		t.leading = ""
	}
	return append(put, t.edit(a, cfg, now)...)
}

// change tells another cause, once each.
func (t *thread) change(a Alert, now time.Time) []Item {
	told := t.items[t.id(a, CauseChanged, a.Cause, 0)]
	changed := a
	changed.WasCause, changed.WasLayer = t.cause, t.layer
	t.cause, t.layer, t.leading = a.Cause, a.Layer, ""
	if told != nil && !t.c.sender.traits().states {
		return nil
	}
	if told != nil && told.State == Waiting {
		return nil
	}
	return []Item{*t.add(changed.as(CauseChanged), a.Cause, 0, now)}
}

func (t *thread) over(a Alert, cfg *Config, now time.Time) (put []Item) {
	kind := a.Kind
	id := t.id(a, kind, "", t.again)
	for _, i := range t.items { // what is no longer so
		if i.State == Waiting && i.ID != id && i.Kind != Updated {
			i.State = Dropped
			put = append(put, *i)
		}
	}
	if t.closed && kind == Ended {
		return append(put, t.edit(a, cfg, now)...)
	}
	if end := t.items[id]; end == nil || end.State == Dropped {
		due := now
		if kind == Ended {
			due = now.Add(cfg.EndHold)
		}
		return append(put, *t.add(t.as(a, kind), "", t.again, due))
	}
	return append(put, t.edit(a, cfg, now)...)
}

// edit rewrites the opening message when it would read differently.
func (t *thread) edit(a Alert, cfg *Config, now time.Time) []Item {
	if !t.c.sender.traits().edits || t.ref == "" || t.rootText(a) == t.shown {
		return nil
	}
	id := t.id(a, Updated, "", 0)
	if i := t.items[id]; i != nil && i.State == Waiting {
		return nil // delivery takes it as it then stands
	}
	due := now
	if next := t.edited.Add(cfg.Edit); due.Before(next) {
		due = next
	}
	return []Item{*t.add(t.as(a, Updated), "", 0, due)}
}

// rootText is what the opening message says of a.
func (t *thread) rootText(a Alert) string { return t.as(a, Opened).Text }

// as makes the alert say kind under the cause that the channel knows.
func (t *thread) as(a Alert, kind Kind) Alert {
	a.Cause, a.Layer = t.cause, t.layer
	return a.as(kind)
}

func (t *thread) id(a Alert, kind Kind, cause string, n int) string {
	return itemID(a.ID, t.c.name, kind, cause, n)
}

func (t *thread) add(a Alert, cause string, n int, due time.Time) *Item {
	i := newItem(t.id(a, a.Kind, cause, n), t.c.name, a, due)
	t.items[i.ID] = &i
	return &i
}
