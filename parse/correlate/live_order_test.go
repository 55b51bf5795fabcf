package correlate

import (
	"testing"

	"why503/parse"
)

// twoOnOneConnection is two requests for the same on one connection, in one
// second, and the error line of the first, whose stamp is no finer than that.
func twoOnOneConnection(t *testing.T) (w *world, first, second, told *parse.Record) {
	w = newWorld(t)
	access, errs := w.source(parse.SourceNginxAccess, parse.Nginx, 0), w.source(parse.SourceNginxError, parse.Nginx, 0)
	a, b := asked(502, "/", "", "10.0.0.3:80", 502), asked(502, "/", "", "10.0.0.3:80", 502)
	a.ConnID, b.ConnID = 7, 7
	first, second = w.add(access, 0.2, 0.3, a), w.add(access, 0.6, 0.7, b)
	l := line("upstream prematurely closed connection", "", 3)
	l.ConnID, l.Method, l.URL, l.Precision = 7, []byte("GET"), []byte("/"), 1e9
	return w, first, second, w.add(errs, 0, 0, l)
}

func (w *world) collector() *collector {
	f := &collector{t: w.t, facts: map[parse.RecordID]*parse.Request{}, gone: map[parse.RecordID]bool{}, wants: map[Key][]Want{}, said: map[Key][]*parse.Record{}, finals: map[parse.RecordID]int{}, now: epoch + 1e9}
	f.live = NewLive(w.cfg, f)
	for _, s := range w.sources {
		f.live.AddSource(s)
	}
	return f
}

func (f *collector) wait(seconds int) {
	for range 2 * seconds {
		f.now += 500e6
		f.tick()
	}
}

func (f *collector) id(r *parse.Record) parse.RecordID {
	return f.live.j.sources[r.Source].RecordID(r)
}

// Which Request takes what both could have hangs on when they were logged, not
// on when their lines came.
func TestALateLineTakesWhatItWouldHaveTakenInTime(t *testing.T) {
	w, first, second, told := twoOnOneConnection(t)
	want := tellAll(w.join())
	f := w.collector()
	for _, r := range []*parse.Record{second, told, first} {
		f.say(r)
		f.wait(1)
	}
	f.wait(200)
	got := tellAll([]*parse.Request{f.facts[f.id(first)], f.facts[f.id(second)]})
	if len(want) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("joined %q, want %q", got, want)
	}
}

// What a Request took before a restart nobody else takes after it.
func TestARestartGivesNothingToOthers(t *testing.T) {
	w, first, second, told := twoOnOneConnection(t)
	want := tellAll(w.join())
	f := w.collector()
	settled := f.live.j.Logged(first)
	f.live.Resume(settled)
	for _, r := range []*parse.Record{told, first, second} {
		if err := f.live.Add(f.id(r), r, f.live.j.Logged(r) <= settled, int64(f.now)); err != nil {
			t.Fatal(err)
		}
	}
	if at := f.live.Settled(); at >= f.live.j.Logged(second) {
		t.Errorf("settled up to %d, and what was logged at %d waits", at, f.live.j.Logged(second))
	}
	f.wait(200)
	if q := f.facts[f.id(first)]; q != nil {
		t.Errorf("%s was final before the restart, and is handed on again", tell(q))
	}
	q := f.facts[f.id(second)]
	if q == nil || !q.Final || tell(q) != want[1] {
		t.Errorf("joined %+v, want %q", q, want[1])
	}
	// It is known all the same: what comes late and belongs to it is added.
	if _, ok := f.live.written[f.id(first)]; !ok {
		t.Error("what was final before the restart is forgotten")
	}
}
