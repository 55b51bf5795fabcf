package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"why503/aggregate"
	"why503/cmd/internal/app"
	"why503/cmd/internal/doctor"
	"why503/dashboards/report"
	"why503/parse"
	"why503/rules"
)

type doctorFlags struct {
	nginxConf, vcl []string
	output         string
	look           lookFlags
}

func doctorCommand() *cobra.Command {
	var f doctorFlags
	c := &cobra.Command{
		Use:   "doctor [flags] [PATH...]",
		Short: "Say what these logs cannot tell, and what to paste so that they can",
		Long: `doctor says which questions about a failed request the logs can answer, and
prints the lines to paste for the others: only what is missing.

With PATHs it looks at these logs. Without, it looks at this machine: the
proxies and programs that run, their configurations, the files that they write;
it lists what serve would read here, and what keeps it from reading the rest.
It changes nothing, and starts nothing.

Exit codes
  0  done, also when something is missing
  1  a path could not be read, or there is nothing to look at
  2  the command line is wrong`,
		Example: `  why503 doctor
  why503 doctor varnishncsa.log nginx-access.log
  why503 doctor --nginx-conf /etc/nginx/nginx.conf /var/log/nginx/`,
		RunE: func(c *cobra.Command, args []string) error { return runDoctor(c, &f, args) },
	}
	in, out := newGroup("What is read"), newGroup("What is written")
	in.flags.StringArrayVar(&f.nginxConf, "nginx-conf", nil, "`FILE`: nginx configuration, for the formats of its logs")
	in.flags.StringArrayVar(&f.vcl, "vcl", nil, "`FILE`: VCL of Varnish, for its timeouts")
	out.flags.StringVarP(&f.output, "output", "o", "text", "`FORM`: text, the default, or json")
	take(c, in, out, f.look.group())
	offer(c, "output", "text", "json")
	offer(c, "color", "auto", "always", "never")
	return c
}

// A diagnosis is all that doctor writes; its JSON is the output of -o json.
type diagnosis struct {
	Sources []foundSource `json:"sources"`
	*doctor.Report
	Failures  int64    `json:"failures"`
	Decidable int64    `json:"decidable"`
	Missing   []string `json:"missing"` // logs that would have decided failures in the PATHs
	judged    bool
	machine   bool
}

type foundSource struct {
	Source  string `json:"source"`
	Program string `json:"program"`
	Kind    string `json:"kind"`
	Why     string `json:"why"`
	Read    bool   `json:"read"`
	Problem string `json:"problem,omitempty"`
}

func runDoctor(c *cobra.Command, f *doctorFlags, paths []string) error {
	look, err := f.look.options(c.OutOrStdout())
	if err != nil {
		return err
	}
	if f.output != "text" && f.output != "json" {
		return misused("--output %s: no such form. There are text and json", f.output)
	}
	if slices.Contains(paths, "-") {
		return misused("-: doctor looks at files: a pipe can be read once, and it looks more than once. Give it files, or none")
	}
	given := doctor.Given{Rules: rules.Builtin()}
	d := diagnosis{Sources: []foundSource{}, Missing: []string{}, machine: len(paths) == 0}
	nginxConf := f.nginxConf
	if d.machine {
		m := doctor.Discover(os.DirFS("/"))
		d.found(m)
		given.Programs = m.Programs
		nginxConf = append(nginxConf, m.NginxConf...)
		paths = readable(m)
		given.Live = slices.ContainsFunc(m.Sources, func(s doctor.Source) bool {
			return s.Kind == parse.SourceVarnishlog && s.Child != nil && s.Read()
		})
		for _, s := range m.Sources {
			if s.Problem != "" {
				given.Denied = append(given.Denied, s.Kind)
			}
		}
		if len(m.Programs)+len(m.Sources) == 0 {
			tell(c.ErrOrStderr(), "nothing to look at: no proxy runs here and none of their logs are in /var/log. Name logs: "+c.CommandPath()+" PATH...")
			return exitCode(exitFailed)
		}
	}
	logs, problems := doctor.Examine(paths, nginxConf)
	for _, p := range problems {
		tell(c.ErrOrStderr(), p.Error())
	}
	if len(logs) == 0 && !d.machine {
		return exitCode(exitFailed)
	}
	given.Logs = logs
	d.Report = doctor.New(given)
	if !d.machine {
		if err := d.judge(c, f, paths); err != nil {
			return err
		}
	}
	if f.output == "json" {
		err = writeJSON(c.OutOrStdout(), &d)
	} else {
		p := newPage(c.OutOrStdout(), look)
		p.diagnosis(&d)
		err = p.out.Flush()
	}
	if err == nil && len(problems) > 0 {
		return exitCode(exitFailed)
	}
	return err
}

