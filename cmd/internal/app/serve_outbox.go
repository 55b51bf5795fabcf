package app

import (
	"context"
	"time"

	"why503/aggregate/localstore"
	"why503/dashboards/alert"
)

// An outbox keeps alerts in the store.
type outbox struct{ store *localstore.Store }

// Put implements alert.Outbox.
func (o outbox) Put(ctx context.Context, items ...alert.Item) error {
	list := make([]localstore.Alert, len(items))
	for i, x := range items {
		list[i] = localstore.Alert{
			ID: x.ID, Channel: x.Channel, Kind: string(x.Kind), Incident: x.Incident, Payload: x.Payload, Due: x.Due, Tries: x.Tries, State: string(x.State),
		}
	}
	return o.store.PutAlerts(ctx, list)
}

// Take implements alert.Outbox.
func (o outbox) Take(ctx context.Context, channel string, now time.Time, n int) ([]alert.Item, error) {
	list, err := o.store.TakeAlerts(ctx, channel, now, n)
	return items(list), err
}

// Of implements alert.Outbox.
func (o outbox) Of(ctx context.Context, incident string) ([]alert.Item, error) {
	list, err := o.store.AlertsOf(ctx, incident)
	return items(list), err
}

// Forget implements alert.Outbox.
func (o outbox) Forget(ctx context.Context, t time.Time) error { return o.store.ForgetAlerts(ctx, t) }

func items(list []localstore.Alert) []alert.Item {
	out := make([]alert.Item, len(list))
	for i, a := range list {
		out[i] = alert.Item{
			ID: a.ID, Channel: a.Channel, Kind: alert.Kind(a.Kind), Incident: a.Incident, Payload: a.Payload, Due: a.Due, Tries: a.Tries, State: alert.State(a.State),
		}
	}
	return out
}
