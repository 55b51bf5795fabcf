package live

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/aggregate"
	"why503/aggregate/incident"
	"why503/parse"
)

// A model counts facts one by one, as often as it is asked.
type model map[string]aggregate.Failure

func (m model) second(k siteSecond) (failures int64, causes map[string]int64) {
	causes = make(map[string]int64)
	for _, f := range m {
		if f.Class == "failure" && f.Site == k.site && int64(rowTime(f.Ended))/1e9 == k.at {
			failures++
			causes[f.Cause]++
		}
	}
	return failures, causes
}

func failure(uid, site, class, cause string, ended time.Time) aggregate.Failure {
	return aggregate.Failure{UID: uid, Site: site, Class: class, Cause: cause, Ended: rowStamp(parse.Time(ended.UnixNano()))}
}

// Facts come, change their cause, class and time, and go: each second counts
// what is left.
func TestSecondsCountEachFactAsItWasLastTold(t *testing.T) {
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	s, m := newSeconds(), make(model)
	d := incident.NewLive(incident.Defaults(), 15*time.Minute)
	for step := range 5000 {
		uid := fmt.Sprint(rng.IntN(300))
		if rng.IntN(4) == 0 {
			s.drop(uid)
			delete(m, uid)
		} else {
			f := failure(uid, pick("a", "b"), pick("failure", "failure", "client", "saved"), pick("x", "y", "z"), begin.Add(time.Duration(rng.IntN(10_000))*time.Millisecond))
			s.set(&f)
			m[uid] = f
		}
		if step%7 == 0 {
			s.tell(d, begin.Add(11*time.Second))
		}
		if step%50 != 0 {
			continue
		}
		for _, site := range []string{"a", "b"} {
			for at := begin.Unix(); at < begin.Unix()+11; at++ {
				k := siteSecond{site, at}
				failures, causes := m.second(k)
				got := tally{causes: make(map[string]int64)}
				if t := s.of[k]; t != nil {
					got.failures = t.failures
					for cause, n := range t.causes {
						if n != 0 {
							got.causes[cause] = n
						}
					}
				}
				if got.failures != failures || !cmp.Equal(got.causes, causes) {
					t.Fatalf("step %d, %v: %d failures %v, want %d %v", step, k, got.failures, got.causes, failures, causes)
				}
			}
		}
	}
}

func TestWhatIsToldOfASecond(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := newSeconds()
	for source, n := range map[string]int64{"edge": 30, "web": 12} {
		if fresh, _ := s.requests(source, "a", at.Unix(), n); fresh != n {
			t.Errorf("%s: %d new requests, want %d", source, fresh, n)
		}
	}
	if fresh, _ := s.requests("edge", "a", at.Unix(), 32); fresh != 2 {
		t.Errorf("%d new requests, want 2", fresh)
	}
	if fresh, _ := s.requests("edge", "a", at.Unix(), 32); fresh != 0 {
		t.Errorf("%d new requests where nothing changed", fresh)
	}
	total := func() (n int64) {
		for _, x := range s.of[siteSecond{"a", at.Unix()}].requests {
			n += x
		}
		return n
	}
	if n := total(); n != 44 {
		t.Errorf("%d requests, want 32 and 12", n)
	}
	s.behind("web")
	if n := total(); n != 32 {
		t.Errorf("%d requests after one source turned out to stand behind the other, want 32", n)
	}
}

// What is stored of a second stands until those who count it tell of it again.
func TestStoredRequestsAreNotCountedTwice(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := newSeconds()
	s.base([]aggregate.SiteSecond{{Site: "a", At: at.Unix(), Requests: 40}, {Site: "a", At: at.Unix() - 100, Requests: 7}}, at.Unix())
	if len(s.of) != 1 {
		t.Fatalf("%d seconds, want that which is not too old", len(s.of))
	}
	s.requests("edge", "a", at.Unix(), 41)
	if diff := cmp.Diff(map[string]int64{"edge": 41}, s.of[siteSecond{"a", at.Unix()}].requests); diff != "" {
		t.Error(diff)
	}
}

// A fact of old logs, too, can be taken back for as long as it is not final.
func TestFactsAreForgottenOnlyWhenTheyHadTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSeconds()
		d := incident.NewLive(incident.Defaults(), 15*time.Minute)
		old := failure("old", "a", "failure", "x", time.Now().Add(-24*time.Hour))
		fresh := failure("fresh", "a", "failure", "x", time.Now())
		s.set(&old)
		s.set(&fresh)
		known := func(uid string) bool { _, ok := s.row(uid); return ok }
		begin := time.Now()
		for _, x := range []struct {
			after      time.Duration
			old, fresh bool
		}{{0, true, true}, {linger / 2, true, true}, {linger + time.Second, false, true}, {remember, false, true}, {remember + 2*time.Second, false, false}} {
			time.Sleep(time.Until(begin.Add(x.after)))
			s.tell(d, time.Now())
			if known("old") != x.old || known("fresh") != x.fresh {
				t.Errorf("after %v: old %v, fresh %v; want %v, %v", x.after, known("old"), known("fresh"), x.old, x.fresh)
			}
		}
		if row, ok := s.row("old"); ok {
			t.Errorf("%+v", row)
		}
		if len(s.of) != 0 {
			t.Errorf("%d seconds are still known", len(s.of))
		}
		s.drop("old") // it is not counted any more: nothing to take back
		if len(s.dirty) != 0 {
			t.Errorf("%d seconds changed", len(s.dirty))
		}
	})
}

func TestARowIsEnoughToTakeItsFactBack(t *testing.T) {
	s := newSeconds()
	f := failure("u1", "shop.example", "failure", "x", time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC))
	s.set(&f)
	got, ok := s.row("u1")
	if !ok || got.Site != f.Site || got.Ended != f.Ended || got.Class != f.Class || got.Cause != f.Cause {
		t.Errorf("%+v, %v", got, ok)
	}
	if _, ok := s.row("u2"); ok {
		t.Error("a fact that nobody told of is known")
	}
}
