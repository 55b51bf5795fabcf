package chaos

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestATableSaysHowItDiffers(t *testing.T) {
	want := &table{name: "t", columns: []string{"n", "why"}, rows: map[string][]string{"a": {"1", "x"}, "b": {"2", "y"}, "c": {"3", "z"}}}
	for _, tt := range []struct {
		name string
		got  map[string][]string
		want []string
	}{
		{"not at all", map[string][]string{"a": {"1", "x"}, "b": {"2", "y"}, "c": {"3", "z"}}, nil},
		{"by a row that is missing", map[string][]string{"a": {"1", "x"}, "c": {"3", "z"}}, []string{"t: 1 rows are missing that are in the truth, as b 2|y"}},
		{"by a row too many", map[string][]string{"a": {"1", "x"}, "b": {"2", "y"}, "c": {"3", "z"}, "d": {"4", "w"}}, []string{"t: 1 rows are too many beside the truth, as d 4|w"}},
		{"by a column", map[string][]string{"a": {"7", "x"}, "b": {"2", "y"}, "c": {"3", "z"}}, []string{`t: 1 rows n is not as in the truth, as a: "7", want "1"`}},
		{"in a row that is spared", map[string][]string{"a": {"1", "x"}, "b": {"2", "y"}, "c": {"8", "z"}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := &table{name: "t", columns: want.columns, rows: tt.got}
			spare := func(key string, _ []string) bool { return key == "c" }
			if diff := cmp.Diff(tt.want, got.against(want, "the truth", spare)); diff != "" {
				t.Error(diff)
			}
		})
	}
	twice := &table{name: "t", columns: want.columns, rows: want.rows, double: []string{"a"}}
	if diff := cmp.Diff([]string{"t: a is there twice"}, twice.against(want, "the truth", nil)); diff != "" {
		t.Error(diff)
	}
}

func TestTheLastLineSaysWhetherAllIsExact(t *testing.T) {
	for _, tt := range []struct {
		differs []string
		want    string
	}{
		{nil, "exact"},
		{[]string{"facts: one\nis not final", "more"}, "not exact: 2 differences, the first: facts: one is not final"},
	} {
		var out strings.Builder
		if err := (&Report{Differs: tt.differs}).Write(&out); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if got := lines[len(lines)-1]; got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
