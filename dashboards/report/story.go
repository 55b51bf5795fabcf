package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"why503/parse"
	"why503/rules"
)

// A Story is what Explain tells of a request, as a model that other surfaces
// draw. Its texts of logs are raw: whoever shows them escapes them.
type Story struct {
	Sentence string
	Ladders  []LadderModel
	More     int // ladders beyond the bound
	Hops     []Hop
	Joined   []JoinedBy
}

// A LadderModel is one try: lanes from the outside in, time downwards.
type LadderModel struct {
	Title   string
	Lanes   []string
	Rows    []LadderRow
	Spans   []LadderSpan
	Notes   []LadderNote // in order of time
	Dropped int          // lines that are told under the hops alone
}

// A LadderRow is a moment at which something happened. Gap is how many rows of
// waiting lie before it; -1 is a wait that is folded into one row, of Wait.
type LadderRow struct {
	At  time.Duration // since the request began
	Gap int64
	// Wait is the time since the row before.
	Wait time.Duration
	// Rough says that nothing in this row has a stamp finer than a second.
	Rough bool
}

// A LadderSpan is the time in which a lane had the request.
type LadderSpan struct {
	Lane, By int // By is who handed it on; -1 for none
	From, To int // rows
	Status   int // 0 where none is known, -1 for the client, which only waits
	Request  bool
	Cause    bool // of the deepest link: the others wait for it
	Left     bool // it gave up while what it asked was at work
	Deaf     bool // who asked had left when it answered
}

// A LadderNote is what a program wrote. Row is -1 for a line from before the
// request, At below zero then.
type LadderNote struct {
	Lane  int // -1: of no lane
	Row   int
	At    time.Duration
	Rough bool
	Text  string
}

// A Hop is what one program saw of the request, with its lines.
type Hop struct {
	Program, Host, File string
	Line                int64
	Status              int  // 0: none is known
	Hop                 bool // a proxy or server, not only a log
	Duration            time.Duration
	Text                string
	Raw                 string
	Inferred            float64 // score of an inferred join, 0 when by id
	Signal              bool    // of no request alone
	Cut, Background     bool
	Clock               time.Duration // what was added to its stamps
}

// JoinedBy is an id that holds the records together.
type JoinedBy struct {
	By, ID string
	N      int // of joins that have no id
}

// Tell returns the story of q.
func Tell(q *parse.Request, v *rules.Verdict, o ExplainOptions) (*Story, error) {
	if len(q.Parts) == 0 || q.Parts[0].Record == nil {
		return nil, fmt.Errorf("telling the story of a request without records")
	}
	e := &explainer{page: &page{Options: o.normal()}, q: q, v: v, file: o.File}
	if e.file == nil {
		e.file = func(parse.SourceID) string { return "" }
	}
	e.order()
	s := &Story{Sentence: e.sentence(), Hops: e.hops(), Joined: e.ids()}
	tries, more := e.tryLadders()
	s.More = more
	for _, l := range tries {
		s.Ladders = append(s.Ladders, e.model(l))
	}
	return s, nil
}

// model turns a ladder's times into rows.
func (e *explainer) model(l *ladder) LadderModel {
	zero := e.zero(l)
	m := LadderModel{Title: l.title, Dropped: l.dropped}
	for _, n := range l.lanes {
		m.Lanes = append(m.Lanes, n.name)
	}
	unit := l.unit()
	at := l.moments(unit)
	for i, gap := range l.waits(at, unit) {
		r := LadderRow{At: time.Duration(at[i] - zero), Gap: gap}
		if i > 0 {
			r.Wait = time.Duration(at[i] - at[i-1])
		}
		m.Rows = append(m.Rows, r)
	}
	row := func(t parse.Time) int {
		i, found := slices.BinarySearch(at, t)
		if !found {
			i--
		}
		return max(i, 0)
	}
	exact := make([]bool, len(at))
	for _, s := range l.spans {
		from, to := row(s.from), row(s.to)
		m.Spans = append(m.Spans, LadderSpan{
			Lane: s.lane, By: s.by, From: from, To: to, Status: s.status, Request: s.request, Cause: s.cause, Left: s.left, Deaf: s.deaf,
		})
		if !s.rough {
			exact[from], exact[to] = true, true
		} else {
			m.Rows[from].Rough, m.Rows[to].Rough = true, true
		}
	}
	for _, w := range l.before {
		m.Notes = append(m.Notes, LadderNote{Lane: w.lane, Row: -1, At: time.Duration(w.at - zero), Rough: w.rough, Text: w.text})
	}
	for _, w := range l.lines {
		i := row(w.at)
		m.Rows[i].Rough = m.Rows[i].Rough || w.rough
		m.Notes = append(m.Notes, LadderNote{Lane: w.lane, Row: i, At: time.Duration(w.at - zero), Rough: w.rough, Text: w.text})
	}
	for i := range m.Rows {
		m.Rows[i].Rough = m.Rows[i].Rough && !exact[i]
	}
	return m
}

// hops are the rows of `saw`, with the lines in full.
func (e *explainer) hops() []Hop {
	var out []Hop
	add := func(part *parse.Part, signal bool) {
		r := part.Record
		if r == nil || r.Kind == parse.KindSession {
			return
		}
		h := Hop{
			Program: e.programOf(r), Host: part.Host, File: e.fileOf(part), Line: r.Line, Status: r.Status,
			Hop:  r.Kind == parse.KindRequest || r.Kind == parse.KindFetch,
			Text: firstLine(fault(r)), Raw: rawOf(r), Signal: signal, Cut: r.Incomplete, Background: r.Background, Clock: time.Duration(part.Offset),
		}
		if r.Time != 0 {
			h.Duration = time.Duration(max(r.Ended-r.Time, 0))
		}
		if part.Join.How == parse.JoinInferred {
			h.Inferred = math.Floor(part.Join.Score*100) / 100
		}
		out = append(out, h)
	}
	for i := range e.q.Parts {
		add(&e.q.Parts[i], false)
	}
	for i := range e.q.Signals {
		if e.inChain(len(e.q.Parts) + i) {
			add(&e.q.Signals[i], true)
		}
	}
	return out
}

// rawOf is a record as it stands in its log: its own bytes, else those of what
// was taken from it.
func rawOf(r *parse.Record) string {
	if len(r.Raw) > 0 {
		return string(r.Raw)
	}
	var lines []string
	for i := range r.Notes {
		if t := r.Notes[i].Line; len(t) > 0 {
			lines = append(lines, string(t))
		}
	}
	if len(lines) == 0 {
		return string(r.Message)
	}
	return strings.Join(lines, "\n")
}
