package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"why503/aggregate"
	"why503/cmd/internal/app"
	"why503/dashboards/report"
	"why503/parse"
	"why503/rules"
)

type analyzeFlags struct {
	input    inputFlags
	output   string
	failures string
	into     string
	exitCode bool
	page     pageFlags
}

func analyzeCommand() *cobra.Command {
	var f analyzeFlags
	c := &cobra.Command{
		Use:   "analyze [flags] PATH...",
		Short: "Read log files and report why requests failed",
		Long: `analyze reads files, folders and standard input (-), plain or compressed with
gzip, zstd or bzip2, and finds out each file's format from its content. It
prints one report of all of them: why requests failed, when and where, the lines
that prove it, what to do, and what these logs leave open.

Give it all logs of the path that a request takes: each one decides more. Ctrl-C
ends reading and reports what was read; a second Ctrl-C ends at once.

Exit codes
  0  done, also when failures were found
  1  a path could not be read (the rest is reported), or nothing could be
  2  the command line is wrong
  3  with --exit-code, an incident was found`,
		Example: `  why503 analyze /var/log/varnish/varnishlog.log /var/log/nginx/ app.log
  why503 analyze --since 15m --site shop.example /var/log/nginx/
  varnishlog -d -g request | why503 analyze --vcl /etc/varnish/default.vcl -
  why503 analyze --format 'nginx:$remote_addr [$time_local] $status=*.acc' logs/
  why503 analyze -o json --failures list.ndjson logs/ > summary.json`,
		Args: func(c *cobra.Command, args []string) error {
			if wantsFormats(&f.input) {
				return nil
			}
			return needPaths(1, "/var/log/nginx/")(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if wantsFormats(&f.input) {
				writeFormats(c.OutOrStdout())
				return nil
			}
			return runAnalyze(c, &f, args)
		},
	}
	out := newGroup("What is written")
	out.flags.StringVarP(&f.output, "output", "o", "text", "`FORM`: text, the default, json, markdown or csv")
	out.flags.StringVar(&f.failures, "failures", "", "`FILE`: write every listed request to it as NDJSON; - writes to standard output in place of the report")
	out.flags.StringVar(&f.into, "into", "", "`sqlite:FILE`: put all that is found into a store, as serve keeps it; what is there already is not counted again")
	out.flags.BoolVar(&f.exitCode, "exit-code", false, "exit 3 when an incident was found")
	take(c, append(f.input.groups(), out, f.page.group())...)
	f.input.complete(c)
	offer(c, "output", forms...)
	offer(c, "color", "auto", "always", "never")
	return c
}

var forms = []string{"text", "json", "markdown", "csv"}

// writers write a summary in each form but csv, which is of the list.
var writers = map[string]func(io.Writer, *aggregate.Summary, report.Options) error{
	"text":     report.Text,
	"markdown": report.Markdown,
	"json": func(w io.Writer, s *aggregate.Summary, o report.Options) error {
		for i := range s.Incidents {
			s.Incidents[i].Sentence = report.IncidentSentence(s, &s.Incidents[i], o.Zone)
		}
		return report.JSON(w, s)
	},
}

func runAnalyze(c *cobra.Command, f *analyzeFlags, paths []string) error {
	if writers[f.output] == nil && f.output != "csv" {
		return misused("--output %s: no such form. There are text, json, markdown and csv", f.output)
	}
	if f.failures == "-" && c.Flags().Changed("output") {
		return misused("--failures -: standard output is taken by --output. Give --failures a FILE")
	}
	look, err := f.page.options(c.OutOrStdout())
	if err != nil {
		return err
	}
	cfg, err := f.input.config(paths, f.page.tz)
	if err != nil {
		return err
	}
	file, err := createList(f.failures)
	if err != nil {
		return err
	}
	defer file.Close()
	var list *app.List
	if f.failures != "" || f.output == "csv" {
		list = app.NewList()
		defer list.Close()
	}
	into, err := newInto(f.into, &f.input)
	if err != nil {
		return err
	}
	defer into.close()
	cfg.Into = into.gathered()
	var rows *aggregate.Describer
	cfg.Started = func(d *aggregate.Describer) {
		rows = d
		if list != nil {
			list.Reset()
		}
	}
	var listErr error
	if list != nil {
		cfg.Request = func(q *parse.Request, v *rules.Verdict) {
			if listErr == nil {
				row := rows.Row(q, v)
				listErr = list.Add(q, &row)
			}
		}
	}
	run, summary, err := analyze(c, cfg)
	if err = errors.Join(err, listErr); err != nil {
		return told(run, err)
	}
	if err := into.write(c, run, summary); err != nil {
		return err
	}
	if page := tellWarnings(c, run, summary); f.output != "json" {
		summary.Warnings = page
	}
	if f.page.quiet && run.Filter() != "" {
		tell(c.ErrOrStderr(), run.Filter()) // the sentence alone would hide it
	}
	if file != nil {
		if err := writeList(file, list); err != nil {
			return fmt.Errorf("writing the list %s: %w", f.failures, bare(err))
		}
	}
	out := c.OutOrStdout()
	switch {
	case f.failures == "-":
		err = writeList(out, list)
	case f.output == "csv":
		err = writeCSV(out, list)
	default:
		err = writers[f.output](out, summary, look)
	}
	if err != nil {
		return err
	}
	if err := verdict(run); err != nil {
		return err
	}
	if f.exitCode && len(summary.Incidents) > 0 {
		return exitCode(exitIncident)
	}
	return nil
}

// told ends a run that found nothing to analyse because of what was already
// said of each path.
func told(run *app.Run, err error) error {
	if errors.Is(err, app.ErrNothing) && len(run.Problems()) > 0 {
		return exitCode(exitFailed)
	}
	return err
}

// createList makes the file of --failures before anything is read, so that a
// wrong path is told at once. It is nil for "" and standard output.
func createList(path string) (*os.File, error) {
	if path == "" || path == "-" {
		return nil, nil //nolint:nilnil // no file was asked for
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("--failures %s: %w. Nothing was read", path, bare(err))
	}
	return f, nil
}

func writeList(w io.Writer, list *app.List) error {
	b := bufio.NewWriterSize(w, 256<<10)
	if _, err := list.WriteTo(b); err != nil {
		return err
	}
	return b.Flush()
}

func writeCSV(w io.Writer, list *app.List) error {
	var failed error
	if err := report.CSV(w, list.Rows(&failed)); err != nil {
		return err
	}
	return failed
}
