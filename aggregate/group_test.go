package aggregate

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
	"why503/rules"
)

type noNames struct{}

func (noNames) Origin(parse.SourceID) Origin { return Origin{Name: "a.log"} }

func (noNames) Place(_ parse.SourceID, offset, line int64) (string, int64, int64) {
	return "a.log", offset, line
}

// Requests that are handed over in groups give the Summary that they give one
// by one, as long as each group stands where its first request does.
func TestGroupsCountAsTheirRequestsDo(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for round := range 50 {
		single, grouped := NewCollector(&Describer{Names: noNames{}}), NewCollector(&Describer{Names: noNames{}})
		now := parse.Time(1767322800e9)
		for range 40 { // blocks
			type entry struct {
				g Group
				q *parse.Request
				v *rules.Verdict
			}
			at := make(map[string]int)
			var groups []entry
			for range rng.IntN(60) {
				now += parse.Time(rng.Int64N(3e9)) - 1e9
				ended := now / 1e9 * 1e9
				q, v := failureAt(rng, ended)
				single.Add(q, v)
				g := Group{N: 1, Ended: ended, Site: Site(q.Root().Host), Route: string(q.Root().URL)}
				key := fmt.Sprint(g, v.Cause, v.Class, len(v.Chain), v.Decidable)
				if ClientClass(q.Root().Agent) == crawler {
					g.Crawlers = 1
				}
				if i, ok := at[key]; ok {
					groups[i].g.N++
					groups[i].g.Crawlers += g.Crawlers
					continue
				}
				at[key] = len(groups)
				groups = append(groups, entry{g, q, v})
			}
			for _, e := range groups {
				grouped.AddGroup(&e.g, e.v, func() (*parse.Request, *rules.Verdict) { return e.q, e.v })
			}
		}
		a, b := single.Summary(), grouped.Summary()
		if a.Failures == 0 {
			t.Fatal("nothing was counted")
		}
		if d := cmp.Diff(a, b); d != "" {
			t.Fatalf("round %d (-single +grouped):\n%s", round, d)
		}
	}
}

// failureAt is one of a few kinds of diagnosed requests.
func failureAt(rng *rand.Rand, ended parse.Time) (*parse.Request, *rules.Verdict) {
	causes := []string{"backend_refused.econnrefused", "origin_slow.first_byte_timeout", "unknown.unclassified"}
	n := rng.IntN(len(causes))
	r := &parse.Record{
		Kind: parse.KindRequest, Program: parse.Nginx, Time: ended, Ended: ended, Status: 502, Offset: rng.Int64N(1e6),
		URL: []byte([]string{"/", "/cart", "/search"}[rng.IntN(3)]), Host: []byte([]string{"a.example", "b.example"}[rng.IntN(2)]),
		Agent: []byte([]string{"Mozilla/5.0", "Googlebot/2.1"}[rng.IntN(2)]), Raw: fmt.Append(nil, rng.Uint32()),
	}
	v := &rules.Verdict{
		Class: rules.ClassFailure, Symptom: causes[n], Cause: causes[n], Confidence: []float64{0.3, 0.9, 1. / 3}[n], Decidable: n == 0,
	}
	for i := range 1 + n {
		v.Chain = append(v.Chain, rules.Link{Cause: causes[i], Line: r.Raw, Offset: r.Offset})
	}
	if n > 0 {
		v.Missing = []rules.Missing{{Source: "log", Kind: parse.SourceNginxError}}
	}
	return &parse.Request{Parts: []parse.Part{{Record: r, Parent: -1}}}, v
}
