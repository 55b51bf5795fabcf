package cli

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"why503/cmd/internal/app"
	"why503/dashboards/report"
	"why503/parse/detect"
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

func (f *inputFlags) groups() []flagGroup {
	in, pick := newGroup("What is read"), newGroup("What is counted")
	fs := in.flags
	fs.StringArrayVar(&f.formats, "format", nil, "`NAME=GLOB`: files that meet GLOB have this format; NAME:DEFINITION=GLOB defines one; --format list names all")
	fs.StringArrayVar(&f.hosts, "host", nil, "`NAME=GLOB`: files that meet GLOB are of this host")
	fs.StringArrayVar(&f.nginxConf, "nginx-conf", nil, "`FILE`: nginx configuration, for the formats of its logs and timeouts")
	fs.StringArrayVar(&f.vcl, "vcl", nil, "`FILE`: VCL of Varnish, for the timeouts of its backends")
	fs.StringArrayVar(&f.varnishParams, "varnish-params", nil, "`FILE`: what varnishadm param.show prints, or a varnishd command line")
	fs.StringVar(&f.zone, "zone", "", "`ZONE`: of logs that print none, like Europe/Berlin, UTC or +02:00; by default the one that fits the other logs")
	fs.StringArrayVar(&f.rules, "rules", nil, "`DIR`: rules that extend or replace the built-in ones")
	fs = pick.flags
	fs.StringVar(&f.since, "since", "", "`TIME`: requests that ended then or later. 2026-11-22T21:36:00Z, a date, or 15m for the last 15 minutes of the logs")
	fs.StringVar(&f.until, "until", "", "`TIME`: requests that ended before")
	fs.StringVar(&f.site, "site", "", "`HOST`: requests to this site")
	fs.StringVar(&f.backend, "backend", "", "`NAME`: failures at this backend; requests are counted at all")
	fs.StringVar(&f.cause, "cause", "", "`SLUG`: failures with this cause or symptom; likewise")
	return []flagGroup{in, pick}
}

func (f *inputFlags) complete(c *cobra.Command) {
	var names []string
	for _, n := range detect.Names() {
		names = append(names, n.Name+"=\t"+n.Title)
	}
	offer(c, "format", names...)
}

// config is what the analysis is told. Times without a zone are of tz, in
// which the report prints them.
func (f *inputFlags) config(paths []string, tz string) (app.AnalyzeConfig, error) {
	cfg := app.AnalyzeConfig{
		Paths: paths, Formats: f.formats, Hosts: f.hosts, NginxConf: f.nginxConf, VCL: f.vcl, VarnishParams: f.varnishParams,
		Site: f.site, Backend: f.backend, Cause: f.cause,
	}
	var err error
	if cfg.Zone, err = zone("zone", f.zone); err != nil {
		return cfg, err
	}
	loc, err := zone("tz", tz)
	if err != nil {
		return cfg, err
	}
	if cfg.Since, cfg.SinceLast, err = moment("since", f.since, loc); err != nil {
		return cfg, err
	}
	if cfg.Until, cfg.UntilLast, err = moment("until", f.until, loc); err != nil {
		return cfg, err
	}
	cfg.Rules, err = ruleSet(f.rules)
	return cfg, err
}

// lookFlags say how text is shown.
type lookFlags struct {
	color string
	width int
	ascii bool
}

func (f *lookFlags) group() flagGroup {
	g := newGroup("Looks")
	g.flags.StringVar(&f.color, "color", "auto", "`WHEN`: auto, always or never; auto, the default, colours on a terminal unless NO_COLOR is set")
	g.flags.IntVar(&f.width, "width", 0, "`COLUMNS`: of the page; by default the terminal's, 80 in a pipe")
	g.flags.BoolVar(&f.ascii, "ascii", false, "no signs beyond ASCII")
	return g
}

func (f *lookFlags) options(w io.Writer) (report.Options, error) {
	when, err := report.ParseWhen(f.color)
	if err != nil {
		return report.Options{}, misused("--color %s: no such choice. There are auto, always and never", f.color)
	}
	if f.width < 0 {
		return report.Options{}, misused("--width %d: a page has no such width. Give a number of columns, 40 to 400", f.width)
	}
	file, _ := w.(*os.File)
	return report.Detect(file, os.Getenv, report.Asked{Color: when, Width: f.width, ASCII: f.ascii}), nil
}

// pageFlags are those of a report.
type pageFlags struct {
	lookFlags
	tz         string
	quiet, all bool
}

func (f *pageFlags) group() flagGroup {
	g := f.lookFlags.group()
	g.flags.StringVar(&f.tz, "tz", "", "`ZONE`: of the times in the report, UTC by default")
	g.flags.BoolVarP(&f.quiet, "quiet", "q", false, "only the sentence")
	g.flags.BoolVar(&f.all, "all", false, "every cause, incident and file")
	return g
}

func (f *pageFlags) options(w io.Writer) (report.Options, error) {
	o, err := f.lookFlags.options(w)
	if err != nil {
		return o, err
	}
	o.Quiet, o.All = f.quiet, f.all
	o.Zone, err = zone("tz", f.tz)
	return o, err
}

// offer makes the shell complete the values of a flag.
func offer(c *cobra.Command, flag string, values ...string) {
	err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // the flag is not there, or was given values twice
	}
}

// ruleSet returns the built-in rules with those of dirs.
func ruleSet(dirs []string) (*rules.Set, error) {
	if len(dirs) == 0 {
		return rules.Builtin(), nil
	}
	folders, err := ruleFolders(dirs)
	if err != nil {
		return nil, err
	}
	set, err := rules.With(folders...)
	if err == nil {
		return set, nil
	}
	for i := range folders { // the first folder with which it fails is the one to name
		if _, err := rules.With(folders[:i+1]...); err != nil {
			return nil, misuse{inFolder(dirs[i], err)}
		}
	}
	return nil, misuse{err}
}
