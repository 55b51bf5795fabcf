package incident

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A ledgerOf is what a reader of all changes knows, held against Incidents.
type ledgerOf struct {
	t     *testing.T
	known map[string]Incident
	seen  map[string]int // how often each kind came
	gone  map[string]bool
}

func newLedger(t *testing.T) *ledgerOf {
	return &ledgerOf{t, map[string]Incident{}, map[string]int{}, map[string]bool{}}
}

func (l *ledgerOf) take(list []Change) {
	l.t.Helper()
	for _, c := range list {
		i := c.Incident
		was, have := l.known[i.ID]
		l.seen[c.Kind.String()]++
		gone, starts := l.gone[i.ID], c.Kind == Opened || c.Kind == Reopened
		if c.Kind == Opened && (have || gone) || c.Kind == Reopened && !have && !gone || !starts && !have {
			l.t.Fatalf("%v %s, known %v", c.Kind, i.ID, have)
		}
		if have && c.Kind != Reopened && !was.equal(c.Was) && !(c.Kind == Ended && c.Was.Ongoing) {
			l.t.Fatalf("%v %s:\nwas told %+v\nand says %+v", c.Kind, i.ID, was, c.Was)
		}
		switch c.Kind {
		case Opened, Changed, Reopened:
		case Ended:
			if i.Ongoing {
				l.t.Fatalf("ended and ongoing: %+v", i)
			}
		case Merged:
			if _, ok := l.known[i.MergedInto]; !ok {
				l.t.Fatalf("merged into a stranger: %+v", i)
			}
		case Withdrawn:
			delete(l.known, i.ID)
			l.gone[i.ID] = true
			continue
		default:
			l.t.Fatalf("kind %d", c.Kind)
		}
		l.known[i.ID] = i
		delete(l.gone, i.ID)
	}
}

func (l *ledgerOf) holds(live *Live) {
	l.t.Helper()
	list := live.Incidents()
	for _, i := range list {
		if !i.equal(l.known[i.ID]) {
			l.t.Fatalf("changes told %+v\nbut it is    %+v", l.known[i.ID], i)
		}
	}
	if len(list) != len(l.known) {
		l.t.Fatalf("changes told of %d, there are %d", len(l.known), len(list))
	}
}

// anonymous are incidents less their identifiers, merged ones left out.
func anonymous(list []Incident) (out []Incident) {
	for _, i := range list {
		if i.MergedInto == "" {
			i.ID = ""
			out = append(out, i)
		}
	}
	return out
}

// spoil makes a provisional version of a second: other counts, other causes,
// or nothing at all.
func spoil(rng *rand.Rand, s Second) Second {
	switch rng.IntN(5) {
	case 0:
		return Second{At: s.At}
	case 1:
		s.Failures = min(s.Requests, s.Failures+rng.Int64N(5))
		s.Causes = []Count{{"provisional", s.Failures}}
	case 2:
		s.Failures, s.Causes = 0, nil
	case 3:
		s.Requests, s.Failures = max(1, s.Requests/2), s.Failures/2
		s.Causes = []Count{{"c", s.Failures}}
	case 4:
		s.Causes = []Count{{"provisional", s.Failures}}
	}
	return s
}

