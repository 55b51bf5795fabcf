package app

import (
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/aggregate"
	"why503/aggregate/localstore"
	"why503/rules"
)

// What a store says of a history is what the analysis said that filled it. Its
// times are of whole minutes; which request stands for a cause, and the order of
// rows with equal counts, is its own choice.
func TestAStoreTellsWhatTheAnalysisTold(t *testing.T) {
	for _, name := range []string{"bad-release", "crash-loop", "php-pool", "timeout-wall"} {
		t.Run(name, func(t *testing.T) {
			paths, err := filepath.Glob("../../../examples/" + name + "/*.log*")
			if err != nil || len(paths) == 0 {
				t.Fatal(paths, err)
			}
			sameInStore(t, paths)
		})
	}
}

// The log of one proxy alone is read side by side, and counted there.
func TestAStoreTellsWhatALoneLogTold(t *testing.T) {
	for name, log := range logsAlone(t) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "access.log")
			if err := os.WriteFile(path, log, 0o600); err != nil {
				t.Fatal(err)
			}
			sameInStore(t, []string{path})
		})
	}
}

func sameInStore(t *testing.T, paths []string) {
	t.Helper()
	ctx := t.Context()
	h := NewHistory()
	defer h.Close()
	run, sum, err := Analyze(ctx, AnalyzeConfig{Paths: paths, Rules: rules.Builtin(), Into: h, Log: slog.New(slog.DiscardHandler)})
	if err != nil || len(run.Problems()) > 0 {
		t.Fatal(err, run.Problems())
	}
	store, err := localstore.Open(ctx, localstore.Config{Path: filepath.Join(t.TempDir(), "why503.db"), Facts: -1, Records: -1, Minutes: -1, Hours: -1, Seconds: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for range 2 { // again changes nothing
		if err := h.Write(ctx, sum, store); err != nil {
			t.Fatal(err)
		}
		got, err := store.Summary(ctx, aggregate.Query{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(figures(sum), figures(got)); diff != "" {
			t.Fatal(diff)
		}
		if got.Failures == 0 {
			t.Fatal("nothing failed: this proves nothing")
		}
		seconds, err := store.Seconds(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		var requests, failures int64
		for _, s := range seconds {
			requests, failures = requests+s.Requests, failures+s.Failures
		}
		if failures != sum.Failures || requests != sum.Requests {
			t.Fatalf("the seconds have %d of %d requests failed, want %d of %d", failures, requests, sum.Failures, sum.Requests)
		}
	}
}

type figure struct {
	Requests, Failures, Undecided    int64
	Classes, Reached, Missing, Joins map[string]int64
	Causes                           map[string]causeFigure
	Incidents                        []string
	Sources                          int
	Ledger                           aggregate.Ledger
}

type causeFigure struct {
	Count, Decidable, Crawlers, Background int64
	Backends, Routes                       map[string]int64
	Layer, Words                           bool
}

func figures(s *aggregate.Summary) figure {
	f := figure{
		Requests: s.Requests, Failures: s.Failures, Undecided: s.Undecided, Classes: s.Classes, Reached: s.Reached,
		Missing: map[string]int64{}, Causes: map[string]causeFigure{}, Sources: len(s.Sources), Ledger: s.Ledger,
	}
	for _, m := range s.Missing {
		f.Missing[m.Source+m.Kind+m.Why] += m.Count
	}
	for _, c := range slices.Concat(s.Causes, s.Others) {
		x := causeFigure{c.Count, c.Decidable, c.Crawlers, c.Background, map[string]int64{}, map[string]int64{}, c.Layer != "", c.Words != ""}
		for _, n := range c.Backends {
			x.Backends[n.Name] = n.Count
		}
		for _, n := range c.Routes {
			x.Routes[n.Name] = n.Count
		}
		f.Causes[c.Class+" "+c.Cause+" "+c.Symptom] = x
	}
	for _, in := range s.Incidents {
		f.Incidents = append(f.Incidents, in.ID)
	}
	maps.DeleteFunc(f.Missing, func(_ string, n int64) bool { return n == 0 })
	return f
}
