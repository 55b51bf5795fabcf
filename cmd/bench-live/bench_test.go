package main

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/pprof/profile"
)

func TestMetricsAreAddedUpOrTheMostIsTaken(t *testing.T) {
	const text = `# HELP lag how far
lag{source="a 1"} 1.5
lag{source="b"} 4
lag_more 70
other{x="lag"} 9
`
	if sum, most := metric(text, "lag", false), metric(text, "lag", true); sum != 5.5 || most != 4 {
		t.Errorf("the sum is %v and the most %v", sum, most)
	}
	if alone := metric(text, "lag_more", false); alone != 70 {
		t.Errorf("one without labels is %v", alone)
	}
}

func TestWorkBelongsToTheInnermostFunctionThatIsKnown(t *testing.T) {
	for name, c := range map[string]struct {
		stack []string // innermost first
		want  string
	}{
		"a parser": {[]string{"bytes.IndexByte", "why503/parse/nginx.(*Access).Parse", "why503/ingest/collect.(*source).pull", "why503/ingest/collect.(*Collector).Run"}, "  tailing and parsing"},
		"counting": {[]string{"runtime.mapaccess1", "why503/ingest/collect.(*counter).count", "why503/parse/nginx.(*Access).Parse", "why503/ingest/collect.(*Collector).Run"}, "  counting requests by minute, route, ..."},
		"a parser that reads again for a question": {[]string{"why503/parse/nginx.(*Access).Parse", "why503/ingest/collect.(*source).answer", "why503/ingest/collect.(*Collector).Run"}, "  index of what may be asked for"},
		"the store behind the join":                {[]string{"sqlite3_step", "why503/aggregate/localstore.(*Store).Write", "why503/aggregate/live.(*Core).Run"}, "  join, diagnosis, store"},
		"help for the collector of garbage":        {[]string{"runtime.gcAssistAlloc", "runtime.mallocgc", "why503/ingest/collect.(*Collector).Run"}, "  garbage collector"},
		"what nobody claims":                       {[]string{"runtime.schedule"}, "  the rest: scheduler, page, alerts"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &profile.Sample{}
			for _, f := range c.stack {
				s.Location = append(s.Location, &profile.Location{Line: []profile.Line{{Function: &profile.Function{Name: f}}}})
			}
			if got := owners[owner(s)].name; got != c.want {
				t.Errorf("it belongs to %q", got)
			}
		})
	}
}

func TestAProcessIsMeasured(t *testing.T) {
	p, err := launch(t.TempDir()+"/out", "sh", "-c", "echo ready; while :; do :; done")
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		u, err := p.use()
		if err != nil {
			t.Fatal(err)
		}
		if u.cpu >= 100*time.Millisecond && u.resident >= int64(os.Getpagesize()) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("a loop took %v and %d bytes", u.cpu, u.resident)
		}
	}
	p.stop()
	if _, err := p.use(); err == nil {
		t.Error("one that ended is measured")
	}
}

func TestWhatIsNotInstalledIsLeftOut(t *testing.T) {
	if _, err := versionOf("no-such-program", "-v"); !errors.Is(err, errNotInstalled) {
		t.Errorf("its version: %v", err)
	}
}

func TestSharesAreOfTheTimeBetweenSamples(t *testing.T) {
	r := &row{}
	for i := range 20 { // 10 %, then 50 %
		cpu := time.Duration(i) * 200 * time.Millisecond
		if i > 10 {
			cpu += time.Duration(i-10) * 800 * time.Millisecond
		}
		r.samples = append(r.samples, sample{time.Duration(i) * every, use{cpu, int64(i) << 20}, float64(i)})
	}
	if got := r.cpu(0, 10); got < 0.099 || got > 0.101 {
		t.Errorf("the first part is %v", got)
	}
	if got := r.busiest(); got < 0.499 || got > 0.501 {
		t.Errorf("the busiest ten seconds are %v", got)
	}
	if resident, lag := r.during(0, 10*time.Second); resident != 5<<20 || lag != 5 {
		t.Errorf("in the first ten seconds: %d bytes, lag %v", resident, lag)
	}
}
