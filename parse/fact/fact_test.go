package fact

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
)

// A part under another, both named by a number.
func part(id, parent byte, depth int, at parse.Time, how parse.JoinHow, score float64) parse.Part {
	return parse.Part{
		ID: parse.RecordID{id}, Parent: int(parent), Depth: depth,
		Record: &parse.Record{Time: at, Offset: int64(id)}, Join: parse.Join{How: how, Score: score},
	}
}

// tree is a root, two hops under it and a line under each.
func tree() *parse.Request {
	q := &parse.Request{UID: parse.RecordID{1}, Revision: 1, Parts: []parse.Part{
		part(1, 0, 0, 100, parse.JoinRoot, 0),
		part(2, 0, 1, 110, parse.JoinRequestID, 1),
		part(3, 1, 2, 120, parse.JoinRequestID, 1),
		part(4, 1, 1, 105, parse.JoinInferred, 0.8), // begins before what it hangs under
		part(5, 2, 2, 125, parse.JoinConnection, 1),
	}}
	q.Parts[0].Parent = -1
	for i := range 4 {
		q.Signals = append(q.Signals, parse.Part{ID: parse.RecordID{byte(20 + i)}, Parent: -1, Record: &parse.Record{Time: parse.Time(90 - i)}})
	}
	q.Coverage = []parse.Coverage{
		{Source: 1, Kind: parse.SourceApp, From: 10, To: 90, Lossless: true}, {Source: 0, Kind: parse.SourceNginxAccess, From: 0, To: 100, Lossless: true},
	}
	Order(q)
	return q
}

// without returns q less some Parts and Signals; what hung under a Part that is
// left out hangs under the root, as a join that does not know it makes it.
func without(q *parse.Request, parts, signals []byte) *parse.Request {
	out := *q
	out.Parts, out.Signals, out.Coverage = nil, nil, slices.Clone(q.Coverage)
	at := make(map[parse.RecordID]int)
	for i, p := range q.Parts {
		if slices.Contains(parts, p.ID[0]) {
			continue
		}
		if i > 0 {
			up, ok := at[q.Parts[p.Parent].ID]
			if !ok && slices.Contains(parts, q.Parts[p.Parent].ID[0]) {
				p.Depth, p.Join = 1, parse.Join{How: parse.JoinInferred, Score: 0.76}
			} else if !ok {
				up = -2 - p.Parent // comes later
			}
			p.Parent = up
		}
		at[p.ID] = len(out.Parts)
		out.Parts = append(out.Parts, p)
	}
	for i := range out.Parts {
		if up := out.Parts[i].Parent; up < -1 {
			out.Parts[i].Parent = at[q.Parts[-2-up].ID]
		}
	}
	for _, s := range q.Signals {
		if !slices.Contains(signals, s.ID[0]) {
			out.Signals = append(out.Signals, s)
		}
	}
	Order(&out)
	return &out
}

func clone(q *parse.Request) *parse.Request { return without(q, nil, nil) }

func check(t *testing.T, q *parse.Request) {
	t.Helper()
	for i, p := range q.Parts {
		if (p.Parent < 0) != (i == 0) || p.Parent >= len(q.Parts) {
			t.Fatalf("part %d of %d hangs under %d", i, len(q.Parts), p.Parent)
		}
		for at, n := i, 0; at > 0; at, n = q.Parts[at].Parent, n+1 {
			if n > len(q.Parts) {
				t.Fatal("parts hang under each other in a ring")
			}
		}
	}
}

func TestUniteDoesNotDependOnOrder(t *testing.T) {
	whole := tree()
	rng := rand.New(rand.NewPCG(1, 2))
	some := func(from, to byte) (out []byte) {
		for b := from; b < to; b++ {
			if rng.IntN(3) == 0 {
				out = append(out, b)
			}
		}
		return out
	}
	for range 300 {
		a, b := without(whole, some(2, 6), some(20, 24)), without(whole, some(2, 6), some(20, 24))
		ab, ba := clone(a), clone(b)
		grew := Unite(ab, b)
		if want := len(ab.Parts) > len(a.Parts) || len(ab.Signals) > len(a.Signals); grew != want {
			t.Fatalf("grew is %v, want %v", grew, want)
		}
		Unite(ba, a)
		check(t, ab)
		if diff := cmp.Diff(ab, ba); diff != "" {
			t.Fatalf("a with b is not b with a: %s", diff)
		}
		again := clone(ab)
		if Unite(again, b) || Unite(again, a) || Unite(again, clone(again)) {
			t.Fatal("it grew by what it has")
		}
		if diff := cmp.Diff(ab, again); diff != "" {
			t.Fatalf("the same twice changes it: %s", diff)
		}
		full := clone(ab)
		Unite(full, whole)
		if diff := cmp.Diff(whole, full); diff != "" {
			t.Fatalf("a poorer copy stays in the richer one: %s", diff)
		}
		if v, w := VersionOf(a, 1), VersionOf(ab, 1); w.Less(v) || v.Less(w) != grew {
			t.Fatalf("version %v of the part, %v of both, grew %v", v, w, grew)
		}
	}
}

func TestUniteDoesNotTieParts(t *testing.T) {
	a := &parse.Request{Parts: []parse.Part{
		part(1, 0, 0, 1, parse.JoinRoot, 0), part(2, 0, 1, 2, parse.JoinInferred, 0.8), part(3, 1, 2, 3, parse.JoinInferred, 0.9),
	}}
	b := &parse.Request{Parts: []parse.Part{
		part(1, 0, 0, 1, parse.JoinRoot, 0), part(3, 0, 1, 3, parse.JoinInferred, 0.8), part(2, 1, 2, 2, parse.JoinInferred, 0.9),
	}}
	a.Parts[0].Parent, b.Parts[0].Parent = -1, -1
	ab, ba := clone(a), clone(b)
	Unite(ab, b)
	Unite(ba, a)
	check(t, ab)
	if diff := cmp.Diff(ab, ba); diff != "" {
		t.Error(diff)
	}
}

