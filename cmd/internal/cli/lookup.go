package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"why503/dashboards/report"
	"why503/parse/recognise"
)

type lookupFlags struct {
	output string
	look   lookFlags
}

func lookupCommand() *cobra.Command {
	var f lookupFlags
	c := &cobra.Command{
		Use:   "lookup [flags] LINE...",
		Short: "Say what a log line means and what it can point to",
		Long: `lookup says what a log line means: which program writes it, which causes it can
point to, the likeliest first, what would confirm them, and what to do. A LINE
is one argument, whole or just its message, so quote it; - reads lines from
standard input. It reads no logs: analyze does, and decides between the causes.

The exit code is 0 also when a line is not known or means nothing bad.`,
		Example: `  why503 lookup '-   FetchError  backend b: fail errno 111 (Connection refused)'
  why503 lookup 'upstream timed out (110: Connection timed out) while reading'
  grep -h crit /var/log/nginx/error.log | why503 lookup -o json -`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misused("no LINE given. Quote one: %s 'upstream timed out (110: Connection timed out)', or - for standard input", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return runLookup(c, &f, args) },
	}
	out := newGroup("What is written")
	out.flags.StringVarP(&f.output, "output", "o", "text", "`FORM`: text, the default, or json, an object a line")
	take(c, out, f.look.group())
	offer(c, "output", "text", "json")
	offer(c, "color", "auto", "always", "never")
	return c
}

func runLookup(c *cobra.Command, f *lookupFlags, args []string) error {
	look, err := f.look.options(c.OutOrStdout())
	if err != nil {
		return err
	}
	p := newPage(c.OutOrStdout(), look)
	set := recognise.Default()
	var write func(line []byte) error
	switch f.output {
	case "json":
		write = func(line []byte) error { return writeMeaning(p.out, set.Lookup(line)) }
	case "text":
		n := 0
		write = func(line []byte) error {
			if len(bytes.TrimSpace(line)) == 0 {
				return nil
			}
			if n++; n > 1 {
				fmt.Fprintln(p.out)
			}
			p.meaning(set, set.Lookup(line))
			return nil
		}
	default:
		return misused("--output %s: no such form. There are text and json", f.output)
	}
	for _, arg := range args {
		if arg != "-" {
			err = write([]byte(strings.TrimPrefix(arg, shielded)))
		} else {
			err = eachLine(c.Context(), c.InOrStdin(), p.out, write)
		}
		if err != nil {
			return err
		}
	}
	return p.out.Flush()
}

// shielded stands before a LINE that begins like a flag, as all lines of
// varnishlog do, until the flags are taken. No argument can hold it.
const shielded = "\x00"

// shield keeps lines from being taken for flags: no flag of lookup has a space
// in it.
func shield(args []string) []string {
	if len(args) == 0 || args[0] != "lookup" {
		return args
	}
	args = slices.Clone(args)
	for i, arg := range args {
		if arg == "--" {
			break
		}
		if strings.HasPrefix(arg, "-") && strings.ContainsAny(arg, " \t") {
			args[i] = shielded + arg
		}
	}
	return args
}

// maxLookup bounds a line of standard input: what is longer is cut.
const maxLookup = 64 << 10

// eachLine hands the lines of r to f and flushes out whenever it has to wait
// for more, so that lookup can stand in a pipe. It ends with ctx too, even
// while r has nothing to read.
func eachLine(ctx context.Context, r io.Reader, out *bufio.Writer, f func([]byte) error) error {
	ended := make(chan error, 1)
	go func() { // when ctx ends first, it goes with the program
		ended <- readLines(ctx, r, out, f)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return exitCode(exitFailed)
	}
}

func readLines(ctx context.Context, r io.Reader, out *bufio.Writer, f func([]byte) error) error {
	b := bufio.NewReaderSize(r, maxLookup)
	for ctx.Err() == nil {
		if b.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
		line, err := b.ReadSlice('\n')
		whole := err == nil
		if len(line) > 0 {
			if err := f(bytes.TrimRight(line, "\r\n")); err != nil {
				return err
			}
		}
		for errors.Is(err, bufio.ErrBufferFull) { // the rest of a line that is too long
			_, err = b.ReadSlice('\n')
		}
		if err == io.EOF {
			return nil
		}
		if err != nil && !whole {
			return fmt.Errorf("reading standard input: %w", err)
		}
	}
	return nil
}

// writeMeaning writes m as one line of JSON. Bytes that are no UTF-8 become
// \xNN, as in every list that this program writes; what has no shape of its own
// is written as \uNNNN, since the line may be shown by a terminal.
func writeMeaning(w *bufio.Writer, m recognise.Meaning) error {
	var b strings.Builder
	for s := m.Line; s != ""; {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[0])
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	m.Line = b.String()
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		return err
	}
	for _, r := range out.String() {
		if c := string(r); r < 0x7f || report.Escape(c) == c {
			fmt.Fprint(w, c)
			continue
		}
		for _, u := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(w, `\u%04x`, u)
		}
	}
	return nil // the writer keeps its error until it is flushed
}

// meaning writes m for a person, in the order of every report: what it is,
// the cause, what to do, what would make it sure.
func (p *page) meaning(set *recognise.Set, m recognise.Meaning) {
	fmt.Fprintf(p.out, "%s %s\n", p.bar(), p.fit(p.clean(m.Line), p.look.Width-2))
	e := set.ByName(m.Event)
	switch {
	case e != nil:
		p.row("means", plain, e.Meaning)
	case len(m.Causes) > 0:
		p.row("means", plain, "A status that something behind the program gave.")
	default:
		p.row("means", dim, "Nothing that is known. It may be a routine line, or one of a program not known here.")
		return
	}
	where := m.Program
	if where == "" {
		where = "a program that the line does not name"
	}
	if e != nil {
		where += " (" + e.Name + ")"
	}
	p.row("from", plain, where)
	if len(m.Causes) == 0 {
		p.row("cause", plain, "none: the line means nothing bad by itself")
		return
	}
	word, width := "cause", 0
	for _, slug := range m.Causes {
		width = max(width, len(slug)+2)
	}
	for i, slug := range m.Causes {
		colour := plain
		if i == 0 {
			colour = magenta
		}
		p.cause(word, width, colour, slug)
		word = ""
	}
	word = "sure by"
	for _, c := range m.Confirm {
		p.row(word, plain, c)
		word = ""
	}
	if m.Advice != "" && (e == nil || m.Advice != e.Meaning) {
		p.row("do", plain, m.Advice)
	}
}

// cause writes a slug and, width cells further, its title.
func (p *page) cause(word string, width int, colour, slug string) {
	title := ""
	if c := recognise.CauseOf(slug); c != nil {
		title = c.Title
	}
	pad := strings.Repeat(" ", max(1, column-len(word)))
	room := min(p.look.Width, maxProse) - column - width
	fmt.Fprintf(p.out, "%s%s%s%s%s\n", p.paint(bold, word), pad, p.paint(colour, slug), strings.Repeat(" ", max(0, width-len(slug))), p.fit(p.clean(title), room))
}

func (p *page) bar() string {
	if p.look.ASCII {
		return "|"
	}
	return "│"
}
