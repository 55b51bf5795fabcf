package rules

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
)

// closed is a fetch that the origin closed after some time, and walls of its
// backend.
func closed(took int64, walls ...parse.Wall) *scene {
	s, f := varnish(503, took, 503)
	broke(f, "HTC eof (-1)")
	s.q.Neighbours = []parse.Neighbours{{Source: f.Source, Of: parse.OfBackend, Name: string(f.Tx.Backend), Walls: walls}}
	return s
}

func TestObservedWalls(t *testing.T) {
	wall := parse.Wall{End: parse.EndClosed, Value: 7 * second, N: 48, Of: 50}
	limit := func(s Setting) *Env {
		s.Program = parse.Varnish
		return &Env{Settings: []Setting{s}}
	}
	for _, tt := range []struct {
		name string
		s    *scene
		env  *Env
		rule string
	}{
		{"at the wall", closed(7*second, wall), nil, "varnish.closed_at_limit"},
		{"a little late", closed(7*second+90*second/1000, wall), nil, "varnish.closed_at_limit"},
		{"beside it", closed(8*second, wall), nil, "varnish.closed"},
		{"no wall", closed(7 * second), nil, "varnish.closed"},
		{"a wall of others that ended otherwise", closed(7*second, parse.Wall{End: parse.EndError, Value: 7 * second, N: 48, Of: 50}), nil, "varnish.closed"},
		{"a limit that is configured", closed(7*second, wall), limit(Setting{Name: "first_byte_timeout", Value: 7 * second}), "varnish.closed"},
		{"another one is configured", closed(7*second, wall), limit(Setting{Name: "first_byte_timeout", Value: 20 * second}), "varnish.closed_at_limit"},
		{"a limit that is the default", closed(60*second, parse.Wall{End: parse.EndClosed, Value: 60 * second, N: 48, Of: 50}), nil, "varnish.closed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Builtin()
			v := s.Diagnose(&tt.s.q, tt.env)
			plain := *tt.s
			plain.q.Neighbours = nil
			p := s.Diagnose(&plain.q, tt.env)
			if v.Chain[0].Rule != tt.rule || p.Chain[0].Rule != "varnish.closed" {
				t.Errorf("%s, without neighbours %s", v.Chain[0].Rule, p.Chain[0].Rule)
			}
			// It says more, and claims no more.
			if v.Cause != p.Cause || v.Confidence > p.Confidence || v.Decidable != p.Decidable || v.Reached != p.Reached {
				t.Errorf("%s %v %v, without neighbours %s %v %v", v.Cause, v.Confidence, v.Decidable, p.Cause, p.Confidence, p.Decidable)
			}
			if at := tt.rule != "varnish.closed"; at != strings.Contains(v.Words, "like 48 within half an hour") {
				t.Errorf("says %q", v.Words)
			}
		})
	}
}

// Requests that differ only in how many neighbours met the wall share a decision
// and keep their own numbers.
func TestCountsOfNeighboursAreNoSignature(t *testing.T) {
	s := Builtin()
	var d []string
	for _, n := range []int{40, 41, 42} {
		c := closed(7*second, parse.Wall{End: parse.EndClosed, Value: 7*second + int64(n), N: n, Of: n})
		var w workspace
		w.view.look(&c.q, nil)
		w.evidence.gather(&w.view, s)
		d = append(d, string(w.evidence.signature(nil)))
		if v := s.Diagnose(&c.q, nil); cmp.Diff(s.diagnoseAfresh(&c.q), v) != "" || !strings.Contains(v.Words, "like "+number(n)+" ") {
			t.Errorf("%d: says %q", n, v.Words)
		}
	}
	if d[0] != d[1] || d[1] != d[2] {
		t.Error("equal evidence has different signatures")
	}
}

// A good answer that was ready when the proxy had given up says that its limit
// is too short only where such answers are usual, and were so before.
func TestAnswersThatAreUsuallyLate(t *testing.T) {
	enough := parse.Neighbours{Of: parse.OfRoute, Name: "/", Usual: 4200 * second / 1000, Minutes: 20, Good: 200, Since: 1800 * second}
	for _, tt := range []struct {
		name   string
		change func(*parse.Neighbours)
		want   bool
	}{
		{"usual", func(*parse.Neighbours) {}, true},
		{"quick before", func(n *parse.Neighbours) { n.Usual = second }, false},
		{"few minutes", func(n *parse.Neighbours) { n.Minutes = 5 }, false},
		{"few answers", func(n *parse.Neighbours) { n.Good = 8 }, false},
		{"not long ago", func(n *parse.Neighbours) { n.Since = 300 * second }, false},
		{"of the whole hop", func(n *parse.Neighbours) { n.Of, n.Name = parse.OfHop, "" }, false},
		{"of a source that did not see it", func(n *parse.Neighbours) { n.Source = 99 }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, f := varnish(503, 4*second, 503)
			broke(f, "first byte timeout")
			i := s.nginx(200, 5*second)
			n := enough
			n.Source = s.q.Parts[i].Record.Source
			tt.change(&n)
			s.q.Neighbours = []parse.Neighbours{n}
			v := Builtin().Diagnose(&s.q, nil)
			if got := v.Cause == "cache_config.timeout_too_short"; got != tt.want {
				t.Fatalf("cause %s", v.Cause)
			}
			if tt.want && (v.Chain[1].Rule != "app.answered_late" || !strings.Contains(v.Words, "usually take 4.20 s or longer") || v.Chain[1].Part != i) {
				t.Errorf("%+v, says %q", v.Chain[1], v.Words)
			}
		})
	}
}

func TestWhoHeldTheSlots(t *testing.T) {
	s, f := varnish(503, 0, 503)
	broke(f, "backend cart7: busy")
	f.Tx.Opens = nil
	s.q.Neighbours = []parse.Neighbours{{Source: f.Source, Of: parse.OfHop, InFlight: 40, Held: []parse.Held{{Route: "/report/:id", InFlight: 38}}}}
	if v := Builtin().Diagnose(&s.q, nil); !strings.HasSuffix(v.Words, "were in use; 38 of the 40 requests in flight were for /report/:id") {
		t.Errorf("says %q", v.Words)
	}
	s.q.Neighbours[0].Held[0].InFlight = 12
	if v := Builtin().Diagnose(&s.q, nil); !strings.HasSuffix(v.Words, "were in use") {
		t.Errorf("says %q", v.Words)
	}
}
