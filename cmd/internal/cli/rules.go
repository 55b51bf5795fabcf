package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"why503/parse/recognise"
	"why503/rules"
	"why503/rules/ruletest"
)

func rulesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "rules COMMAND",
		Short: "List, show and test the rules that find causes",
		Long: `Rules turn what log lines say into symptoms and causes. Those that are built in
can be listed and shown; a folder given with --rules extends them, and a rule in
it replaces the built-in one of the same name.`,
		Example: `  why503 rules list
  why503 rules show varnish.held_down
  why503 rules test /etc/why503/rules`,
		Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(rulesListCommand(), rulesShowCommand(), rulesTestCommand())
	return c
}

func rulesGroup(dirs *[]string) flagGroup {
	g := newGroup("What is read")
	g.flags.StringArrayVar(dirs, "rules", nil, "`DIR`: rules that extend or replace the built-in ones")
	return g
}

func rulesListCommand() *cobra.Command {
	var dirs []string
	c := &cobra.Command{
		Use:   "list [flags]",
		Short: "List rules in the order in which they are asked",
		Long: `list writes a line a rule, in the order in which they are asked: name, cause,
confidence, and where it stands. A rule without a cause ("-") leads to the one
that the message itself names.`,
		Example: "  why503 rules list\n  why503 rules list --rules /etc/why503/rules | grep database",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			set, err := ruleSet(dirs)
			if err != nil {
				return err
			}
			for _, r := range set.Rules() {
				cause := r.Cause
				if cause == "" {
					cause = "-"
				}
				fmt.Fprintf(c.OutOrStdout(), "%-34s %-34s %.2f  %s:%d\n", r.Name, cause, r.Confidence, r.File, r.Line)
			}
			return nil
		},
	}
	take(c, rulesGroup(&dirs))
	return c
}

func rulesShowCommand() *cobra.Command {
	var dirs []string
	c := &cobra.Command{
		Use:   "show [flags] NAME",
		Short: "Show a rule as it is written",
		Long: `show writes the YAML of a rule with the comment above it. For the name of a
message, as in the chain of a report, it says what the message is.`,
		Example: "  why503 rules show varnish.held_down",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return misused("give the NAME of one rule. Names: %s list", c.Parent().CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			text, err := showRule(args[0], dirs)
			if err != nil {
				return err
			}
			fmt.Fprint(c.OutOrStdout(), text)
			return nil
		},
	}
	take(c, rulesGroup(&dirs))
	return c
}

func showRule(name string, dirs []string) (string, error) {
	set, err := ruleSet(dirs)
	if err != nil {
		return "", err
	}
	var names []string
	for _, r := range set.Rules() {
		if r.Name == name {
			return ruleText(&r, dirs)
		}
		names = append(names, r.Name)
	}
	if e := recognise.Default().ByName(name); e != nil {
		return fmt.Sprintf("message: %s\nliteral: %s\nmeaning: %s\ncause:   %s\n", e.Name, e.Literal, e.Meaning, e.Cause), nil
	}
	near := nearest(name, names)
	for _, n := range names {
		if len(near) < 3 && strings.Contains(n, name) {
			near = append(near, n)
		}
	}
	return "", misused("%s: no such rule.%s Names: why503 rules list", name, didYouMean(near))
}

// ruleText cuts a rule out of the file that it stands in: of the users'
// folders the last that has it there, else of those built in.
func ruleText(r *rules.RuleInfo, dirs []string) (string, error) {
	folders := []fs.FS{rules.Files()}
	for _, dir := range dirs {
		folders = append(folders, os.DirFS(dir))
	}
	for i := len(folders) - 1; i >= 0; i-- {
		data, err := fs.ReadFile(folders[i], strings.TrimPrefix(r.File, "builtin/"))
		if err != nil {
			continue
		}
		lines := strings.Split(string(data), "\n")
		if r.Line > len(lines) || !strings.Contains(lines[r.Line-1], r.Name) {
			continue
		}
		where := "built in"
		if i > 0 {
			where = dirs[i-1]
		}
		return fmt.Sprintf("# %s, line %d, %s\n%s", r.File, r.Line, where, item(lines, r.Line-1)), nil
	}
	return "", fmt.Errorf("%s: its text was not found in %s", r.Name, r.File)
}

// item returns the element of a YAML list that begins at line i, with the
// comment above it, moved to the left.
func item(lines []string, i int) string {
	margin := indent(lines[i])
	from, to := i, i+1
	for from > 0 && strings.HasPrefix(strings.TrimSpace(lines[from-1]), "#") {
		from--
	}
	for to < len(lines) && (strings.TrimSpace(lines[to]) == "" || indent(lines[to]) > margin) {
		to++
	}
	var b strings.Builder
	for _, line := range lines[from:to] {
		if strings.TrimSpace(line) != "" {
			b.WriteString(line[min(margin, indent(line)):] + "\n")
		}
	}
	return b.String()
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

func rulesTestCommand() *cobra.Command {
	var dirs []string
	var verbose bool
	c := &cobra.Command{
		Use:   "test [flags] [DIR...]",
		Short: "Run the tests of rules: lines in, causes out",
		Long: `test runs every *.test.yaml in the folders DIR, with the rules that stand beside
them; without DIR it runs the tests that are built in. A test gives files as
text and says what each failed request must come to:

  tests:
    - name: a refused connect
      files:
        error.log: |
          2026/03/01 10:00:00 [error] 7#7: *1 connect() failed (111: ...
      want:
        - {url: /basket, symptom: network.conn_refused, decidable: false}

Fields of want: url, symptom, cause, reached, class, decidable, missing,
trigger, rule, words, times. What is left out is not compared, but every failed
request must be wanted. Files that end in .conf and .vcl are read as nginx's and
Varnish's configuration.

Exit codes
  0  all passed
  1  some failed
  2  a rule or a test cannot be understood`,
		Example: "  why503 rules test\n  why503 rules test -v /etc/why503/rules",
		RunE: func(c *cobra.Command, args []string) error {
			return runRulesTest(c, dirs, args, verbose)
		},
	}
	g := rulesGroup(&dirs)
	g.flags.BoolVarP(&verbose, "verbose", "v", false, "name the tests that pass, too")
	take(c, g)
	return c
}

func runRulesTest(c *cobra.Command, dirs, args []string, verbose bool) error {
	if len(args) == 0 {
		return testRules(c, rules.Files(), "", dirs, verbose)
	}
	var last error
	for _, dir := range args {
		folders, err := ruleFolders([]string{dir})
		if err != nil {
			return err
		}
		err = testRules(c, folders[0], dir, append(dirs[:len(dirs):len(dirs)], dir), verbose)
		if err != nil && !errors.As(err, new(exitCode)) {
			return err
		}
		if err != nil {
			last = err
		}
	}
	return last
}

func testRules(c *cobra.Command, tests fs.FS, dir string, with []string, verbose bool) error {
	set, err := ruleSet(with)
	if err != nil {
		return err
	}
	res, err := ruletest.Run(tests, pipeline(c.Context(), set), c.OutOrStdout(), verbose)
	switch {
	case errors.Is(err, ruletest.ErrFailed):
		return exitCode(exitFailed)
	case err != nil && dir != "":
		text := strings.TrimPrefix(err.Error(), "running rule tests: ")
		return misuse{inFolder(dir, errors.New(strings.ReplaceAll(text, "yaml: unmarshal errors:\n  ", "")))}
	case err != nil:
		return err
	case res.Passed == 0:
		return misused("%s: no tests. They stand in files named *.test.yaml", dir)
	}
	return nil
}
