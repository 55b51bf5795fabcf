package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/aggregate"
	"why503/aggregate/slo"
)

// A recorder is a channel that remembers what it was sent.
type recorder struct {
	can traits

	mu    sync.Mutex
	begin time.Time
	down  error
	got   []string // "SECONDS KIND TITLE"
	sent  []Alert
}

func newRecorder(can traits) *recorder { return &recorder{can: can, begin: time.Now()} }

func (r *recorder) traits() traits { return r.can }

func (r *recorder) note(kind, ref, title string) {
	if ref != "" {
		ref = " in " + ref
	}
	r.got = append(r.got, fmt.Sprintf("%ds %s%s: %s", int(time.Since(r.begin).Seconds()), kind, ref, title))
}

func (r *recorder) send(_ context.Context, a Alert, root string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down != nil {
		r.note("failed", "", string(a.Kind))
		return "", r.down
	}
	r.note(string(a.Kind), root, a.Title)
	r.sent = append(r.sent, a)
	return fmt.Sprintf("m%d", len(r.sent)), nil
}

func (r *recorder) edit(_ context.Context, a Alert, ref string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note("edit", ref, a.Title)
	return nil
}

func (r *recorder) again() time.Duration { return time.Minute }

func (r *recorder) setDown(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = err
}

func (r *recorder) has() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.got...)
}

func (r *recorder) alerts() []Alert {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Alert(nil), r.sent...)
}

type stateRecorder struct{ *recorder }

func (r *stateRecorder) state(_ context.Context, firing []Alert) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range firing {
		r.note("again", "", a.Cause)
	}
	return nil
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// running starts a Notifier with one channel in a bubble, and returns what
// ends it.
func running(t *testing.T, cfg Config, box Outbox, s sender) (*Notifier, func()) {
	t.Helper()
	n, err := New(cfg, box, quiet())
	if err != nil {
		t.Fatal(err)
	}
	n.channels = []*channel{newChannel("test", nil, s, n.cfg)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := n.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	return n, func() { cancel(); <-done }
}

// incidentOf is an incident of shop that began at begin.
func incidentOf(id string, begin time.Time, failures int64, cause string) aggregate.Incident {
	return aggregate.Incident{
		ID: id, Site: "shop.example", Start: begin, End: time.Now(), Ongoing: true, Failures: failures, Requests: 10 * failures,
		Causes: []aggregate.Cause{{Cause: cause, UID: "0a1b2c3d4e5f60718293a4b5c6d7e8f9", Count: failures, Decidable: failures, Confidence: 0.95, Words: "it was " + cause, Layer: "database",
			Advice: []string{"Make it stop."},
			Chain:  []aggregate.ChainLink{{Link: aggregate.Link{Cause: cause, Level: "root", Line: "evidence of " + cause, File: "db.log", Host: "db-1"}}}}},
	}
}

func observe(t *testing.T, n *Notifier, in aggregate.Incident) {
	t.Helper()
	if err := n.Observe(t.Context(), in); err != nil {
		t.Error(err)
	}
}

// kinds are the lines up to their first colon.
func kinds(lines []string) (out []string) {
	for _, l := range lines {
		k, _, _ := strings.Cut(l, ":")
		out = append(out, k)
	}
	return out
}

func expect(t *testing.T, want, got []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// cfgOne is a configuration with one channel, which tests replace.
var cfgOne = Config{Webhook: []Webhook{{URL: "http://127.0.0.1:1"}}, URL: "https://why503.example"}

func TestOneMessageAnIncidentEditedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder(traits{edits: true})
		n, stop := running(t, cfgOne, NewMemory(), r)
		defer stop()
		begin := time.Now()
		for i := range int64(150) {
			observe(t, n, incidentOf("i1", begin, 10+i, "db.lock"))
			time.Sleep(time.Second)
		}
		over := incidentOf("i1", begin, 200, "db.lock")
		over.Ongoing = false
		observe(t, n, over)
		time.Sleep(10 * time.Minute)
		observe(t, n, over)
		time.Sleep(10 * time.Minute)
		expect(t, []string{"10s opened", "70s edit in m1", "130s edit in m1", "180s ended in m1", "190s edit in m1"}, kinds(r.has()))
		time.Sleep(2 * time.Hour)
		n.mu.Lock()
		defer n.mu.Unlock()
		if len(n.stories) != 0 {
			t.Errorf("%d incidents are followed for ever", len(n.stories))
		}
	})
}

