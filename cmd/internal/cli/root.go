package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"why503/cmd/internal/app"
)

// Exit codes (the contract of the command line).
const (
	exitDone     = 0
	exitFailed   = 1
	exitMisused  = 2
	exitIncident = 3 // --exit-code, and an incident was found
)

// Run runs a command line and returns its exit code.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var code exitCode
	var usage *app.UsageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, "why503:", err)
		return exitMisused
	}
	fmt.Fprintln(stderr, "why503:", err)
	if errors.As(err, new(misuse)) {
		return exitMisused
	}
	return exitFailed
}

// An exitCode ends a command that has said all it had to say.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// A misuse is an error in the command line itself.
type misuse struct{ error }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "why503",
		Short: "Why requests failed, from the logs of proxies and of what is behind them",
		Long: `why503 reads the logs of Varnish, nginx and the programs behind them, joins them
by request, and says for every failed request what the proxy saw, what caused
it, which lines prove it, and, where these logs cannot tell, which log would.`,
		Example: `  why503 analyze /var/log/varnish/varnishlog.log /var/log/nginx/ app.log
  why503 explain 65571 /var/log/varnish/ /var/log/nginx/
  why503 lookup 'FetchError     backend web: fail errno 111 (Connection refused)'`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return misuse{fmt.Errorf("%w (see why503 %s --help)", err, c.Name())}
	})
	root.AddCommand(analyzeCommand())
	return root
}
