package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/aggregate"
	"why503/parse/traffic"
)

var approx = cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-6 })

func write(t testing.TB, s Store, b ...*aggregate.Batch) {
	t.Helper()
	for _, x := range b {
		if err := s.Write(t.Context(), x); err != nil {
			t.Fatal(err)
		}
	}
}

func all(t testing.TB, s Store, q aggregate.Query, page int) (rows []aggregate.Failure) {
	t.Helper()
	cursor := ""
	for range 10_000 {
		list, next, err := s.Failures(t.Context(), q, cursor, page)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, list...)
		if next == "" {
			return rows
		}
		cursor = next
	}
	t.Fatal("the list has no end")
	return nil
}

// same holds a store against a model, over many ranges and filters.
func same(t *testing.T, s Store, m *model) {
	t.Helper()
	ctx := t.Context()
	for i, q := range queries() {
		sum, err := s.Summary(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		if q.Backend == "" {
			if diff := cmp.Diff(m.brief(q), briefOf(sum), approx); diff != "" {
				t.Fatalf("Summary of query %d, %+v: %s", i, q, diff)
			}
		} else if want := m.brief(q); sum.Failures != want.Failures || cmp.Diff(want.Classes, briefOf(sum).Classes) != "" {
			t.Fatalf("Summary of query %d has %d failures, want %d", i, sum.Failures, want.Failures)
		}
		want := m.rows(q)
		got := all(t, s, q, 97)
		if diff := cmp.Diff(want, append([]aggregate.Failure{}, got...)); diff != "" {
			t.Fatalf("Failures of query %d: %s", i, diff)
		}
		if q.From.IsZero() {
			continue
		}
		for _, step := range []time.Duration{time.Minute, 7 * time.Minute, time.Hour, 6 * time.Hour} {
			if step < time.Hour && q.To.Sub(q.From) > time.Hour {
				continue
			}
			points, err := s.Timeseries(ctx, q, step)
			if err != nil {
				t.Fatal(err)
			}
			for k := range points {
				points[k].Partial = false
				if q.Backend != "" { // whose requests a backend's are is the store's to say
					points[k].Requests, points[k].NoData = 0, false
				}
			}
			want := m.points(q, step)
			for k := range want {
				if q.Backend != "" {
					want[k].Requests, want[k].NoData = 0, false
				}
			}
			if diff := cmp.Diff(want, points); diff != "" {
				t.Fatalf("Timeseries of query %d in steps of %s: %s", i, step, diff)
			}
		}
	}
	seconds, err := s.Seconds(ctx, epoch.Unix()+600)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m.secondsFrom(epoch.Unix()+600), seconds); diff != "" {
		t.Fatalf("Seconds: %s", diff)
	}
	for k, want := range m.traffic {
		got, err := s.Minute(ctx, k.source, k.minute)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rowsOf(&want), rowsOf(got)); diff != "" || got.Failed != want.Failed || got.Front != want.Front {
			t.Fatalf("Minute: %s", diff)
		}
	}
}

// rowsOf are the rows of a minute, histograms by their encoding.
func rowsOf(m *aggregate.SourceMinute) map[traffic.Key]string {
	out := make(map[traffic.Key]string)
	for _, r := range m.Rows {
		hist, _ := r.Hist.AppendBinary(nil)
		out[r.Key] = fmt.Sprint(r.N, r.Saved, r.Bytes, r.Busy, string(hist))
	}
	return out
}

func queries() []aggregate.Query {
	list := []aggregate.Query{
		{}, {Class: "all"}, {Class: "saved"}, {Site: sites[0]}, {Cause: causes[1]}, {Cause: symptoms[0]}, {Backend: backends[2]}, {Site: "nobody"}, {Site: aggregate.NoSite},
	}
	for _, r := range [][2]time.Duration{{0, time.Hour}, {17 * time.Minute, 19 * time.Minute}, {0, 24 * time.Hour}, {59 * time.Minute, 3*time.Hour + time.Minute}, {90*time.Second + 7, 5*time.Hour + 11}} {
		q := aggregate.Query{From: epoch.Add(r[0]), To: epoch.Add(r[1])}
		list = append(list, q)
		q.Site, q.Cause = sites[1], causes[0]
		list = append(list, q)
		q.Backend, q.Cause, q.Site = backends[0], "", ""
		list = append(list, q)
	}
	return list
}

