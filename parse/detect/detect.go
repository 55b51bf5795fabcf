package detect

import (
	"bytes"
	"fmt"
	"sort"
	"strings"

	"why503/parse"
	"why503/parse/frame"
)

// A Format is a kind of log with a stable name.
type Format struct {
	Name   string // as in --format; "" when not known
	Title  string // as a person calls it
	Unread bool   // recognised, but there is no parser for it
}

// Hints are what is known beside the content. All of it is optional.
type Hints struct {
	Name string // of the file; breaks ties
	// Candidates are formats that a configuration defines; they win where their
	// parser accepts the lines.
	Candidates []Candidate
}

// A Candidate is a format that was read from a configuration.
type Candidate struct {
	Format Format
	New    func() parse.Parser
}

// An Attempt tells how one format did.
type Attempt struct {
	Name    string
	Matched int // lines
	Lines   int
	score   int
}

// A Result is what Detect made of a sample.
type Result struct {
	Format Format
	// Parser reads the lines as they stand in the file, with the envelope. It is
	// nil for what is not known or not read. New makes another one.
	Parser     parse.Parser
	New        func() parse.Parser
	Confidence float64    // 0 to 1
	Wrapped    frame.Kind // envelope of the lines
	Also       Format     // second format in the same file: of a container's stderr, or of lines in between
	Empty      bool       // there was nothing to look at
	Binary     bool       // not text
	Tried      []Attempt  // best first, without those that matched no line
	Formats    int        // how many were tried
}

const (
	maxSample = 4 * 64 << 10
	maxLines  = 400
	maxText   = 16 << 10 // of one line
)

// Detect looks at a sample of whole lines: the beginning of a file, and pieces
// of its middle and end behind it.
func Detect(sample []byte, hints Hints) Result {
	sample = sample[:min(len(sample), maxSample)]
	if len(bytes.TrimSpace(sample)) == 0 {
		return Result{Empty: true, Formats: len(formats)}
	}
	if f, ok := binary(sample); ok {
		return Result{Format: f, Binary: true, Formats: len(formats)}
	}
	lines := sampleLines(sample)
	if kind := envelope(lines); kind == frame.CRI || kind == frame.Docker {
		return container(kind, lines, hints)
	} else if kind == frame.Syslog {
		return inSyslog(lines, hints)
	}
	return plain(lines, hints)
}

// Err words what is to be told about a file whose format is not known or not
// read; nil when it can be read or is empty.
func (r Result) Err(path string) error {
	switch {
	case r.Empty || r.Parser != nil:
		return nil
	case r.Format.Unread:
		return &FormatError{Path: path, Result: r, text: fmt.Sprintf("%s: looks like %s, which this version does not read", path, article(r.Format.Title))}
	}
	what := "no known log format"
	if r.Binary {
		what = "not a text"
	}
	near := ""
	if len(r.Tried) > 0 && r.Tried[0].Matched > 0 {
		t := r.Tried[0]
		near = fmt.Sprintf("; nearest was %s (%d of %d lines)", strings.TrimSuffix(title(t.Name), " log"), t.Matched, t.Lines)
	}
	what = fmt.Sprintf("%s. Tried %d on its first 64 KiB%s", what, r.Formats, near)
	return &FormatError{Path: path, Result: r, Why: what, text: fmt.Sprintf("%s: %s. If you know it: --format NAME=%s (names: --format list)", path, what, path)}
}

// A FormatError says why a file is not read. Its text is meant for a person.
type FormatError struct {
	Path   string
	Result Result
	Why    string // without the path and how analyze mends it; empty for a format that is known
	text   string
}

func (e *FormatError) Error() string { return e.text }

func article(title string) string {
	if strings.ContainsRune("AEIOU", rune(title[0])) {
		return "an " + title
	}
	return "a " + title
}

func title(name string) string {
	if f := byName(name); f != nil {
		return f.Title
	}
	return name
}