func TestWithoutEditsThereAreOnlyOpeningChangeAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder(traits{})
		n, stop := running(t, cfgOne, NewMemory(), r)
		defer stop()
		begin := time.Now()
		for i := range int64(300) {
			cause := "db.lock"
			if i > 100 && i < 130 {
				cause = "net.refused" // leads for less than it takes
			}
			if i > 150 {
				cause = "db.crash"
			}
			if i > 230 {
				cause = "db.lock" // which was told before
			}
			observe(t, n, incidentOf("i1", begin, 10+i, cause))
			time.Sleep(time.Second)
		}
		over := incidentOf("i1", begin, 400, "db.lock")
		over.Ongoing = false
		observe(t, n, over)
		time.Sleep(time.Hour)
		expect(t, []string{"10s opened", "211s cause_changed in m1", "291s cause_changed in m1", "330s ended in m1"}, kinds(r.has()))
		if got := r.has()[1]; !strings.Contains(got, "shop.example: cause changed: db.crash, was db.lock") {
			t.Error(got)
		}
	})
}

func TestAnEndThatDoesNotLastIsNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder(traits{})
		n, stop := running(t, cfgOne, NewMemory(), r)
		defer stop()
		begin := time.Now()
		on, off := incidentOf("i1", begin, 50, "db.lock"), incidentOf("i1", begin, 50, "db.lock")
		off.Ongoing = false
		observe(t, n, on)
		time.Sleep(20 * time.Second)
		observe(t, n, off)
		time.Sleep(20 * time.Second)
		observe(t, n, on) // within EndHold
		time.Sleep(time.Minute)
		expect(t, []string{"10s opened"}, kinds(r.has()))
		observe(t, n, off)
		time.Sleep(time.Minute)
		observe(t, n, on) // after it was told
		time.Sleep(time.Minute)
		observe(t, n, off)
		time.Sleep(time.Minute)
		expect(t, []string{"10s opened", "130s ended in m1", "160s reopened in m1", "250s ended in m1"}, kinds(r.has()))
	})
}

func TestMergedAndWithdrawnIncidents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder(traits{})
		n, stop := running(t, cfgOne, NewMemory(), r)
		defer stop()
		begin := time.Now()
		for _, id := range []string{"i1", "i2", "i3"} {
			observe(t, n, incidentOf(id, begin, 50, "db.lock"))
		}
		time.Sleep(time.Second)
		if err := n.Withdraw(t.Context(), incidentOf("i3", begin, 0, "db.lock")); err != nil { // before it was told
			t.Error(err)
		}
		time.Sleep(30 * time.Second)
		merged := incidentOf("i2", begin, 50, "db.lock")
		merged.Ongoing, merged.MergedInto = false, "i1"
		observe(t, n, merged)
		time.Sleep(time.Second)
		if err := n.Withdraw(t.Context(), incidentOf("i1", begin, 0, "db.lock")); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		got := r.has()
		expect(t, []string{"10s opened", "10s opened", "31s merged in m2", "32s withdrawn in m1"}, kinds(got))
		if !strings.Contains(got[2], "part of incident i1") {
			t.Error(got[2])
		}
	})
}

func TestAFloodOfIncidentsIsADigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder(traits{})
		cfg := cfgOne
		cfg.Burst, cfg.Every = 3, time.Minute
		n, stop := running(t, cfg, NewMemory(), r)
		defer stop()
		begin := time.Now()
		for i := range 40 {
			observe(t, n, incidentOf(fmt.Sprint("i", 10+i), begin, 50, "db.lock"))
		}
		time.Sleep(15 * time.Second)
		got := r.has()
		expect(t, []string{"10s opened", "10s opened", "10s digest"}, kinds(got))
		if d := r.alerts()[2]; len(d.Digest) != maxDigest+1 || d.Digest[maxDigest] != "and 18 more" || d.Title != "38 messages at once" {
			t.Errorf("%q %q", d.Title, d.Digest)
		}
		for i := range 40 {
			over := incidentOf(fmt.Sprint("i", 10+i), begin, 50, "db.lock")
			over.Ongoing = false
			observe(t, n, over)
		}
		time.Sleep(10 * time.Minute)
		if got = r.has(); len(got) > 5 {
			t.Errorf("%q", kinds(got))
		}
		for _, i := range n.box.(*Memory).list(func(Item) bool { return true }) {
			if i.State != Sent {
				t.Errorf("%s is %s", i.ID, i.State)
			}
		}
	})
}

func TestDeliveryIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder(traits{})
		n, stop := running(t, cfgOne, NewMemory(), r)
		defer stop()
		r.setDown(errors.New("no route"))
		begin := time.Now()
		observe(t, n, incidentOf("i1", begin, 50, "db.lock"))
		time.Sleep(60 * time.Second)
		observe(t, n, incidentOf("i1", begin, 70, "db.lock"))
		r.setDown(laterError{errors.New("slow down"), 2 * time.Minute})
		time.Sleep(60 * time.Second)
		r.setDown(nil)
		time.Sleep(10 * time.Minute)
		expect(t, []string{"10s failed", "15s failed", "25s failed", "45s failed", "85s failed", "205s opened"}, kinds(r.has()))
		if in := r.alerts()[0].Incident; in.Failures != 70 {
			t.Errorf("it was sent with %d failures, there are 70", in.Failures)
		}
		if got := n.Counts()["test"]; got["retries"] != 5 || got["sent"] != 1 {
			t.Errorf("%v", got)
		}
	})
}

func TestDeliveryIsGivenUpAtLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder(traits{})
		r.setDown(errors.New("no route"))
		n, stop := running(t, cfgOne, NewMemory(), r)
		defer stop()
		observe(t, n, incidentOf("i1", time.Now(), 50, "db.lock"))
		time.Sleep(30 * time.Hour)
		if got := n.Counts()["test"]; got["failed"] != 1 || got["retries"] > 200 {
			t.Errorf("%v", got)
		}
	})
}

// Whatever moment the program ends at, nothing is lost and what was told is
// not told again.
func TestARestartAtAnyMoment(t *testing.T) {
	var want []string
	for _, at := range []int{-1, 1, 9, 10, 11, 40, 69, 70, 71, 100, 170, 200, 229, 230, 231, 300, 329, 330, 331, 359, 360, 361, 400} {
		synctest.Test(t, func(t *testing.T) {
			r, box := newRecorder(traits{edits: true}), NewMemory()
			n, stop := running(t, cfgOne, box, r)
			begin := time.Now()
			for i := range 500 {
				cause := "db.lock"
				if i >= 170 {
					cause = "db.crash"
				}
				in := incidentOf("i1", begin, 50, cause)
				in.Ongoing = i < 330
				if i == at {
					stop()
					n, stop = running(t, cfgOne, box, r)
				}
				observe(t, n, in)
				time.Sleep(time.Second)
			}
			stop()
			var told []string
			for _, k := range kinds(r.has()) {
				if _, k, _ = strings.Cut(k, " "); !strings.HasPrefix(k, "edit") {
					told = append(told, k)
				}
			}
			if want == nil {
				want = told
				expect(t, []string{"opened", "cause_changed in m1", "ended in m1"}, want)
			} else if diff := cmp.Diff(want, told); diff != "" {
				t.Errorf("ended at %d: %s", at, diff)
			}
		})
	}
}

// An outbox that forgets what it was told last, as one whose program was
// killed between sending and keeping.
type forgetful struct {
	*Memory
	fail bool
}

