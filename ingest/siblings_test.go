package ingest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSiblingsAreSortedOldestFirst(t *testing.T) {
	for _, tt := range []struct {
		name, live string
		paths      []string
		want       []string
	}{
		{"numbers", "d/x.log", []string{"d/x.log", "d/x.log.1", "d/x.log.10.gz", "d/x.log.2.gz", "d/y.log.1", "d/x.log2"},
			[]string{"d/x.log.10.gz", "d/x.log.2.gz", "d/x.log.1"}},
		{"dates, before the extension as well", "x.log", []string{"x.log-20260103", "x-20260101.log.gz", "x.log-20260102.gz"},
			[]string{"x-20260101.log.gz", "x.log-20260102.gz", "x.log-20260103"}},
		{"a live file with a date", "x-20260102.log", []string{"x-20260101.log", "x-20260103.log", "x-20260102.log", "x-20260102.log.gz"},
			[]string{"x-20260101.log", "x-20260102.log.gz"}},
		{"none", "x.log", []string{"x.log", "xx.log.1"}, []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Siblings(tt.live, tt.paths)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestANameTellsWhatItWasRotatedFrom(t *testing.T) {
	for _, tt := range []struct {
		path, live    string
		rotated, sure bool
	}{
		{"d/x.log", "d/x.log", false, true},
		{"d/x.log.1", "d/x.log", true, true},
		{"d/x.2.gz", "d/x", true, true},
		{"php8.2", "php8", true, false},
		{"x-20260101.log", "x.log", true, false},
	} {
		live, rotated, sure := RotatedFrom(tt.path)
		if live != tt.live || rotated != tt.rotated || sure != tt.sure {
			t.Errorf("%s: %s %v %v", tt.path, live, rotated, sure)
		}
	}
}
