package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// IO is what surrounds a run of the program.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
	Version  string // empty: that of the build
	// Reload gets a value when a running command is to read its configuration
	// again; it may be nil.
	Reload <-chan struct{}
}

// Run runs a command line and returns its exit code. The first end of ctx ends
// reading; what was read by then is reported.
func Run(ctx context.Context, args []string, streams IO) int {
	root := newRoot(streams.Version, streams.Reload)
	root.SetArgs(shield(args))
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	return finish(streams.Err, root.ExecuteContext(ctx))
}

func newRoot(version string, reload <-chan struct{}) *cobra.Command {
	root := &cobra.Command{
		Use:   "why503 COMMAND",
		Short: "Why requests failed, from the logs of proxies and of what is behind them",
		Long: `why503 reads the logs of Varnish, nginx and the programs behind them, joins them
by request, and says of every failed request what the proxy saw, what caused it,
which lines prove it, and, where these logs cannot tell, which log would.

It needs no configuration, no service and no network: it reads files.`,
		Example: `  why503 analyze /var/log/varnish/varnishlog.log /var/log/nginx/ app.log
  why503 explain 65571 /var/log/varnish/ /var/log/nginx/
  why503 lookup '-   FetchError  backend b: fail errno 111 (Connection refused)'`,
		Args:          noSuchCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		Version:       versionOf(version),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(analyzeCommand(), serveCommand(version, reload), explainCommand(), lookupCommand(), rulesCommand(), doctorCommand(), checkCommand(), configCommand(), versionCommand(version))
	teach(root)
	root.InitDefaultCompletionCmd(root.Name())
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Short = "Write a script that completes commands in your shell"
		}
	}
	return root
}

// noSuchCommand says what was probably meant.
func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if _, err := os.Stat(args[0]); err == nil {
		return misused("%s: no such command. To read it: %s analyze %s", args[0], c.Root().Name(), strings.Join(args, " "))
	}
	c.SuggestionsMinimumDistance = 2
	return misused("%s: no such command.%s All commands: %s --help", args[0], didYouMean(c.SuggestionsFor(args[0])), c.CommandPath())
}

func flagError(c *cobra.Command, err error) error {
	help := c.CommandPath() + " --help"
	var unknown *pflag.NotExistError
	var valueless *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			return misused("-%s: no such flag. All flags: %s", name, help)
		}
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		near := nearest(name, names)
		for i := range near {
			near[i] = "--" + near[i]
		}
		return misused("--%s: no such flag.%s All flags: %s", name, didYouMean(near), help)
	case errors.As(err, &valueless):
		return misused("--%s: no value given. See %s", valueless.GetFlag().Name, help)
	case errors.As(err, &invalid):
		return misused("--%s %s: not a value that it takes. See %s", invalid.GetFlag().Name, invalid.GetValue(), help)
	}
	return misused("%w. See %s", err, help)
}

// nearest returns those of names that name may be a slip of. The measure is
// the one that cobra has for commands.
func nearest(name string, names []string) []string {
	c := &cobra.Command{SuggestionsMinimumDistance: 2}
	for _, n := range names {
		c.AddCommand(&cobra.Command{Use: n, Run: func(*cobra.Command, []string) {}})
	}
	return c.SuggestionsFor(name)
}

func didYouMean(names []string) string {
	if len(names) == 0 {
		return ""
	}
	if len(names) > 3 {
		names = names[:3]
	}
	return " Did you mean " + strings.Join(names, " or ") + "?"
}
