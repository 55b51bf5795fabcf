package report

import (
	"fmt"
	"slices"
	"strings"

	"why503/aggregate"
)

const emptySource = "empty"

// A readRow is a source, or all sources of one program.
type readRow struct {
	name, host     string
	files          int64
	lines, records int64
	skipped        int64
	clocks         []string
	span           string
	reasons        []string
	lossy          bool
}

// read writes the ledger: what was read, by program or by file, what was not,
// and how requests were joined.
func (p *page) read(s *aggregate.Summary) {
	p.section("read")
	perFile := p.Width >= widerLayout
	rows := p.readRows(s, perFile)
	all := readRow{name: "all"}
	first := "program"
	if perFile {
		first = "file"
	}
	width := len("php-fpm") + 3
	if perFile {
		width = len(first) + 2
	}
	for i := range rows {
		r := &rows[i]
		all.files += r.files
		all.lines += r.lines
		all.records += r.records
		all.skipped += r.skipped
		width = max(width, min(p.stranger(plain, r.name).width()+2, p.Width/3))
	}
	host := 0
	if perFile {
		for i := range rows {
			host = max(host, min(p.stranger(plain, rows[i].host).width(), 16))
		}
	}
	head := p.own(dim, first).pad(width)
	if perFile {
		if host > 0 {
			head = head.own(dim, "host").pad(width + max(host, 4) + 1)
		}
	} else {
		head = head.own(dim, "files")
	}
	head = head.right(p.own(dim, "lines"), head.width()+8).right(p.own(dim, "records"), head.width()+17)
	head = head.right(p.own(dim, "not read"), head.width()+10).own(dim, "  clock")
	if perFile {
		head = head.pad(head.width()-5+17).own(dim, "first to last")
	}
	p.put(head)
	for i := range rows {
		p.readRow(&rows[i], width, host, perFile)
	}
	g := &s.Ledger
	all.clocks = []string{fmt.Sprintf("lost %s, unjoined %s", count(g.Unparsed+g.Evicted+g.Overruns+g.Late), count(g.Unjoined))}
	if g.Ambiguous > 0 {
		all.clocks = append(all.clocks, fmt.Sprintf("ambiguous %s", count(g.Ambiguous)))
	}
	all.lossy = g.Unparsed+g.Evicted+g.Overruns+g.Late+g.Unjoined > 0 || all.skipped > 0
	p.readRow(&all, width, host, perFile)
	p.joined(s)
	for _, w := range s.Warnings {
		p.say(p.stranger(yellow, w))
	}
}

func (p *page) readRows(s *aggregate.Summary, perFile bool) []readRow {
	var out []readRow
	for i := range s.Sources {
		src := &s.Sources[i]
		name := sourceName(src)
		empty := name == emptySource && s.Partial == nil
		if name == emptySource && !empty { // reading stopped before it came to it
			name = "unknown"
		}
		if perFile {
			name = src.Path
		}
		k := slices.IndexFunc(out, func(r readRow) bool { return r.name == name })
		if k < 0 || perFile {
			k = len(out)
			out = append(out, readRow{name: name, host: src.Host})
		}
		r := &out[k]
		r.files++
		r.lines += src.Lines
		r.records += src.Records
		r.skipped += src.Skipped
		if src.Clock != "" && !slices.Contains(r.clocks, src.Clock) {
			r.clocks = append(r.clocks, src.Clock)
		}
		if perFile && empty && src.Clock == "" {
			r.clocks = append(r.clocks, emptySource)
		}
		if perFile && !src.First.IsZero() {
			cal := newCalendar(p.Zone, s.Window.From, s.Window.To)
			r.span = cal.at(src.First) + " to " + cal.until(src.First, src.Last)
		}
		r.reason(src, perFile)
	}
	return out
}

// sourceName names what wrote a source. Nothing can be said of one without a
// byte other than that it is empty, which is no fault of the reader.
func sourceName(src *aggregate.Source) string {
	switch {
	case src.Program != "":
		return src.Program
	case src.Bytes == 0 && src.Lines == 0 && src.Skipped == 0 && src.Note == "" && len(src.Losses) == 0:
		return emptySource
	case src.Format != "":
		return src.Format
	}
	return "unknown"
}

