package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
	"why503/rules"
)

var began = parse.Time(at("21:36:38.833").UnixNano())

// after returns a time that is d after the request began.
func after(d time.Duration) parse.Time { return began + parse.Time(d) }

func record(p parse.Program, k parse.Kind, from, to time.Duration, status int, src int, no int64) *parse.Record {
	return &parse.Record{Program: p, Kind: k, Time: after(from), Ended: after(to), Status: status, Source: parse.SourceID(src), Line: no,
		Method: []byte("GET"), URL: []byte("/php/order/26"), Precision: int64(time.Microsecond)}
}

func files(names ...string) func(parse.SourceID) string {
	return func(id parse.SourceID) string { return names[id] }
}

// lockedRequest is the request of face.md: PHP waits for a row, Varnish leaves.
func lockedRequest() (*parse.Request, *rules.Verdict, ExplainOptions) {
	root := record(parse.Varnish, parse.KindRequest, 0, 2000*time.Millisecond, 503, 0, 3600)
	root.VXID = 65571
	root.Tx = &parse.Tx{Type: parse.TxRequest, Reason: parse.ReasonClient}
	fetch := record(parse.Varnish, parse.KindFetch, 0, 2000*time.Millisecond, 503, 0, 3638)
	fetch.VXID = 65572
	fetch.Tx = &parse.Tx{Type: parse.TxFetch, Reason: parse.ReasonFetch}
	fetch.Notes = []parse.Note{{Field: parse.FieldFetchError, Event: 1, Text: []byte("first byte timeout")}}
	nginx := record(parse.Nginx, parse.KindRequest, 0, 2000*time.Millisecond, 499, 1, 38)
	nginx.VXID = 65572
	fpm := record(parse.PHPFPM, parse.KindRequest, 0, 6582*time.Millisecond, 200, 2, 12)
	fpm.RequestID = []byte("1f674a82-cd7d-4985-a181-8c585c191d44")
	slow := record(parse.PHPFPM, parse.KindLog, 1239*time.Millisecond, 1239*time.Millisecond, 0, 3, 4)
	slow.Message = []byte("slow: query() index.php:22")
	db := record(parse.Database, parse.KindLog, 3*time.Millisecond, 6582*time.Millisecond, 0, 4, 13)
	db.Message = []byte("UPDATE orders SET qty=qty+1 WHERE id=2")
	q := &parse.Request{Parts: []parse.Part{
		{Record: root, Parent: -1},
		{Record: fetch, Parent: 0, Depth: 1, Join: parse.Join{How: parse.JoinLink}},
		{Record: nginx, Parent: 1, Depth: 2, Join: parse.Join{How: parse.JoinVXID}},
		{Record: fpm, Parent: 2, Depth: 3, Join: parse.Join{How: parse.JoinRequestID}},
		{Record: slow, Parent: 3, Depth: 3, Join: parse.Join{How: parse.JoinRequestID}},
		{Record: db, Parent: 3, Depth: 4, Join: parse.Join{How: parse.JoinInferred, Score: 0.97}},
	}}
	v := &rules.Verdict{Class: rules.ClassFailure, Confidence: 0.93, Decidable: true, Words: "Varnish left at 2.0 s; PHP answered 200 at 6.6 s, once MariaDB let the row go",
		Chain: []rules.Link{{Part: 1}, {Part: 5}}}
	return q, v, ExplainOptions{File: files("varnishlog-request.txt.gz", "nginx-access-ext.log", "php-fpm-access.log", "php-fpm-slow.log", "mariadb-slow.log")}
}

// retried is a fetch that is refused, tried again, and then times out after a minute.
func retried() (*parse.Request, *rules.Verdict, ExplainOptions) {
	q, v, o := lockedRequest()
	root := q.Parts[0].Record
	root.Ended = after(61 * time.Second)
	first := record(parse.Varnish, parse.KindFetch, 0, time.Millisecond, 503, 0, 90)
	first.Tx = &parse.Tx{Type: parse.TxFetch, Reason: parse.ReasonFetch}
	first.Notes = []parse.Note{{Field: parse.FieldFetchError, Event: 2, Text: []byte("backend web: fail errno 111 (Connection refused)")}}
	second := record(parse.Varnish, parse.KindFetch, time.Second, 61*time.Second, 503, 0, 120)
	second.Tx = &parse.Tx{Type: parse.TxFetch, Reason: parse.ReasonRetry}
	second.Notes = []parse.Note{{Field: parse.FieldFetchError, Event: 1, Text: []byte("first byte timeout")}}
	nginx := record(parse.Nginx, parse.KindRequest, time.Second, 61*time.Second, 499, 1, 38)
	child := record(parse.Varnish, parse.KindRequest, 2*time.Second, 3*time.Second, 503, 0, 140)
	child.Tx = &parse.Tx{Type: parse.TxRequest, Reason: parse.ReasonESI}
	child.URL = []byte("/fragment")
	warn := record(parse.PHPFPM, parse.KindSignal, 20*time.Second, 20*time.Second, 0, 3, 4)
	warn.Precision, warn.Message = int64(time.Second), []byte("[pool www] server reached pm.max_children setting (5)")
	q.Parts = []parse.Part{
		{Record: root, Parent: -1}, {Record: first, Parent: 0, Depth: 1, Join: parse.Join{How: parse.JoinLink}},
		{Record: second, Parent: 1, Depth: 1, Join: parse.Join{How: parse.JoinLink}}, {Record: nginx, Parent: 2, Depth: 2, Join: parse.Join{How: parse.JoinVXID}},
		{Record: child, Parent: 0, Depth: 1, Join: parse.Join{How: parse.JoinLink}},
	}
	q.Signals = []parse.Part{{Record: warn, Parent: -1, Join: parse.Join{How: parse.JoinSignal}}}
	v.Confidence, v.Words = 0.7, "every PHP worker was busy"
	v.Chain = []rules.Link{{Part: 2}, {Part: 5}}
	return q, v, o
}

