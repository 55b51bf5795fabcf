package rules

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
	"why503/parse/recognise"
)

// common is what Requests of one shape have in common.
type common struct {
	Class          Class
	Reached        Reached
	Symptom, Cause string
	Layer          string
	Confidence     float64
	Decidable      bool
	Missing        []Missing
	Chain          []string
}

func commonOf(v Verdict) common {
	c := common{v.Class, v.Reached, v.Symptom, v.Cause, v.Layer, v.Confidence, v.Decidable, v.Missing, nil}
	for _, l := range v.Chain {
		c.Chain = append(c.Chain, fmt.Sprint(l.Cause, l.Level, l.Rule, l.Part, l.Note))
	}
	return c
}

// Two Records that differ in whose request they tell of, but not in how it
// went, have one shape, and a diagnosis of one stands for the other.
func TestOneShapeOneVerdict(t *testing.T) {
	s := Builtin()
	rng := rand.New(rand.NewPCG(1, 2))
	verdicts := make(map[string]common)
	failures := 0
	for range 3000 {
		r := accessRecord(rng)
		for range 3 {
			someoneElse(rng, r)
			shape, ok := AppendShape(nil, r)
			if !ok {
				t.Fatal("a line of an access log has a shape")
			}
			q := parse.Request{
				Parts:    []parse.Part{{Record: r, Parent: -1, Kind: parse.SourceNginxAccess}},
				Coverage: []parse.Coverage{{Kind: parse.SourceNginxAccess, From: r.Time, To: r.Ended, Lossless: true, Front: true}},
			}
			got := commonOf(s.diagnoseAfresh(&q))
			want, ok := verdicts[string(shape)]
			if !ok {
				want = got
				verdicts[string(shape)] = got
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("of one shape, %+v:\n%s", r, d)
			}
			if got.Class == ClassFailure {
				failures++
			}
		}
	}
	if len(verdicts) < 100 || failures < 1000 {
		t.Errorf("%d shapes, %d failures: too few to tell", len(verdicts), failures)
	}
}

func TestATransactionHasNoShape(t *testing.T) {
	if _, ok := AppendShape(nil, &parse.Record{Tx: &parse.Tx{}}); ok {
		t.Error("a shape leaves out what a transaction holds")
	}
}

func TestShapeAllocatesNothing(t *testing.T) {
	r := accessRecord(rand.New(rand.NewPCG(3, 4)))
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { buf, _ = AppendShape(buf[:0], r) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// accessRecord is a line of an access log, with or without upstreams.
func accessRecord(rng *rand.Rand) *parse.Record {
	pick := func(n ...int64) int64 { return n[rng.IntN(len(n))] }
	r := &parse.Record{
		Kind: parse.KindRequest, Program: parse.Nginx, Status: int(pick(200, 304, 404, 499, 500, 502, 503, 504)),
		Cut: rng.IntN(8) == 0, Incomplete: rng.IntN(8) == 0, Precision: pick(1e6, 1e9), Raw: []byte("raw"),
	}
	r.Time = parse.Time(1767322800e9)
	r.Ended = r.Time + parse.Time(pick(0, 3e6, 2e9, 60e9, 61e9))
	if r.Status >= 499 {
		r.Notes = append(r.Notes, parse.Note{Field: parse.FieldNginxStatus, Text: fmt.Append(nil, r.Status)})
	}
	for range rng.IntN(3) {
		u := parse.Upstream{
			Addr: fmt.Appendf(nil, "10.0.0.%d:80", rng.IntN(2)), Status: int(pick(0, 200, 502, 503, 504)),
			Connect: pick(-1, 0, 1e6), Header: pick(-1, 5e6, 60e9), Response: pick(-1, 0, 60e9),
		}
		r.Upstreams = append(r.Upstreams, u)
		r.Notes = append(r.Notes,
			parse.Note{Field: parse.FieldNginxUpstreamStatus, Text: fmt.Append(nil, u.Status)},
			parse.Note{Field: parse.FieldNginxUpstreamAddr, Text: u.Addr},
			parse.Note{Field: parse.FieldNginxUpstreamHeader, Text: []byte("-")})
	}
	recognise.Default().Annotate(r)
	return r
}

// someoneElse makes r tell of another request that went the same way.
func someoneElse(rng *rand.Rand, r *parse.Record) {
	text := func() []byte { return fmt.Append(nil, rng.Uint32()) }
	r.URL, r.Host, r.Client, r.Agent, r.RequestID, r.TraceID, r.Raw = text(), text(), text(), text(), text(), text(), text()
	r.Method = []byte([]string{"GET", "POST", "HEAD"}[rng.IntN(3)])
	r.Bytes, r.Offset, r.Line, r.ConnID = rng.Int64N(1e6), rng.Int64N(1e9), rng.Int64N(1e6), rng.Uint64()
	shift := parse.Time(rng.Int64N(3600e9))
	r.Time += shift
	r.Ended += shift
}