func (f *forgetful) Put(ctx context.Context, items ...Item) error {
	if f.fail && items[0].State == Sent {
		return errors.New("disk full")
	}
	return f.Memory.Put(ctx, items...)
}

func TestAKillBetweenSendingAndKeepingSendsTheSameKeyAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := newRecorder(traits{}), &forgetful{Memory: NewMemory(), fail: true}
		n, stop := running(t, cfgOne, box, r)
		begin := time.Now()
		observe(t, n, incidentOf("i1", begin, 50, "db.lock"))
		time.Sleep(time.Minute)
		stop()
		if got := r.alerts(); len(got) != 1 {
			t.Errorf("sent %d times while the outbox did not take it", len(got))
		}
		box.fail = false
		n, stop = running(t, cfgOne, box, r)
		defer stop()
		observe(t, n, incidentOf("i1", begin, 50, "db.lock"))
		time.Sleep(time.Minute)
		if sent := r.alerts(); len(sent) != 2 || sent[0].Key != sent[1].Key {
			t.Errorf("%q", r.has())
		}
	})
}

func TestHistoryIsNoNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder(traits{})
		n, stop := running(t, cfgOne, NewMemory(), r)
		defer stop()
		old := incidentOf("i1", time.Now().Add(-3*time.Hour), 50, "db.lock")
		old.Ongoing, old.End = false, time.Now().Add(-2*time.Hour)
		observe(t, n, old)
		short := incidentOf("i2", time.Now().Add(-time.Minute), 50, "db.lock")
		short.Ongoing = false // over before anybody was told
		observe(t, n, short)
		time.Sleep(10 * time.Minute)
		expect(t, []string{"10s opened: shop.example: over after 60.0 s, 10 % failed"}, r.has())
	})
}

func TestAStatefulChannelIsToldWhatGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &stateRecorder{newRecorder(traits{states: true})}
		n, stop := running(t, cfgOne, NewMemory(), r)
		defer stop()
		begin := time.Now()
		for i := range 200 {
			cause := "db.lock"
			if i >= 70 {
				cause = "db.crash"
			}
			in := incidentOf("i1", begin, 50, cause)
			in.Ongoing = i < 190
			observe(t, n, in)
			time.Sleep(time.Second)
		}
		if err := n.Budget(t.Context(), slo.Alert{Site: "shop.example", Severity: slo.Ticket, Since: 1, Objective: 0.999}); err != nil {
			t.Error(err)
		}
		time.Sleep(75 * time.Second)
		got := r.has()
		for i := range got {
			got[i], _, _ = strings.Cut(got[i], ": shop")
		}
		expect(t, []string{"10s opened", "60s again: db.lock", "120s again: db.lock", "130s cause_changed in m1", "180s again: db.crash",
			"200s slo_burning", "220s ended in m1", "240s again: "}, got)
	})
}

func TestBudgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := newRecorder(traits{}), NewMemory()
		n, stop := running(t, cfgOne, box, r)
		burn := slo.Burn{Window: slo.Window{Severity: slo.Page, Factor: 14.4, Long: time.Hour, Short: 5 * time.Minute}, LongRate: 16.7, ShortRate: 500, Requests: 60_000, Bad: 1000, Over: true}
		a := slo.Alert{Site: "shop.example", Severity: slo.Page, Since: 29455384, Objective: 0.999, Burn: burn}
		if err := n.Budget(t.Context(), a); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		stop()
		n, stop = running(t, cfgOne, box, r)
		defer stop()
		if err := n.Budget(t.Context(), a); err != nil { // after a restart
			t.Error(err)
		}
		a.Resolved = a.Since + 30
		if err := n.Budget(t.Context(), a); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		expect(t, []string{
			"0s slo_burning: shop.example burns its error budget 16.7 times too fast",
			"60s slo_over: shop.example has stopped burning its error budget too fast",
		}, r.has())
		want := "1,000 of 60,000 requests (1.7 %) failed in 1 h; the objective of 99.9 % allows 0.1 %, so the budget of 30 days would be spent in 43 h 7 min."
		if got := r.alerts()[0].Sentence; got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	})
}

