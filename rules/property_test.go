package rules

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
)

// forms returns the scenes and mixtures of them: the lines of one around the
// request of another.
func forms() map[string]*scene {
	all := make(map[string]*scene)
	for _, c := range scenes {
		all[c.name] = c.build()
	}
	for i, a := range scenes {
		b := scenes[(i*7+3)%len(scenes)]
		s, o := a.build(), b.build()
		s.q.Signals = append(s.q.Signals, o.q.Signals...)
		base := len(s.q.Parts)
		for k, p := range o.q.Parts[1:] {
			if p.Record.Kind == parse.KindLog && base > 1 {
				p.ID, p.Parent, p.Depth = parse.RecordID{3, byte(k)}, base-1, s.q.Parts[base-1].Depth
				s.q.Parts = append(s.q.Parts, p)
			}
		}
		for _, c := range o.q.Coverage {
			s.cover(c.Kind, c.Front)
		}
		all[a.name+" + "+b.name] = s
	}
	return all
}

// told is a Verdict without places in the Request, which a shuffle moves.
func told(v Verdict) Verdict {
	v.Chain = slices.Clone(v.Chain)
	for i := range v.Chain {
		v.Chain[i].Part = 0
	}
	return v
}

func TestCachedVerdictIsTheSame(t *testing.T) {
	s := Builtin()
	for name, c := range forms() {
		afresh := s.diagnoseAfresh(&c.q)
		for range 2 { // the second is from the cache at the latest
			if d := cmp.Diff(afresh, s.Diagnose(&c.q, nil)); d != "" {
				t.Errorf("%s: %s", name, d)
			}
		}
	}
}

// Requests of one signature share a decision and keep their own lines, times
// and words.
func TestCacheKeepsWhatIsOfTheRequest(t *testing.T) {
	s := Builtin()
	for i := range 20 {
		c, f := varnish(503, 2*second, 503)
		broke(f, "first byte timeout")
		f.Tx.Backend = fmt.Appendf(nil, "b%d", i)
		f.Raw = fmt.Appendf(nil, "raw %d", i)
		shift := parse.Time(i) * 1e9
		for k := range c.q.Parts {
			r := c.q.Parts[k].Record
			r.Time, r.Ended = r.Time+shift, r.Ended+shift
		}
		for k := range f.Tx.Stamps {
			f.Tx.Stamps[k].At += shift
		}
		f.Notes[0].Offset = int64(i) * 1000
		for k := range c.q.Coverage {
			c.q.Coverage[k].From, c.q.Coverage[k].To = c.q.Coverage[k].From+shift, c.q.Coverage[k].To+shift
		}
		if d := cmp.Diff(s.diagnoseAfresh(&c.q), s.Diagnose(&c.q, nil)); d != "" {
			t.Fatalf("request %d: %s", i, d)
		}
	}
}

func TestOrderOfPartsAndSignalsDoesNotMatter(t *testing.T) {
	s := Builtin()
	rnd := rand.New(rand.NewPCG(1, 2))
	for name, c := range forms() {
		before := told(s.diagnoseAfresh(&c.q))
		for range 8 {
			q := shuffled(&c.q, rnd)
			if d := cmp.Diff(before, told(s.diagnoseAfresh(q))); d != "" {
				t.Errorf("%s: %s", name, d)
				break
			}
		}
	}
}

func shuffled(q *parse.Request, rnd *rand.Rand) *parse.Request {
	c := *q
	at := make([]int, len(q.Parts)) // new place of each part
	perm := rnd.Perm(len(q.Parts) - 1)
	c.Parts = make([]parse.Part, len(q.Parts))
	for i := range at {
		if i > 0 {
			at[i] = perm[i-1] + 1
		}
		c.Parts[at[i]] = q.Parts[i]
	}
	for i := range c.Parts {
		if c.Parts[i].Parent >= 0 {
			c.Parts[i].Parent = at[c.Parts[i].Parent]
		}
	}
	c.Signals = slices.Clone(q.Signals)
	rnd.Shuffle(len(c.Signals), func(i, k int) { c.Signals[i], c.Signals[k] = c.Signals[k], c.Signals[i] })
	return &c
}

// Without a source, its findings are gone, and what is claimed does not rest
// on it.
func TestRemovingASourceNeverLeadsDeeper(t *testing.T) {
	s := Builtin()
	for name, c := range forms() {
		with := s.diagnoseAfresh(&c.q)
		for kind := parse.SourceKind(1); kind < parse.NumSourceKinds; kind++ {
			if kind == c.q.Parts[0].Kind {
				continue
			}
			q := without(&c.q, kind)
			v := s.diagnoseAfresh(q)
			contract(t, q, v)
			if v.Cause == with.Cause || len(v.Chain) <= len(with.Chain) {
				continue
			}
			// Another account may take the place of the one that lost its
			// evidence, yet only of lines that were there before.
			for _, l := range v.Chain {
				if l.Source == parse.SourceID(kind) {
					t.Errorf("%s without %v: quotes it: %+v", name, kind, l)
				}
			}
			if len(v.Chain) > 1 && !reachable(with, v) {
				t.Errorf("%s without %v: %s is deeper than %s", name, kind, v.Cause, with.Cause)
			}
		}
	}
}