func TestOrderKeepsParentsAndFileOrder(t *testing.T) {
	q := tree()
	under := make(map[parse.RecordID]parse.RecordID)
	for _, p := range q.Parts[1:] {
		under[p.ID] = q.Parts[p.Parent].ID
	}
	for i := range q.Parts[1:] {
		q.Parts[i+1].Record.Time = 110 // one stamp for all
	}
	rng := rand.New(rand.NewPCG(7, 7))
	Order(q)
	want := clone(q)
	for range 50 {
		old := slices.Clone(q.Parts)
		rng.Shuffle(len(q.Parts)-1, func(i, j int) { q.Parts[i+1], q.Parts[j+1] = q.Parts[j+1], q.Parts[i+1] })
		for i := range q.Parts[1:] {
			p := &q.Parts[i+1]
			id := old[p.Parent].ID
			p.Parent = slices.IndexFunc(q.Parts, func(o parse.Part) bool { return o.ID == id })
		}
		rng.Shuffle(len(q.Signals), func(i, j int) { q.Signals[i], q.Signals[j] = q.Signals[j], q.Signals[i] })
		Order(q)
		if diff := cmp.Diff(want, q); diff != "" {
			t.Fatal(diff)
		}
		for _, p := range q.Parts[1:] {
			if q.Parts[p.Parent].ID != under[p.ID] {
				t.Fatalf("part %v hangs under %v, want %v", p.ID, q.Parts[p.Parent].ID, under[p.ID])
			}
		}
	}
	last := int64(0)
	for _, p := range q.Parts[1:] {
		if p.Depth == 2 {
			if p.Record.Offset < last {
				t.Error("lines of one stamp are not in the order of their file")
			}
			last = p.Record.Offset
		}
	}
}

func TestVersionOrder(t *testing.T) {
	ordered := []Version{
		{}, {Evidence: 1 << 48}, {Signals: 1}, {Signals: 1, Evidence: 1 << 60}, {Records: 1}, {Records: 1, Signals: 9}, {Records: 2}, {Epoch: 1}, {Epoch: 1, Records: 5},
		{Final: true}, {Final: true, Records: 1}, {Final: true, Epoch: 1},
	}
	for i, v := range ordered {
		for k, w := range ordered {
			if got := v.Less(w); got != (i < k) {
				t.Errorf("%v less than %v: %v", v, w, got)
			}
			if got := v.Uint64() < w.Uint64(); got != (i < k) {
				t.Errorf("%v packs below %v: %v", v, w, got)
			}
		}
	}
	if a, b := (Version{Records: 1 << 20}).Uint64(), (Version{Epoch: 1}).Uint64(); a >= b {
		t.Error("a count beyond its bits spills into the epoch")
	}
	q := tree()
	v := VersionOf(q, 3)
	slices.Reverse(q.Signals)
	if w := VersionOf(q, 3); v != w {
		t.Errorf("%v and %v: the order of signals counts", v, w)
	}
}

func TestIDsTellPlacesApart(t *testing.T) {
	seen := make(map[parse.RecordID]string)
	put := func(id parse.RecordID, what string) {
		if id.IsZero() || seen[id] != "" {
			t.Errorf("%s has the id of %q", what, seen[id])
		}
		seen[id] = what
	}
	put(LineID(Fingerprint{1}, 0), "line at 0")
	put(LineID(Fingerprint{1}, 1), "line at 1")
	put(LineID(Fingerprint{2}, 0), "line at 0 of another file")
	put(TxID("", 7, parse.TxRequest, 5), "request 7")
	put(TxID("", 7, parse.TxFetch, 5), "fetch 7")
	put(TxID("", 7, parse.TxRequest, 6), "request 7 after a restart of the child")
	put(TxID("a", 7, parse.TxRequest, 5), "request 7 on another host")
	if got, want := LineID(Fingerprint{1}, 0).String(), "d6a4dcd4fad03ceac1ba5ffd7e1c4e3a"; len(got) != len(want) {
		t.Errorf("%s has %d digits, want %d", got, len(got), len(want))
	}
}

// Of two counts of the same traffic the one that had seen more stands, whichever
// copy of the fact has it.
func TestUniteKeepsTheFullerCountOfNeighbours(t *testing.T) {
	id := parse.RecordID{1}
	with := func(ns ...parse.Neighbours) *parse.Request {
		return &parse.Request{UID: id, Parts: []parse.Part{{ID: id, Record: &parse.Record{}, Parent: -1}}, Neighbours: ns}
	}
	early := parse.Neighbours{Source: 1, Of: parse.OfRoute, Name: "/a", Good: 10, Walls: []parse.Wall{{N: 5}}}
	later := parse.Neighbours{Source: 1, Of: parse.OfRoute, Name: "/a", Good: 10, Walls: []parse.Wall{{N: 6}}}
	other := parse.Neighbours{Source: 1, Of: parse.OfHop, Good: 3}
	a, b := with(early, other), with(later)
	Unite(a, with(later))
	Unite(b, with(early, other))
	Unite(b, with(early, other))
	want := []parse.Neighbours{other, later}
	if d := cmp.Diff(want, a.Neighbours); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want, b.Neighbours); d != "" {
		t.Error(d)
	}
}
