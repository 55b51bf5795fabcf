package report

import (
	"strings"
	"testing"

	"why503/parse/recognise"
)

func TestLabelsAreWholeWordsThatFit(t *testing.T) {
	for slug := range closer {
		if parent, _, _ := strings.Cut(slug, "."); labels[parent] == "" {
			t.Errorf("%s: no such family", slug)
		}
	}
	for _, c := range recognise.Causes() {
		parent, _, _ := strings.Cut(c.Slug, ".")
		if labels[parent] == "" {
			t.Errorf("%s: its family has no label", c.Slug)
		}
		if l := causeLabel(c.Slug); l == "" || len(l) > maxLabel {
			t.Errorf("%s: %q does not fit", c.Slug, l)
		}
	}
	for slug, want := range map[string]string{"overload.backlog_full": "queue", "app_error.exception": "error", "overload.workers_exhausted": "pool",
		"network.of_the_house": "conn", "\x1b[2J.x": "event", "": "event"} {
		if got := causeLabel(slug); got != want {
			t.Errorf("%q: %q, want %q", slug, got, want)
		}
	}
	for kind, want := range map[string]string{"deploy": "deploy", "config_reload": "config", "migration": "change", "\x1b[2J": "change", "": "change"} {
		if got := changeLabel(kind); got != want {
			t.Errorf("%q: %q, want %q", kind, got, want)
		}
	}
}
