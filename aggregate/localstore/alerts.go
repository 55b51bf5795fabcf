package localstore

import (
	"context"
	"time"
)

// An Alert is something to be sent, kept until it was.
type Alert struct {
	ID       string
	Channel  string // where it goes
	Kind     string // opened, changed, ended, ...
	Incident string
	Payload  []byte
	Due      time.Time // not before
	Tries    int
	State    string // waiting, or how it ended: sent, dropped, ...
}

// PutAlerts inserts alerts, or replaces those of the same id, all or none.
func (s *Store) PutAlerts(ctx context.Context, list []Alert) error {
	err := s.change(ctx, func(c conn) error {
		for i := range list {
			a := &list[i]
			err := c.exec(`INSERT INTO alerts (id, channel, kind, incident, payload, due, tries, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
				ON CONFLICT DO UPDATE SET channel = excluded.channel, kind = excluded.kind, incident = excluded.incident, payload = excluded.payload,
					due = excluded.due, tries = excluded.tries, state = excluded.state`,
				clip(a.ID, maxName), clip(a.Channel, maxName), clip(a.Kind, maxName), clip(a.Incident, maxName), s.coder.pack(notNil(a.Payload)), nanos(a.Due), a.Tries, clip(a.State, maxName))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return s.explain("keeping alerts", err)
	}
	return nil
}

// TakeAlerts returns the alerts of a channel that wait and whose time has come,
// the longest due first. It does not change them.
func (s *Store) TakeAlerts(ctx context.Context, channel string, now time.Time, limit int) ([]Alert, error) {
	return s.alerts(ctx, `state = 'waiting' AND due <= ? AND channel = ? ORDER BY due, id LIMIT ?`, nanos(now), clip(channel, maxName), min(max(limit, 1), maxPage))
}

// AlertsOf returns the alerts of an incident, whatever became of them.
func (s *Store) AlertsOf(ctx context.Context, incident string) ([]Alert, error) {
	return s.alerts(ctx, `incident = ? ORDER BY due, id LIMIT ?`, clip(incident, maxName), maxPage)
}

// ForgetAlerts deletes the alerts that do not wait and were due before t.
func (s *Store) ForgetAlerts(ctx context.Context, t time.Time) error {
	err := s.change(ctx, func(c conn) error { return c.exec(`DELETE FROM alerts WHERE state <> 'waiting' AND due < ?`, nanos(t)) })
	if err != nil {
		return s.explain("forgetting alerts", err)
	}
	return nil
}

func (s *Store) alerts(ctx context.Context, where string, args ...any) ([]Alert, error) {
	var list []Alert
	err := s.read(ctx, func(c conn) error {
		return c.query(`SELECT id, channel, kind, incident, payload, due, tries, state FROM alerts WHERE `+where, func(r *row) error {
			a := Alert{ID: r.ColumnText(0), Channel: r.ColumnText(1), Kind: r.ColumnText(2), Incident: r.ColumnText(3), Due: timeOf(r, 5), Tries: r.ColumnInt(6), State: r.ColumnText(7)}
			var err error
			a.Payload, err = s.coder.unpack(bytesOf(r, 4))
			list = append(list, a)
			return err
		}, args...)
	})
	if err != nil {
		return nil, s.explain("reading alerts", err)
	}
	return list, nil
}
