package correlate

import (
	"fmt"
	"testing"
	"time"

	"why503/parse"
	"why503/parse/fact"
)

// begun is when the requests of these tests begin.
var begun = parse.Time(time.Date(2027, 1, 2, 1, 2, 3, 0, time.UTC).UnixNano())

// accessRecords makes n requests, one every 300 ms, and lets shape say what the
// log tells of each.
func accessRecords(n int, shape func(i int, r *parse.Record)) []*parse.Record {
	var out []*parse.Record
	for i := range n {
		at := begun + parse.Time(i)*300e6
		r := &parse.Record{
			Kind: parse.KindRequest, Program: parse.Nginx, Method: []byte("GET"), URL: fmt.Appendf(nil, "/a/%d", i%7), Status: 200 + i%2*303,
			Client: []byte("192.0.2.7"), Time: at, Ended: at + 5e6, Precision: 1e6,
		}
		shape(i, r)
		out = append(out, r)
	}
	return out
}

func rich(i int, r *parse.Record) {
	r.RequestID, r.ConnID = fmt.Appendf(nil, "id-%d", i), uint64(100+i)
	r.Upstreams = []parse.Upstream{{Addr: []byte("10.0.0.1:80"), Status: r.Status, Connect: 1e6, Header: 4e6, Response: 5e6}}
}

// coarse is what a line in the combined format tells.
func coarse(_ int, r *parse.Record) {
	r.Ended -= r.Ended % 1e9
	r.Time, r.Precision = r.Ended, 1e9
}

func access(id parse.SourceID, host string, records []*parse.Record) Sample {
	return Sample{Source: NewSource(id, parse.SourceNginxAccess, parse.Nginx, host, fact.Fingerprint{byte(id)}), Records: records, Zoned: true, Whole: true}
}

func TestTwoLogsOfOneServerAreTwins(t *testing.T) {
	behind := func(i int, r *parse.Record) { // the next server, which is asked by the first
		rich(i, r)
		r.ConnID, r.Client = uint64(7000+i), []byte("10.0.0.9")
		r.Upstreams[0].Addr = []byte("10.0.0.2:9000")
	}
	for _, c := range []struct {
		name string
		a, b Sample
		twin int // which of the two is marked, -1 for none
	}{
		{"combined beside a log with ids", access(0, "", accessRecords(60, rich)), access(1, "", accessRecords(60, coarse)), 1},
		{"in the other order", access(0, "", accessRecords(60, coarse)), access(1, "", accessRecords(60, rich)), 0},
		{"the next hop, with the same ids", access(0, "", accessRecords(60, rich)), access(1, "", accessRecords(60, behind)), -1},
		{"a log of the same seconds on another host", access(0, "a", accessRecords(60, rich)), access(1, "b", accessRecords(60, coarse)), -1},
		{"too few to tell", access(0, "", accessRecords(5, rich)), access(1, "", accessRecords(5, coarse)), -1},
		{"a log that ends earlier", access(0, "", accessRecords(60, rich)), access(1, "", accessRecords(60, coarse)[:30]), 1},
		{"every other request", access(0, "", accessRecords(60, rich)), access(1, "", thinned(accessRecords(60, coarse))), -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			samples := []Sample{c.a, c.b}
			Survey(samples, NewJoiner(DefaultConfig(), []*Source{c.a.Source, c.b.Source}, func(*parse.Request) {}))
			for i, s := range samples {
				if got, want := s.Source.Twin != nil, i == c.twin; got != want {
					t.Errorf("source %d is a twin: %v, want %v", i, got, want)
				}
			}
		})
	}
}

func thinned(records []*parse.Record) []*parse.Record {
	var out []*parse.Record
	for i := 0; i < len(records); i += 2 {
		out = append(out, records[i])
	}
	return out
}

// A twin is silent only while the other log was being written.
func TestATwinTellsWhatTheOtherLogIsTooYoungFor(t *testing.T) {
	old := accessRecords(60, coarse)
	young := accessRecords(60, rich)[30:]
	a, b := access(0, "", old), access(1, "", young)
	Survey([]Sample{a, b}, NewJoiner(DefaultConfig(), []*Source{a.Source, b.Source}, func(*parse.Request) {}))
	if a.Source.Twin == nil {
		t.Fatal("not seen as a twin")
	}
	if a.Source.Twin.Retells(old[0]) {
		t.Error("drops a request from before the other log begins")
	}
	if !a.Source.Twin.Retells(old[59]) {
		t.Error("keeps a request that the other log holds too")
	}
	if a.Source.Twin.Retells(&parse.Record{Kind: parse.KindLog, Time: old[59].Time, Ended: old[59].Ended}) {
		t.Error("drops a line that is no request")
	}
}

// An error line hangs under the hop that asked where the access log of the one
// that wrote it is missing: it names whom that one asked, not itself.
func TestALineOfTheHopBehindFitsWhatAsked(t *testing.T) {
	front := NewSource(0, parse.SourceVarnishlog, parse.Varnish, "", fact.Fingerprint{1})
	errors := NewSource(1, parse.SourceNginxError, parse.Nginx, "", fact.Fingerprint{2})
	fetch := &parse.Record{Kind: parse.KindFetch, Program: parse.Varnish, Method: []byte("GET"), URL: []byte("/a"), Time: begun, Ended: begun + 5e6, Precision: 1e3,
		Upstreams: []parse.Upstream{{Addr: []byte("10.0.0.1:80"), Status: 502}}}
	line := &parse.Record{Kind: parse.KindLog, Program: parse.Nginx, Method: []byte("GET"), URL: []byte("/a"), Time: begun, Ended: begun, Precision: 1e9,
		Upstreams: []parse.Upstream{{Addr: []byte("10.0.0.2:9000")}}}
	if got := lineScore(front, fetch, errors, line); got < minScore {
		t.Errorf("score %.2f, want %.2f", got, minScore)
	}
	line.Program, fetch.Program = parse.Nginx, parse.Nginx
	if got := lineScore(front, fetch, errors, line); got != 0 {
		t.Errorf("score %.2f for a line about another upstream of the same program, want 0", got)
	}
}
