package report

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"why503/aggregate"
)

func TestNoticeSaysWhatTheReportSays(t *testing.T) {
	s := lockWait()
	in := aggregate.Incident{ID: "20261122T2136Z-0a1b2c3d", Site: "shop.example", Start: s.Causes[0].First, End: s.Causes[0].Last, Failures: s.Failures, Requests: s.Requests, Causes: s.Causes,
		Localisation: []aggregate.Local{{Where: map[string]string{"backend": "web", "route": "/php/"}, Share: 0.96}}}
	n := IncidentNotice(&in, nil)
	want := Notice{
		Title:    "shop.example: over after 6.4 s, 12 % failed",
		Subject:  "shop.example over after 6.4 s: row locks in MariaDB held up /php/ for up to 6.6 s, 12 % failed",
		Over:     "over after 6.4 s: 15 of 122 requests (12 %) failed because row locks in MariaDB held up /php/ for up to 6.6 s; Varnish waits 2.0 s.",
		Sentence: IncidentSentence(s, &in, nil),
		Main:     "database.lock_wait",
		Cause:    "database.lock_wait 15 (100 %)",
		Why:      "row locks in MariaDB held up /php/ for up to 6.6 s; Varnish waits 2.0 s",
		Where:    "backend web and route /php/ 96 %",
		Quote:    "# Query_time: 6.578856  Lock_time: 0.006708  Rows_sent: 0  Rows_examined: 1",
		Source:   "mariadb-slow.log",
		Do:       n.Do,
	}
	if diff := cmp.Diff(want, n); diff != "" {
		t.Error(diff)
	}
	if n.Do == "" || n.Do != in.Causes[0].Advice[0] {
		t.Errorf("do %q", n.Do)
	}
	in.Localisation = nil
	if n := IncidentNotice(&in, nil); !strings.HasPrefix(n.Where, "backend web ") || !strings.Contains(n.Where, ", route /php/") {
		t.Error(n.Where)
	}
	in.Ongoing = true
	if n := IncidentNotice(&in, nil); n.Title != "shop.example is failing: 12 % since 21:36 UTC" {
		t.Error(n.Title)
	}
	in.Start = in.Start.Add(-24 * time.Hour)
	if n := IncidentNotice(&in, nil); n.Title != "shop.example is failing: 12 % since 21 Nov 21:36 UTC" {
		t.Error(n.Title)
	}
}

func TestNoticeOfWhatCannotBeDecided(t *testing.T) {
	for name, s := range summaries() {
		for i := range s.Incidents {
			in := &s.Incidents[i]
			n := IncidentNotice(in, time.UTC)
			for _, text := range []string{n.Title, n.Subject, n.Over, n.Sentence, n.Main, n.Cause, n.Why, n.Where, n.Quote, n.Source, n.Do} {
				if Escape(text) != text || strings.Contains(text, "\n") || !utf8.ValidString(text) {
					t.Errorf("%s: raw text of a log: %q", name, text)
				}
			}
			if undecided := 2*in.Undecided > in.Failures || len(in.Causes) == 0; undecided != strings.Contains(n.Subject, "not decidable") {
				t.Errorf("%s: %d of %d undecided: %s", name, in.Undecided, in.Failures, n.Subject)
			}
		}
	}
	empty := IncidentNotice(&aggregate.Incident{}, nil)
	if !strings.HasPrefix(empty.Subject, "a site without a name over after 0 ms: cause not decidable") {
		t.Error(empty.Subject)
	}
}
