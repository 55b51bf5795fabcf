package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"why503/cmd/internal/conf"
	"why503/dashboards/report"
)

func configCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "config COMMAND",
		Short: "Check the configuration of serve, or write an example",
		Long: `serve needs no configuration; with one, it takes YAML. What stands in it can be
given as a flag or in the environment too, which go before the file.`,
		Example: `  why503 config example > why503.yaml
  why503 config check why503.yaml`,
		Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(configCheckCommand(), configExampleCommand())
	return c
}

func configExampleCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "example",
		Short:   "Write a configuration in which every key stands, with what it is",
		Long:    "example writes a configuration in which every key stands in a comment, with what\nit is, its default or an example, and the variable of what is secret.",
		Example: "  why503 config example > why503.yaml",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := io.WriteString(c.OutOrStdout(), conf.Example())
			return err
		},
	}
}

func configCheckCommand() *cobra.Command {
	var show bool
	c := &cobra.Command{
		Use:   "check [flags] [FILE]",
		Short: "Tell all that is wrong with a configuration",
		Long: `check reads a configuration as serve would, with the environment of this shell,
and tells all that is wrong with it, each with its line and its mend: keys that
do not exist, values of the wrong type or unit, settings that contradict each
other, and files and programs that are not there or may not be read by the user
who runs the check. Run it as the user that serve runs as.

Without FILE it checks why503.yaml here, else /etc/why503/why503.yaml.

Exit codes
  0  serve would start with it
  1  something is wrong, or FILE could not be read
  2  the command line is wrong`,
		Example: `  why503 config check why503.yaml
  sudo -u why503 why503 config check --print /etc/why503/why503.yaml`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return misused("%s: one FILE at a time: %s %s", args[1], c.CommandPath(), args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			file := ""
			if len(args) > 0 {
				file = args[0]
			}
			return runConfigCheck(c, file, show)
		},
	}
	out := newGroup("What is written")
	out.flags.BoolVar(&show, "print", false, "what holds, as YAML, with the origin of each value; secrets are not shown")
	take(c, out)
	return c
}

func runConfigCheck(c *cobra.Command, file string, show bool) error {
	file, data, err := readConfig(file)
	if err != nil {
		return err
	}
	cfg, err := conf.Load(conf.Input{File: file, Data: data, Env: os.LookupEnv})
	var problems conf.Problems
	if err != nil && !errors.As(err, &problems) {
		return err
	}
	missing, notes := cfg.Probe()
	for _, p := range missing { // what is wrong in itself is told once
		if !alreadyTold(problems, p.Key) {
			problems = append(problems, p)
		}
	}
	stderr := c.ErrOrStderr()
	for _, p := range problems {
		fmt.Fprintln(stderr, report.Escape(p.Error()))
	}
	for _, n := range notes {
		fmt.Fprintln(stderr, "note:", report.Escape(n))
	}
	if show {
		if err := cfg.Print(escaping{c.OutOrStdout()}); err != nil {
			return err
		}
	}
	if len(problems) > 0 {
		return exitCode(exitFailed)
	}
	if !show {
		fmt.Fprintf(c.OutOrStdout(), "%s: no problems\n", report.Escape(file))
	}
	return nil
}

func alreadyTold(problems conf.Problems, key string) bool {
	for _, p := range problems {
		if p.Key == key {
			return true
		}
	}
	return false
}

// readConfig reads the configuration that is named, or the first of the usual
// places.
func readConfig(file string) (string, []byte, error) {
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return file, nil, errors.New(conf.Unreadable(file, err))
		}
		return file, data, nil
	}
	for _, f := range conf.Files() {
		data, err := os.ReadFile(f)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return f, nil, errors.New(conf.Unreadable(f, err))
		}
		return f, data, nil
	}
	return "", nil, fmt.Errorf("no configuration in %s. serve needs none; to begin one:  why503 config example > why503.yaml", strings.Join(conf.Files(), " and "))
}

// escaping makes each line that is written fit to be shown.
type escaping struct{ w io.Writer }

func (e escaping) Write(p []byte) (int, error) {
	for line := range strings.SplitAfterSeq(string(p), "\n") {
		text, end := strings.CutSuffix(line, "\n")
		if text = report.Escape(text); end {
			text += "\n"
		}
		if _, err := io.WriteString(e.w, text); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
