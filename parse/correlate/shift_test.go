package correlate

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
	"why503/parse/fact"
)

// The clock of a source is found out after its first Records came.
func TestAClockThatIsFoundOutLate(t *testing.T) {
	const hour = 3600.0
	w := newWorld(t)
	edge, web := w.source(parse.SourceNginxAccess, parse.Nginx, 0), w.source(parse.SourceNginxAccess, parse.Nginx, 1)
	w.add(edge, 0, 1, asked(502, "/a", "id1", "10.0.0.2:80", 502))
	w.add(web, hour+0.1, hour+0.9, asked(502, "/a", "id1", "10.0.0.3:80", 0))
	down := line("upstream server temporarily disabled", "", 7)
	down.Kind = parse.KindSignal
	w.add(web, hour+0.2, hour+0.2, down)

	f := &collector{t: t, facts: map[parse.RecordID]*parse.Request{}, gone: map[parse.RecordID]bool{}, wants: map[Key][]Want{}, said: map[Key][]*parse.Record{}, finals: map[parse.RecordID]int{}}
	f.live = NewLive(w.cfg, f)
	for _, s := range w.sources {
		f.live.AddSource(s)
	}
	f.now = epoch + 2e9
	for _, r := range slices.Concat(w.records...) {
		f.say(r)
	}
	for range 4 {
		f.tick()
		f.now += 500e6
	}
	if len(f.facts) != 2 {
		t.Fatalf("%d requests before the clock is known, want one for each hop", len(f.facts))
	}
	web.Offset = -int64(hour * 1e9)
	if err := f.live.Reorder(); err != nil {
		t.Fatal(err)
	}
	for range 2 * w.cfg.Hold / 500e6 {
		f.tick()
		f.now += 500e6
	}
	var got []string
	for _, q := range f.facts {
		got = append(got, tell(q))
		if !q.Final || len(q.Signals) != 1 {
			t.Errorf("final: %v, %d signals, want that of its web server", q.Final, len(q.Signals))
		}
	}
	if diff := cmp.Diff([]string{"0 0:1 root\n1 1:1 request-id under 0:1\n"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestARingFindsRecordsUnderTheirNewTimes(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "spill"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	g := NewRing(1<<20, file)
	const n, key = 20_000, Key(7 << 32)
	raw := make([]byte, 200)
	for i := range n {
		r := parse.Record{Kind: parse.KindRequest, Source: parse.SourceID(i % 2), Line: int64(i), Raw: raw, Ended: 1}
		if i%10 == 0 {
			r.Ended = 0 // has no stamp
		}
		at := parse.Time(i) * 1e6
		if _, err := g.Add(&r, fact.LineID(fact.Fingerprint{}, int64(i)), at, at, at, []Key{key}); err != nil {
			t.Fatal(err)
		}
	}
	if g.Spilled() == 0 {
		t.Fatal("nothing was spilled, so half of it is not tested")
	}
	const far = parse.Time(1000e9)
	if err := g.shift(shift{1: far}); err != nil {
		t.Fatal(err)
	}
	lines := func(from, to parse.Time) (out []int64) {
		if err := g.Find(key, from, to, func(e Entry) bool {
			if e.ID != fact.LineID(fact.Fingerprint{}, e.Record.Line) {
				t.Fatalf("line %d has another id", e.Record.Line)
			}
			out = append(out, e.Record.Line)
			return true
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	var stay, moved []int64
	for i := range int64(n) {
		if i%2 == 1 && i%10 != 0 {
			moved = append(moved, i)
		} else {
			stay = append(stay, i)
		}
	}
	if diff := cmp.Diff(stay, lines(0, n*1e6)); diff != "" {
		t.Errorf("under the old times (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(moved, lines(far, far+n*1e6)); diff != "" {
		t.Errorf("under the new times (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{12_345}, lines(far+12_345e6, far+12_345e6)); diff != "" {
		t.Errorf("one of them (-want +got):\n%s", diff)
	}
}
