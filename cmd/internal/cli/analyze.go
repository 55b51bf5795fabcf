package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

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
	exitCode bool
	page     pageFlags
}

func analyzeCommand() *cobra.Command {
	var f analyzeFlags
	c := &cobra.Command{
		Use:   "analyze [flags] PATH...",
		Short: "Read log files and report why requests failed",
		Long: `analyze reads files, folders and standard input (-), plain or compressed with
gzip, zstd or bzip2, and finds out each file's format from its content.`,
		Args: needPaths,
		RunE: func(c *cobra.Command, args []string) error { return runAnalyze(c, &f, args) },
	}
	f.input.register(c)
	f.page.register(c)
	fs := c.Flags()
	fs.StringVarP(&f.output, "output", "o", "text", "text, json, markdown or csv")
	fs.StringVar(&f.failures, "failures", "", "write every listed request to `FILE` as NDJSON (- for standard output)")
	fs.BoolVar(&f.exitCode, "exit-code", false, "exit 3 when an incident was found")
	return c
}

func needPaths(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return misuse{fmt.Errorf("no PATH given. For one folder: why503 %s /var/log/varnish (see --help)", c.Name())}
	}
	return nil
}

func runAnalyze(c *cobra.Command, f *analyzeFlags, paths []string) error {
	cfg, err := f.input.config(paths)
	if err != nil {
		return err
	}
	switch f.output {
	case "text", "json", "markdown", "csv":
	default:
		return misuse{fmt.Errorf("--output %s: no such form. There are text, json, markdown and csv", f.output)}
	}
	look, err := f.page.options(c.OutOrStdout())
	if err != nil {
		return err
	}
	cfg.Log = slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil))
	var list *app.List
	if f.failures != "" || f.output == "csv" {
		list = app.NewList()
		defer list.Close()
	}
	var rows *aggregate.Describer
	cfg.Started = func(d *aggregate.Describer) { rows = d }
	var listErr error
	if list != nil {
		cfg.Request = func(q *parse.Request, v *rules.Verdict) {
			if listErr == nil {
				row := rows.Row(q, v)
				listErr = list.Add(q, &row)
			}
		}
	}
	run, summary, err := app.Analyze(c.Context(), cfg)
	tellProblems(c.ErrOrStderr(), run)
	if err != nil {
		return err
	}
	if listErr != nil {
		return listErr
	}
	for _, w := range summary.Warnings {
		fmt.Fprintln(c.ErrOrStderr(), "why503:", w)
	}
	if f.failures != "" {
		if err := writeFailures(c.OutOrStdout(), f.failures, list); err != nil {
			return err
		}
	}
	switch f.output {
	case "json":
		err = report.JSON(c.OutOrStdout(), summary)
	case "markdown":
		err = report.Markdown(c.OutOrStdout(), summary, look)
	case "csv":
		err = writeCSV(c.OutOrStdout(), list)
	default:
		err = report.Text(c.OutOrStdout(), summary, look)
	}
	switch {
	case err != nil:
		return err
	case len(run.Problems()) > 0:
		return exitCode(exitFailed)
	case f.exitCode && len(summary.Incidents) > 0:
		return exitCode(exitIncident)
	}
	return nil
}

func tellProblems(w io.Writer, run *app.Run) {
	for _, p := range run.Problems() {
		fmt.Fprintln(w, "why503:", p)
	}
}

func writeFailures(stdout io.Writer, path string, list *app.List) error {
	if path == "-" {
		w := bufio.NewWriterSize(stdout, 256<<10)
		if _, err := list.WriteTo(w); err != nil {
			return fmt.Errorf("writing the list: %w", err)
		}
		return w.Flush()
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("writing the list: %w", err)
	}
	w := bufio.NewWriterSize(f, 256<<10)
	_, err = list.WriteTo(w)
	if err = errors.Join(err, w.Flush(), f.Close()); err != nil {
		return fmt.Errorf("writing the list %s: %w", path, err)
	}
	return nil
}

func writeCSV(w io.Writer, list *app.List) error {
	var failed error
	if err := report.CSV(w, list.Rows(&failed)); err != nil {
		return err
	}
	return failed
}

// parseTime reads a point of time as people type it.
func parseTime(flag, s string, zone *time.Location) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, misuse{fmt.Errorf("--%s %s: not a time. Write it like 2026-11-22T21:36:00Z", flag, s)}
}