// sampleLines divides a sample into at most maxLines, spread evenly over it in
// runs, so that a stack trace stays behind the line it belongs to.
func sampleLines(sample []byte) [][]byte {
	var lines [][]byte
	for l := range bytes.Lines(sample) {
		l = bytes.TrimRight(l, "\r\n")
		lines = append(lines, l[:min(len(l), maxText)])
	}
	if len(lines) <= maxLines {
		return lines
	}
	const runs = 8
	picked := make([][]byte, 0, maxLines)
	for i := range runs {
		from := i * (len(lines) - maxLines/runs) / (runs - 1)
		picked = append(picked, lines[from:from+maxLines/runs]...)
	}
	return picked
}

// plain detects lines that stand in no envelope.
func plain(lines [][]byte, hints Hints) Result {
	r := Result{Formats: len(formats) + len(hints.Candidates)}
	total := 0
	for _, l := range lines {
		if len(bytes.TrimSpace(l)) > 0 {
			total++
		}
	}
	if total == 0 {
		r.Empty = true
		return r
	}
	type scored struct {
		*format
		Attempt
		strong int
	}
	var all []scored
	try := func(f *format) {
		matched, score, strong := f.match(lines)
		if matched > 0 {
			all = append(all, scored{f, Attempt{f.Name, matched, total, score}, strong})
		}
	}
	for i := range hints.Candidates {
		c := &hints.Candidates[i]
		try(&format{Format: c.Format, new: c.New, shape: anyLine})
	}
	for i := range formats {
		try(&formats[i])
	}
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i], all[j]
		if diff := a.score - b.score; diff*20 > b.score || -diff*20 > a.score {
			return diff > 0
		}
		return named(a.format, hints.Name) && !named(b.format, hints.Name) || a.score > b.score && named(a.format, hints.Name) == named(b.format, hints.Name)
	})
	for _, s := range all {
		r.Tried = append(r.Tried, s.Attempt)
	}
	if len(all) > 1 && r.mixed(all[0].format, all[0].Attempt, lines) {
		return r
	}
	for _, s := range all {
		// A few lines that fit are chance, unless no other text looks like them.
		if need := max(1, total*s.need()/100); s.Matched >= need && s.strong > 0 {
			r.Format, r.New = s.Format, s.new
			r.Confidence = float64(s.Matched) / float64(total) * float64(min(100, s.score/s.Matched)) / 100
			break
		}
	}
	if r.New != nil {
		r.Parser = r.New()
	}
	return r
}

// match counts the lines that fit f. A line counts when its shape fits and the
// parser accepts it; behind such a line the others that a format of several
// lines may have are counted too, with little weight.
func (f *format) match(lines [][]byte) (matched, score, strong int) {
	var p parse.Parser
	if f.new != nil {
		p = f.new()
	}
	anchored := false
	for i, l := range lines {
		if len(bytes.TrimSpace(l)) == 0 {
			continue
		}
		w := f.shape(l)
		if (w > 0 || anchored && f.multi) && p != nil && p.Parse(parse.Line{Text: l, Number: int64(i + 1)}, discard) != nil {
			continue
		}
		switch {
		case w > 0:
			matched++
			score += w
			strong++
			anchored = true
		case anchored && f.multi && !foreign(f, l):
			matched++
			score++
		}
	}
	// A text that has a line of the format here and there is not of it.
	if strong*50 < matched {
		strong = 0
	}
	return matched, score, strong
}

// foreign tells whether a line belongs to another format beyond doubt, so that
// it does not go on from a line of f.
func foreign(f *format, l []byte) bool {
	for i := range formats {
		if g := &formats[i]; g.Name != f.Name && g.sure && g.shape(l) >= 80 {
			return true
		}
	}
	return false
}

func discard(*parse.Record) {}

func anyLine([]byte) int { return 99 }

// named tells whether a file's name speaks for f.
func named(f *format, name string) bool {
	name = strings.ToLower(name)
	for _, w := range f.words {
		if name != "" && strings.Contains(name, w) {
			return true
		}
	}
	return false
}
