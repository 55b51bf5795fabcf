package nginx

import (
	"errors"
	"strings"
	"testing"
	"time"

	"why503/parse"
)

func TestStampsOfTheErrorLogAreReadInItsZone(t *testing.T) {
	const line = `2026/07/01 12:00:00 [error] 6#6: *1 x, client: 10.0.0.9, server: a`
	e := NewError()
	for _, c := range []struct {
		loc  *time.Location
		want string
	}{
		{nil, "2026-07-01T12:00:00Z"},
		{time.FixedZone("", 7200), "2026-07-01T10:00:00Z"},
		{time.FixedZone("", -3600), "2026-07-01T13:00:00Z"},
	} {
		e.Zone(c.loc)
		r, err := one(e, line)
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Unix(0, int64(r.Time)).UTC().Format(time.RFC3339); got != c.want || r.Ended != r.Time {
			t.Errorf("zone %v: %s, want %s", c.loc, got, c.want)
		}
	}
}

func TestLinesOfOtherKindsAreNoErrorLog(t *testing.T) {
	for _, line := range []string{
		"2026/11/22 21:34:54 a line of another program",
		"2026/11/22 21:34:54 [loud] 6#6: x",
		"2026/11/22 21:34:54 [error] x",
		"2026/13/22 21:34:54 [error] 6#6: x",
		"2026-11-22 21:34:54 [error] 6#6: x",
		"   at some.trace(line:1)",
	} {
		if r, err := one(NewError(), line); !errors.Is(err, parse.ErrFormat) || r != nil {
			t.Errorf("%q: record %v, error %v", line, r, err)
		}
	}
}

// Lines that only say that nginx lives.
func TestRoutineMessagesGiveNoRecord(t *testing.T) {
	for _, line := range []string{
		`[notice] 6#6: start worker process 7`,
		`[notice] 6#6: using the "epoll" event method`,
		`[notice] 6#6: signal 17 (SIGCHLD) received from 9`,
		`[notice] 6#6: worker process 9 exited with code 0`,
		`[info] 6#6: *9 client 10.0.0.9 closed keepalive connection`,
		`[info] 6#6: *9 recv() failed (104: Connection reset by peer) while waiting for request, client: 10.0.0.9, server: 0.0.0.0:80`,
		`[debug] 6#6: *9 http upstream exit`,
	} {
		if r, err := one(NewError(), "2026/11/22 21:34:54 "+line); err != nil || r != nil {
			t.Errorf("%q: record %v, error %v", line, r, err)
		}
	}
}

// A start ends what a stop before it began.
func TestTheStartOfNginxIsTold(t *testing.T) {
	r, err := one(NewError(), "2026/11/22 21:34:54 [notice] 6#6: start worker processes")
	if err != nil || r == nil || r.Kind != parse.KindSignal {
		t.Errorf("record %v, error %v", r, err)
	}
}

// A message waits for its lines only while its tail is missing.
func TestAMessageWaitsForItsTailAlone(t *testing.T) {
	const head = "2026/11/22 21:34:54 [error] 6#6: *1 "
	e, n := NewError(), 0
	var last *parse.Record
	parseLine := func(text string, want int) {
		t.Helper()
		if err := e.Parse(parse.Line{Text: []byte(text)}, func(r *parse.Record) { n++; last = r.Clone() }); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if n != want {
			t.Errorf("after %q: %d records, want %d", text, n, want)
		}
	}
	parseLine(head+"whole, client: 10.0.0.9, server: a", 1)
	parseLine(head+"open", 1)
	parseLine("more", 1)
	parseLine(head+"next, client: 10.0.0.9, server: a", 3)
	parseLine(head+`FastCGI sent in stderr: "PHP message: a`, 3)
	parseLine(`b" while reading upstream, client: 10.0.0.9, server: a, request: "GET / HTTP/1.1"`, 4)
	if want := "FastCGI sent in stderr: \"PHP message: a\nb\" while reading upstream"; string(last.Message) != want {
		t.Errorf("message %q, want %q", last.Message, want)
	}
	if string(last.Notes[1].Text) != "a\nb" || last.Notes[1].Field != parse.FieldAppText {
		t.Errorf("text %q", last.Notes[1].Text)
	}
}

// Where both logs of a container are one stream, an access line is not taken
// for a part of the message before it.
func TestAccessLinesBetweenMessagesAreRefused(t *testing.T) {
	e, n := NewError(), 0
	emit := func(r *parse.Record) { n++ }
	if err := e.Parse(parse.Line{Text: []byte("2026/11/22 21:34:54 [warn] 6#6: no tail")}, emit); err != nil {
		t.Fatal(err)
	}
	access := []byte(`10.0.0.9 - - [22/Nov/2026:21:35:15 +0000] "GET / HTTP/1.1" 200 5 "-" "-"`)
	if err := e.Parse(parse.Line{Text: access}, emit); !errors.Is(err, parse.ErrFormat) || n != 1 {
		t.Errorf("error %v, %d records", err, n)
	}
}

// nginx cuts a line at 2048 bytes, in the middle of whatever stands there.
func TestAMessageThatNginxCutIsIncomplete(t *testing.T) {
	line := `2026/11/22 21:34:54 [error] 6#6: *1 upstream timed out (110: Connection timed out) while connecting to upstream, ` +
		`client: 10.0.0.9, server: a.example, request: "GET /` + strings.Repeat("x", 3000) + ` HTTP/1.1", upstream: "http://10.0.0.1/", host: "a.example"`
	r, err := one(NewError(), line[:maxErrorLine-1])
	if err != nil || r == nil {
		t.Fatalf("record %v, error %v", r, err)
	}
	if !r.Incomplete || string(r.Method) != "GET" || r.Host != nil || len(r.Upstreams) != 0 || string(r.Client) != "10.0.0.9" {
		t.Errorf("incomplete %v, method %q, host %q, upstreams %v", r.Incomplete, r.Method, r.Host, r.Upstreams)
	}
}

func TestAMessageThatNeverEndsIsBounded(t *testing.T) {
	e, n := NewError(), 0
	emit := func(r *parse.Record) { n++ }
	_ = e.Parse(parse.Line{Text: []byte("2026/11/22 21:34:54 [error] 6#6: *1 open")}, emit)
	for range 10_000 {
		_ = e.Parse(parse.Line{Text: []byte(strings.Repeat("y", 100))}, emit)
	}
	e.Flush(emit)
	if n != 1 || cap(e.open) > 4*maxJoined {
		t.Errorf("%d records, %d bytes held", n, cap(e.open))
	}
}