// Whatever was told of seconds before, in whichever order, and however often
// the program was restarted: the last word on each second decides.
func TestLiveFindsWhatADetectorFinds(t *testing.T) {
	kinds := map[string]int{}
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 3))
		live := NewLive(Config{}, 10*time.Hour)
		told := newLedger(t)
		truth := map[string][]Second{"shop": story(rng, 900), "blog": story(rng, 300)}
		stored := map[string]map[int64]Second{"shop": {}, "blog": {}}
		set := func(site string, s Second) {
			live.Set(site, s)
			stored[site][s.At] = s
		}
		end := int64(0)
		for _, site := range []string{"shop", "blog"} {
			end = max(end, truth[site][len(truth[site])-1].At+1)
		}
		pending := map[string][]Second{}
		for now := int64(epoch); now < end; now += 1 + rng.Int64N(20) {
			for _, site := range []string{"blog", "shop"} {
				for len(truth[site]) > 0 && truth[site][0].At < now {
					s := truth[site][0]
					truth[site] = truth[site][1:]
					if rng.IntN(3) == 0 {
						pending[site] = append(pending[site], s)
						s = spoil(rng, s)
					}
					set(site, s)
				}
				for len(pending[site]) > 0 && rng.IntN(2) == 0 {
					k := rng.IntN(len(pending[site]))
					set(site, pending[site][k])
					pending[site] = slices.Delete(pending[site], k, k+1)
				}
			}
			told.take(live.Advance(now))
			if rng.IntN(100) == 0 {
				told.holds(live)
				before := live.Incidents()
				clear(told.gone) // a withdrawn one is not in the store
				live = NewLive(Config{}, 10*time.Hour)
				live.Restore(before)
				for site, m := range stored {
					for _, s := range m {
						live.Set(site, s)
					}
				}
				told.take(live.Advance(now))
				if diff := cmp.Diff(before, live.Incidents()); diff != "" {
					t.Fatalf("seed %d: a restart changed incidents: %s", seed, diff)
				}
			}
		}
		for site, list := range pending {
			for _, s := range list {
				set(site, s)
			}
			for _, s := range truth[site] {
				set(site, s)
			}
		}
		// "blog" is over before "shop": what a Detector says at the end.
		told.take(live.Advance(end))
		told.holds(live)
		got := live.Incidents()
		if diff := cmp.Diff(sorted(plainUntil(stored, end)), sorted(anonymous(got))); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
		if live.Late() != 0 || live.Dropped() != 0 {
			t.Fatalf("%d late, %d dropped", live.Late(), live.Dropped())
		}
		for k, n := range told.seen {
			kinds[k] += n
		}
	}
	for k := Opened; k <= Withdrawn; k++ {
		if kinds[k.String()] == 0 {
			t.Errorf("nothing was ever %v: the stories are too quiet to prove anything", k)
		}
	}
	t.Log(kinds)
}

// plainUntil asks a Detector what the stored seconds come to at the end.
func plainUntil(stored map[string]map[int64]Second, end int64) []Incident {
	d := New(Config{})
	for site, m := range stored {
		var list []Second
		for _, s := range m {
			if s.normal().Requests > 0 {
				list = append(list, s)
			}
		}
		slices.SortFunc(list, func(a, b Second) int { return int(a.At - b.At) })
		for _, s := range list {
			d.Add(site, s)
		}
	}
	d.Advance(end)
	return anonymous(d.Incidents())
}

func sorted(list []Incident) []Incident {
	slices.SortFunc(list, func(a, b Incident) int {
		if a.Start != b.Start {
			return int(a.Start - b.Start)
		}
		return len(a.Site) - len(b.Site)
	})
	return list
}

// With a short settle the same holds as long as nothing is later than that.
func TestLiveSettlesWithoutChangingTheResult(t *testing.T) {
	merged := 0
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 4))
		seconds := story(rng, 3000)
		live := NewLive(Config{}, 90*time.Second)
		told := newLedger(t)
		end := seconds[len(seconds)-1].At + 1
		type correction struct {
			s   Second
			due int64
		}
		var due []correction
		for i := 0; i < len(seconds); {
			now := seconds[i].At + 1 + rng.Int64N(5)
			for ; i < len(seconds) && seconds[i].At < now; i++ {
				s := seconds[i]
				if rng.IntN(3) == 0 {
					due = append(due, correction{s, s.At + rng.Int64N(80)})
					s = spoil(rng, s)
				}
				live.Set("shop", s)
			}
			due = slices.DeleteFunc(due, func(c correction) bool {
				if c.due > now && i < len(seconds) {
					return false
				}
				live.Set("shop", c.s)
				return true
			})
			told.take(live.Advance(now))
		}
		told.take(live.Advance(max(end, live.now)))
		told.holds(live)
		d := New(Config{})
		for _, s := range seconds {
			d.Add("shop", s)
		}
		d.Advance(live.now)
		if diff := cmp.Diff(anonymous(d.Incidents()), anonymous(live.Incidents())); diff != "" || live.Late() != 0 {
			t.Fatalf("seed %d, %d late: %s", seed, live.Late(), diff)
		}
		merged += told.seen["merged"]
		if n := len(live.sites["shop"].seconds); n > 200 {
			t.Fatalf("%d seconds wait", n)
		}
		if n := len(live.sites["shop"].base.ended); n > 10 {
			t.Fatalf("%d ended incidents in the state that is cloned", n)
		}
	}
	if merged == 0 {
		t.Error("no incident was merged")
	}
}

func liveOf(t *testing.T, seconds []Second, settle time.Duration) (*Live, *ledgerOf) {
	live, told := NewLive(Config{}, settle), newLedger(t)
	for _, s := range seconds {
		live.Set("shop", s)
		told.take(live.Advance(s.At + 1))
	}
	return live, told
}