func TestSitesAreOfChannels(t *testing.T) {
	c := newChannel("x", []string{"a", "b"}, newRecorder(traits{}), Defaults())
	if !c.takes("a") || c.takes("c") || !newChannel("x", nil, newRecorder(traits{}), Defaults()).takes("c") {
		t.Error("sites")
	}
}

// Any order of what an incident can do leaves a channel with an opening first,
// nothing after a withdrawal but its return, and an end when it is over.
func TestAnyCourseOfAnIncidentIsToldInOrder(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 9))
			r, box := newRecorder(traits{edits: seed%2 == 0}), NewMemory()
			cfg := cfgOne
			cfg.Burst = 1000
			n, stop := running(t, cfg, box, r)
			begin := time.Now()
			in := incidentOf("i1", begin, 50, "db.lock")
			for range 60 {
				switch rng.IntN(8) {
				case 0:
					in = incidentOf("i1", begin, 50+rng.Int64N(100), []string{"db.lock", "db.crash", "net.refused"}[rng.IntN(3)])
				case 1:
					in.Ongoing = false
				case 2:
					in.Ongoing = true
				case 3:
					r.setDown(errors.New("down"))
				case 4, 5:
					r.setDown(nil)
				case 6:
					stop()
					n, stop = running(t, cfg, box, r)
				}
				observe(t, n, in)
				time.Sleep(time.Duration(rng.IntN(60)) * time.Second)
			}
			in.Ongoing = false
			r.setDown(nil)
			observe(t, n, in)
			time.Sleep(time.Hour)
			stop()
			firing, opened := false, 0
			for _, a := range r.sent {
				switch a.Kind {
				case Opened:
					opened++
					firing = a.Firing
				case Ended:
					firing = false
				case Reopened:
					firing = true
				}
			}
			if opened != 1 || len(r.sent) > 0 && r.sent[0].Kind != Opened || firing {
				t.Fatalf("seed %d: %q", seed, r.has())
			}
		})
	}
}

func BenchmarkObserve(b *testing.B) {
	n, err := New(cfgOne, NewMemory(), quiet())
	if err != nil {
		b.Fatal(err)
	}
	in := incidentOf("i1", time.Now(), 50, "db.lock")
	in.Causes[0].Chain[0].Line = strings.Repeat(`203.0.113.77 - - "GET /cart?session=abc HTTP/1.1" 503 client: 10.1.2.3 `, 10)
	for range 5 {
		in.Causes = append(in.Causes, in.Causes[0])
	}
	b.ReportAllocs()
	for b.Loop() {
		in.Failures++
		if err := n.Observe(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}

// A restart does not take an opening that said "over" for a second return.
func TestAnIncidentThatReturnsIsToldSoOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := newRecorder(traits{}), NewMemory()
		n, stop := running(t, cfgOne, box, r)
		short := incidentOf("i1", time.Now().Add(-time.Minute), 50, "db.lock")
		short.Ongoing = false
		observe(t, n, short)
		time.Sleep(time.Minute)
		short.Ongoing = true
		observe(t, n, short)
		time.Sleep(time.Minute)
		stop()
		n, stop = running(t, cfgOne, box, r)
		defer stop()
		observe(t, n, short)
		time.Sleep(time.Minute)
		expect(t, []string{"10s opened", "60s reopened in m1"}, kinds(r.has()))
	})
}

func TestAChannelThatAsksForPeaceIsNotCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder(traits{})
		n, stop := running(t, cfgOne, NewMemory(), r)
		defer stop()
		r.setDown(laterError{errors.New("slow down"), 5 * time.Minute})
		observe(t, n, incidentOf("i1", time.Now(), 50, "db.lock"))
		time.Sleep(time.Minute)
		observe(t, n, incidentOf("i2", time.Now(), 50, "db.lock"))
		time.Sleep(time.Minute)
		r.setDown(nil)
		time.Sleep(10 * time.Minute)
		expect(t, []string{"10s failed", "310s opened", "310s opened"}, kinds(r.has()))
	})
}
