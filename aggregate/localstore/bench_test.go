package localstore

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"why503/aggregate"
	"why503/parse/traffic"
)

// second makes what serve writes once a second: new facts, final states of
// those of 90 s ago, and the snapshots of the minute of 20 sources.
func second(rng *rand.Rand, n, perSecond int) *aggregate.Batch {
	b := &aggregate.Batch{}
	at := t0.Add(time.Duration(n) * time.Second)
	fact := func(i int, at time.Time) aggregate.Fact {
		f := testFact(i, at.Add(time.Duration(i%1000)*time.Millisecond))
		f.Row.Backend, f.Row.Cause = fmt.Sprint("app", i%50), fmt.Sprint("cause.", i*7%40)
		f.Row.Route, f.Row.ClientHash = fmt.Sprint("/route/", i*13%100), fmt.Sprint(i%5000)
		f.Row.DurationMS = rng.ExpFloat64() * 1000
		f.Records = make([]byte, 600)
		return f
	}
	for i := range perSecond {
		b.Facts = append(b.Facts, fact(n*perSecond+i, at))
		if n >= 90 {
			f := fact((n-90)*perSecond+i, at.Add(-90*time.Second))
			f.Version, f.Row.Final, f.Row.Revision = 2, true, 2
			b.Facts = append(b.Facts, f)
		}
	}
	m := traffic.Minute(at.Unix() / 60)
	for s := range 20 {
		t := aggregate.SourceMinute{Source: fmt.Sprint("source-", s), Minute: m, Front: s == 0}
		for i := range 100 {
			cell := &traffic.Cell{}
			for range 20 {
				cell.Count(time.Duration(rng.ExpFloat64()*1e8), 1000)
			}
			t.Rows = append(t.Rows, traffic.Row[traffic.Key]{Key: traffic.Key{Site: "shop.example", Minute: m, Source: t.Source, Backend: fmt.Sprint("app", i%50), Route: fmt.Sprint("/route/", i), StatusClass: 2}, Cell: cell})
		}
		b.Traffic = append(b.Traffic, t)
	}
	b.Sources = []aggregate.SourceState{{Source: aggregate.Source{Path: "a"}, Position: []byte("x")}}
	return b
}

func benchmarkWrite(b *testing.B, perSecond int) {
	s := openTest(b)
	rng := rand.New(rand.NewPCG(1, 1))
	var longest time.Duration
	n := 0
	for b.Loop() {
		b.StopTimer()
		x := second(rng, n, perSecond)
		b.StartTimer()
		begin := time.Now()
		if err := s.Write(b.Context(), x); err != nil {
			b.Fatal(err)
		}
		longest = max(longest, time.Since(begin))
		n++
	}
	b.ReportMetric(float64(longest.Milliseconds()), "ms-longest")
}

func BenchmarkWriteASecondOf500Failures(b *testing.B)  { benchmarkWrite(b, 500) }
func BenchmarkWriteASecondOf5000Failures(b *testing.B) { benchmarkWrite(b, 5000) }
