// Package outboxtest is what every alert.Outbox has to pass.
package outboxtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/dashboards/alert"
)

// Run tests the Outbox that open returns, an empty one at each call.
func Run(t *testing.T, open func(t *testing.T) alert.Outbox) {
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	item := func(id string, after time.Duration, state alert.State) alert.Item {
		return alert.Item{ID: id, Channel: "slack", Kind: alert.Opened, Incident: "i1", Payload: []byte(`{"text":"` + id + ` \u202e é"}`), Due: begin.Add(after), Tries: 2, State: state}
	}
	ids := func(items []alert.Item) (out []string) {
		for _, i := range items {
			out = append(out, i.ID)
		}
		return out
	}
	take := func(t *testing.T, box alert.Outbox, after time.Duration, n int) []alert.Item {
		t.Helper()
		items, err := box.Take(t.Context(), "slack", begin.Add(after), n)
		if err != nil {
			t.Fatal(err)
		}
		return items
	}
	put := func(t *testing.T, box alert.Outbox, items ...alert.Item) {
		t.Helper()
		if err := box.Put(t.Context(), items...); err != nil {
			t.Fatal(err)
		}
	}
	same := func(t *testing.T, want, got any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}

	t.Run("an item comes back as it was put", func(t *testing.T) {
		box := open(t)
		want := item("a", 1500*time.Millisecond, alert.Waiting)
		put(t, box, want)
		got := take(t, box, time.Minute, 10)
		if len(got) != 1 || !got[0].Due.Equal(want.Due) {
			t.Fatalf("%+v", got)
		}
		got[0].Due = want.Due // in whichever zone
		same(t, []alert.Item{want}, got)
		same(t, []string{"a"}, ids(take(t, box, time.Minute, 10))) // taking changes nothing
	})
	t.Run("what is due comes first, of its channel, as many as asked", func(t *testing.T) {
		box := open(t)
		other := item("x", 0, alert.Waiting)
		other.Channel = "email"
		put(t, box, item("c", 3*time.Second, alert.Waiting), item("a", time.Second, alert.Waiting), item("b", 2*time.Second, alert.Waiting),
			item("later", time.Hour, alert.Waiting), item("sent", 0, alert.Sent), item("failed", 0, alert.Failed), item("dropped", 0, alert.Dropped), other)
		same(t, []string{"a", "b", "c"}, ids(take(t, box, 3*time.Second, 10)))
		same(t, []string{"a", "b"}, ids(take(t, box, time.Minute, 2)))
		same(t, 0, len(take(t, box, 999*time.Millisecond, 10)))
	})
	t.Run("the same id replaces", func(t *testing.T) {
		box := open(t)
		put(t, box, item("a", 0, alert.Waiting))
		put(t, box, item("a", 0, alert.Sent))
		same(t, 0, len(take(t, box, time.Minute, 10)))
		items, err := box.Of(t.Context(), "i1")
		if err != nil || len(items) != 1 || items[0].State != alert.Sent {
			t.Errorf("%+v %v", items, err)
		}
	})
	t.Run("all items of an incident, and only those", func(t *testing.T) {
		box := open(t)
		other := item("b", 0, alert.Waiting)
		other.Incident = "i2"
		put(t, box, item("a", 0, alert.Sent), other, item("c", time.Second, alert.Dropped))
		items, err := box.Of(t.Context(), "i1")
		if err != nil {
			t.Fatal(err)
		}
		same(t, []string{"a", "c"}, ids(items))
	})
	t.Run("what waits is never forgotten", func(t *testing.T) {
		box := open(t)
		put(t, box, item("a", 0, alert.Sent), item("b", 0, alert.Waiting), item("c", time.Hour, alert.Sent))
		if err := box.Forget(t.Context(), begin.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		items, err := box.Of(t.Context(), "i1")
		if err != nil {
			t.Fatal(err)
		}
		same(t, []string{"b", "c"}, ids(items))
	})
	t.Run("several goroutines", func(t *testing.T) {
		box := open(t)
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				for i := range 25 {
					if err := box.Put(context.Background(), item(fmt.Sprintf("%d-%02d", g, i), 0, alert.Waiting)); err != nil {
						t.Error(err)
					}
					if _, err := box.Take(context.Background(), "slack", begin, 10); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		same(t, 100, len(take(t, box, 0, 1000)))
	})
}
