package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is the width that help is written for: that of the narrowest
// terminal in use.
const helpWidth = 80

// A flagGroup is flags that belong together, under a word of their own.
type flagGroup struct {
	title string
	flags *pflag.FlagSet
}

func newGroup(title string) flagGroup {
	return flagGroup{title, pflag.NewFlagSet(title, pflag.ContinueOnError)}
}

// take adds the groups' flags to c, whose help then shows them by group.
func take(c *cobra.Command, groups ...flagGroup) {
	for _, g := range groups {
		g.flags.SortFlags = false
		c.Flags().AddFlagSet(g.flags)
	}
	c.SetHelpFunc(func(c *cobra.Command, _ []string) { writeHelp(c.OutOrStdout(), c, groups) })
}

// teach gives c and the commands below it that have no groups the same help.
func teach(c *cobra.Command) {
	c.SetHelpFunc(func(c *cobra.Command, _ []string) { writeHelp(c.OutOrStdout(), c, nil) })
}

// writeHelp writes what a person needs to use c, in the order in which it is
// asked: what it does, how it is called, an example, then everything else.
func writeHelp(w io.Writer, c *cobra.Command, groups []flagGroup) {
	var b strings.Builder
	text := c.Long
	if text == "" {
		text = c.Short
	}
	fmt.Fprintf(&b, "%s\n", strings.TrimSpace(text))
	fmt.Fprintf(&b, "\nUsage\n  %s\n", c.UseLine())
	if c.Example != "" {
		fmt.Fprintf(&b, "\nExamples\n%s\n", strings.TrimRight(c.Example, "\n"))
	}
	writeCommands(&b, c)
	shown := make(map[string]bool)
	for _, g := range groups {
		fmt.Fprintf(&b, "\n%s\n", g.title)
		writeFlags(&b, g.flags)
		g.flags.VisitAll(func(f *pflag.Flag) { shown[f.Name] = true })
	}
	c.InitDefaultHelpFlag()
	c.InitDefaultVersionFlag()
	rest := pflag.NewFlagSet("", pflag.ContinueOnError)
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		switch f.Name {
		case "help":
			f.Usage = "this text"
		case "version":
			f.Usage = "say which version this is"
		}
		if !shown[f.Name] {
			rest.AddFlag(f)
		}
	})
	title := "Flags"
	if len(groups) > 0 {
		title = "Other"
	}
	if rest.HasAvailableFlags() {
		fmt.Fprintf(&b, "\n%s\n", title)
		writeFlags(&b, rest)
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\nMore about a command: %s COMMAND --help\n", c.CommandPath())
	}
	fmt.Fprint(w, b.String())
}

// writeFlags writes a flag a row. Usage that begins with the name of the value
// and a colon says the name in the left column alone.
func writeFlags(b *strings.Builder, fs *pflag.FlagSet) {
	const column = 26
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		left := "      --" + f.Name
		if f.Shorthand != "" {
			left = "  -" + f.Shorthand + ", --" + f.Name
		}
		if value != "" {
			left += " " + value
			usage = strings.TrimPrefix(usage, value+": ")
		}
		for i, line := range wrap(usage, helpWidth-column) {
			switch {
			case i > 0:
				left = ""
			case len(left) > column-2:
				fmt.Fprintln(b, left)
				left = ""
			}
			fmt.Fprintf(b, "%-*s%s\n", column, left, line)
		}
	})
}

func writeCommands(b *strings.Builder, c *cobra.Command) {
	if !c.HasAvailableSubCommands() {
		return
	}
	fmt.Fprint(b, "\nCommands\n")
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			fmt.Fprintf(b, "  %-12s %s\n", sub.Name(), sub.Short)
		}
	}
}
