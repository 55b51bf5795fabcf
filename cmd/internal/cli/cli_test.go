package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"why503/rules"
	"why503/rules/ruletest"
)

func TestBuiltinRulesThroughTheWholePipeline(t *testing.T) {
	var out bytes.Buffer
	res, err := ruletest.Run(rules.Files(), pipeline(t.Context(), rules.Builtin()), &out, true)
	if err != nil || res.Passed < 5 {
		t.Fatalf("%+v %v\n%s", res, err, out.String())
	}
}

func TestAStoppedRunReportsWhatItRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	line := `192.0.2.9 - - [01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "-"` + "\n"
	if err := os.WriteFile(path, []byte(strings.Repeat(line, 20_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	code := Run(ctx, []string{"analyze", path}, IO{In: strings.NewReader(""), Out: &stdout, Err: &stderr})
	if code != exitFailed || !strings.HasPrefix(stdout.String(), "why     (stopped at ") {
		t.Errorf("exit code %d\n%s%s", code, stdout.String(), stderr.String())
	}
}

func TestLookupEndsWithItsContext(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	var stdout, stderr bytes.Buffer
	if code := Run(ctx, []string{"lookup", "-"}, IO{In: r, Out: &stdout, Err: &stderr}); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
}

func TestMoment(t *testing.T) {
	berlin := time.FixedZone("", 2*3600)
	at := time.Date(2026, 11, 22, 21, 36, 0, 0, time.UTC)
	for _, tt := range []struct {
		text string
		loc  *time.Location
		want time.Time
		span time.Duration
	}{
		{"2026-11-22T21:36:00Z", nil, at, 0},
		{"2026-11-22T21:36:00.5Z", nil, at.Add(time.Second / 2), 0},
		{"2026-11-22T21:36", nil, at, 0},
		{"2026-11-22 23:36", berlin, at, 0},
		{"2026-11-22T21:36:00Z", berlin, at, 0},
		{"2026-11-22", nil, at.Truncate(24 * time.Hour), 0},
		{"15m", nil, time.Time{}, 15 * time.Minute},
		{"-1h30m", nil, time.Time{}, 90 * time.Minute},
		{"7d", nil, time.Time{}, 7 * 24 * time.Hour},
		{"", nil, time.Time{}, 0},
	} {
		got, span, err := moment("since", tt.text, tt.loc)
		if err != nil || !got.Equal(tt.want) || span != tt.span {
			t.Errorf("%q: %v %v %v", tt.text, got, span, err)
		}
	}
	for _, text := range []string{"yesterday", "15", "0s", "--5m", "99999999d", "2026-13-01", "1e9h"} {
		if got, span, err := moment("since", text, nil); err == nil {
			t.Errorf("%q was taken as %v %v", text, got, span)
		}
	}
}

func TestIdentity(t *testing.T) {
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	for _, tt := range []struct {
		text, uid, trace string
		vxid             uint64
	}{
		{"65571", "", "", 65571},
		{" 655710 ", "655710", "", 655710},
		{"ED0919", "ed0919", "", 0},
		{"ed091", "", "", 0},
		{trace, trace, trace, 0},
		{"00-" + trace + "-00f067aa0ba902b7-01", "", trace, 0},
		{"99999999999999999999999", "99999999999999999999999", "", 0},
		{"", "", "", 0},
	} {
		id := newIdentity(tt.text)
		if id.uid != tt.uid || string(id.trace) != tt.trace || id.vxid != tt.vxid {
			t.Errorf("%q: %+v", tt.text, id)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 10, ""},
		{"one two three", 7, "one two|three"},
		{"unbreakable word", 4, "unbreakable|word"},
		{"  spaces   fold ", 20, "spaces fold"},
		{"wörter zählen", 6, "wörter|zählen"},
	} {
		if got := strings.Join(wrap(tt.text, tt.width), "|"); got != tt.want {
			t.Errorf("%q at %d: %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}
