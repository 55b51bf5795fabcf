package aggregate

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"why503/parse"
	"why503/parse/traffic"
	"why503/rules"
)

// An Origin is what a row needs to know of the source that a Record stands in.
type Origin struct {
	Name string // how the report names the file
	Zone int64  // ns to add to stamps that were written in another zone than assumed
	Site string // of requests whose line names no host
}

// A Namer tells the Origin of a source, and where a Record of it stands in a
// file (a source may be a file and its rotated siblings).
type Namer interface {
	Origin(parse.SourceID) Origin
	Place(source parse.SourceID, offset, line int64) (file string, at, number int64)
}

// A Describer makes rows of diagnosed requests.
type Describer struct {
	Names   Namer
	HashKey []byte // for client_hash; a fixed one where rows never leave the host
	Routes  traffic.Patterns
}

// Site is the name that a request's site goes by: the Host header in lower
// case, without port.
func Site(host []byte) string {
	s := strings.ToLower(string(host))
	if i := strings.LastIndexByte(s, ':'); i > 0 && strings.IndexByte(s[:i], ':') < 0 {
		s = s[:i]
	}
	return strings.TrimSuffix(s, ".")
}

// Site is the site that a client-facing Record counts for: by its own host,
// else that of its source.
func (d *Describer) Site(r *parse.Record) string {
	if len(r.Host) > 0 {
		return Site(r.Host)
	}
	return d.Names.Origin(r.Source).Site
}

// Row returns the row of q.
func (d *Describer) Row(q *parse.Request, v *rules.Verdict) Failure {
	root, answer := q.Root(), rules.AnswerOf(q)
	last := answer.Record.Ended + parse.Time(answer.Offset-q.Parts[0].Offset)
	zone := d.Names.Origin(root.Source).Zone
	f := Failure{
		Schema: SchemaVersion, UID: q.UID.String(), Revision: q.Revision, Final: q.Final, Class: v.Class.String(),
		Time: stamp(root.Time + parse.Time(zone)), Ended: stamp(last + parse.Time(zone)),
		DurationMS: ms(int64(last - root.Time)), Status: answer.Record.Status, Cut: answer.Cut,
		Method: string(root.Method), Protocol: string(root.Protocol), Bytes: max(answer.Record.Bytes, 0),
		Client: string(root.Client), ClientHash: d.hash(root.Client), ClientClass: ClientClass(root.Agent),
		Reached: v.Reached.String(), Symptom: v.Symptom, Cause: v.Cause, Layer: v.Layer, Confidence: v.Confidence,
		Decidable: v.Decidable, Evidence: "complete", Versions: map[string]string{},
		Attempts: []Attempt{}, Missing: []Missing{}, Chain: []Link{}, Join: weakest(q),
	}
	f.Path, _, _ = strings.Cut(string(root.URL), "?")
	f.Route = string(d.Routes.AppendRoute(nil, []byte(f.Path)))
	f.Host = firstText(q, func(r *parse.Record) []byte { return r.Host })
	if f.Site = d.Site(root); f.Site == "" {
		f.Site = Site([]byte(f.Host))
	}
	f.RequestID = firstText(q, func(r *parse.Record) []byte { return r.RequestID })
	f.TraceID = firstText(q, func(r *parse.Record) []byte { return r.TraceID })
	for i := range q.Parts {
		r := q.Parts[i].Record
		if r.Incomplete {
			f.Evidence = "incomplete"
		}
		if len(r.Service) > 0 && len(r.Version) > 0 {
			f.Versions[string(r.Service)] = string(r.Version)
		}
	}
	d.proxy(&f, q)
	d.attempts(&f, q)
	for _, m := range v.Missing {
		f.Missing = append(f.Missing, Missing{m.Source, m.Kind.String(), m.Why.String(), m.WouldDecide, m.Snippet})
	}
	if t := v.Trigger; t != nil {
		f.Trigger = &Trigger{t.Kind, t.What, float64(t.Before) / 1e9}
	}
	for i := range v.Chain {
		f.Chain = append(f.Chain, d.Link(q, &v.Chain[i]))
	}
	return f
}

// Link returns the row form of one step of a chain.
func (d *Describer) Link(q *parse.Request, l *rules.Link) Link {
	p := PartOf(q, l.Part)
	file, at, number := l.File, l.Offset, l.LineNo
	if file == "" {
		file, at, number = d.Names.Place(l.Source, l.Offset, l.LineNo)
	}
	return Link{
		Cause: l.Cause, Level: l.Level, Time: stamp(l.Time), DelayMS: ms(l.Delay), Host: p.Host,
		Program: ProgramName(p.Record.Program), File: file, Offset: at, Line: string(l.Line), Rule: l.Rule,
		Words: l.Words, LineNo: number,
	}
}

// PartOf returns the Part that a Link's index means: of Parts, then of Signals.
func PartOf(q *parse.Request, i int) *parse.Part {
	if i < len(q.Parts) {
		return &q.Parts[i]
	}
	return &q.Signals[i-len(q.Parts)]
}

// vantage is the Part from whose place symptom and proxy are told: the
// innermost Varnish that saw the request fail, else the root.
func vantage(q *parse.Request) *parse.Part {
	best := &q.Parts[0]
	for i := range q.Parts {
		p := &q.Parts[i]
		if p.Record.Program == parse.Varnish && p.Record.Kind == parse.KindRequest &&
			(best.Record.Program != parse.Varnish || p.Depth > best.Depth) && (p.Record.Status >= 500 || p.Record.Cut || best.Record.Program != parse.Varnish) {
			best = p
		}
	}
	return best
}

