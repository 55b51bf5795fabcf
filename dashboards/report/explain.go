package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"why503/parse"
	"why503/rules"
)

// ExplainOptions are Options with what a Request itself does not hold.
type ExplainOptions struct {
	Options
	// File names a source; nil, or an empty name, leaves the place out.
	File func(parse.SourceID) string
}

// maxSaw bounds the rows of what each program saw.
const maxSaw = 40

// Explain tells the story of a single request: what it was, why it failed, a
// ladder of its hops over time, and what each of them wrote.
func Explain(w io.Writer, q *parse.Request, v *rules.Verdict, o ExplainOptions) error {
	if len(q.Parts) == 0 || q.Parts[0].Record == nil {
		return fmt.Errorf("explaining a request without records")
	}
	e := &explainer{page: newPage(w, o.Options), q: q, v: v, file: o.File}
	if e.file == nil {
		e.file = func(parse.SourceID) string { return "" }
	}
	e.head()
	if e.Quiet {
		return e.out.Flush()
	}
	e.order()
	e.ladders()
	e.saw()
	e.joined()
	return e.out.Flush()
}

type explainer struct {
	*page
	q    *parse.Request
	v    *rules.Verdict
	file func(parse.SourceID) string
	// moved is how much later each part is drawn than it was stamped.
	moved []parse.Time
}

func (e *explainer) head() {
	r := e.q.Root()
	l := e.stranger(bold, string(r.Method)).own(plain, " ")
	if len(r.Method) == 0 {
		l = nil
	}
	url := string(r.URL)
	if url == "" {
		url = "request"
	}
	room := e.Width - 60
	target := e.stranger(bold, url)
	if e.Terminal {
		target = target.fit(max(room, 24), e.cut)
	}
	l = append(l, target...)
	if r.Status != 0 {
		l = l.own(plain, "  ").own(red, fmt.Sprintf("%d", r.Status))
	} else {
		l = l.own(plain, "  no answer")
	}
	if r.Cut {
		l = l.own(red, ", cut")
	}
	if d := r.Ended - r.Time; r.Time != 0 && d >= 0 {
		l = l.own(plain, " after "+span(time.Duration(d)))
	}
	if r.Time != 0 {
		l = l.own(plain, "  "+time.Unix(0, int64(r.Time)).In(e.Zone).Format("2 Jan 2006 15:04:05.000 MST"))
	}
	e.write(l)
	for _, part := range e.marked(bold, e.sentence()).wrap(e.prose(), e.prose(), e.Terminal) {
		e.write(part)
	}
}

// sentence says why this one request came out as it did.
func (e *explainer) sentence() string {
	v := e.v
	words := strings.TrimRight(strings.TrimSpace(Escape(v.Words)), ".")
	lacking := ""
	if len(v.Missing) > 0 {
		lacking = ": " + Escape(v.Missing[0].Source) + " " + whyMissing(v.Missing[0].Why.String())
	}
	switch {
	case v.Class == rules.ClassDeliberate && words != "":
		return "Answered on purpose: " + words + "."
	case v.Class == rules.ClassClient && words != "":
		return "The client's own doing: " + words + "."
	case words == "":
		return "These logs cannot say why it failed" + lacking + "."
	case v.Confidence < 0.6 || !v.Decidable && len(v.Missing) > 0 && v.Confidence < 0.9:
		return upper(words) + "; these logs cannot say why" + lacking + "."
	case v.Confidence < 0.9 || !v.Decidable:
		return "Most likely " + words + "."
	}
	return upper(words) + "."
}

// saw writes a row for each record: program, place, and what it says.
func (e *explainer) saw() {
	e.write(nil)
	type row struct {
		program, place line
		part           *parse.Part
		signal         bool
	}
	var rows []row
	pw, lw := 7, 0
	add := func(part *parse.Part, signal bool) {
		if part.Record == nil || part.Record.Kind == parse.KindSession {
			return
		}
		r := row{program: e.own(plain, e.programOf(part.Record)), place: e.placeOf(part), part: part, signal: signal}
		pw, lw = max(pw, r.program.width()), max(lw, min(r.place.width(), e.Width/2-10))
		rows = append(rows, r)
	}
	for i := range e.q.Parts {
		add(&e.q.Parts[i], false)
	}
	for i := range e.q.Signals {
		if e.inChain(len(e.q.Parts) + i) {
			add(&e.q.Signals[i], true)
		}
	}
	for i, r := range rows {
		if i == maxSaw && !e.All {
			e.at(10, e.own(dim, fmt.Sprintf("and %d more records (--all)", len(rows)-i)))
			break
		}
		l := line(nil)
		if i == 0 {
			l = l.own(bold, "  saw")
		}
		l = append(l.pad(10), r.program...).pad(10 + pw + 3)
		l = append(l, e.fitLeft(r.place, lw)...)
		l = l.pad(10 + pw + 3 + lw + 2)
		e.write(append(l, e.what(r.part, r.signal, e.Width-l.width())...))
	}
}

func (e *explainer) inChain(i int) bool {
	return slices.ContainsFunc(e.v.Chain, func(k rules.Link) bool { return k.Part == i })
}

// fileOf names the source of a part.
func (e *explainer) fileOf(p *parse.Part) string {
	if p.File != "" {
		return p.File
	}
	return e.file(p.Record.Source)
}

