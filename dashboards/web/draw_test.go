package web

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"why503/aggregate"
	"why503/dashboards/report"
)

func number(t testing.TB, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestThePlotDrawsEveryFailureToScale(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	causes := []string{"database.lock_wait", "database.deadlock", "origin_slow.first_byte_timeout", "tls.cert_expired", "overload.workers_exhausted", "network.conn_refused", "platform.crash_loop", "client_abort.early"}
	for round := range 200 {
		var points []aggregate.Point
		step := steps[rng.IntN(len(steps))]
		for i := range 1 + rng.IntN(120) {
			p := aggregate.Point{At: now.Truncate(step).Add(time.Duration(i) * step), Causes: map[string]int64{}, Partial: rng.IntN(9) == 0, NoData: rng.IntN(9) == 0}
			for range rng.IntN(4) {
				n := rng.Int64N(int64(1) << rng.IntN(40))
				p.Causes[causes[rng.IntN(len(causes))]] += n
			}
			for c, n := range p.Causes {
				if report.Family(c) != 'C' {
					p.Failures += n
				}
			}
			p.Requests = p.Failures + rng.Int64N(1000)
			points = append(points, p)
		}
		p := newPlot(points, step, []string{"tls.cert_expired", "none.such"}, time.UTC)
		for _, d := range []*timeline{p.draw("a", 820, 6), p.last(30).draw("b", 336, 3), p.merged(3).draw("c", 336, 3)} {
			checkDrawing(t, p, d)
		}
		if len(p.Causes) > maxStacked+1 {
			t.Fatalf("round %d: %d causes", round, len(p.Causes))
		}
		var sum, all int64
		for _, l := range p.legend(func(string) string { return "" }) {
			sum += l.N
		}
		for _, pt := range points {
			all += pt.Failures
		}
		if sum != all {
			t.Fatalf("round %d: the legend has %d of %d", round, sum, all)
		}
	}
}

// checkDrawing holds a drawing to its ground: columns stand on zero, keep
// within the plot and have the height of their count.
func checkDrawing(t *testing.T, p *plot, d *timeline) {
	t.Helper()
	right, last := number(t, d.Right), 0.0
	for _, c := range d.Columns {
		x, w := number(t, c.X), number(t, c.W)
		if x < last-.2 || x+w > right+.2 || w < 0 {
			t.Fatalf("a column from %v to %v, right edge %v", x, x+w, right)
		}
		last = x + w
		floor := float64(plotBase)
		for _, s := range c.Segments {
			y, h := number(t, s.Y), number(t, s.H)
			if diff := y + h - floor; diff > .3 || diff < -.3 {
				t.Fatalf("a segment ends at %v and not at %v", y+h, floor)
			}
			floor = y
		}
		if floor < plotTop-.2 {
			t.Fatalf("a column is %v px above the plot", plotTop-floor)
		}
	}
	for i := 1; i < len(d.Letters); i++ {
		if number(t, d.Letters[i-1].Y)-number(t, d.Letters[i].Y) < 11.5 {
			t.Fatal("two letters stand upon each other")
		}
	}
	for i := 1; i < len(d.Ticks); i++ {
		if gap := number(t, d.Ticks[i].X) - number(t, d.Ticks[i-1].X); gap < 40 {
			t.Fatalf("two ticks are %v px apart: %q %q", gap, d.Ticks[i-1].Text, d.Ticks[i].Text)
		}
	}
}

func TestTheOrderOfCausesStaysWhileAPageIsOpen(t *testing.T) {
	points := []aggregate.Point{{At: now, Causes: map[string]int64{"a.x": 1, "b.x": 5, "c.x": 3}}}
	for order, want := range map[string]string{"": "b.x c.x a.x", "a.x,b.x,c.x": "a.x b.x c.x", "c.x,d.x": "c.x b.x a.x"} {
		if got := strings.Join(newPlot(points, time.Minute, strings.Split(order, ","), time.UTC).Causes, " "); got != want {
			t.Errorf("%q: %s, want %s", order, got, want)
		}
	}
}

func TestAnEmptyTimeIsDrawn(t *testing.T) {
	for _, points := range [][]aggregate.Point{nil, {}, {{At: now, NoData: true}}, make([]aggregate.Point, 60)} {
		d := newPlot(points, time.Minute, nil, time.UTC).draw("x", 820, 6)
		if d.H == "" || strings.Contains(fmt.Sprint(d), "NaN") || strings.Contains(fmt.Sprint(d), "Inf") {
			t.Errorf("%+v", d)
		}
	}
}

func TestFillsTellFamiliesApart(t *testing.T) {
	seen := map[string]string{}
	for _, f := range families {
		key := f.Hue + " " + f.Fill
		if other, ok := seen[key]; ok {
			t.Errorf("%s and %s look alike", f.Letter, other)
		}
		seen[key] = f.Letter
	}
	s := swatches([]string{"database.lock_wait", "database.deadlock", "tls.cert_expired", other})
	if s[0].Pattern == s[1].Pattern || s[0].Letter != "D" || s[2].Letter != "T" || s[3].Pattern != "p-other" {
		t.Errorf("%+v", s)
	}
	ids := map[string]bool{}
	for _, p := range patterns() {
		if ids[p.ID] {
			t.Errorf("two fills are called %s", p.ID)
		}
		ids[p.ID] = true
	}
	for _, x := range s {
		if !ids[x.Pattern] {
			t.Errorf("no fill %s", x.Pattern)
		}
	}
}

func TestALadderIsDrawnToScale(t *testing.T) {
	q, v := told("")
	st, err := report.Tell(q, v, report.ExplainOptions{})
	if err != nil || len(st.Ladders) != 1 || len(st.Hops) != 5 {
		t.Fatalf("%v %+v", err, st)
	}
	l := drawLadder(&st.Ladders[0], "database.lock_wait")
	if len(l.Lanes) != 5 || l.Lanes[4].Text != "database" || len(l.List) == 0 || len(l.Arrows) < 6 {
		t.Errorf("%+v", l)
	}
	for i := 1; i < len(l.Stamps); i++ {
		if number(t, l.Stamps[i].Y)-number(t, l.Stamps[i-1].Y) < rowHeight {
			t.Error("rows are lower than 20 px")
		}
	}
	held := 0
	for _, s := range l.Spans {
		if s.Class == "c-data" {
			held++
		}
		if number(t, s.Y)+number(t, s.H) > number(t, l.H) {
			t.Error("a span leaves the drawing")
		}
	}
	if held != 1 {
		t.Errorf("%d spans are those of the cause", held)
	}
}

func TestHiddenCharactersAreShown(t *testing.T) {
	for in, want := range map[string]string{
		"a\u202eb": `a<span class="esc">\u202e</span>b`, "\x1b[2J": `<span class="esc">\x1b</span>[2J`, "<b>": "&lt;b&gt;", "é\tß": "é ß", "\xff": `<span class="esc">\xff</span>`,
		`"'&`: "&#34;&#39;&amp;", "": "",
	} {
		if got := string(shown(in)); got != want {
			t.Errorf("%q is shown as %s, want %s", in, got, want)
		}
	}
	if got := string(sentence("12 % in 2.0 s, 5 min")); got != "12\u00a0% in 2.0\u00a0s, 5\u00a0min" {
		t.Errorf("%q", got)
	}
	if got := string(advice("set `a=<1>` now, `odd")); got != "set `a=&lt;1&gt;` now, `odd" {
		t.Errorf("%q", got)
	}
	if got := string(advice("set `a=<1>` now")); got != "set <code>a=&lt;1&gt;</code> now" {
		t.Errorf("%q", got)
	}
}

func TestLongLinesFold(t *testing.T) {
	q := quoted("short\n" + strings.Repeat("x", foldFrom+1) + "\n" + strings.Repeat("\n", 500))
	if len(q.Lines) < 2 || q.Lines[0].Size != "" || q.Lines[1].Size != "2,049 bytes" || len(q.Lines[1].Head) > 300 {
		t.Errorf("%d lines: %+v", len(q.Lines), q.Lines[:2])
	}
	if q = quoted(strings.Repeat("y\n", 1000)); len(q.Lines) != maxLines || q.More != 800 {
		t.Errorf("%d lines and %d more", len(q.Lines), q.More)
	}
	if q = quoted(strings.Repeat(strings.Repeat("z", 60<<10)+"\n", 20)); len(q.Lines) != 3 || q.More != 17 {
		t.Errorf("%d lines and %d more", len(q.Lines), q.More)
	}
}

// FuzzShown asks that whatever a log holds is one text that a reader can see.
func FuzzShown(f *testing.F) {
	for _, text := range hostileTexts {
		f.Add(text[:min(len(text), 300)])
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, h := range []string{string(shown(text)), string(sentence(text)), string(advice(text))} {
			nodes, err := html.ParseFragment(strings.NewReader("<p>"+h+"</p>"), &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body})
			if err != nil || len(nodes) != 1 {
				t.Fatalf("%q is %d nodes of %q, %v", h, len(nodes), text, err)
			}
			for n := range nodes[0].Descendants() {
				switch {
				case n.Type == html.TextNode:
					for _, r := range n.Data {
						if r != '\u00a0' && !unicode.IsGraphic(r) || r == unicode.ReplacementChar {
							t.Fatalf("%q is shown as it is in %q", r, h)
						}
					}
				case n.Type != html.ElementNode || n.Data != "span" && n.Data != "code" || len(n.Attr) > 1:
					t.Fatalf("%q became %v", text, n)
				}
			}
		}
	})
}

// FuzzParams asks that no query part makes a page or an answer fault.
func FuzzParams(f *testing.F) {
	for _, q := range []string{"from=2026-01-02T03:04:05Z&to=x", "q=%ff", "a=b&a=b", "%zz", "order=a,b,,&cursor=1", "step=5m&limit=3", "site=%00&class=all", "window=1h;x"} {
		f.Add(q)
	}
	s, _, _ := newServer(f)
	h := s.Handler()
	f.Fuzz(func(t *testing.T, query string) {
		for _, path := range []string{"/api/v1/summary", "/api/v1/timeseries", "/api/v1/failures", "/"} {
			r := httpGet("http://localhost/x")
			r.Host, r.URL.Path, r.URL.RawQuery = "localhost", path, query
			w := recorder()
			h.ServeHTTP(w, r)
			if w.Code >= 500 {
				t.Fatalf("%s?%s: %d %s", path, query, w.Code, w.Body)
			}
		}
	})
}
