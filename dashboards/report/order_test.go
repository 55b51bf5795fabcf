package report

import (
	"strings"
	"testing"
	"time"

	"why503/parse"
	"why503/rules"
)

// poolFull is a request that waits for a worker: PHP-FPM stamps whole seconds,
// nginx milliseconds, and the pool was full before the request began.
func poolFull() (*parse.Request, *rules.Verdict, ExplainOptions) {
	q, v, o := lockedRequest()
	start := -169 * time.Millisecond // of the second in which the request began
	nginx := q.Parts[2].Record
	nginx.Time, nginx.Ended, nginx.Status, nginx.Precision = after(-400*time.Microsecond), after(2000*time.Millisecond), 504, int64(time.Millisecond)
	fpm := record(parse.PHPFPM, parse.KindRequest, start, start+2500*time.Millisecond, 200, 2, 15)
	fpm.Precision = int64(time.Second)
	fpm.RequestID = []byte("92e5f476")
	line := record(parse.PHPFPM, parse.KindLog, start, start, 0, 3, 5)
	line.Precision, line.Message = int64(time.Second), []byte("child 4 executing too slow")
	q.Parts = []parse.Part{q.Parts[0], q.Parts[1], q.Parts[2],
		{Record: fpm, Parent: 2, Depth: 3, Join: parse.Join{How: parse.JoinRequestID}},
		{Record: line, Parent: 3, Depth: 3, Join: parse.Join{How: parse.JoinInferred, Score: 0.77}}}
	signal := func(before, precision time.Duration, text string) parse.Part {
		r := record(parse.PHPFPM, parse.KindSignal, -before, -before, 0, 3, 4)
		r.Precision, r.Message = int64(precision), []byte(text)
		return parse.Part{Record: r, Parent: -1, Join: parse.Join{How: parse.JoinSignal}}
	}
	q.Signals = []parse.Part{
		signal(-start, time.Second, "server reached max_children"),
		signal(42*time.Second, time.Millisecond, "pool seems busy"),
	}
	v.Words, v.Confidence = "no PHP worker was free", 0.95
	v.Chain = []rules.Link{{Part: 1}, {Part: 5}, {Part: 6}}
	return q, v, o
}

func TestALadderStandsInTheOrderOfWhatHappened(t *testing.T) {
	out := explain(t, poolFull, Options{})
	ladder, _, _ := strings.Cut(out, "\n\n")
	var got []string
	for _, l := range strings.Split(ladder, "\n")[3:] {
		if stamp := strings.TrimSpace(l[:min(9, len(l))]); stamp != "" && l[0] != '\xe2' && strings.ContainsAny(stamp, "0123456789") {
			got = append(got, strings.Fields(stamp)[0])
		}
	}
	if want := "-42 ~-0.2 ~0.000 2.000 ~2.500"; strings.Join(got, " ") != want {
		t.Errorf("%s, want %s\n%s", strings.Join(got, " "), want, out)
	}
}

func TestAStampIsMovedNoFartherThanItsPrecisionAllows(t *testing.T) {
	for _, c := range []struct {
		name             string
		early, precision time.Duration
		want             time.Duration // later than the request's begin
	}{
		{"seconds", 900 * time.Millisecond, time.Second, 0},
		{"the slack of a host's own clock", 5 * time.Millisecond, time.Microsecond, 0},
		{"a clock that goes wrong", 200 * time.Millisecond, time.Millisecond, -200 * time.Millisecond},
		{"after its parent's", -100 * time.Millisecond, time.Second, 100 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, v, _ := poolFull()
			fpm := q.Parts[3].Record
			fpm.Time, fpm.Ended, fpm.Precision = after(-c.early), after(-c.early+time.Second), int64(c.precision)
			q.Parts[2].Record.Time = began
			e := &explainer{q: q, v: v}
			e.order()
			if got := time.Duration(e.start(3) - began); got != c.want {
				t.Errorf("begins at %v, want %v", got, c.want)
			}
			if d := time.Duration(e.end(3) - e.start(3)); d != time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

func TestOrderEndsInACircleOfParents(t *testing.T) {
	q, v, _ := poolFull()
	q.Parts[1].Parent, q.Parts[2].Parent, q.Parts[3].Parent = 3, 1, 2
	(&explainer{q: q, v: v}).order()
}

func TestNoTimeIsZeroBelowZero(t *testing.T) {
	for _, c := range []struct {
		got, want string
	}{
		{clock(-400_000, parse.Time(time.Second)), " 0.000"},
		{clock(-4_000_000, parse.Time(time.Second)), "-0.004"},
		{clock(1_234_000, parse.Time(5*time.Millisecond)), "0.0012"},
		{clock(parse.Time(125*time.Second), parse.Time(200*time.Second)), " 125.0"},
		{lead(parse.Time(169 * time.Millisecond)), "-0.2"},
		{lead(parse.Time(30 * time.Millisecond)), "-0.030"},
		{lead(100_000), "0.000"},
		{lead(parse.Time(9999 * time.Millisecond)), "-10"},
		{lead(parse.Time(73 * time.Hour)), "-3 d"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