// readable are the paths of a machine that can be looked at.
func readable(m *doctor.Machine) []string {
	var paths []string
	for _, s := range m.Sources {
		if s.Path == "" || !s.Read() || s.Absent {
			continue
		}
		if hits := globbed(s.Path); len(hits) > 0 {
			paths = append(paths, hits...)
		}
	}
	return paths
}

// globbed are the files that a path of the configuration of a program names.
func globbed(path string) []string {
	if !strings.ContainsAny(path, "*?[") {
		return []string{path}
	}
	hits, err := filepath.Glob(path)
	if err != nil {
		return nil
	}
	return hits
}

func (d *diagnosis) found(m *doctor.Machine) {
	for i := range m.Sources {
		s := &m.Sources[i]
		f := foundSource{Source: s.Path, Program: s.Program.String(), Kind: s.Kind.String(), Why: s.Why, Read: s.Read(), Problem: s.Problem + s.Skip}
		switch {
		case s.Child != nil:
			f.Source = strings.Join(s.Child, " ")
		case s.Units != nil:
			f.Source = "journal of " + strings.Join(s.Units, ", ")
		case s.Absent && f.Problem == "":
			f.Why += "; nothing is in it yet"
		}
		d.Sources = append(d.Sources, f)
	}
}

// judge analyses the PATHs to count what they can decide.
func (d *diagnosis) judge(c *cobra.Command, f *doctorFlags, paths []string) error {
	cfg := app.AnalyzeConfig{Paths: paths, NginxConf: f.nginxConf, VCL: f.vcl, Rules: rules.Builtin()}
	run, summary, err := app.Analyze(c.Context(), cfg)
	if errors.Is(err, app.ErrNothing) {
		return nil // which is told of each path
	}
	if err != nil {
		return err
	}
	if run.Stopped() {
		return exitCode(exitFailed)
	}
	d.judged, d.Failures, d.Decidable = true, summary.Failures, summary.Failures-summary.Undecided
	for _, m := range summary.Missing {
		d.Missing = append(d.Missing, missingWords(m))
	}
	return nil
}

func missingWords(m aggregate.MissingCount) string {
	return fmt.Sprintf("%s: %s", m.Source, m.WouldDecide)
}

// writeJSON writes v so that a terminal can show it: what has no shape of its
// own is written as \uNNNN.
func writeJSON(w io.Writer, v any) error {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		return err
	}
	var b strings.Builder
	for _, r := range out.String() {
		if c := string(r); r < 0x7f || report.Escape(c) == c {
			b.WriteString(c)
			continue
		}
		for _, u := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, u)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (p *page) diagnosis(d *diagnosis) {
	if d.machine {
		p.sources(d.Sources)
	}
	rows := [][3]string{{"question", "would be answered by", "here"}}
	for _, q := range d.Questions {
		rows = append(rows, [3]string{q.Ask, q.By, hereWords(q)})
	}
	for i, r := range rows {
		colour := plain
		switch {
		case i == 0:
			colour = bold
		case d.Questions[i-1].Here != doctor.Yes:
			colour = yellow
		}
		line := fmt.Sprintf("%-26s%-25s", r[0], r[1])
		if i == 0 {
			fmt.Fprintln(p.out, p.paint(bold, line+r[2]))
			continue
		}
		fmt.Fprintln(p.out, line+p.paint(colour, r[2]))
	}
	for _, line := range wrap(p.clean(d.sum()), min(p.look.Width, maxProse)) {
		fmt.Fprintln(p.out, line)
	}
	for _, paste := range d.Pastes {
		fmt.Fprintf(p.out, "%-3s%s\n", fmt.Sprint(paste.N), p.paint(dim, p.clean(paste.Where+":")))
		for line := range strings.SplitSeq(paste.Text, "\n") {
			fmt.Fprintf(p.out, "   %s\n", p.paint(cyan, p.clean(line)))
		}
	}
	for _, n := range d.Notes {
		for i, line := range wrap(p.clean(n), min(p.look.Width, maxProse)-3) {
			head := "   "
			if i == 0 {
				head = "-  "
			}
			fmt.Fprintln(p.out, head+line)
		}
	}
}

