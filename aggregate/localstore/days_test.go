package localstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"why503/aggregate"
	"why503/aggregate/rollup"
	"why503/parse/traffic"
)

// thirtyDays fills a store with a busy site: of 50 backends by 40 causes 5 % in
// every minute, as many rows of traffic, and every twentieth failure as a fact.
func thirtyDays(b *testing.B, s *Store, days int) {
	b.Helper()
	ctx := b.Context()
	rng := rand.New(rand.NewPCG(1, 1))
	first := traffic.Minute(t0.Truncate(24*time.Hour).Unix() / 60)
	for m := range traffic.Minute(days * minutesOfDay) {
		batch := &aggregate.Batch{}
		t := aggregate.SourceMinute{Source: "/var/log/varnish/varnish.log", Minute: first + m, Front: true}
		for i := range 100 {
			cell := &traffic.Cell{N: 400, Bytes: 1e6, Busy: time.Minute}
			for range 8 {
				cell.Hist.Add(time.Duration(rng.ExpFloat64()*1e8), 50)
			}
			t.Rows = append(t.Rows, traffic.Row[traffic.Key]{
				Key:  traffic.Key{Site: "shop.example", Source: t.Source, Proxy: "varnish@edge-1", Backend: fmt.Sprint("app", i%50), Route: fmt.Sprint("/route/", i%30), Method: "GET", StatusClass: uint8(2 + i%4)},
				Cell: cell,
			})
		}
		batch.Traffic = []aggregate.SourceMinute{t}
		at := time.Unix(int64(first+m)*60, 0)
		for i := range 5 {
			f := testFact(int(m)*5+i, at.Add(time.Duration(i)*10*time.Second))
			backend, cause := rng.IntN(50), rng.IntN(40)
			f.Row.Backend, f.Row.Cause = fmt.Sprint("app", backend), fmt.Sprint("cause.number_", cause)
			f.Row.Route = fmt.Sprint("/route/", (backend*7+cause)%30)
			batch.Facts = append(batch.Facts, f)
		}
		if m%600 == 0 {
			batch.Incidents = []aggregate.Incident{{ID: fmt.Sprintf("%s-%08x", at.UTC().Format("20060102T1504Z"), m), Site: "shop.example", Start: at, End: at.Add(5 * time.Minute), Causes: []aggregate.Cause{{Cause: "cause.number_1"}}}}
		}
		batch.Settled = (first + m).Start()
		err := s.change(ctx, func(c conn) error {
			if err := s.write(c, batch); err != nil {
				return err
			}
			for range 95 {
				backend, cause := rng.IntN(50), rng.IntN(40)
				id, err := s.fails.id(c, failKey{decidable: true, chain: "origin_down.refused\nprocess.crashed", FailureKey: rollup.FailureKey{
					Site: "shop.example", Class: "failure", Cause: fmt.Sprint("cause.number_", cause), Symptom: "origin_down.refused", Reached: "never", Proxy: "varnish@edge-1",
					Backend: fmt.Sprint("app", backend), Route: fmt.Sprint("/route/", (backend*7+cause)%30),
				}})
				if err != nil {
					return err
				}
				if _, err := applyOne(c, cellAt{first + m, id}, &change{n: 10, confidence: 9 * confidenceUnit, hist: []step{{100, 7}, {120, 3}}}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		if m%1440 == 1439 {
			if err := s.Maintain(ctx); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := s.Maintain(ctx); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkThirtyDays asks what the page asks, of thirty days. WHY503_BENCH_DAYS
// makes them fewer.
func BenchmarkThirtyDays(b *testing.B) {
	days := 30
	if n := os.Getenv("WHY503_BENCH_DAYS"); n != "" {
		if _, err := fmt.Sscan(n, &days); err != nil {
			b.Fatal(err)
		}
	}
	path := filepath.Join(b.TempDir(), "why503.db")
	s, err := Open(b.Context(), Config{Path: path, Facts: -1, Records: -1, Minutes: -1, Hours: -1, Seconds: -1})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	begin := time.Now()
	thirtyDays(b, s, days)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d days: %d MB, filled in %s, %s", days, info.Size()>>20, time.Since(begin).Round(time.Second), resident())
	end := t0.Truncate(24 * time.Hour).Add(time.Duration(days)*24*time.Hour - 17*time.Minute)
	ctx := context.Background()
	ask := func(name string, f func() error) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for _, r := range []struct {
		name string
		d    time.Duration
		step time.Duration
	}{{"1h", time.Hour, time.Minute}, {"6h", 6 * time.Hour, 5 * time.Minute}, {"24h", 24 * time.Hour, 10 * time.Minute}, {"30d", 30 * 24 * time.Hour, 6 * time.Hour}} {
		q := aggregate.Query{From: end.Add(-r.d), To: end}
		narrow := q
		narrow.Site, narrow.Backend = "shop.example", "app7"
		cause := q
		cause.Cause = "cause.number_3"
		ask("summary of "+r.name, func() error { _, err := s.Summary(ctx, q); return err })
		ask("summary of a backend of "+r.name, func() error { _, err := s.Summary(ctx, narrow); return err })
		ask("timeseries of "+r.name, func() error { _, err := s.Timeseries(ctx, q, r.step); return err })
		ask("timeseries of a backend of "+r.name, func() error { _, err := s.Timeseries(ctx, narrow, r.step); return err })
		ask("incidents of "+r.name, func() error { _, _, err := s.Incidents(ctx, q, "", 50); return err })
		ask("failures of a cause of "+r.name, func() error { _, _, err := s.Failures(ctx, cause, "", 50); return err })
		ask("failures of "+r.name, func() error { _, _, err := s.Failures(ctx, q, "", 50); return err })
	}
	ask("request by id", func() error { _, err := s.Find(ctx, testFact(days*3000, t0).Row.UID); return err })
	b.Log(resident())
}

// resident is the memory of the process, as Linux tells it.
func resident() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(status)) {
		if len(line) > 6 && line[:6] == "VmRSS:" {
			return line
		}
	}
	return ""
}