func only(t *testing.T, live *Live) Incident {
	t.Helper()
	list := live.Incidents()
	if len(list) != 1 {
		t.Fatalf("%d incidents: %+v", len(list), list)
	}
	return list[0]
}

func TestLiveKeepsTheFirstIdentifierWhenTheStartMoves(t *testing.T) {
	live, told := liveOf(t, log(40, 10, fault{"x", span(20, 40, 5)}), time.Hour)
	before := only(t, live)
	for i := range int64(5) { // its first seconds were not told of before
		live.Set("shop", Second{At: epoch + 15 + i, Requests: 10, Failures: 5, Causes: []Count{{"x", 5}}})
	}
	told.take(live.Advance(epoch + 40))
	if now := only(t, live); now.ID != before.ID || now.Start != at(15) || now.Failures != before.Failures+25 {
		t.Errorf("was %+v, is %+v", before, now)
	}
	for i := range int64(8) { // and these turn out to be none
		live.Set("shop", Second{At: epoch + 15 + i, Requests: 10})
	}
	told.take(live.Advance(epoch + 40))
	if now := only(t, live); now.ID != before.ID || now.Start != at(23) {
		t.Errorf("was %+v, is %+v", before, now)
	}
	told.holds(live)
}

func TestLiveWithdrawsWhatCorrectionsLeaveNothingOf(t *testing.T) {
	live, told := liveOf(t, log(40, 10, fault{"x", span(20, 30, 5)}), time.Hour)
	id := only(t, live).ID
	for i := range int64(10) {
		live.Set("shop", Second{At: epoch + 20 + i, Requests: 10})
	}
	told.take(live.Advance(epoch + 41))
	if told.seen["withdrawn"] != 1 || len(live.Incidents()) != 0 {
		t.Fatalf("%v %+v", told.seen, live.Incidents())
	}
	for i := range int64(6) {
		live.Set("shop", Second{At: epoch + 22 + i, Requests: 10, Failures: 5})
	}
	for _, c := range live.Advance(epoch + 42) {
		if c.Kind != Reopened && c.Kind != Ended || c.Incident.ID != id {
			t.Errorf("%v %+v", c.Kind, c.Incident)
		}
	}
	if now := only(t, live); now.ID != id {
		t.Errorf("it came back as %s, was %s", now.ID, id)
	}
}

func TestLiveMergesWhatACorrectionJoins(t *testing.T) {
	live, told := liveOf(t, log(90, 10, fault{"x", span(20, 25, 5)}, fault{"y", span(60, 65, 5)}), time.Hour)
	list := live.Incidents()
	if len(list) != 2 {
		t.Fatalf("%+v", list)
	}
	for i := range int64(45) {
		live.Set("shop", Second{At: epoch + 20 + i, Requests: 10, Failures: 5, Causes: []Count{{"x", 5}}})
	}
	told.take(live.Advance(epoch + 90))
	now := live.Incidents()
	if len(now) != 2 || now[0].ID != list[0].ID || now[1].ID != list[1].ID || now[1].MergedInto != now[0].ID || told.seen["merged"] != 1 {
		t.Fatalf("%v %+v", told.seen, now)
	}
	told.holds(live)
	for i := range int64(35) { // and apart again
		live.Set("shop", Second{At: epoch + 25 + i, Requests: 10})
		live.Set("shop", Second{At: epoch + 60 + i%5, Requests: 10, Failures: 5, Causes: []Count{{"y", 5}}})
	}
	told.take(live.Advance(epoch + 91))
	told.holds(live)
	if now = live.Incidents(); len(now) != 2 || now[1].MergedInto != "" || now[1].ID != list[1].ID {
		t.Fatalf("%+v", now)
	}
}

// An incident that began before the seconds that are stored goes on with the
// start and the counts that it had.
func TestLiveContinuesAnIncidentOlderThanWhatIsStored(t *testing.T) {
	all := log(4000, 10, fault{"x", span(20, 3900, 5)})
	live, _ := liveOf(t, all[:3000], 2*time.Minute)
	before := only(t, live)
	again, told := NewLive(Config{}, 2*time.Minute), newLedger(t)
	told.known[before.ID] = before
	again.Restore(live.Incidents())
	for _, s := range all[1000:3000] {
		again.Set("shop", s)
	}
	told.take(again.Advance(epoch + 3000))
	if diff := cmp.Diff(before, only(t, again)); diff != "" {
		t.Error(diff)
	}
	for _, s := range all[3000:] {
		again.Set("shop", s)
		told.take(again.Advance(s.At + 1))
	}
	told.holds(again)
	whole := only(t, again)
	if whole.ID != before.ID || whole.Start != before.Start || whole.Ongoing || whole.Failures != 5*3880 || told.seen["opened"] != 0 {
		t.Errorf("%v %+v", told.seen, whole)
	}
}