// alone is a line of an access log with nothing joined to it.
func alone() (*parse.Request, *rules.Verdict, ExplainOptions) {
	q, v, o := lockedRequest()
	r := q.Parts[2].Record
	r.Status = 502
	q.Parts = []parse.Part{{Record: r, Parent: -1}}
	v.Words, v.Confidence, v.Decidable = "nginx got no answer", 0.5, false
	v.Missing = []rules.Missing{{Source: "nginx error log"}}
	v.Chain = []rules.Link{{Part: 0}}
	return q, v, o
}

func hostileRequest(x string) (*parse.Request, *rules.Verdict, ExplainOptions) {
	q, v, o := retried()
	for _, p := range append(q.Parts, q.Signals...) {
		r := p.Record
		r.URL, r.Method, r.Message, r.RequestID, r.TraceID, r.Raw = []byte(x), []byte(x), []byte(x), []byte(x), []byte(x), []byte(x)
		for i := range r.Notes {
			r.Notes[i].Text = []byte(x)
		}
	}
	q.Parts[3].Join.How = parse.JoinRequestID
	v.Words = x
	v.Missing = []rules.Missing{{Source: x}}
	o.File = func(parse.SourceID) string { return x }
	return q, v, o
}

type request func() (*parse.Request, *rules.Verdict, ExplainOptions)

var requests = map[string]request{
	"locked": lockedRequest, "retried": retried, "alone": alone, "pool_full": poolFull,
	"hostile": func() (*parse.Request, *rules.Verdict, ExplainOptions) {
		return hostileRequest("\x1b[2J\u202e\xff\n\x00")
	},
}

func explain(t testing.TB, r request, look Options) string {
	t.Helper()
	q, v, o := r()
	o.Options = look
	var b bytes.Buffer
	if err := Explain(&b, q, v, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestExplainMatchesGoldenFiles(t *testing.T) {
	for name, r := range requests {
		for look, o := range map[string]Options{"80": {Width: 80, Terminal: true}, "120": {Width: 120, Terminal: true}, "ascii": {Width: 80, Terminal: true, ASCII: true}, "pipe": {}} {
			t.Run(name+" "+look, func(t *testing.T) { golden(t, "explain/"+name+"."+look, []byte(explain(t, r, o))) })
		}
	}
	t.Run("in colour", func(t *testing.T) {
		golden(t, "explain/locked.color", []byte(explain(t, lockedRequest, Options{Width: 80, Terminal: true, Color: true})))
	})
}

func checkExplained(t testing.TB, r request, o Options) {
	t.Helper()
	out := explain(t, r, o)
	checkClean(t, out, o.Color)
	o.Color = false
	for l := range strings.Lines(explain(t, r, o)) {
		if n := line(nil).own(plain, strings.TrimSuffix(l, "\n")).width(); o.Terminal && n > o.Width {
			t.Errorf("%d cells in %d columns: %q", n, o.Width, l)
		}
	}
}

func TestExplainStaysInsideTheTerminal(t *testing.T) {
	for name, r := range requests {
		for _, width := range []int{40, 80, 120} {
			t.Run(fmt.Sprintf("%s %d", name, width), func(t *testing.T) {
				checkExplained(t, r, Options{Width: width, Terminal: true, Color: true})
			})
		}
	}
}

func TestALadderHasEightToTwentyRowsWhateverTheTime(t *testing.T) {
	for d := 3 * time.Millisecond; d < 3*time.Hour; d = d * 5 / 4 {
		q, v, o := lockedRequest()
		for _, p := range q.Parts {
			r := p.Record
			scale := float64(d) / float64(6582*time.Millisecond)
			r.Time = began + parse.Time(float64(r.Time-began)*scale)
			r.Ended = began + parse.Time(float64(r.Ended-began)*scale)
		}
		var b bytes.Buffer
		if err := Explain(&b, q, v, o); err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(b.String(), "database\n")
		ladder, _, _ := strings.Cut(rest, "\n\n")
		if n := strings.Count(ladder, "\n") + 1; n < 8 || n > 20 {
			t.Errorf("%v: %d rows\n%s", d, n, b.String())
		}
	}
}

func TestExplainRefusesARequestWithoutRecords(t *testing.T) {
	if err := Explain(&bytes.Buffer{}, &parse.Request{}, &rules.Verdict{}, ExplainOptions{}); err == nil {
		t.Error("no error")
	}
}

func FuzzExplain(f *testing.F) {
	f.Add("\x1b[2J", int64(1), int64(5), 0)
	f.Add("a\nb", int64(-1), int64(1)<<60, -3)
	f.Fuzz(func(t *testing.T, x string, from, to int64, parent int) {
		if len(x) > 500 {
			return
		}
		checkExplained(t, func() (*parse.Request, *rules.Verdict, ExplainOptions) {
			q, v, o := hostileRequest(x)
			q.Parts[3].Record.Time, q.Parts[3].Record.Ended = parse.Time(from), parse.Time(to)
			q.Parts[3].Parent = parent
			q.Parts[2].Parent = parent / 2
			return q, v, o
		}, Options{Width: 80, Terminal: true})
	})
}

func TestExplainIsTheSameTwice(t *testing.T) {
	for name, r := range requests {
		if d := cmp.Diff(explain(t, r, Options{}), explain(t, r, Options{})); d != "" {
			t.Error(name, d)
		}
	}
}
