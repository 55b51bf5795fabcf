package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"why503/aggregate"
	"why503/cmd/internal/app"
	"why503/dashboards/report"
	"why503/parse/detect"
)

// needPaths wants at least n arguments, the last of which are paths.
func needPaths(n int, example string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < n {
			return misused("no PATH given. Name log files or the folder that holds them: %s %s", c.CommandPath(), example)
		}
		return nil
	}
}

// wantsFormats reports whether the only question is which formats there are.
func wantsFormats(f *inputFlags) bool { return slices.Contains(f.formats, "list") }

func writeFormats(w io.Writer) {
	for _, f := range detect.Names() {
		fmt.Fprintf(w, "%-17s %s\n", f.Name, f.Title)
	}
}

// analyze runs an analysis, shows its progress, and tells what kept paths from
// being read. The summary's warnings are left to the caller.
func analyze(c *cobra.Command, cfg app.AnalyzeConfig) (*app.Run, *aggregate.Summary, error) {
	stderr := c.ErrOrStderr()
	shown := showProgress(stderr)
	cfg.Progress = shown
	done := warnOfStop(c.Context(), stderr, shown)
	run, summary, err := app.Analyze(c.Context(), cfg)
	done()
	shown.bar.Stop()
	for _, p := range run.Problems() {
		tell(stderr, p.Error())
	}
	return run, summary, err
}

// verdict is how a command ends whose report was written.
func verdict(run *app.Run) error {
	if len(run.Problems()) > 0 || run.Stopped() || run.NothingRead() {
		return exitCode(exitFailed)
	}
	return nil
}

// maxWarnings is how many warnings are told one by one.
const maxWarnings = 20

// tellWarnings writes the warnings of a run and returns those that the page has
// to say as well. What the row of a source says is not repeated, and on a
// terminal, which shows both streams, nothing that was just said; elsewhere the
// page is what is kept.
func tellWarnings(c *cobra.Command, run *app.Run, s *aggregate.Summary) (page []string) {
	terminal := onTerminal(c.OutOrStdout()) && onTerminal(c.ErrOrStderr())
	told := 0
	for _, w := range s.Warnings {
		filter := w == run.Filter()
		if !filter {
			if told++; told <= maxWarnings {
				tell(c.ErrOrStderr(), w)
			}
		}
		if filter || !terminal && !run.InLedger(w) {
			page = append(page, w)
		}
	}
	if told > maxWarnings {
		tell(c.ErrOrStderr(), fmt.Sprintf("and %d more like these; --output json has all under \"warnings\"", told-maxWarnings))
	}
	return page
}

func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && report.IsTerminal(f)
}

// progress is how far a run is, told by the run and asked by what shows it.
type progress struct {
	mu  sync.Mutex
	at  report.Reading
	bar *report.Progress
}

func showProgress(stderr io.Writer) *progress {
	file, _ := stderr.(*os.File)
	look := report.Detect(file, os.Getenv, report.Asked{Color: report.Auto})
	p := &progress{}
	p.bar = report.NewProgress(stderr, look, report.RealClock{}, p.read)
	p.bar.Start()
	return p
}

func (p *progress) read() report.Reading {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

// Reading implements app.Progress.
func (p *progress) Reading(file string, done, total, failed int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = report.Reading{File: file, Done: done, Total: total, Failed: failed}
}

// Joining implements app.Progress.
func (p *progress) Joining(failed int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at.Joining, p.at.Failed = true, failed
}

// warnOfStop tells a person whose first Ctrl-C shows no effect, since a stream
// is waited for or much has to be joined, that it was heard. The returned
// function ends it.
func warnOfStop(ctx context.Context, stderr io.Writer, p *progress) func() {
	ended := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Go(func() {
		select {
		case <-ended:
			return
		case <-ctx.Done():
		}
		select {
		case <-ended:
		case <-time.After(time.Second):
			p.bar.Stop()
			tell(stderr, "stopping; what was read is reported as soon as it is joined. Ctrl-C again ends at once")
		}
	})
	return func() { close(ended); waiting.Wait() }
}
