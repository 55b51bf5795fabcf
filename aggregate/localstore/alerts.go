package localstore

import (
	"context"
	"time"
)

// An Alert is something to be sent, kept until it was.
type Alert struct {
	ID       string // who puts it in again changes nothing
	Channel  string // where it goes
	Kind     string // opened, changed, ended, ...
	Incident string
	Payload  []byte
	Due      time.Time // not before
	Tries    int
	State    string // waiting, or how it ended: sent, dropped, ...
}

const waiting = "waiting"

// PutAlert keeps an alert to be sent. One of an id that is known is left as it
// is.
func (s *Store) PutAlert(ctx context.Context, a Alert) error {
	err := s.change(ctx, func(c conn) error {
		return c.exec(`INSERT INTO alerts (id, channel, kind, incident, payload, due, tries, state) VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting') ON CONFLICT DO NOTHING`,
			clip(a.ID, maxName), clip(a.Channel, maxName), clip(a.Kind, maxName), clip(a.Incident, maxName), s.coder.pack(notNil(a.Payload)), nanos(a.Due), a.Tries)
	})
	if err != nil {
		return s.explain("keeping an alert", err)
	}
	return nil
}

// DueAlerts returns the alerts that wait and whose time has come, the longest
// due first, at most limit.
func (s *Store) DueAlerts(ctx context.Context, now time.Time, limit int) ([]Alert, error) {
	list := []Alert{}
	err := s.read(ctx, func(c conn) error {
		return c.query(`SELECT id, channel, kind, incident, payload, due, tries, state FROM alerts WHERE state = 'waiting' AND due <= ? ORDER BY due, id LIMIT ?`, func(r *row) error {
			a := Alert{ID: r.ColumnText(0), Channel: r.ColumnText(1), Kind: r.ColumnText(2), Incident: r.ColumnText(3), Due: timeOf(r, 5), Tries: r.ColumnInt(6), State: r.ColumnText(7)}
			var err error
			a.Payload, err = s.coder.unpack(bytesOf(r, 4))
			list = append(list, a)
			return err
		}, nanos(now), min(max(limit, 1), maxPage))
	})
	if err != nil {
		return nil, s.explain("reading alerts", err)
	}
	return list, nil
}

// RetryAlert says that an alert was tried in vain and is due again.
func (s *Store) RetryAlert(ctx context.Context, id string, due time.Time) error {
	return s.alert(ctx, `UPDATE alerts SET tries = tries + 1, due = ?2 WHERE id = ?1 AND state = 'waiting'`, id, nanos(due))
}

// DoneAlert says how an alert ended, so that it is not sent again. It stays
// known under its id for as long as incidents are kept.
func (s *Store) DoneAlert(ctx context.Context, id, state string) error {
	if state == "" || state == waiting {
		state = "sent"
	}
	return s.alert(ctx, `UPDATE alerts SET tries = tries + 1, state = ?2, payload = x'' WHERE id = ?1 AND state = 'waiting'`, id, clip(state, maxName))
}

func (s *Store) alert(ctx context.Context, text, id string, arg any) error {
	err := s.change(ctx, func(c conn) error { return c.exec(text, clip(id, maxName), arg) })
	if err != nil {
		return s.explain("updating an alert", err)
	}
	return nil
}
