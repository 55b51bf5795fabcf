package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"why503/cmd/internal/app"
	"why503/cmd/internal/conf"
	"why503/cmd/internal/doctor"
	"why503/dashboards/report"
)

func serveCommand(version string, reload <-chan struct{}) *cobra.Command {
	var flags conf.Flags
	var file string
	c := &cobra.Command{
		Use:   "serve [flags] [PATH...]",
		Short: "Follow the logs of this machine, remember, show a page and raise alerts",
		Long: `serve follows files, folders and globs, through every kind of rotation, and what
is no file: varnishlog as a child, syslog, the journal, standard input. It says
why requests fail while they do, keeps that in one SQLite file, shows a page and
an API at --listen, and tells people of incidents.

Without PATH and --config it reads why503.yaml here or in /etc/why503, and
without that the logs of the proxies and programs that run on this machine.

What stands in a file that was never read before is left alone; --from-start
reads it. After a restart reading goes on where it ended. SIGHUP reads the
configuration again.

Exit codes
  0  ended by a signal, with everything stored
  1  something keeps it from running
  2  the command line or the configuration is wrong`,
		Example: `  why503 serve
  why503 serve --store /var/lib/why503/why503.db /var/log/varnish /var/log/nginx app.log
  why503 serve --config /etc/why503/why503.yaml`,
		RunE: func(c *cobra.Command, args []string) error {
			for {
				again, err := serveOnce(c, &flags, file, args, version, reload)
				if !again || err != nil {
					return err
				}
			}
		},
	}
	g := newGroup("Configuration")
	g.flags.StringVar(&file, "config", "", "`FILE` in YAML; see config example")
	take(c, g)
	all := newGroup("Keys of the configuration")
	flags.Register(all.flags)
	take(c, all)
	return c
}

// serveOnce serves until the end, or until the configuration is to be read again
// and holds.
func serveOnce(c *cobra.Command, flags *conf.Flags, file string, paths []string, version string, reload <-chan struct{}) (again bool, err error) {
	cfg, err := loadServe(c, flags, file, paths)
	if err != nil {
		return false, err
	}
	set, err := ruleSet(texts(cfg.Rules))
	if err != nil {
		return false, err
	}
	log := newLog(c, cfg)
	sc := app.ServeConfig{Config: cfg, Version: versionOf(version), Rules: set, Log: log}
	if len(paths) == 0 && cfg.Sources.None() {
		if err := discover(&sc); err != nil {
			return false, err
		}
	}
	stderr := c.ErrOrStderr()
	sc.Ready = func(addr string) {
		fmt.Fprintf(stderr, "why503 reads %s and keeps what it finds in %s. The page: http://%s/\n", sourcesInWords(&sc), report.Escape(string(cfg.Store)), addr)
	}
	ctx, stop := context.WithCancel(c.Context())
	defer stop()
	reloaded := make(chan struct{})
	go func() {
		defer close(reloaded)
		for {
			select {
			case <-ctx.Done():
				return
			case <-reload:
			}
			if _, err := loadServe(c, flags, file, paths); err != nil {
				log.Error("the configuration was not read again: it does not hold, what ran before goes on", "err", err)
				continue
			}
			log.Info("reading the configuration again")
			again = true
			stop()
			return
		}
	}()
	err = app.Serve(ctx, sc)
	stop()
	<-reloaded
	if again && errors.Is(err, app.ErrNotStored) {
		err = nil // who serves next reads it again
	}
	return again, err
}

// loadServe makes the configuration from flags, environment and file.
func loadServe(c *cobra.Command, flags *conf.Flags, file string, paths []string) (*conf.Config, error) {
	in := conf.Input{Env: os.LookupEnv, Flags: flags, Paths: paths}
	name, data, err := readConfig(file)
	switch {
	case err == nil:
		in.File, in.Data = name, data
	case file != "":
		return nil, err
	}
	cfg, err := conf.Load(in)
	var problems conf.Problems
	if errors.As(err, &problems) {
		for _, p := range problems {
			fmt.Fprintln(c.ErrOrStderr(), report.Escape(p.Error()))
		}
		return nil, exitCode(exitMisused)
	}
	return cfg, err
}

func newLog(c *cobra.Command, cfg *conf.Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.Log.Level)) // the configuration was checked
	opt := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(c.ErrOrStderr(), opt))
	}
	return slog.New(slog.NewTextHandler(c.ErrOrStderr(), opt))
}

// discover names the logs of what runs on this machine.
func discover(sc *app.ServeConfig) error {
	m := doctor.Discover(os.DirFS("/"))
	for i := range m.Sources {
		if s := &m.Sources[i]; !s.Read() {
			sc.Log.Warn("a log was found and is not read", "path", s.Path, "found", s.Why, "reason", s.Problem+s.Skip)
		}
	}
	if m.Apply(sc.Config) == 0 {
		return errors.New("no log of a proxy or program was found on this machine that can be read. Name them: why503 serve /var/log/nginx/; what was looked for: why503 doctor")
	}
	return nil
}

func texts[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = string(list[i])
	}
	return out
}

func sourcesInWords(sc *app.ServeConfig) string {
	from := &sc.Sources
	n := len(from.Paths) + len(from.Varnishlog) + len(from.Syslog.UDP) + len(from.Syslog.TCP) + len(from.Syslog.Unix) +
		len(from.Journal.Units) + len(from.Docker.Names) + len(from.Pods.Names)
	if from.Stdin {
		n++
	}
	what := "sources"
	if n == 1 {
		what = "source"
	}
	return fmt.Sprintf("%d %s", n, what)
}
