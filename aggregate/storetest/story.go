package storetest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"why503/aggregate"
	"why503/parse/traffic"
)

// epoch is when all that is written here begins: a round day, so that hours and
// days that are summed up are met too.
var epoch = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

const stampLayout = "2006-01-02T15:04:05.000000Z"

// A cast is the names that a story is told with.
var (
	sites    = []string{"shop.example", "blog.example", ""}
	classes  = []string{"failure", "failure", "failure", "failure", "saved", "client", "deliberate", "partial"}
	causes   = []string{"process.crashed", "database.lock_wait", "overload.workers_exhausted"}
	symptoms = []string{"origin_slow.first_byte_timeout", "origin_down.refused"}
	reached  = []string{"not_sent", "never", "origin_5xx", "lost", "late", "unknown"}
	backends = []string{"app1", "app2", "app3"}
	routes   = []string{"/cart", "/product/:id", "/"}
)

func pick(rng *rand.Rand, list []string) string { return list[rng.IntN(len(list))] }

// factAt makes a state of a fact.
func factAt(rng *rand.Rand, i int, at time.Time) aggregate.Fact {
	cause, symptom := pick(rng, causes), pick(rng, symptoms)
	f := aggregate.Fact{
		Version: uint64(1+rng.IntN(3)) << 32, Background: rng.IntN(4) == 0, Words: "nothing listened at 10.0.0.5:8080",
		Advice: []string{"Start it.", "Let a supervisor start it."}, Records: fmt.Append(nil, "records of ", i),
		Row: aggregate.Failure{
			Schema: aggregate.SchemaVersion, UID: fmt.Sprintf("%08x%024x", uint32(i)*2654435761, i), Revision: 1 + rng.IntN(3), Class: pick(rng, classes), Site: pick(rng, sites),
			Time: at.Add(-time.Second).Format(stampLayout), Ended: at.Format(stampLayout), DurationMS: float64(rng.IntN(100_000)) / 10, Status: 503, Method: "GET",
			Host: "shop.example", Path: fmt.Sprint("/product/", i), Route: pick(rng, routes), Bytes: 274, Protocol: "HTTP/1.1", RequestID: fmt.Sprint("request-", i),
			TraceID: fmt.Sprintf("%032x", i*7+1), VXID: uint64(i)*2 + 32770, Client: fmt.Sprint("203.0.113.", i%200), ClientHash: fmt.Sprint("hash", i%200), ClientClass: pick(rng, []string{"person", "crawler"}),
			Proxy: "varnish@edge-1", Handling: "miss", Backend: pick(rng, backends), BackendAddr: "10.0.0.5:8080", Versions: map[string]string{"shop": pick(rng, []string{"1.8.3", "1.8.4"})},
			Reached: pick(rng, reached), Symptom: symptom, Cause: cause, Layer: "origin app", Confidence: float64(rng.IntN(11)) / 10, Decidable: rng.IntN(3) > 0,
			Evidence: "complete", Attempts: []aggregate.Attempt{}, Missing: []aggregate.Missing{}, Join: aggregate.Join{How: "id"},
			Chain: []aggregate.Link{{Cause: symptom, Level: "symptom", Line: "FetchError first byte timeout", File: "varnish.log"}},
		},
	}
	if rng.IntN(3) > 0 {
		f.Row.Chain = append(f.Row.Chain, aggregate.Link{Cause: "app.stalled", Level: "info", Line: "slow"})
	}
	f.Row.Chain = append(f.Row.Chain, aggregate.Link{Cause: cause, Level: "root", Line: fmt.Sprint("worker ", i, " died"), File: "app.log"})
	if !f.Row.Decidable {
		f.Row.Missing = []aggregate.Missing{{Source: "nginx error log on " + f.Row.Backend, Kind: "nginx_error", Why: pick(rng, []string{"not_given", "lossy"}), WouldDecide: "who closed", Snippet: "error_log /var/log/nginx/error.log;"}}
	}
	return f
}

// minuteOf makes what a source counted in a minute.
func minuteOf(rng *rand.Rand, source string, front bool, at time.Time) aggregate.SourceMinute {
	m := aggregate.SourceMinute{Source: source, Minute: traffic.Minute(at.Unix() / 60), Front: front, Failed: int64(rng.IntN(5))}
	table := traffic.NewTable[traffic.Key](100)
	for range rng.IntN(30) {
		table.Cell(traffic.Key{
			Site: pick(rng, sites), Minute: m.Minute, Source: source, Proxy: "varnish@edge-1", Backend: pick(rng, backends), Route: pick(rng, routes), Method: "GET",
			StatusClass: uint8(2 + rng.IntN(4)), Reused: rng.IntN(2) == 0,
		}).Count(time.Duration(rng.IntN(1_000_000_007)), int64(rng.IntN(5000)))
	}
	m.Rows = table.Rows()
	return m
}

// A tale is states of facts and of minutes in the order in which they came to
// be, over some hours.
func tale(rng *rand.Rand, facts, minutes int) *aggregate.Batch {
	b := &aggregate.Batch{}
	span := time.Duration(minutes) * time.Minute
	for i := range facts {
		at := epoch.Add(time.Duration(rng.Int64N(int64(span)))).Truncate(time.Microsecond)
		for version := range 1 + rng.IntN(3) {
			f := factAt(rng, i, at)
			f.Version = uint64(version+1) << 32 // one state a version, so that every order has one end
			f.Row.Final = version == 2
			b.Facts = append(b.Facts, f)
			if rng.IntN(6) == 0 { // the end of a request may turn out to be later
				at = at.Add(time.Duration(rng.IntN(200)) * time.Second)
			}
		}
		if rng.IntN(20) == 0 {
			gone := aggregate.Fact{Gone: true, Version: 1 << 40, Row: aggregate.Failure{UID: b.Facts[len(b.Facts)-1].Row.UID, Ended: at.Format(stampLayout)}}
			b.Facts = append(b.Facts, gone)
		}
	}
	for m := range minutes {
		at := epoch.Add(time.Duration(m) * time.Minute)
		for s, source := range []string{"varnish.log", "nginx.log"} {
			if rng.IntN(4) > 0 {
				b.Traffic = append(b.Traffic, minuteOf(rng, source, s == 0, at))
			}
		}
	}
	return b
}

// pieces cuts a tale into batches at random: facts in any order, some of them
// twice; traffic, of which the last counts, in its own order.
func pieces(rng *rand.Rand, whole *aggregate.Batch) []*aggregate.Batch {
	facts := append([]aggregate.Fact{}, whole.Facts...)
	for range len(facts) / 5 {
		facts = append(facts, facts[rng.IntN(len(facts))])
	}
	rng.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
	minutes := whole.Traffic
	var out []*aggregate.Batch
	for len(facts)+len(minutes) > 0 {
		n, k := min(rng.IntN(60), len(facts)), min(rng.IntN(10), len(minutes))
		out = append(out, &aggregate.Batch{Facts: facts[:n], Traffic: minutes[:k]})
		facts, minutes = facts[n:], minutes[k:]
	}
	return out
}