// reason collects why lines of a source were not read or its times corrected.
func (r *readRow) reason(src *aggregate.Source, perFile bool) {
	in := ""
	if !perFile {
		in = src.Path + ": "
	}
	if src.Skipped > 0 || len(src.Losses) > 0 {
		r.lossy = true
	}
	var parts []string
	for _, l := range src.Losses {
		parts = append(parts, count(l.Count)+" "+l.Reason)
	}
	if len(parts) == 0 && src.Skipped > 0 && src.Note == "" {
		parts = append(parts, count(src.Skipped)+" do not fit "+src.Format)
	}
	if src.Note != "" {
		r.lossy = true
		parts = append(parts, src.Note)
	}
	if src.Sorted {
		parts = append(parts, "its lines were not in order of time and were sorted")
	}
	if len(parts) > 0 {
		r.reasons = append(r.reasons, in+strings.Join(parts, ", "))
	}
	for i, sample := range src.Samples {
		if i == maxSkipped {
			break
		}
		r.reasons = append(r.reasons, "\x00"+sample)
	}
}

func (p *page) readRow(r *readRow, width, host int, perFile bool) {
	st := plain
	if r.lossy {
		st = yellow
	}
	l := p.fitLeft(p.stranger(st, r.name), width-2).pad(width)
	if perFile {
		if host > 0 {
			l = append(l, p.stranger(st, r.host).fit(max(host, 4), p.cut)...).pad(width + max(host, 4) + 1)
		}
	} else {
		l = figure(l, r.files, 5, st)
	}
	l = figure(l, r.lines, 8, st)
	l = figure(l, r.records, 9, st)
	if r.skipped == 0 && st == plain {
		l = figure(l, 0, 10, dim)
	} else {
		l = figure(l, r.skipped, 10, st)
	}
	l = l.own(plain, "  ")
	at := l.width()
	clock := strings.Join(r.clocks, ", ")
	end := p.stranger(clockStyle(clock, st), clock)
	if at+end.width() > p.Width-gutter {
		p.put(l)
		p.sayAt(gutter+2, gutter+2, end)
		l = nil
	} else {
		l = append(l, end...)
	}
	if r.span != "" {
		l = l.pad(at+15).own(plain, "  ").own(dim, r.span)
	}
	if len(l) > 0 {
		p.put(l)
	}
	for _, why := range r.reasons {
		if sample, ok := strings.CutPrefix(why, "\x00"); ok {
			p.at(gutter+2, p.own(dim, p.bar).own(plain, " ").append(p.quoted(sample, p.Width-gutter-4)))
			continue
		}
		p.sayAt(gutter+2, gutter+4, p.stranger(yellow, why))
	}
}

// fitLeft cuts a path at its beginning, since its end names the file.
func (p *page) fitLeft(l line, n int) line {
	if l.width() <= n || !p.Terminal {
		return l
	}
	mark := p.own(plain, p.cut)
	for len(l) > 0 && l.width() > n-mark.width() {
		l = l[1:]
	}
	return append(mark, l...)
}

// figure appends n so that it ends width cells further.
func figure(l line, n int64, width int, st style) line {
	text := count(n)
	return l.pad(l.width()+max(width-len(text), 1)).own(st, text)
}

// clockStyle is yellow for a clock that had to be corrected.
func clockStyle(clock string, st style) style {
	if strings.Contains(clock, "ahead") || strings.Contains(clock, "behind") {
		return yellow
	}
	return st
}

// joined says by which keys requests were joined.
func (p *page) joined(s *aggregate.Summary) {
	if len(s.Joined) == 0 {
		return
	}
	l := p.own(plain, "joined ")
	for i, j := range s.Joined {
		if i > 0 {
			l = l.own(plain, ", ")
		}
		st := plain
		if j.N < j.Of || strings.Contains(j.By, "inferred") {
			st = yellow
		}
		l = l.own(st, count(j.N)+" of "+count(j.Of))
		if strings.Contains(j.By, "inferred") {
			l = l.own(st, " ").stranger(st, j.By, p.ASCII)
		} else {
			l = l.own(plain, " by ").stranger(plain, j.By, p.ASCII)
		}
	}
	p.say(l)
}
