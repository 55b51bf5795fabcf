//go:build integration && linux

package livetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A watcher looks at the list all the time, and notes when a request stood in it
// for the first time, and when for the last.
type watcher struct {
	s      *server
	prefix string // of the requests that count

	mu    sync.Mutex
	first map[string]time.Time // by request id
	final map[string]time.Time
	ended map[string]time.Time // when the proxy wrote its line, as the row says
	worst time.Duration        // that looking took
}

const (
	lookEvery = 100 * time.Millisecond
	hold      = 90 * time.Second // after which a request is final
)

// watch looks until the returned function is called.
func watch(s *server, prefix string) (*watcher, func()) {
	w := &watcher{s: s, prefix: prefix, first: make(map[string]time.Time), final: make(map[string]time.Time), ended: make(map[string]time.Time)}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	begin := time.Now().Add(-time.Second)
	// What is new, what comes too late, and what has had its time: what was seen
	// ended by then.
	for _, x := range []struct{ every, from, to time.Duration }{
		{lookEvery, -8 * time.Second, time.Second},
		{10 * lookEvery, -40 * time.Second, -7 * time.Second},
		{5 * lookEvery, -hold - 12*time.Second, -hold + time.Second},
	} {
		work.Go(func() {
			for ctx.Err() == nil {
				w.look(begin, x.from, x.to)
				sleep(ctx, x.every)
			}
		})
	}
	return w, func() { cancel(); work.Wait() }
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// look reads what ended between two times from now, after begin.
func (w *watcher) look(begin time.Time, from, to time.Duration) {
	now := time.Now()
	a, b := now.Add(from), now.Add(to)
	if a.Before(begin) {
		a = begin
	}
	if !b.After(a) {
		return
	}
	rows, err := w.s.list(a, b)
	if err != nil {
		return // it is being restarted; that nothing was seen meanwhile shows in the times
	}
	now = time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.worst = max(w.worst, now.Sub(b.Add(-to)))
	for i := range rows {
		w.see(&rows[i], now)
	}
}

func (w *watcher) see(r *row, now time.Time) {
	if !strings.HasPrefix(r.RequestID, w.prefix) {
		return
	}
	if _, ok := w.first[r.RequestID]; !ok {
		w.first[r.RequestID] = now
		w.ended[r.RequestID] = r.Ended
	}
	if _, ok := w.final[r.RequestID]; !ok && r.Final {
		w.final[r.RequestID] = now
	}
}

// times are how long something took, in order.
type times []time.Duration

func (ts times) at(share float64) time.Duration {
	if len(ts) == 0 {
		return 0
	}
	return ts[min(len(ts)-1, int(share*float64(len(ts))))]
}

func (ts times) String() string {
	return fmt.Sprintf("p50 %s, p99 %s, max %s of %d", ts.at(0.5).Round(time.Millisecond), ts.at(0.99).Round(time.Millisecond), ts.at(1).Round(time.Millisecond), len(ts))
}

// since returns how long after the line stood in the proxy's log, or the client
// had its answer where that was earlier, something was seen.
func (w *watcher) since(seen map[string]time.Time, answers map[string]answer) times {
	var out times
	for id, at := range seen {
		from := w.ended[id]
		if a := answers[id]; !a.left && a.got.Before(from) {
			from = a.got
		}
		out = append(out, at.Sub(from))
	}
	slices.Sort(out)
	return out
}

// allFinal waits until everything in the list is final, and returns it.
func (w *watcher) allFinal(t *testing.T, from time.Time, most time.Duration) []row {
	t.Helper()
	for end := time.Now().Add(most); ; time.Sleep(time.Second) {
		rows, err := w.s.list(from, time.Now().Add(time.Minute))
		if err != nil {
			if time.Now().After(end) {
				t.Fatal(err)
			}
			continue // a machine that is busy may not answer at once
		}
		open := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.Final })
		if len(open) == 0 {
			w.mu.Lock()
			defer w.mu.Unlock()
			for i := range rows {
				w.see(&rows[i], time.Now())
			}
			return rows
		}
		if time.Now().After(end) {
			for i := range open[:min(len(open), 20)] {
				t.Errorf("not final after %s, of %d: %s", time.Since(open[i].Ended).Round(time.Second), len(open), open[i].words())
			}
			return rows
		}
	}
}
