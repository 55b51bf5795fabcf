package correlate

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"why503/parse"
)

// A collector holds all Records of a world, sends the failed ones
// and the signals, and answers wants from what was logged until now.
type collector struct {
	t       testing.TB
	live    *Live
	wants   map[Key][]Want
	said    map[Key][]*parse.Record // what was logged, in order
	facts   map[parse.RecordID]*parse.Request
	gone    map[parse.RecordID]bool
	finals  map[parse.RecordID]int
	pending []func()
	now     parse.Time
	sent    int
}

func (f *collector) Request(q *parse.Request) {
	if f.gone[q.UID] {
		f.t.Errorf("%s was gone and came back", q.UID)
	}
	f.facts[q.UID] = q
	if q.Final {
		f.finals[q.UID]++
	}
}

func (f *collector) Gone(uid parse.RecordID) {
	delete(f.facts, uid)
	f.gone[uid] = true
}

func (f *collector) Want(_ uint64, w *Want) {
	c := *w
	f.pending = append(f.pending, func() {
		for _, k := range c.Keys {
			f.wants[k] = append(f.wants[k], c)
			for _, r := range f.said[k] {
				f.answer(&c, r)
			}
		}
	})
}

func (f *collector) answer(w *Want, r *parse.Record) {
	if span(f.live.j.sources[r.Source], r).overlaps(interval{w.From, w.To}) {
		f.send(r)
	}
}

// say logs r: it is sent where nobody has to ask, or has asked.
func (f *collector) say(r *parse.Record) {
	if Failed(r) || r.Kind == parse.KindSignal || r.Kind == parse.KindLog && !tellsOfRequest(r) {
		f.send(r)
	}
	for _, k := range append(AppendKeys(nil, r), Every) {
		f.said[k] = append(f.said[k], r)
		for i := range f.wants[k] {
			if w := &f.wants[k][i]; f.now <= w.Until {
				f.answer(w, r)
			}
		}
	}
}

func (f *collector) send(r *parse.Record) {
	f.sent++
	if err := f.live.Add(f.live.j.sources[r.Source].RecordID(r), r, false, int64(f.now)); err != nil {
		f.t.Fatal(err)
	}
}

func (f *collector) tick() {
	pending := f.pending
	f.pending = nil
	for _, p := range pending {
		p()
	}
	f.live.Answered(f.live.Asked())
	if err := f.live.Tick(f.now, int64(f.now)); err != nil {
		f.t.Fatal(err)
	}
}

// live runs all Records through a Live in the order they were logged, with
// everything that it asks for answered a tick later.
func (w *world) live() *collector {
	w.t.Helper()
	f := &collector{t: w.t, facts: map[parse.RecordID]*parse.Request{}, gone: map[parse.RecordID]bool{}, wants: map[Key][]Want{}, said: map[Key][]*parse.Record{}, finals: map[parse.RecordID]int{}}
	f.live = NewLive(w.cfg, f)
	var all []*parse.Record
	for i, s := range w.sources {
		f.live.AddSource(s)
		all = append(all, w.records[i]...)
	}
	slices.SortStableFunc(all, func(a, b *parse.Record) int {
		return cmp.Or(cmp.Compare(f.live.j.Logged(a), f.live.j.Logged(b)), cmp.Compare(a.Source, b.Source))
	})
	const step = parse.Time(500e6)
	for _, r := range all {
		at := f.live.j.Logged(r)
		if gap := at - f.now; f.now == 0 || gap > 1000*step || gap < 0 {
			f.now = at
		}
		for ; f.now < at; f.now += step {
			f.tick()
		}
		f.say(r)
	}
	for range 2 * w.cfg.Hold / int64(step) {
		f.now += step
		f.tick()
	}
	if n := f.live.Open(); n > 0 {
		w.t.Errorf("%d are still open", n)
	}
	return f
}

// alike fails the test where a Live does not come to what a Joiner came to.
func (w *world) alike(joined []*parse.Request) {
	w.t.Helper()
	f := w.live()
	want, got := map[string]string{}, map[string]string{}
	for _, q := range joined {
		want[q.UID.String()] = tell(q)
	}
	for _, q := range f.facts {
		got[q.UID.String()] = tell(q)
		if !q.Final {
			w.t.Errorf("%s is not final", q.UID)
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		w.t.Errorf("a Live joins otherwise than a Joiner (-joiner +live):\n%s", diff)
	}
}
