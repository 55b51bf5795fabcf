package cli

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"why503/aggregate"
	"why503/cmd/internal/app"
	"why503/dashboards/report"
	"why503/parse"
	"why503/rules"
)

type explainFlags struct {
	input inputFlags
	page  pageFlags
	store string
}

func explainCommand() *cobra.Command {
	var f explainFlags
	c := &cobra.Command{
		Use:   "explain [flags] ID [PATH...]",
		Short: "Tell the story of one failed request over all hops",
		Long: `explain reads the same logs as analyze and tells the story of the request that
ID names: what each hop did when, what it wrote, and how the lines were joined.

Without PATH it tells what the store of serve knows of the request.

ID is what any of the hops calls it: a request id (X-Request-ID, nginx's
$request_id), a trace id, the VXID of Varnish's request or of its fetch, or the
uid in the list of analyze --failures, of which six digits do. One id may
name several requests; the newest five are told, newest last.

Exit codes
  0  the request was found, also when all went well with it
  1  it was not, or a path could not be read
  2  the command line is wrong`,
		Example: `  why503 explain 65571 /var/log/varnish/ /var/log/nginx/
  why503 explain --store /var/lib/why503/why503.db 6f1c02
  why503 explain 1f674a82-cd7d-4985-a181-8c585c191d44 logs/
  zcat varnishlog.gz | why503 explain 65571 -`,
		Args: func(c *cobra.Command, args []string) error {
			if wantsFormats(&f.input) {
				return nil
			}
			if len(args) == 0 {
				return misused("no ID given. It is a request id, a trace id, a VXID or a uid: %s 65571 /var/log/varnish/", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if wantsFormats(&f.input) {
				writeFormats(c.OutOrStdout())
				return nil
			}
			if len(args) == 1 {
				return explainStored(c, &f, args[0])
			}
			return runExplain(c, &f, args[0], args[1:])
		},
	}
	from := newGroup("Without PATH")
	from.flags.StringVar(&f.store, "store", "", "`FILE`: store of serve; its default is serve's")
	take(c, append(f.input.groups(), from, f.page.group())...)
	f.input.complete(c)
	offer(c, "color", "auto", "always", "never")
	return c
}

func runExplain(c *cobra.Command, f *explainFlags, id string, paths []string) error {
	look, err := f.page.options(c.OutOrStdout())
	if err != nil {
		return err
	}
	cfg, err := f.input.config(paths, f.page.tz)
	if err != nil {
		return err
	}
	s := stories{id: newIdentity(id), look: report.ExplainOptions{Options: look}}
	cfg.Started = s.start
	cfg.Request = s.request
	cfg.Record = s.record
	run, summary, err := analyze(c, cfg)
	if err = errors.Join(err, s.err); err != nil {
		return told(run, err)
	}
	tellWarnings(c, run, summary)
	out := c.OutOrStdout()
	for i, text := range s.kept {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if _, err := out.Write(text); err != nil {
			return err
		}
	}
	switch {
	case s.found > len(s.kept):
		fmt.Fprintf(out, "\n%d requests have this id; these are the newest %d. To see others: --until TIME\n", s.found, len(s.kept))
	case s.found == 0 && s.well != "" && run.Filter() == "":
		fmt.Fprintln(out, s.well)
	case s.found == 0:
		tell(c.ErrOrStderr(), s.none(run))
		return exitCode(exitFailed)
	}
	return verdict(run)
}

// maxStories is how many requests of one id are told.
const maxStories = 5

// stories tells requests as they come and keeps the newest.
type stories struct {
	id    identity
	look  report.ExplainOptions
	rows  *aggregate.Describer
	found int
	kept  [][]byte
	well  string // of a request that did not fail
	err   error
}

func (s *stories) start(d *aggregate.Describer) {
	s.rows, s.found, s.kept, s.well = d, 0, nil, ""
	s.look.File = func(id parse.SourceID) string { return d.Names.Origin(id).Name }
}

func (s *stories) request(q *parse.Request, v *rules.Verdict) {
	if s.err != nil || !s.id.ofRequest(q) {
		return
	}
	var text bytes.Buffer
	s.err = report.Explain(&text, q, v, s.look)
	s.found++
	s.kept = append(s.kept, text.Bytes())
	if len(s.kept) > maxStories {
		s.kept = s.kept[1:]
	}
}

// record remembers the last line of a request of that id that was answered, in
// case it is none of those that failed.
func (s *stories) record(r *parse.Record) {
	if r.Kind != parse.KindRequest && r.Kind != parse.KindFetch || !s.id.ofRecord(r) {
		return
	}
	file, _, line := s.rows.Names.Place(r.Source, r.Offset, r.Line)
	answer := "no status"
	if r.Status != 0 {
		answer = fmt.Sprint(r.Status)
	}
	if d := r.Ended - r.Time; r.Time != 0 && d > 0 {
		answer += fmt.Sprintf(" after %.3f s", float64(d)/1e9)
	}
	s.well = fmt.Sprintf("%s %s  %s\nNo failed request has this id; this one did not fail: %s:%d",
		report.Escape(string(r.Method)), report.Escape(string(r.URL)), answer, report.Escape(file), line)
}

func (s *stories) none(run *app.Run) string {
	text := s.id.text + ": no failed request with that id in these logs"
	if run.Stopped() {
		return s.id.text + ": no failed request with that id in what was read before it was stopped"
	}
	if run.Filter() != "" {
		return text + ", " + run.Filter() + ". Try it without"
	}
	if !strings.ContainsAny(s.id.text, "0123456789") {
		return text + ". An id is a request id, a trace id, a VXID or a uid; write it before the paths"
	}
	return text + ". Ids stand in the list of why503 analyze --failures FILE"
}
