package report

import (
	"slices"
	"strings"
	"testing"
)

func TestAStoryTellsWhatExplainWrites(t *testing.T) {
	for name, made := range map[string]request{"locked": lockedRequest, "retried": retried, "alone": alone, "pool full": poolFull} {
		t.Run(name, func(t *testing.T) {
			q, v, o := made()
			st, err := Tell(q, v, o)
			if err != nil {
				t.Fatal(err)
			}
			text := explain(t, made, Options{Width: 400, All: true})
			if !strings.Contains(text, st.Sentence) {
				t.Errorf("explain does not say: %s", st.Sentence)
			}
			for _, h := range st.Hops {
				if !strings.Contains(text, h.Program) || h.Text != "" && !strings.Contains(text, Escape(h.Text)) {
					t.Errorf("explain does not tell of %s: %s", h.Program, h.Text)
				}
			}
			for _, l := range st.Ladders {
				for _, lane := range l.Lanes {
					if !strings.Contains(text, lane) {
						t.Errorf("explain has no lane %s", lane)
					}
				}
				for _, s := range l.Spans {
					if s.From > s.To || s.To >= len(l.Rows) || s.Lane >= len(l.Lanes) || s.By >= len(l.Lanes) {
						t.Errorf("a span outside of its ladder: %+v", s)
					}
				}
				if !slices.IsSortedFunc(l.Rows, func(a, b LadderRow) int { return int(a.At - b.At) }) {
					t.Error("rows are not in the order of time")
				}
				for _, n := range l.Notes {
					if n.Row >= len(l.Rows) || n.Row < 0 && n.At >= 0 {
						t.Errorf("a note outside of its ladder: %+v", n)
					}
				}
			}
		})
	}
}

func TestAStoryNeedsRecords(t *testing.T) {
	q, v, o := alone()
	q.Parts = nil
	if _, err := Tell(q, v, o); err == nil {
		t.Error("a request without records has a story")
	}
}