func TestLiveBelievesTheStoreWhereItHasNoSecondsOfItsOwn(t *testing.T) {
	ended := Incident{ID: "a", Site: "shop", Start: at(0), End: at(50), Requests: 100, Failures: 50}
	ongoing := Incident{ID: "b", Site: "blog", Start: at(0), End: at(50), Requests: 100, Failures: 50, Ongoing: true}
	part := Incident{ID: "c", Site: "shop", Start: at(20), End: at(30), Requests: 100, Failures: 50, MergedInto: "a"}
	live := NewLive(Config{}, time.Minute)
	live.Restore([]Incident{ended, ongoing, part})
	if got := live.Advance(epoch + 60); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	got := live.Advance(epoch + 500)
	if len(got) != 1 || got[0].Kind != Ended || got[0].Incident.ID != "b" || len(live.Incidents()) != 3 {
		t.Errorf("%+v; %+v", got, live.Incidents())
	}
}

func TestLiveCorrectsTheCountsOfASettledIncident(t *testing.T) {
	seconds := log(2000, 10, fault{"x", span(100, 130, 5)}, fault{"x", span(500, 530, 5)}, fault{"x", span(900, 930, 5)}, fault{"x", span(1300, 1330, 5)})
	live, told := liveOf(t, seconds, time.Minute)
	list := live.Incidents()
	if len(list) != 4 {
		t.Fatalf("%+v", list)
	}
	late := Second{At: epoch + 110, Requests: 12, Failures: 7, Causes: []Count{{"y", 7}}}
	live.Set("shop", late)
	live.Set("shop", late)                                                // twice is once
	live.Set("shop", Second{At: epoch + 1310, Requests: 10, Failures: 4}) // in one that the state still works on
	live.Set("shop", Second{At: epoch + 1700, Requests: 10, Failures: 9}) // in none
	told.take(live.Advance(epoch + 2001))
	told.holds(live)
	got := live.Incidents()
	if got[0].Failures != list[0].Failures+2 || got[0].Requests != list[0].Requests+2 || !slices.Equal(got[0].Causes, []Count{{"x", 145}, {"y", 7}}) {
		t.Errorf("%+v", got[0])
	}
	if got[3].Failures != list[3].Failures-1 || len(got) != 4 || live.Late() != 4 || told.seen["changed"] < 2 {
		t.Errorf("%d late, %v, %+v", live.Late(), told.seen, got)
	}
	if diff := cmp.Diff(list[1:3], got[1:3]); diff != "" {
		t.Error(diff)
	}
}

func TestLiveIsBounded(t *testing.T) {
	cfg := Config{MaxSites: 10, MaxIncidents: 5}
	live := NewLive(cfg, time.Minute)
	for i := range int64(40) {
		for k := range int64(1000) {
			s := Second{At: epoch + i*1000 + k, Requests: 10}
			if k < 10 {
				s.Failures = 5
			}
			live.Set("shop", s)
			live.Set(fmt.Sprint("stranger-", i, "-", k%20), Second{At: s.At, Requests: 1})
		}
		live.Advance(epoch + (i+1)*1000)
		if len(live.sites) > 10 {
			t.Fatalf("%d sites", len(live.sites))
		}
	}
	if live.sites["shop"] == nil || live.Dropped() == 0 {
		t.Error("the site with incidents had to go")
	}
	if n := len(live.Incidents()); n > 5+recent+2 {
		t.Errorf("%d incidents", n)
	}
	if n := len(live.sites["shop"].past); n > 3000 {
		t.Errorf("%d settled seconds", n)
	}
	live.Set("shop", Second{At: epoch + 1_000_000_000, Requests: 5})
	if len(live.sites["shop"].seconds) > 100 {
		t.Error("a second of the far future is held")
	}
	// A store that gives years at once.
	live = NewLive(Config{}, time.Minute)
	for i := range int64(100_000) {
		live.Set("shop", Second{At: epoch + i, Requests: 1})
	}
	if n := len(live.sites["shop"].seconds); n > maxOpenSeconds+1 {
		t.Errorf("%d seconds", n)
	}
	if n := len(live.sites["shop"].past); n > 5000 {
		t.Errorf("%d settled seconds", n)
	}
}

