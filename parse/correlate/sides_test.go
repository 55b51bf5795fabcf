package correlate

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
)

// Lines of both sides of one Varnish, in a format that does not print which
// transaction began in which.
func TestFetchesOfAnUnlinkedLogBelongToTheirRequest(t *testing.T) {
	side := func(vxid uint64, kind parse.TxType, status int, url, id string) parse.Record {
		r := transaction(vxid, 0, kind, parse.ReasonNone, status, url)
		r.RequestID = []byte(id)
		return r
	}
	hit := func(r parse.Record) parse.Record {
		r.Tx.Handling = parse.HandlingHit
		return r
	}
	for _, c := range []struct {
		name string
		fill func(w *world, s *Source)
		want []string
	}{
		{"by an id", func(w *world, s *Source) {
			w.add(s, 1, 3, side(10, parse.TxRequest, 503, "/x", "r-1"))
			w.add(s, 1, 1, side(700, parse.TxFetch, 503, "/x", "r-1"))
		}, []string{"0 0:1 root\n0 0:2 request-id under 0:1\n"}},
		{"by the next number, though another one waits for the same page", func(w *world, s *Source) {
			w.add(s, 1, 3, side(10, parse.TxRequest, 503, "/x", ""))
			w.add(s, 1.1, 3, side(20, parse.TxRequest, 200, "/x", ""))
			w.add(s, 1.2, 1.2, side(11, parse.TxFetch, 503, "/x", ""))
		}, []string{"0 0:1 root\n0 0:3 inferred under 0:1\n"}},
		{"by time, of numbers that say nothing", func(w *world, s *Source) {
			w.add(s, 1, 2, side(40000, parse.TxRequest, 503, "/x", ""))
			w.add(s, 1.1, 1.2, side(7, parse.TxFetch, 503, "/x", ""))
		}, []string{"0 0:1 root\n0 0:2 inferred under 0:1\n"}},
		{"a refresh behind a hit", func(w *world, s *Source) {
			w.add(s, 1, 1.001, hit(side(10, parse.TxRequest, 200, "/x", "")))
			w.add(s, 1, 1.002, side(11, parse.TxFetch, 503, "/x", ""))
		}, []string{"0 0:1 root\n0 0:2 inferred under 0:1\n"}},
		{"not of another page, nor of a request that began later", func(w *world, s *Source) {
			w.add(s, 1, 2, side(10, parse.TxRequest, 200, "/y", ""))
			w.add(s, 1, 1, side(11, parse.TxFetch, 503, "/x", ""))
			w.add(s, 9, 9, side(12, parse.TxRequest, 200, "/x", ""))
		}, []string{"0 0:2 root\n"}},
		{"not by an id that differs", func(w *world, s *Source) {
			w.add(s, 1, 2, side(10, parse.TxRequest, 200, "/x", "r-1"))
			w.add(s, 1, 1, side(11, parse.TxFetch, 503, "/x", "r-2"))
		}, []string{"0 0:2 root\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.fill(w, w.source(parse.SourceVarnishncsa, parse.Varnish, 0))
			got := tellAll(w.join())
			slices.Sort(got)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// A log of whole seconds does not say which of its lines near the end of the
// other's stretch that one should hold.
func TestTwinsOfWholeSecondsNearTheEnd(t *testing.T) {
	dense := func(n int, shape func(i int, r *parse.Record)) []*parse.Record {
		return accessRecords(n, func(i int, r *parse.Record) {
			r.Time = begun + parse.Time(i)*60e6
			r.Ended = r.Time + 5e6
			shape(i, r)
		})
	}
	fine := access(0, "", dense(60, rich)) // ends in the middle of a second
	fine.Source.Program, fine.Whole = parse.Nginx, false
	whole := access(1, "", dense(100, coarse))
	s := survey{samples: []Sample{fine, whole}}
	if got := s.twins(); got[1] != 0 {
		t.Errorf("the log of whole seconds is %d, want a twin of 0", got[1])
	}
}