func (e *explainer) placeOf(p *parse.Part) line {
	r, name := p.Record, e.fileOf(p)
	if name == "" {
		return nil
	}
	return e.stranger(dim, name).own(dim, fmt.Sprintf(":%d", r.Line))
}

// what is what a record says of the request in room cells, and how it was
// found to be of it, which is never cut.
func (e *explainer) what(part *parse.Part, signal bool, room int) line {
	r := part.Record
	var tail line
	hop := r.Kind == parse.KindRequest || r.Kind == parse.KindFetch
	if d := r.Ended - r.Time; r.Time != 0 && d >= 0 && (hop || d > 0) {
		tail = tail.own(plain, ", "+span(time.Duration(d)))
	}
	if r.Background {
		tail = tail.own(plain, ", in the background")
	}
	switch {
	case part.Join.How == parse.JoinInferred:
		tail = tail.own(plain, " ").own(yellow, fmt.Sprintf("(inferred %.2f)", math.Floor(part.Join.Score*100)/100))
	case signal:
		tail = tail.own(plain, " ").own(dim, "(of many)")
	}
	if r.Incomplete {
		tail = tail.own(plain, " ").own(yellow, "(cut)")
	}
	if part.Offset != 0 {
		tail = tail.own(plain, " ").own(yellow, "(clock "+clockOff(time.Duration(-part.Offset))+")")
	}
	var l line
	t := fault(r)
	switch {
	case hop && (t == "" || r.Kind == parse.KindRequest || r.Program != parse.Varnish):
		status := "no status"
		if r.Status != 0 {
			status = fmt.Sprint(r.Status)
		}
		l = l.own(plain, status)
	case t == "":
		l = e.quoted(firstLine(string(r.Raw)), max(room-tail.width(), 12))
	case len(tail) > 0 && room-tail.width() < 10 && e.Terminal:
		return tail[min(2, len(tail)):] // no place for the text; how it was found weighs more
	default:
		l = e.quoted(firstLine(t), max(room-tail.width(), 12))
	}
	return append(l, tail...)
}

func clockOff(d time.Duration) string {
	if d < 0 {
		return span(-d) + " behind"
	}
	return span(d) + " ahead"
}

// fault is the text of a record that says most: a note that was recognised,
// else its message.
func fault(r *parse.Record) string {
	var first string
	for i := range r.Notes {
		n := &r.Notes[i]
		switch n.Field {
		case parse.FieldFetchError, parse.FieldNginxError, parse.FieldVCLError, parse.FieldFPM, parse.FieldAppText, parse.FieldSystemd, parse.FieldDeploy,
			parse.FieldDatabase, parse.FieldKernel, parse.FieldNCSAFetchError:
			if n.Event != 0 {
				return string(n.Text)
			}
			if first == "" {
				first = string(n.Text)
			}
		}
	}
	if first == "" {
		first = string(r.Message)
	}
	return first
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// joined names the ids that hold the records together.
func (e *explainer) joined() {
	var ids []line
	for _, j := range e.ids() {
		switch j.By {
		case byLink:
			ids = append(ids, e.own(plain, fmt.Sprintf("%d %s of Varnish", j.N, plural(int64(j.N), "link", "links"))))
		case byGuess:
			ids = append(ids, e.own(yellow, fmt.Sprintf("%d inferred", j.N)))
		default:
			ids = append(ids, e.own(plain, j.By+" ").stranger(cyan, j.ID, e.ASCII))
		}
	}
	if len(ids) == 0 {
		ids = append(ids, e.own(dim, "nothing: one record is all there is"))
	} else {
		ids[0] = append(e.own(plain, "by "), ids[0]...)
	}
	var l line
	for i, id := range ids {
		if i > 0 {
			l = l.own(plain, ", ")
		}
		l = append(l, id...)
	}
	for i, part := range l.wrap(e.prose()-10, e.prose()-10, e.Terminal) {
		row := line(nil)
		if i == 0 {
			row = row.own(bold, "  joined")
		}
		e.write(append(row.pad(10), part...))
	}
}

// Joins that have no id are counted under these.
const (
	byLink  = "links of Varnish"
	byGuess = "inferred"
)

const maxIDs = 12

// ids are what the records were joined by, each once.
func (e *explainer) ids() []JoinedBy {
	var out []JoinedBy
	add := func(by, id string) {
		j := JoinedBy{By: by, ID: id}
		if id != "" && id != "0" && !slices.Contains(out, j) && len(out) < maxIDs {
			out = append(out, j)
		}
	}
	inferred, links := 0, 0
	for i := range e.q.Parts {
		part := &e.q.Parts[i]
		r := part.Record
		if r == nil {
			continue
		}
		switch part.Join.How {
		case parse.JoinVXID:
			add("X-Varnish", fmt.Sprint(r.VXID))
		case parse.JoinRequestID:
			add("X-Request-ID", string(r.RequestID))
		case parse.JoinTraceID:
			add("trace", string(r.TraceID))
		case parse.JoinConnection:
			add("connection", fmt.Sprint(r.ConnID))
		case parse.JoinLink:
			links++
		case parse.JoinInferred:
			inferred++
		}
	}
	if links > 0 {
		out = append(out, JoinedBy{By: byLink, N: links})
	}
	if inferred > 0 {
		out = append(out, JoinedBy{By: byGuess, N: inferred})
	}
	return out
}
