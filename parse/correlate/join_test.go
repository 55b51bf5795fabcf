package correlate

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
)

func TestJoin(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(w *world)
		want []string
	}{
		{"a request over three hops by its id", func(w *world) {
			edge, web := w.source(parse.SourceNginxAccess, parse.Nginx, 0), w.source(parse.SourceNginxAccess, parse.Nginx, 1)
			app := w.source(parse.SourceApp, parse.App, 2)
			w.add(edge, 0, 1, asked(502, "/a", "id1", "10.0.0.2:80", 502))
			w.add(web, 0.1, 0.9, asked(502, "/a", "id1", "10.0.0.3:80", 0))
			w.add(app, 0.5, 0.5, line("panic: boom", "id1", 7))
		}, []string{"0 0:1 root\n1 1:1 request-id under 0:1\n1 2:1 request-id under 1:1\n"}},
		{"the origin's line comes after the proxy gave up", func(w *world) {
			front, app := w.source(parse.SourceNginxAccess, parse.Nginx, 0), w.source(parse.SourceApp, parse.App, 1)
			w.add(front, 0, 10, asked(504, "/slow", "x", "10.0.0.3:80", 0))
			w.add(app, 0.1, 70, request(200, "/slow", "x"))
		}, []string{"0 0:1 root\n1 1:1 request-id under 0:1\n"}},
		{"later than it is waited for", func(w *world) {
			front, app := w.source(parse.SourceNginxAccess, parse.Nginx, 0), w.source(parse.SourceApp, parse.App, 1)
			w.add(front, 0, 10, asked(504, "/slow", "x", "10.0.0.3:80", 0))
			w.add(app, 0.1, 130, request(200, "/slow", "x"))
		}, []string{"0 0:1 root\n"}},
		{"a client sends one id for ever", func(w *world) {
			front, app := w.source(parse.SourceNginxAccess, parse.Nginx, 0), w.source(parse.SourceApp, parse.App, 1)
			for i := range 5 {
				at := float64(10 * i)
				status := 200
				if i == 2 {
					status = 500
				}
				w.add(front, at, at+1, asked(status, "/a", "same", "10.0.0.3:80", status))
				w.add(app, at+0.1, at+0.9, request(status, "/a", "same"))
			}
		}, []string{"0 0:3 root\n1 1:3 request-id under 0:3\n"}},
		{"two identical requests at once, one fails", func(w *world) {
			front, app := w.source(parse.SourceNginxAccess, parse.Nginx, 0), w.source(parse.SourceApp, parse.App, 1)
			w.add(front, 0, 1, asked(200, "/a", "same", "10.0.0.3:80", 200))
			w.add(front, 0, 1, asked(500, "/a", "same", "10.0.0.3:80", 500))
			w.add(app, 0.1, 0.9, request(500, "/a", "same"))
			w.add(app, 0.1, 0.9, request(200, "/a", "same"))
		}, []string{"0 0:2 root\n1 1:1 request-id under 0:2\n"}},
		{"two identical requests at once, both fail", func(w *world) {
			front, app := w.source(parse.SourceNginxAccess, parse.Nginx, 0), w.source(parse.SourceApp, parse.App, 1)
			for range 2 {
				w.add(front, 0, 1, asked(500, "/a", "same", "10.0.0.3:80", 500))
				w.add(app, 0.1, 0.9, request(500, "/a", "same"))
			}
		}, []string{"0 0:1 root\n1 1:1 request-id under 0:1\n", "0 0:2 root\n1 1:2 request-id under 0:2\n"}},
		{"one id at once for two paths", func(w *world) {
			front, app := w.source(parse.SourceNginxAccess, parse.Nginx, 0), w.source(parse.SourceApp, parse.App, 1)
			w.add(front, 0, 1, asked(500, "/a", "same", "10.0.0.3:80", 500))
			w.add(front, 0, 1, asked(500, "/b", "same", "10.0.0.3:80", 500))
			w.add(app, 0.1, 0.9, request(500, "/b", "same"))
			w.add(app, 0.1, 0.9, request(500, "/a", "same"))
		}, []string{"0 0:2 root\n1 1:1 request-id under 0:2\n", "0 0:1 root\n1 1:2 request-id under 0:1\n"}},
		{"a retry in Varnish", func(w *world) {
			v, web := w.source(parse.SourceVarnishlog, parse.Varnish, 0), w.source(parse.SourceNginxAccess, parse.Nginx, 1)
			w.add(v, 0, 1, transaction(2, 1, parse.TxRequest, parse.ReasonClient, 503, "/a"))
			w.add(v, 0.1, 0.5, transaction(3, 2, parse.TxFetch, parse.ReasonFetch, 502, "/a"))
			w.add(v, 0.5, 0.9, transaction(4, 3, parse.TxFetch, parse.ReasonRetry, 502, "/a"))
			for i, vxid := range []uint64{3, 4} {
				r := asked(502, "/a", "", "10.0.0.3:80", 502)
				r.VXID = vxid
				w.add(web, 0.2+0.4*float64(i), 0.4+0.4*float64(i), r)
			}
		}, []string{"0 0:1 root\n0 0:2 link under 0:1\n0 0:3 link under 0:2\n1 1:1 x-varnish under 0:2\n1 1:2 x-varnish under 0:3\n"}},
		{"two Varnishes that count alike", func(w *world) {
			v1, v2 := w.source(parse.SourceVarnishlog, parse.Varnish, 0), w.source(parse.SourceVarnishlog, parse.Varnish, 0)
			web := w.source(parse.SourceNginxAccess, parse.Nginx, 1)
			v1.Host, v2.Host = "edge-1", "edge-2"
			for i, v := range []*Source{v1, v2} {
				url := []string{"/a", "/b"}[i]
				w.add(v, 0, 1, transaction(2, 1, parse.TxRequest, parse.ReasonClient, 503, url))
				w.add(v, 0.1, 0.9, transaction(3, 2, parse.TxFetch, parse.ReasonFetch, 503, url))
				r := asked(503, url, "", "10.0.0.3:80", 503)
				r.VXID = 3
				w.add(web, 0.2, 0.8, r)
			}
		}, []string{
			"0 0:1 root\n0 0:2 link under 0:1\n1 2:1 x-varnish under 0:2\n",
			"0 1:1 root\n0 1:2 link under 1:1\n1 2:2 x-varnish under 1:2\n",
		}},
		{"a restart", func(w *world) {
			v := w.source(parse.SourceVarnishlog, parse.Varnish, 0)
			w.add(v, 0, 1, transaction(2, 1, parse.TxRequest, parse.ReasonClient, 0, "/a"))
			w.add(v, 1, 2, transaction(4, 2, parse.TxRequest, parse.ReasonRestart, 503, "/a"))
			w.add(v, 1.1, 1.9, transaction(5, 4, parse.TxFetch, parse.ReasonFetch, 503, "/a"))
		}, []string{"0 0:1 root\n0 0:2 link under 0:1\n0 0:3 link under 0:2\n"}},
		{"an ESI child that fails inside a good page", func(w *world) {
			v := w.source(parse.SourceVarnishlog, parse.Varnish, 0)
			w.add(v, 0, 2, transaction(2, 1, parse.TxRequest, parse.ReasonClient, 200, "/page"))
			w.add(v, 0.5, 1.5, transaction(6, 2, parse.TxRequest, parse.ReasonESI, 503, "/part"))
			w.add(v, 0.6, 1.4, transaction(7, 6, parse.TxFetch, parse.ReasonFetch, 503, "/part"))
		}, []string{"0 0:1 root\n0 0:2 link under 0:1\n0 0:3 link under 0:2\n"}},
		{"a background fetch that ends long after its request", func(w *world) {
			v := w.source(parse.SourceVarnishlog, parse.Varnish, 0)
			w.add(v, 0, 0.1, transaction(2, 1, parse.TxRequest, parse.ReasonClient, 200, "/a"))
			w.add(v, 0.05, 60, transaction(3, 2, parse.TxFetch, parse.ReasonBackground, 503, "/a"))
		}, []string{"0 0:1 root\n0 0:2 link under 0:1\n"}},
		{"a pipe", func(w *world) {
			v, web := w.source(parse.SourceVarnishlog, parse.Varnish, 0), w.source(parse.SourceNginxAccess, parse.Nginx, 1)
			r := transaction(2, 1, parse.TxRequest, parse.ReasonClient, 0, "/ws")
			r.Tx.Handling, r.Tx.Calls = parse.HandlingPipe, parse.CallPipe
			w.add(v, 0, 30, r)
			o := asked(502, "/ws", "", "10.0.0.3:80", 502)
			o.VXID = 2
			w.add(web, 0.1, 29, o)
		}, []string{"0 0:1 root\n1 1:1 x-varnish under 0:1\n"}},
		{"without an id, by what they are", func(w *world) {
			front, web := w.source(parse.SourceNginxAccess, parse.Nginx, 0), w.source(parse.SourceNginxAccess, parse.Nginx, 1)
			w.add(front, 0, 1, asked(503, "/a?x=1", "", "10.0.0.3:80", 503))
			w.add(front, 0, 1, asked(200, "/a?x=2", "", "10.0.0.3:80", 200))
			w.add(web, 0.1, 0.9, request(200, "/a?x=2", ""))
			w.add(web, 0.1, 0.9, request(503, "/a?x=1", ""))
		}, []string{"0 0:1 root\n1 1:2 inferred under 0:1\n"}},
		{"several error lines of one request, by its connection", func(w *world) {
			access, errs := w.source(parse.SourceNginxAccess, parse.Nginx, 0), w.source(parse.SourceNginxError, parse.Nginx, 0)
			r := asked(502, "/a", "", "10.0.0.3:80, 10.0.0.4:80", 502)
			r.ConnID = 7
			r.Upstreams = append(r.Upstreams, r.Upstreams[0])
			w.add(access, 0, 1, r)
			for i, conn := range []uint64{7, 7, 8} {
				l := line("connect() failed", "", parse.EventID(3+i))
				l.ConnID, l.Method, l.URL = conn, []byte("GET"), []byte("/a")
				w.add(errs, 0.5, 0.5, l)
			}
		}, []string{"0 0:1 root\n0 1:1 connection under 0:1\n0 1:2 connection under 0:1\n"}},
		{"an error log alone gives no requests", func(w *world) {
			errs := w.source(parse.SourceNginxError, parse.Nginx, 0)
			l := line("upstream timed out", "", 3)
			l.ConnID, l.Method, l.URL = 7, []byte("GET"), []byte("/a")
			w.add(errs, 1, 1, l)
		}, []string{}},
		{"an access log alone", func(w *world) {
			w.add(w.source(parse.SourceNginxAccess, parse.Nginx, 0), 0, 1, asked(503, "/a", "", "10.0.0.3:80", 503))
		}, []string{"0 0:1 root\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			tt.make(w)
			if diff := cmp.Diff(tt.want, tellAll(w.join())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The longer what stands before and behind it, the more segments: the join must
// not depend on what is in memory.
func TestJoinIsTheSameWithSmallSegmentsAndSpilled(t *testing.T) {
	story := func(memory int64, spill Spill) []string {
		w := newWorld(t)
		w.cfg.Memory, w.cfg.Spill = memory, spill
		front, app := w.source(parse.SourceNginxAccess, parse.Nginx, 0), w.source(parse.SourceApp, parse.App, 1)
		rng := rand.New(rand.NewPCG(5, 6))
		for i := range 12000 {
			at := float64(i)/100 + rng.Float64()/100
			status := 200
			if rng.IntN(10) == 0 {
				status = 503
			}
			url := "/" + string(rune('a'+rng.IntN(20)))
			w.add(front, at, at+0.3, asked(status, url, "", "10.0.0.3:80", status))
			w.add(app, at+0.1, at+0.2, request(status, url, ""))
		}
		return tellAll(w.join())
	}
	want := story(1<<40, nil)
	if len(want) < 1000 {
		t.Fatalf("%d requests: the test proves nothing", len(want))
	}
	spill := &memorySpill{}
	if diff := cmp.Diff(want, story(1, spill)); diff != "" {
		t.Error(diff)
	}
	if len(spill.b) == 0 {
		t.Error("nothing was spilled")
	}
}

func TestOddStampsDoNoHarm(t *testing.T) {
	w := newWorld(t)
	front, app := w.source(parse.SourceNginxAccess, parse.Nginx, 0), w.source(parse.SourceApp, parse.App, 1)
	w.add(front, 10, 11, asked(500, "/a", "id", "10.0.0.3:80", 500))
	w.add(app, 10.1, 10.9, request(500, "/a", "id"))
	undated := w.add(app, 0, 0, line("no time", "id", 3))
	undated.Time, undated.Ended = 0, 0
	backwards := w.add(front, 12, 11.5, asked(500, "/b", "", "10.0.0.3:80", 500)) // it ends before it begins
	qs := w.join()
	if len(qs) != 2 || len(qs[0].Parts) != 2 || qs[1].Root().Line != backwards.Line {
		t.Fatalf("%q", tellAll(qs))
	}
	for _, s := range w.sources {
		if s.From < epoch || s.To > epoch+parse.Time(time.Hour) {
			t.Errorf("source %d covers %d..%d", s.ID, s.From, s.To)
		}
	}
	for _, c := range qs[0].Coverage {
		if c.From > c.To {
			t.Errorf("coverage %+v", c)
		}
	}
}

func TestCoverageReachesToWhatWasReadAndNoFurther(t *testing.T) {
	w := newWorld(t)
	front, app, errs := w.source(parse.SourceNginxAccess, parse.Nginx, 0), w.source(parse.SourceApp, parse.App, 1), w.source(parse.SourceNginxError, parse.Nginx, 0)
	w.source(parse.SourceKernel, parse.Kernel, -1) // nothing in it
	w.add(app, 1, 1, request(200, "/", ""))
	w.add(errs, 2, 2, line("once", "", 3))
	w.add(front, 100, 101, asked(504, "/a", "", "10.0.0.3:80", 0))
	w.add(app, 400, 400, request(200, "/", ""))
	w.add(front, 9000, 9001, asked(504, "/b", "", "10.0.0.3:80", 0))
	app.Done = true // its last line is at 400
	qs := w.join()
	if len(qs) != 2 {
		t.Fatal(tellAll(qs))
	}
	covers := func(q *parse.Request, s *Source) bool {
		root := q.Root()
		for _, c := range q.Coverage {
			if c.Source == s.ID {
				return c.Covers(root.Time, root.Ended)
			}
		}
		return false
	}
	for _, tt := range []struct {
		name string
		q    int
		s    *Source
		want bool
	}{
		{"a log of requests with lines before and behind", 0, app, true},
		{"a quiet error log", 0, errs, true},
		{"a log of requests that ended hours before", 1, app, false},
		{"an error log that was quiet for hours", 1, errs, true},
	} {
		if got := covers(qs[tt.q], tt.s); got != tt.want {
			t.Errorf("%s: covered is %v, want %v", tt.name, got, tt.want)
		}
	}
	if len(qs[0].Coverage) != 3 {
		t.Errorf("a source that holds nothing vouches: %+v", qs[0].Coverage)
	}
}

// A healthy log must not fill memory or disk, whatever its length.
func TestTheRingForgetsWithoutFailures(t *testing.T) {
	w := newWorld(t)
	w.cfg.Horizon = 10e9
	front := w.source(parse.SourceNginxAccess, parse.Nginx, 0)
	j := NewJoiner(w.cfg, w.sources, func(*parse.Request) {})
	most := 0
	for i := range 60000 {
		r := asked(200, "/a", "", "10.0.0.3:80", 200)
		r.Source, r.Time = front.ID, epoch+parse.Time(i)*10e6
		r.Ended, r.Raw = r.Time, make([]byte, 200)
		if err := j.Add(&r); err != nil {
			t.Fatal(err)
		}
		if err := j.Advance(j.Logged(&r)); err != nil {
			t.Fatal(err)
		}
		most = max(most, j.ring.Len())
	}
	if most > 4 {
		t.Errorf("%d segments were held", most)
	}
}

func TestWaitingRecordsAreNeverForgotten(t *testing.T) {
	w := newWorld(t)
	w.cfg.Horizon = 100e9
	front := w.source(parse.SourceNginxAccess, parse.Nginx, 0)
	n := 0
	j := NewJoiner(w.cfg, w.sources, func(*parse.Request) { n++ })
	for i := range 20000 {
		r := asked(503, "/a", "", "10.0.0.3:80", 503)
		r.Source, r.Offset, r.Time, r.Raw = front.ID, int64(i), epoch+parse.Time(i)*1e6, make([]byte, 400)
		if i == 10 {
			r.Time += parse.Time(24 * time.Hour) // a clock that was wrong for a moment
		}
		r.Ended = r.Time
		if err := j.Add(&r); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range []parse.Time{epoch + 300e9, epoch + 900e9, math.MaxInt64} {
		if err := j.Advance(at); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Flush(); err != nil {
		t.Fatal(err)
	}
	if n != 20000 || j.Waiting() != 0 {
		t.Errorf("%d requests, %d wait", n, j.Waiting())
	}
}

func BenchmarkJoiner(b *testing.B) {
	for _, tt := range []struct {
		name           string
		failed, urls   int // one in how many fails
		withoutID      bool
		requestsSecond float64
	}{
		{"calm", 500, 300, false, 2000},
		{"calm without ids", 500, 300, true, 2000},
		{"storm", 3, 300, false, 2000},
		{"storm without ids on one URL", 3, 1, true, 2000},
		{"storm of one id", 3, 1, false, 2000},
	} {
		b.Run(tt.name, func(b *testing.B) {
			w := newWorld(b)
			f, err := os.CreateTemp(b.TempDir(), "")
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			w.cfg.Spill = f
			front, app := w.source(parse.SourceNginxAccess, parse.Nginx, 0), w.source(parse.SourceApp, parse.App, 1)
			j := NewJoiner(w.cfg, w.sources, func(*parse.Request) {})
			urls := make([]string, tt.urls)
			for i := range urls {
				urls[i] = "/product/" + string(rune('a'+i%26)) + string(rune('a'+i/26))
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				status, id := 200, ""
				if i%tt.failed == 0 {
					status = 503
				}
				if !tt.withoutID {
					id = urls[i%len(urls)]
				}
				at := epoch + parse.Time(float64(i)*1e9/tt.requestsSecond)
				p, c := asked(status, urls[i%len(urls)], id, "10.0.0.3:80", status), request(status, urls[i%len(urls)], id)
				p.Source, p.Time, p.Ended, p.Offset = front.ID, at, at+20e6, int64(i)
				c.Source, c.Time, c.Ended, c.Offset = app.ID, at+5e6, at+15e6, int64(i)
				for _, r := range []*parse.Record{&c, &p} {
					if err := j.Add(r); err != nil {
						b.Fatal(err)
					}
					if err := j.Advance(j.Logged(r)); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
