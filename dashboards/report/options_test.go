package report

import (
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"why503/aggregate"
)

func TestDetectAsksFlagsThenEnvironment(t *testing.T) {
	pipe, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	for _, c := range []struct {
		name  string
		env   map[string]string
		asked Asked
		want  Options
	}{
		{"a pipe without a locale", nil, Asked{}, Options{Width: 80, ASCII: true}},
		{"a locale with UTF-8", map[string]string{"LANG": "de_DE.UTF-8"}, Asked{}, Options{Width: 80}},
		{"LC_ALL before LANG", map[string]string{"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, Asked{}, Options{Width: 80, ASCII: true}},
		{"colour in a pipe only when it is asked for", map[string]string{"LANG": "C.utf8", "NO_COLOR": "1", "TERM": "dumb"}, Asked{Color: Always}, Options{Width: 80, Color: true}},
		{"COLUMNS", map[string]string{"LANG": "C.utf8", "COLUMNS": "132"}, Asked{}, Options{Width: 132}},
		{"a width before COLUMNS", map[string]string{"LANG": "C.utf8", "COLUMNS": "132"}, Asked{Width: 100, ASCII: true}, Options{Width: 100, ASCII: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Detect(pipe, func(k string) string { return c.env[k] }, c.asked)
			c.want.Zone = time.UTC
			if got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
	if _, err := ParseWhen("sometimes"); err == nil {
		t.Error("sometimes is accepted")
	}
	if w, err := ParseWhen(""); err != nil || w != Auto {
		t.Error(w, err)
	}
}

func TestTheSentenceHasSixOutcomes(t *testing.T) {
	for name, want := range map[string]string{
		"lock_wait": "15 of 122 requests (12 %) failed from 21:36:38 to 21:36:45 UTC because row locks in MariaDB held up /php/ for up to 6.6 s; Varnish waits 2.0 s.",
		"two_causes": "25 of 117 requests (21 %) failed from 21:38:43 to 21:38:50 UTC for two causes: 16 because nothing listened at 127.0.0.51:8090 (/api/search), " +
			"9 because /api/report took longer than Varnish's 2.0 s.",
		"undecidable": "68 of 150 requests (45 %) failed from 21:32:26 to 21:32:33 UTC; 127.0.0.11:8080 refused the connections and these logs cannot say why: " +
			"service manager log of 127.0.0.11 was not given.",
		"deliberate": `No failures: 22 of 126 requests (17 %) got the maintenance page on purpose from 21:37:03 to 21:37:09 UTC (vcl_recv, "Maintenance").`,
		"left":       "No failures: in 61 of 2,310 requests (2.6 %) the client left first, 48 times because it gave up after 30.0 s, which looks like a time limit of its own.",
		"none": "No failures in 145 requests from 21:37:00 to 21:37:14 UTC. 77 refreshes behind the cache failed and readers got the stored page; " +
			"look at the origin before grace ends.",
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(want, Sentence(summaries()[name], nil)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestTheSentenceStaysShort(t *testing.T) {
	long := strings.Repeat("a backend with a long name was slow; ", 20)
	for _, n := range []int{1, 2, 5, 12} {
		s := lockWait()
		for i := range n {
			c := s.Causes[0]
			c.Cause += strings.Repeat("x", i)
			c.Words, c.Count, c.Decidable = long, 3, 3
			s.Causes = append(s.Causes, c)
		}
		s.Causes[0].Words = long
		s.Incidents = []aggregate.Incident{{Trigger: &aggregate.Trigger{What: long, BeforeS: 7}}}
		got := Sentence(s, nil)
		if k := utf8.RuneCountInString(got); k > maxSentence || !strings.HasSuffix(got, ".") {
			t.Errorf("%d characters: %s", k, got)
		}
	}
}

func TestTheSentenceGivesNoReasonWhereNothingWasSeen(t *testing.T) {
	s := lockWait()
	c := &s.Causes[0]
	c.Cause, c.Symptom, c.Words = "unknown.unclassified", "unknown.unclassified", "recognised as a failure but with no further evidence"
	c.Decidable, c.Confidence = 0, 0.3
	if got := Sentence(s, nil); strings.Contains(got, "recognised") || !strings.Contains(got, "UTC and these logs cannot say why") {
		t.Error(got)
	}
	other := *c
	other.Cause, other.Words, other.Decidable, other.Confidence, other.Count = "network.conn_refused", "cart7 refused the connection", 7, 0.97, 7
	c.Count = 8
	s.Causes = append(s.Causes, other)
	if got := Sentence(s, nil); !strings.Contains(got, "for reasons these logs cannot tell") {
		t.Error(got)
	}
}

func TestTheSentenceNamesDaysZoneTriggerAndWhatGoesOn(t *testing.T) {
	s := lockWait()
	s.Causes[0].Last = s.Causes[0].Last.Add(24 * time.Hour)
	s.Incidents = []aggregate.Incident{{Trigger: &aggregate.Trigger{What: "shop 1.8.3", BeforeS: 42}}}
	zone := time.FixedZone("CET", 3600)
	want := "15 of 122 requests (12 %) failed from 22 Nov 22:36:38 to 23 Nov 22:36:45 CET because row locks in MariaDB held up /php/ for up to 6.6 s; Varnish waits 2.0 s; began 42.0 s after shop 1.8.3."
	if d := cmp.Diff(want, Sentence(s, zone)); d != "" {
		t.Error(d)
	}
	s = lockWait()
	s.Incidents = []aggregate.Incident{{Ongoing: true}}
	if got := Sentence(s, nil); !strings.Contains(got, "are failing since 21:36:38 UTC because") {
		t.Error(got)
	}
}

func TestColumnsOfAPlotAreRoundAndFewEnough(t *testing.T) {
	from := at("00:00:07")
	for d := 100 * time.Millisecond; d < 400*24*time.Hour; d = d * 9 / 8 {
		for _, step := range []time.Duration{time.Millisecond, 250 * time.Millisecond, time.Second, time.Minute} {
			a := newAxis(from, from.Add(d), step, 54, time.UTC)
			if a.n > 54 || a.n < 1 || a.column%step != 0 {
				t.Errorf("%v in steps of %v: %d columns of %v", d, step, a.n, a.column)
			}
			if a.n < 21 && a.column > step {
				t.Errorf("%v in steps of %v: only %d columns of %v", d, step, a.n, a.column)
			}
			if _, ok := a.index(from.Add(d)); !ok {
				t.Errorf("%v: the end is off the axis", d)
			}
		}
	}
}

func TestThePlotCountsEveryFailure(t *testing.T) {
	s := lockWait()
	a := newAxis(s.Window.From, s.Window.To, s.All.Step, 54, time.UTC)
	var sum int64
	for _, n := range a.row(s.Failed).counts {
		sum += n
	}
	if sum != s.Failures {
		t.Errorf("%d of %d", sum, s.Failures)
	}
}

func TestTheSentenceShortensItsDoubtBeforeItDropsIt(t *testing.T) {
	const long, short = "; what lay behind that, these logs cannot say.", "; why, these logs cannot say."
	seen := map[string]int{}
	last := long
	for n := range 60 {
		s := twoCauses()
		s.Causes[0].Confidence, s.Causes[0].Decidable = 0.5, 0
		s.Causes[0].Words = "a refused " + strings.Repeat("x", n)
		s.Causes[1].Words = "b was slow"
		got := Sentence(s, nil)
		end := "."
		for _, doubt := range []string{long, short} {
			if strings.HasSuffix(got, doubt) {
				end = doubt
			}
		}
		if k := utf8.RuneCountInString(got); k > maxSentence || len(end) > len(last) {
			t.Errorf("%d characters: %s", k, got)
		}
		if end == "." && utf8.RuneCountInString(got)+len(short)-1 <= maxSentence {
			t.Errorf("there is room to say what is not known: %s", got)
		}
		seen[end]++
		last = end
	}
	for _, end := range []string{long, short} {
		if seen[end] == 0 {
			t.Errorf("%q was never said", end)
		}
	}
}

func TestAnEmptyFileIsCalledEmpty(t *testing.T) {
	row := func(s *aggregate.Summary, width int) string {
		s.Sources = append(s.Sources, aggregate.Source{Path: "nothing.log", Format: "unknown"}, aggregate.Source{Path: "strange.log", Format: "unknown", Lines: 3, Bytes: 9, Skipped: 3})
		_, read, _ := strings.Cut(text(t, s, Options{Width: width}), "\nread ")
		return read
	}
	if got := row(lockWait(), 80); !strings.Contains(got, "\n        empty ") || !strings.Contains(got, "\n        unknown ") {
		t.Error(got)
	}
	if got := row(lockWait(), 120); !strings.Contains(got, "nothing.log") || strings.Count(got, "empty\n") != 1 {
		t.Error(got)
	}
	stopped := lockWait()
	stopped.Partial = &aggregate.Partial{Share: 0.5}
	if got := row(stopped, 80); strings.Contains(got, "empty") {
		t.Error("a file that was not reached is not known to be empty:", got)
	}
}