func testEmpty(t *testing.T, s Store) {
	ctx := t.Context()
	same(t, s, newModel())
	sum, err := s.Summary(ctx, aggregate.Query{From: epoch, To: epoch.Add(time.Hour), Incident: "20260102T0303Z-00000000"})
	if err != nil || sum.Requests != 0 || sum.Causes == nil || sum.Incidents == nil || sum.Sources == nil || sum.Missing == nil {
		t.Errorf("%+v %v", sum, err)
	}
	for what, err := range map[string]error{
		"Find": call(s.Find(ctx, "nobody")), "Incident": call(s.Incident(ctx, "20260102T0303Z-00000000")), "Minute": call(s.Minute(ctx, "a", 1)),
		"Records": func() error { _, _, err := s.Records(ctx, "nobody"); return err }(), "Find of nothing": call(s.Find(ctx, "")),
	} {
		if !errors.Is(err, aggregate.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if list, err := s.Sources(ctx); err != nil || list == nil || len(list) > 0 {
		t.Error(list, err)
	}
	if at, err := s.Settled(ctx); err != nil || at != 0 {
		t.Error(at, err)
	}
	if list, next, err := s.Incidents(ctx, aggregate.Query{}, "", 5); err != nil || next != "" || list == nil || len(list) > 0 {
		t.Error(list, next, err)
	}
	write(t, s, &aggregate.Batch{})
}

func call[T any](_ T, err error) error { return err }

func testOrder(t *testing.T, open func(testing.TB) (Store, func() Store)) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			whole := tale(rng, 300, 320)
			m := newModel()
			m.write(whole)
			s, reopen := open(t)
			for i, b := range pieces(rng, whole) {
				write(t, s, b)
				if i%9 == 0 {
					if err := s.Maintain(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
			same(t, s, m)
			if err := s.Maintain(t.Context()); err != nil {
				t.Fatal(err)
			}
			same(t, s, m)
			s = reopen()
			same(t, s, m)
			write(t, s, whole) // replayed after a restart
			same(t, s, m)
		})
	}
}

func testVersions(t *testing.T, s Store) {
	rng := rand.New(rand.NewPCG(3, 3))
	state := func(version uint64, final bool, revision int, cause string) aggregate.Fact {
		f := factAt(rng, 1, epoch)
		f.Version, f.Row.Final, f.Row.Revision, f.Row.Cause, f.Row.Class = version, final, revision, cause, "failure"
		return f
	}
	for _, step := range []struct {
		state aggregate.Fact
		want  string
	}{
		{state(5, false, 1, "first"), "first"},
		{state(4, true, 9, "poorer"), "first"},
		{state(5, false, 2, "a later revision"), "a later revision"},
		{state(5, false, 1, "an earlier one"), "a later revision"},
		{state(5, true, 2, "final"), "final"},
		{state(5, false, 3, "no longer final"), "final"},
		{state(6, false, 3, "more complete"), "more complete"},
		{state(1<<63+5, false, 3, "beyond a signed number"), "beyond a signed number"},
		{state(7, true, 4, "below it"), "beyond a signed number"},
	} {
		write(t, s, &aggregate.Batch{Facts: []aggregate.Fact{step.state}})
		rows := all(t, s, aggregate.Query{}, 10)
		sum, err := s.Summary(t.Context(), aggregate.Query{})
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != 1 || rows[0].Cause != step.want || sum.Failures != 1 || len(sum.Causes) != 1 || sum.Causes[0].Cause != step.want {
			t.Fatalf("after %q: %+v, %+v", step.state.Row.Cause, rows, sum.Causes)
		}
	}
	if _, version, err := s.Records(t.Context(), state(0, false, 0, "").Row.UID); err != nil || version != 1<<63+5 {
		t.Error(version, err)
	}
}

func testGone(t *testing.T, s Store) {
	rng := rand.New(rand.NewPCG(4, 4))
	f, early := factAt(rng, 1, epoch), factAt(rng, 2, epoch)
	f.Row.Class, early.Row.Class = "failure", "failure"
	gone := func(f aggregate.Fact) aggregate.Fact {
		return aggregate.Fact{Gone: true, Version: 1, Row: aggregate.Failure{UID: f.Row.UID, Ended: f.Row.Ended}}
	}
	write(t, s,
		&aggregate.Batch{Facts: []aggregate.Fact{f, gone(early)}},
		&aggregate.Batch{Facts: []aggregate.Fact{gone(f)}},
		&aggregate.Batch{Facts: []aggregate.Fact{f, early}})
	late := f
	late.Version, late.Row.Final = 1<<50, true
	write(t, s, &aggregate.Batch{Facts: []aggregate.Fact{late}})
	if rows := all(t, s, aggregate.Query{Class: "all"}, 10); len(rows) > 0 {
		t.Errorf("%+v", rows)
	}
	sum, err := s.Summary(t.Context(), aggregate.Query{})
	if err != nil || sum.Failures != 0 || len(sum.Causes) > 0 {
		t.Errorf("%+v %v", sum, err)
	}
	for _, id := range []string{f.Row.UID, f.Row.RequestID, early.Row.UID} {
		if _, err := s.Find(t.Context(), id); !errors.Is(err, aggregate.ErrNotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
	if _, _, err := s.Records(t.Context(), f.Row.UID); !errors.Is(err, aggregate.ErrNotFound) {
		t.Error(err)
	}
}

func testLate(t *testing.T, s Store) {
	rng := rand.New(rand.NewPCG(5, 5))
	m := newModel()
	b := &aggregate.Batch{Facts: []aggregate.Fact{factAt(rng, 1, epoch.Add(30*time.Hour))}}
	m.write(b)
	write(t, s, b)
	if err := s.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, at := range []time.Duration{time.Minute, 61 * time.Minute, 25 * time.Hour, -time.Hour} {
		b := &aggregate.Batch{Facts: []aggregate.Fact{factAt(rng, 2+i, epoch.Add(at))}, Traffic: []aggregate.SourceMinute{minuteOf(rng, "late.log", true, epoch.Add(at))}}
		m.write(b)
		write(t, s, b)
		same(t, s, m)
		if i == 2 {
			if err := s.Maintain(t.Context()); err != nil {
				t.Fatal(err)
			}
			same(t, s, m)
		}
	}
}

// testZero moves the only fact of a key to another one.
func testZero(t *testing.T, s Store) {
	rng := rand.New(rand.NewPCG(6, 6))
	f := factAt(rng, 1, epoch.Add(time.Minute))
	f.Row.Class = "failure"
	write(t, s, &aggregate.Batch{Facts: []aggregate.Fact{f}})
	if err := s.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.Version++
	f.Row.Cause, f.Row.Site, f.Row.Ended = "another", "another.example", epoch.Add(2*time.Hour).Format(stampLayout)
	write(t, s, &aggregate.Batch{Facts: []aggregate.Fact{f}})
	for range 2 {
		sum, err := s.Summary(t.Context(), aggregate.Query{})
		if err != nil || len(sum.Causes) != 1 || sum.Causes[0].Cause != "another" || sum.Causes[0].Count != 1 {
			t.Fatalf("%+v %v", sum, err)
		}
		sum, err = s.Summary(t.Context(), aggregate.Query{To: epoch.Add(time.Hour)})
		if err != nil || len(sum.Causes) != 0 || sum.Failures != 0 {
			t.Fatalf("%+v %v", sum, err)
		}
		if err := s.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func testTraffic(t *testing.T, open func(testing.TB) (Store, func() Store)) {
	s, reopen := open(t)
	rng := rand.New(rand.NewPCG(7, 7))
	m := newModel()
	for range 40 {
		at := epoch.Add(time.Duration(rng.IntN(90)) * time.Minute)
		b := &aggregate.Batch{Traffic: []aggregate.SourceMinute{minuteOf(rng, "varnish.log", true, at), minuteOf(rng, "nginx.log", false, at)}}
		m.write(b)
		write(t, s, b)
	}
	same(t, s, m)
	none := &aggregate.Batch{Traffic: []aggregate.SourceMinute{{Source: "varnish.log", Front: true, Minute: traffic.Minute(epoch.Unix()/60) + 200}}}
	m.write(none)
	write(t, s, none)
	s = reopen()
	same(t, s, m)
}

func testSeconds(t *testing.T, s Store) {
	rng := rand.New(rand.NewPCG(8, 8))
	m := newModel()
	for i := range 60 {
		b := &aggregate.Batch{Seconds: []aggregate.SourceSecond{
			{Source: pick(rng, []string{"a", "b"}), Site: pick(rng, sites), At: epoch.Unix() + 590 + int64(rng.IntN(40)), Requests: int64(rng.IntN(50))},
		}}
		if i%3 == 0 {
			b.Facts = []aggregate.Fact{factAt(rng, i, epoch.Add(590*time.Second+time.Duration(rng.IntN(40_000))*time.Millisecond))}
		}
		m.write(b)
		write(t, s, b)
	}
	same(t, s, m)
}

func testCancelled(t *testing.T, s Store) {
	rng := rand.New(rand.NewPCG(9, 9))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := &aggregate.Batch{Facts: []aggregate.Fact{factAt(rng, 1, epoch)}, Settled: 5}
	three := func(_ any, _ any, err error) error { return err }
	for what, f := range map[string]func() error{
		"Write":      func() error { return s.Write(ctx, b) },
		"Summary":    func() error { return call(s.Summary(ctx, aggregate.Query{})) },
		"Timeseries": func() error { return call(s.Timeseries(ctx, aggregate.Query{}, time.Minute)) },
		"Failures":   func() error { return three(s.Failures(ctx, aggregate.Query{}, "", 1)) },
		"Find":       func() error { return call(s.Find(ctx, "x")) },
		"Records":    func() error { return three(s.Records(ctx, "x")) },
		"Incidents":  func() error { return three(s.Incidents(ctx, aggregate.Query{}, "", 1)) },
		"Incident":   func() error { return call(s.Incident(ctx, "x")) },
		"Sources":    func() error { return call(s.Sources(ctx)) },
		"Signals":    func() error { return call(s.Signals(ctx, 0, 1)) },
		"Seconds":    func() error { return call(s.Seconds(ctx, 0)) },
		"Minute":     func() error { return call(s.Minute(ctx, "a", 1)) },
		"Settled":    func() error { return call(s.Settled(ctx)) },
		"Marks":      func() error { return call(s.Marks(ctx, aggregate.Query{})) },
		"Mark":       func() error { return s.Mark(ctx, aggregate.Mark{At: epoch}) },
		"Maintain":   func() error { return s.Maintain(ctx) },
	} {
		if err := f(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if at, err := s.Settled(t.Context()); err != nil || at != 0 {
		t.Errorf("a part of the batch was written: %v %v", at, err)
	}
}

// testInterrupted ends contexts in the midst of writes.
func testInterrupted(t *testing.T, s Store) {
	rng := rand.New(rand.NewPCG(10, 10))
	m := newModel()
	for i := range 20 {
		b := tale(rng, 150, 3)
		for k := range b.Facts {
			b.Facts[k].Row.UID = fmt.Sprint(i, "-", b.Facts[k].Row.UID)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.IntN(30))*time.Millisecond)
		err := s.Write(ctx, b)
		cancel()
		if err == nil {
			m.write(b)
		} else if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if got, want := len(all(t, s, aggregate.Query{Class: "all"}, 1000)), len(m.rows(aggregate.Query{Class: "all"})); got != want {
			t.Fatalf("%d facts after %v, want %d", got, err, want)
		}
		if err != nil {
			m.write(b)
			write(t, s, b)
		}
	}
	same(t, s, m)
}

// testConcurrent reads while another goroutine writes: a batch is seen whole.
func testConcurrent(t *testing.T, s Store) {
	rng := rand.New(rand.NewPCG(11, 11))
	done := make(chan error, 1)
	go func() {
		for i := range 60 {
			f := factAt(rng, i, epoch.Add(time.Duration(i)*time.Second))
			g := factAt(rng, i+1000, epoch.Add(time.Duration(i)*time.Second))
			f.Row.Class, g.Row.Class = "failure", "failure"
			if err := s.Write(context.Background(), &aggregate.Batch{Facts: []aggregate.Fact{f, g}}); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			if rows := all(t, s, aggregate.Query{}, 7); len(rows) != 120 {
				t.Errorf("%d facts", len(rows))
			}
			return
		default:
		}
		sum, err := s.Summary(t.Context(), aggregate.Query{})
		if err != nil {
			t.Fatal(err)
		}
		if sum.Failures%2 != 0 {
			t.Fatalf("half of a batch is seen: %d failures", sum.Failures)
		}
	}
}
