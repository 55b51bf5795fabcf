package correlate

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"why503/parse"
	"why503/parse/fact"
)

// A world is some sources and what they wrote, for tests of the join.
type world struct {
	t       testing.TB
	sources []*Source
	records [][]*parse.Record
	cfg     Config
	joiner  *Joiner
}

// epoch is when the stories of the tests begin.
const epoch = parse.Time(1767322800e9)

func newWorld(t testing.TB) *world { return &world{t: t, cfg: DefaultConfig()} }

func (w *world) source(kind parse.SourceKind, program parse.Program, rank int) *Source {
	id := parse.SourceID(len(w.sources))
	s := NewSource(id, kind, program, "", fact.Fingerprint{byte(id + 1)})
	s.Rank = rank
	w.sources = append(w.sources, s)
	w.records = append(w.records, nil)
	return s
}

// add writes r to s; its times are seconds since epoch.
func (w *world) add(s *Source, from, to float64, r parse.Record) *parse.Record {
	r.Source, r.Program = s.ID, s.Program
	r.Time, r.Ended = epoch+parse.Time(from*1e9), epoch+parse.Time(to*1e9)
	r.Offset = int64(100 * len(w.records[s.ID]))
	r.Line = int64(len(w.records[s.ID]) + 1)
	if r.Raw == nil {
		r.Raw = fmt.Appendf(nil, "line %d of source %d", r.Line, s.ID)
	}
	w.records[s.ID] = append(w.records[s.ID], &r)
	return &r
}

// request is a Record of a hop; url is also its path.
func request(status int, url string, id string) parse.Record {
	return parse.Record{Kind: parse.KindRequest, Status: status, Method: []byte("GET"), URL: []byte(url), RequestID: []byte(id), Bytes: -1}
}

// asked is request of a proxy that asked addr and was told status.
func asked(status int, url, id, addr string, told int) parse.Record {
	r := request(status, url, id)
	r.Upstreams = []parse.Upstream{{Addr: []byte(addr), Status: told, Connect: 1, Header: 1, Response: 1}}
	return r
}

// line is a program's line with an event.
func line(text, id string, event parse.EventID) parse.Record {
	return parse.Record{
		Kind: parse.KindLog, Level: parse.LevelError, RequestID: []byte(id), Message: []byte(text), Bytes: -1,
		Notes: []parse.Note{{Field: parse.FieldAppText, Event: event, Text: []byte(text), Line: []byte(text)}},
	}
}

// transaction is a Varnish one.
func transaction(vxid, parent uint64, kind parse.TxType, why parse.TxReason, status int, url string) parse.Record {
	r := parse.Record{
		Kind: parse.KindRequest, VXID: vxid, Status: status, Method: []byte("GET"), URL: []byte(url), Bytes: -1,
		Tx: &parse.Tx{Type: kind, Reason: why, Parent: parent, BodySent: -1},
	}
	if kind == parse.TxFetch {
		r.Kind = parse.KindFetch
		r.Tx.Opens = []parse.BackendConn{{Name: []byte("web"), Age: -1}}
	}
	return r
}

// join runs all Records through a Joiner in the order they were logged.
func (w *world) join() []*parse.Request {
	w.t.Helper()
	var out []*parse.Request
	w.joiner = NewJoiner(w.cfg, w.sources, func(q *parse.Request) { out = append(out, q) })
	w.feed()
	w.alike(out)
	return out
}

func (w *world) feed() {
	w.t.Helper()
	var all []*parse.Record
	for _, rs := range w.records {
		all = append(all, rs...)
	}
	slices.SortStableFunc(all, func(a, b *parse.Record) int {
		return cmp.Or(cmp.Compare(w.joiner.Logged(a), w.joiner.Logged(b)), cmp.Compare(a.Source, b.Source))
	})
	for _, r := range all {
		if err := w.joiner.Advance(w.joiner.Logged(r)); err != nil {
			w.t.Fatal(err)
		}
		if err := w.joiner.Add(r); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := w.joiner.Flush(); err != nil {
		w.t.Fatal(err)
	}
}

// tell writes a Request as text, one Part a line: depth, source and line, how it
// was joined.
func tell(q *parse.Request) string {
	var b []byte
	for i := range q.Parts {
		p := &q.Parts[i]
		b = fmt.Appendf(b, "%d %d:%d %s", p.Depth, p.Record.Source, p.Record.Line, p.Join.How)
		if p.Parent >= 0 {
			up := q.Parts[p.Parent].Record
			b = fmt.Appendf(b, " under %d:%d", up.Source, up.Line)
		}
		b = append(b, '\n')
	}
	return string(b)
}

func tellAll(qs []*parse.Request) []string {
	out := make([]string, len(qs))
	for i, q := range qs {
		out[i] = tell(q)
	}
	return out
}