func TestLiveKeepsNoMemoryOfWhatItIsGiven(t *testing.T) {
	live := NewLive(Config{}, time.Minute)
	causes := []Count{{"x", 5}}
	for i := range int64(20) {
		causes[0].Cause = "x"
		live.Set("shop", Second{At: epoch + i, Requests: 5, Failures: 5, Causes: causes})
		causes[0].Cause = "overwritten"
	}
	live.Advance(epoch + 20)
	got := live.Incidents()
	got[0].Causes[0].Cause = "overwritten"
	if c := only(t, live).Causes; !slices.Equal(c, []Count{{"x", 100}}) {
		t.Errorf("%+v", c)
	}
}

// A correction a second in ten minutes that may still change.
func BenchmarkLiveReplay(b *testing.B) {
	live := NewLive(Config{}, 10*time.Minute)
	now := int64(epoch)
	causes := []Count{{"a", 100}, {"b", 100}}
	b.ReportAllocs()
	for b.Loop() {
		now++
		s := Second{At: now, Requests: 1000, Failures: 1}
		if now%1000 < 100 {
			s.Failures, s.Causes = 200, causes
		}
		live.Set("shop", s)
		s.At -= 300
		s.Requests++
		live.Set("shop", s)
		live.Advance(now + 1)
	}
}

// Nothing but new seconds.
func BenchmarkLiveAppend(b *testing.B) {
	live := NewLive(Config{}, 10*time.Minute)
	now := int64(epoch)
	b.ReportAllocs()
	for b.Loop() {
		now++
		live.Set("shop", Second{At: now, Requests: 1000, Failures: 1})
		live.Advance(now + 1)
	}
}

// What the test does not find right after a restart, since its seconds are not
// complete again, may a moment later turn out to be a part of another.
func TestLiveMergesARestoredIncidentThatItDidNotFindAtFirst(t *testing.T) {
	before, told := liveOf(t, log(90, 10, fault{"x", span(20, 25, 5)}, fault{"y", span(60, 65, 5)}), time.Hour)
	list := before.Incidents()
	if len(list) != 2 {
		t.Fatalf("%+v", list)
	}
	live := NewLive(Config{}, time.Hour)
	live.Restore(list)
	for _, s := range log(90, 10, fault{"x", span(20, 25, 5)}) {
		live.Set("shop", s)
	}
	for i := range int64(5) { // its share is too small
		live.Set("shop", Second{At: epoch + 60 + i, Requests: 1e6, Failures: 5, Causes: []Count{{"y", 5}}})
	}
	told.take(live.Advance(epoch + 90))
	if now := live.Incidents(); len(now) != 2 {
		t.Fatalf("%+v", now)
	}
	for i := range int64(45) {
		live.Set("shop", Second{At: epoch + 20 + i, Requests: 10, Failures: 5, Causes: []Count{{"x", 5}}})
	}
	told.take(live.Advance(epoch + 90))
	now := live.Incidents()
	if len(now) != 2 || now[0].ID != list[0].ID || now[1].ID != list[1].ID || now[1].MergedInto != now[0].ID || told.seen["merged"] != 1 {
		t.Errorf("%v: %+v", told.seen, now)
	}
	told.holds(live)
}

// Where all seconds are known, an incident of before a restart of which there
// are none is none: what it was made of was taken back.
func TestLiveWithdrawsARestoredIncidentOfWhichNothingIsLeft(t *testing.T) {
	known := Incident{ID: "a", Site: "shop", Start: at(20), End: at(22), Requests: 46, Failures: 46, Ongoing: true}
	older := Incident{ID: "b", Site: "shop", Start: at(-500), End: at(-400), Requests: 46, Failures: 46}
	live := NewLive(Config{}, time.Hour)
	live.Complete(epoch)
	live.Restore([]Incident{known, older})
	got := live.Advance(epoch + 60)
	if len(got) != 1 || got[0].Kind != Withdrawn || got[0].Incident.ID != "a" {
		t.Errorf("%+v", got)
	}
	if list := live.Incidents(); len(list) != 1 || list[0].ID != "b" {
		t.Errorf("%+v", list)
	}
}