func (d *Describer) proxy(f *Failure, q *parse.Request) {
	p := vantage(q)
	f.Proxy = ProgramName(p.Record.Program)
	if p.Host != "" {
		f.Proxy += "@" + p.Host
	}
	f.VXID = p.Record.VXID
	if p.Record.Tx != nil {
		f.Handling = p.Record.Tx.Handling.String()
	}
}

// attempts lists what the vantage hop tried upstream, in the order of time.
func (d *Describer) attempts(f *Failure, q *parse.Request) {
	v := vantage(q)
	root := q.Root()
	for i := range q.Parts {
		p := &q.Parts[i]
		if p.Record.Kind == parse.KindFetch && p.Record.Tx != nil {
			f.Attempts = append(f.Attempts, fetchAttempt(root, p))
		}
	}
	if len(f.Attempts) == 0 {
		for i := range v.Record.Upstreams {
			u := &v.Record.Upstreams[i]
			f.Attempts = append(f.Attempts, Attempt{Backend: "", Addr: string(u.Addr), FirstByteMS: msOf(u.Header), ClosedMS: msOf(u.Response), Error: ""})
			f.OriginCode = u.Status
		}
	}
	for i := range q.Parts {
		r := q.Parts[i].Record
		if r.Kind != parse.KindFetch || r.Tx == nil {
			continue
		}
		f.Backend = string(r.Tx.Backend)
		for k := range r.Upstreams {
			f.BackendAddr, f.OriginCode = string(r.Upstreams[k].Addr), r.Upstreams[k].Status
		}
		if n := len(r.Tx.Opens); n > 0 {
			f.ConnReused = r.Tx.Opens[n-1].Reused
		}
	}
	if n := len(f.Attempts); n > 0 && f.BackendAddr == "" {
		f.BackendAddr = f.Attempts[n-1].Addr
	}
	if f.Backend == "" {
		f.Backend = f.BackendAddr
	}
}

func fetchAttempt(root *parse.Record, p *parse.Part) Attempt {
	r := p.Record
	a := Attempt{Backend: string(r.Tx.Backend), VXID: r.VXID}
	if n := len(r.Upstreams); n > 0 {
		a.Addr = string(r.Upstreams[n-1].Addr)
	}
	since := func(at parse.Time) *float64 {
		return msOf(max(0, int64(at)+p.Offset-int64(root.Time)))
	}
	if s, ok := r.Tx.Stamp(parse.StampBereq); ok {
		a.SentMS = since(s.At)
	}
	if n := len(r.Upstreams); n > 0 && r.Upstreams[n-1].Status > 0 {
		if s, ok := r.Tx.Stamp(parse.StampBeresp); ok {
			a.FirstByteMS = since(s.At)
		}
	}
	a.ClosedMS = since(r.Ended)
	for i := range r.Notes {
		if r.Notes[i].Field == parse.FieldFetchError {
			a.Error = string(r.Notes[i].Text)
		}
	}
	return a
}

// weakest returns the join that is least sure of those that made the request.
func weakest(q *parse.Request) Join {
	j := Join{How: "id"}
	low := 2.0
	for i := range q.Parts {
		p := &q.Parts[i].Join
		if p.How == parse.JoinInferred && p.Score < low {
			low = p.Score
			score, next := p.Score, p.RunnerUp
			j = Join{How: "inferred", Score: &score, RunnerUp: &next}
		}
	}
	if len(q.Parts) == 1 {
		j.How = "none"
	}
	return j
}

func firstText(q *parse.Request, get func(*parse.Record) []byte) string {
	for i := range q.Parts {
		if t := get(q.Parts[i].Record); len(t) > 0 && q.Parts[i].Record.Kind != parse.KindLog {
			return string(t)
		}
	}
	return ""
}

func (d *Describer) hash(client []byte) string {
	if len(client) == 0 {
		return ""
	}
	m := hmac.New(sha256.New, d.HashKey)
	m.Write(client)
	return hex.EncodeToString(m.Sum(nil)[:16])
}

// ProgramName is the name of a program in rows and reports.
func ProgramName(p parse.Program) string { return p.String() }

// stampLayout has microseconds, as Varnish does.
const stampLayout = "2006-01-02T15:04:05.000000Z"

func stamp(t parse.Time) string {
	if t == 0 {
		return ""
	}
	return time.Unix(0, int64(t)).UTC().Format(stampLayout)
}

func ms(ns int64) float64 { return float64(ns/1000) / 1000 }

func msOf(ns int64) *float64 {
	if ns < 0 {
		return nil
	}
	v := ms(ns)
	return &v
}

// mostCounts bounds the names that a row lists.
const mostCounts = 20

// topCounts returns the counts of m, most first, at most mostCounts and the
// rest as "other".
func topCounts(m map[string]int64) []Count {
	cs := make([]Count, 0, len(m))
	for k, v := range m {
		if k != "" {
			cs = append(cs, Count{Name: k, Count: v})
		}
	}
	slices.SortFunc(cs, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Name, b.Name))
	})
	if len(cs) > mostCounts {
		rest := Count{Name: traffic.Other}
		for _, c := range cs[mostCounts:] {
			rest.Count += c.Count
		}
		cs = append(cs[:mostCounts:mostCounts], rest)
	}
	return cs
}
