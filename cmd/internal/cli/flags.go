package cli

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"why503/cmd/internal/app"
	"why503/dashboards/report"
	"why503/rules"
)

// inputFlags say what is read and how, for every command that reads logs.
type inputFlags struct {
	formats, hosts                []string
	nginxConf, vcl, varnishParams []string
	zone, since, until            string
	site, backend, cause          string
	rules                         []string
}

func (f *inputFlags) register(c *cobra.Command) {
	fs := c.Flags()
	fs.StringArrayVar(&f.formats, "format", nil, "`NAME=GLOB`: the files that meet GLOB have this format (--format list names all)")
	fs.StringArrayVar(&f.hosts, "host", nil, "`NAME=GLOB`: the files that meet GLOB are of this host")
	fs.StringArrayVar(&f.nginxConf, "nginx-conf", nil, "nginx configuration: formats of its logs, timeouts")
	fs.StringArrayVar(&f.vcl, "vcl", nil, "VCL of Varnish: backends, timeouts, probes")
	fs.StringArrayVar(&f.varnishParams, "varnish-params", nil, "output of varnishadm param.show, or a varnishd command line")
	fs.StringVar(&f.zone, "zone", "", "zone of logs that print none (Europe/Berlin, UTC, +02:00)")
	fs.StringVar(&f.since, "since", "", "only requests that ended at `TIME` or later")
	fs.StringVar(&f.until, "until", "", "only requests that ended before `TIME`")
	fs.StringVar(&f.site, "site", "", "only requests to this host")
	fs.StringVar(&f.backend, "backend", "", "only requests to this backend")
	fs.StringVar(&f.cause, "cause", "", "only requests with this cause or symptom")
	fs.StringArrayVar(&f.rules, "rules", nil, "`DIR` with rule files that extend or override the built-in ones")
}

func (f *inputFlags) config(paths []string) (app.AnalyzeConfig, error) {
	cfg := app.AnalyzeConfig{
		Paths: paths, Formats: f.formats, Hosts: f.hosts, NginxConf: f.nginxConf, VCL: f.vcl, VarnishParams: f.varnishParams,
		Site: f.site, Backend: f.backend, Cause: f.cause,
	}
	var err error
	if cfg.Zone, err = zone("zone", f.zone); err != nil {
		return cfg, err
	}
	if cfg.Since, err = parseTime("since", f.since, time.UTC); err != nil {
		return cfg, err
	}
	if cfg.Until, err = parseTime("until", f.until, time.UTC); err != nil {
		return cfg, err
	}
	cfg.Rules, err = f.ruleSet()
	return cfg, err
}

func (f *inputFlags) ruleSet() (*rules.Set, error) {
	if len(f.rules) == 0 {
		return rules.Builtin(), nil
	}
	dirs := make([]fs.FS, len(f.rules))
	for i, d := range f.rules {
		dirs[i] = os.DirFS(d)
	}
	return rules.With(dirs...)
}

// pageFlags say how a text report looks.
type pageFlags struct {
	color, tz         string
	width             int
	ascii, quiet, all bool
}

func (f *pageFlags) register(c *cobra.Command) {
	fs := c.Flags()
	fs.StringVar(&f.color, "color", "auto", "auto, always or never")
	fs.StringVar(&f.tz, "tz", "", "zone of the times in the report (default UTC)")
	fs.IntVar(&f.width, "width", 0, "columns of the report (default the terminal's, 80 in a pipe)")
	fs.BoolVar(&f.ascii, "ascii", false, "no signs beyond ASCII")
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "only the sentence")
	fs.BoolVar(&f.all, "all", false, "every cause, incident and file")
}

func (f *pageFlags) options(w io.Writer) (report.Options, error) {
	when, err := report.ParseWhen(f.color)
	if err != nil {
		return report.Options{}, misuse{fmt.Errorf("--color: %w", err)}
	}
	file, _ := w.(*os.File)
	o := report.Detect(file, os.Getenv, report.Asked{Color: when, Width: f.width, ASCII: f.ascii})
	o.Quiet, o.All = f.quiet, f.all
	o.Zone, err = zone("tz", f.tz)
	return o, err
}

// zone reads the name of a zone or an offset; "" gives nil.
func zone(flag, s string) (*time.Location, error) {
	if s == "" {
		return nil, nil //nolint:nilnil // no zone was given
	}
	if t, err := time.Parse("-07:00", s); err == nil {
		_, off := t.Zone()
		return time.FixedZone(s, off), nil
	}
	loc, err := time.LoadLocation(s)
	if err != nil {
		return nil, misuse{fmt.Errorf("--%s %s: no such zone. Write it like Europe/Berlin, UTC or +02:00", flag, s)}
	}
	return loc, nil
}