// sources lists what was found on this machine.
func (p *page) sources(sources []foundSource) {
	n := 0
	for _, s := range sources {
		if s.Read {
			n++
		}
	}
	fmt.Fprintf(p.out, "%s\n", p.paint(bold, fmt.Sprintf("%d %s found on this machine, %d of them to read", len(sources), plural(int64(len(sources)), "log"), n)))
	for _, s := range sources {
		program := s.Program
		if program == "" {
			program = "-"
		}
		line := fmt.Sprintf("%-9s %s", p.clean(program), p.clean(s.Source))
		why, colour := s.Why, dim
		if !s.Read {
			why, colour = "not read: "+s.Problem, yellow
		}
		if room := p.look.Width - utf8.RuneCountInString(line) - 2; room >= utf8.RuneCountInString(why) {
			fmt.Fprintf(p.out, "%s  %s\n", line, p.paint(colour, p.clean(why)))
			continue
		}
		fmt.Fprintln(p.out, line)
		for _, l := range wrap(p.clean(why), min(p.look.Width, maxProse)-10) {
			fmt.Fprintf(p.out, "%10s%s\n", "", p.paint(colour, l))
		}
	}
	fmt.Fprintln(p.out)
}

func hereWords(q doctor.Question) string {
	text := map[doctor.Here]string{doctor.Yes: "yes", doctor.No: "no", doctor.NoLog: "no such log", doctor.Unread: "not read yet", doctor.Denied: "may not be read, see above"}[q.Here]
	if len(q.Paste) > 0 {
		text += ", paste " + numbers(q.Paste)
	}
	return text
}

func numbers(ns []int) string {
	words := make([]string, len(ns))
	for i, n := range ns {
		words[i] = fmt.Sprint(n)
	}
	if len(words) > 1 {
		last := len(words) - 1
		return strings.Join(words[:last], ", ") + " and " + words[last]
	}
	return strings.Join(words, "")
}

// sum says how many failures can be decided now, and with which pastes more.
func (d *diagnosis) sum() string {
	var symptom, cause []int
	for _, q := range d.Questions {
		if q.Here == doctor.Unread {
			continue
		}
		if q.Cause {
			cause = append(cause, q.Paste...)
		} else {
			symptom = append(symptom, q.Paste...)
		}
	}
	slices.Sort(symptom)
	symptom = slices.Compact(symptom)
	both := len(cause) > 0 && !slices.ContainsFunc(cause, func(n int) bool { return !slices.Contains(symptom, n) })
	var text []string
	switch {
	case d.judged && d.Failures == 0:
		text = append(text, "Now: no failure is in these logs.")
	case d.judged:
		text = append(text, fmt.Sprintf("Now: %s of %s decidable.", thousands(d.Decidable), thousands(d.Failures)))
	}
	switch {
	case both:
		text = append(text, fmt.Sprintf("With %s: every symptom, and the cause.", numbers(symptom)))
	case len(symptom) > 0:
		text = append(text, fmt.Sprintf("With %s: every symptom.", numbers(symptom)))
	}
	if len(cause) > 0 && !both {
		text = append(text, fmt.Sprintf("With %s: the cause.", numbers(cause)))
	}
	if len(symptom)+len(cause) == 0 {
		text = append(text, "Nothing is missing.")
		if len(d.Missing) > 0 {
			text = append(text, "The failures here would also need "+d.Missing[0]+".")
		}
	}
	return strings.Join(text, " ")
}