// reachable says that the account b is another than a's, not a continuation.
func reachable(a, b Verdict) bool {
	for i, l := range a.Chain {
		if i >= len(b.Chain) || b.Chain[i].Cause != l.Cause {
			return true
		}
	}
	return false
}

func without(q *parse.Request, kind parse.SourceKind) *parse.Request {
	c := *q
	c.Parts, c.Signals, c.Coverage = nil, nil, nil
	at := map[int]int{-1: -1}
	for i, p := range q.Parts {
		parent := p.Parent
		for parent >= 0 && q.Parts[parent].Kind == kind {
			parent = q.Parts[parent].Parent
		}
		if p.Kind == kind {
			continue
		}
		at[i] = len(c.Parts)
		p.Parent = at[parent]
		c.Parts = append(c.Parts, p)
	}
	for _, p := range q.Signals {
		if p.Kind != kind {
			c.Signals = append(c.Signals, p)
		}
	}
	for _, v := range q.Coverage {
		if v.Kind != kind {
			c.Coverage = append(c.Coverage, v)
		}
	}
	return &c
}

// From Varnish's log alone nothing deeper than its own view is claimed.
func TestVarnishAloneClaimsItsSymptom(t *testing.T) {
	s := Builtin()
	for name, c := range forms() {
		if c.q.Parts[0].Kind != parse.SourceVarnishlog {
			continue
		}
		q := &c.q
		for kind := parse.SourceKind(0); kind < parse.NumSourceKinds; kind++ {
			if kind != parse.SourceVarnishlog {
				q = without(q, kind)
			}
		}
		v := s.diagnoseAfresh(q)
		if v.Class != ClassNone && v.Cause != v.Symptom {
			t.Errorf("%s: %s <- %s", name, v.Symptom, v.Cause)
		}
	}
}

func TestHostileRequestsDoNotPanic(t *testing.T) {
	s := Builtin()
	rnd := rand.New(rand.NewPCG(3, 4))
	list := forms()
	names := make([]string, 0, len(list))
	for n := range list {
		names = append(names, n)
	}
	slices.Sort(names)
	for range 300 {
		q := shuffled(&list[names[rnd.IntN(len(names))]].q, rnd)
		for i := range q.Parts {
			p := &q.Parts[i]
			p.Parent = rnd.IntN(len(q.Parts)+4) - 2
			p.Depth = rnd.IntN(300) - 20
			p.Offset = rnd.Int64N(1 << 40)
			r := p.Record.Clone()
			p.Record = r
			for k := range r.Notes {
				r.Notes[k].Event = parse.EventID(rnd.IntN(1 << 16))
				r.Notes[k].Time = parse.Time(rnd.Int64() - 1<<62)
			}
			switch rnd.IntN(4) {
			case 0:
				r.Tx = nil
			case 1:
				r.Time, r.Ended = parse.Time(rnd.Int64()), parse.Time(rnd.Int64())
			}
			if i > 0 && rnd.IntN(9) == 0 {
				p.Record = nil
			}
		}
		contract(t, q, s.Diagnose(q, nil))
	}
	if v := s.Diagnose(new(parse.Request), nil); v.Cause != "unknown.unclassified" || v.Decidable {
		t.Errorf("an empty request: %+v", v)
	}
}

func TestManySignalsAreBounded(t *testing.T) {
	c, f := varnish(503, 1e6, 503)
	unsent(f)
	broke(f, "backend cart7: fail errno 111 (Connection refused)")
	for i := range 2000 {
		c.unit(noon-parse.Time(int64(i+1)*second), fmt.Sprintf("u%d.service: Main process exited, code=dumped, status=6/ABRT", i))
	}
	var e workspace
	e.view.look(&c.q, nil)
	e.evidence.gather(&e.view, Builtin())
	if n := len(e.evidence.items); n > maxItems {
		t.Fatalf("%d items", n)
	}
	if v := Builtin().Diagnose(&c.q, nil); v.Cause != "app_error.crash" || strings.Contains(v.Words, "u1999") {
		t.Fatalf("%s: %s", v.Cause, v.Words)
	}
}

func BenchmarkDiagnose(b *testing.B) {
	c := scenes[slices.IndexFunc(scenes[:], func(s struct {
		name  string
		build func() *scene
		want  expected
	}) bool {
		return s.name == "nginx was refused while the service was being replaced"
	})].build()
	s := Builtin()
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.diagnoseAfresh(&c.q)
		}
	})
	b.Run("cached", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Diagnose(&c.q, nil)
		}
	})
}

func TestSeveralGoroutinesShareASet(t *testing.T) {
	s := Builtin()
	c := scenes[0].build()
	want := s.diagnoseAfresh(&c.q)
	done := make(chan string)
	for range 4 {
		go func() {
			diff := ""
			for range 50 {
				for i := range scenes {
					o := scenes[i].build()
					s.Diagnose(&o.q, nil)
				}
				diff += cmp.Diff(want, s.Diagnose(&c.q, nil))
			}
			done <- diff
		}()
	}
	for range 4 {
		if d := <-done; d != "" {
			t.Error(d)
		}
	}
}
