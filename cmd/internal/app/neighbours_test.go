package app

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/aggregate"
)

// A story writes the logs of a Varnish and of the application behind it.
type story struct {
	app   bytes.Buffer
	vxid  int
	lines []storyLine // of Varnish
}

type storyLine struct {
	ended time.Time
	text  string
}

var storyBegins = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// fetched writes a request that Varnish passed on at a time after the story
// began. It took so long until the origin answered with status, or until the
// fetch broke with fetchError; the application logs what it did itself, where
// it took some time at it.
func (s *story) fetched(at, took time.Duration, url string, status int, fetchError string, worked time.Duration) {
	s.vxid += 3
	begin, end := storyBegins.Add(at), storyBegins.Add(at+took)
	stamp := func(t time.Time) string { return fmt.Sprintf("%.6f", float64(t.UnixMicro())/1e6) }
	id := fmt.Sprintf("req-%06d", s.vxid)
	shown := status
	if fetchError != "" {
		shown = 503
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("*   << Request  >> %d", s.vxid)
	line("-   Begin          req %d rxreq", s.vxid-1)
	line("-   Timestamp      Start: %s 0.000000 0.000000", stamp(begin))
	line("-   ReqStart       203.0.113.9 51000 a0")
	line("-   ReqMethod      GET")
	line("-   ReqURL         %s", url)
	line("-   ReqProtocol    HTTP/1.1")
	line("-   ReqHeader      Host: shop.example")
	line("-   ReqHeader      X-Request-ID: %s", id)
	line("-   VCL_call       RECV")
	line("-   VCL_return     pass")
	line("-   VCL_call       PASS")
	line("-   VCL_return     fetch")
	line("-   Link           bereq %d pass", s.vxid+1)
	line("-   Timestamp      Fetch: %s %.6f %.6f", stamp(end), took.Seconds(), took.Seconds())
	line("-   RespProtocol   HTTP/1.1")
	line("-   RespStatus     %d", shown)
	line("-   VCL_call       DELIVER")
	line("-   VCL_return     deliver")
	line("-   Timestamp      Resp: %s %.6f 0.000010", stamp(end), took.Seconds())
	line("-   ReqAcct        81 0 81 188 9 197")
	line("-   End            ")
	line("**  << BeReq    >> %d", s.vxid+1)
	line("--  Begin          bereq %d pass", s.vxid)
	line("--  Timestamp      Start: %s 0.000000 0.000000", stamp(begin))
	line("--  BereqMethod    GET")
	line("--  BereqURL       %s", url)
	line("--  BereqProtocol  HTTP/1.1")
	line("--  BereqHeader    Host: shop.example")
	line("--  BereqHeader    X-Request-ID: %s", id)
	line("--  VCL_call       BACKEND_FETCH")
	line("--  VCL_return     fetch")
	line("--  Timestamp      Fetch: %s 0.000000 0.000000", stamp(begin))
	line("--  Timestamp      Connected: %s 0.000100 0.000100", stamp(begin))
	line("--  BackendOpen    21 shop 10.0.0.8 8080 10.0.0.1 44746 connect")
	line("--  Timestamp      Bereq: %s 0.000200 0.000100", stamp(begin))
	if fetchError != "" {
		line("--  FetchError     %s", fetchError)
		line("--  BackendClose   21 shop close RX_TIMEOUT")
		line("--  Timestamp      Error: %s %.6f %.6f", stamp(end), took.Seconds(), took.Seconds()-0.0002)
		line("--  BerespProtocol HTTP/1.1")
		line("--  BerespStatus   503")
		line("--  BerespReason   Backend fetch failed")
		line("--  VCL_call       BACKEND_ERROR")
	} else {
		line("--  Timestamp      Beresp: %s %.6f %.6f", stamp(end), took.Seconds(), took.Seconds())
		line("--  BerespProtocol HTTP/1.1")
		line("--  BerespStatus   %d", status)
		line("--  VCL_call       BACKEND_RESPONSE")
	}
	line("--  VCL_return     deliver")
	line("--  BereqAcct      123 0 123 47 9 56")
	line("--  End            ")
	line("")
	s.lines = append(s.lines, storyLine{end, b.String()})
	if worked > 0 {
		done := begin.Add(worked)
		fmt.Fprintf(&s.app, `{"ts":"%s","level":"info","service":"shop","msg":"request","method":"GET","path":"%s","status":%d,"duration_ms":%.1f,"request_id":"%s"}`+"\n",
			done.Format("2006-01-02T15:04:05.000Z07:00"), url, status, float64(worked.Microseconds())/1e3, id)
	}
}

// logs returns the files, each in the order of its ends.
func (s *story) logs() logSet {
	slices.SortStableFunc(s.lines, func(a, b storyLine) int { return a.ended.Compare(b.ended) })
	var varnish strings.Builder
	for _, l := range s.lines {
		varnish.WriteString(l.text)
	}
	app := strings.Split(strings.TrimRight(s.app.String(), "\n"), "\n")
	slices.Sort(app) // each begins with its time
	return logSet{"varnishlog.log": []byte(varnish.String()), "app.json.log": []byte(strings.Join(app, "\n") + "\n")}
}

// told are the rule, cause and words of the last link of each failure.
func told(rows []aggregate.Failure) map[string]int {
	by := make(map[string]int)
	for _, f := range rows {
		last := f.Chain[len(f.Chain)-1]
		by[fmt.Sprintf("%s | %s | %v", last.Rule, f.Cause, f.Decidable)]++
	}
	return by
}

// The origin closes after 7 s again and again, and no configuration tells of a
// limit of that length: that it is one is seen in the data.
func TestAnOriginThatClosesAfterTheSameTimeHasALimit(t *testing.T) {
	for _, tt := range []struct {
		name string
		took func(i int) time.Duration
		n    int
		want map[string]int
	}{
		{"again and again", func(i int) time.Duration {
			return 7*time.Second + time.Duration(i%5)*time.Millisecond + 300*time.Microsecond
		}, 48,
			map[string]int{
				"varnish.closed | network.conn_closed | false":          4, // of the first minute: no more is known yet
				"varnish.closed_at_limit | network.conn_closed | false": 44,
			}},
		{"three times", func(int) time.Duration { return 7*time.Second + 300*time.Microsecond }, 3,
			map[string]int{"varnish.closed | network.conn_closed | false": 3}},
		{"after any time", func(i int) time.Duration { return time.Second + time.Duration(i*389%9000)*time.Millisecond }, 48,
			map[string]int{"varnish.closed | network.conn_closed | false": 48}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s story
			for i := range 400 {
				s.fetched(time.Duration(i)*2*time.Second, time.Duration(20+i*7%300)*time.Millisecond, fmt.Sprintf("/product/%d", i), 200, "", 5*time.Millisecond)
			}
			for i := range tt.n {
				s.fetched(time.Duration(i)*15*time.Second, tt.took(i), fmt.Sprintf("/report/%d", i), 0, "HTC eof (-1)", 0)
			}
			logs := s.logs()
			dir := writeFiles(t, logs)
			got := analyzePaths(t, paths(dir, "varnishlog.log", "app.json.log")...)
			if d := cmp.Diff(tt.want, told(got.rows)); d != "" {
				t.Fatal(d)
			}
			if tt.name == "again and again" {
				chain := got.rows[40].Chain // of the minute in which the 44th ended
				want := "shop closed the connection without an answer after 7.00 s, like 44 within half an hour, which looks like a time limit of its own"
				if said := chain[len(chain)-1].Words; said != want {
					t.Errorf("says %q, want %q", said, want)
				}
			}
			compare(t, got, analyzePaths(t, paths(dir, "app.json.log", "varnishlog.log")...))
		})
	}
}

// Answers that are usually ready after the proxy gave up tell of a limit that is
// too short; where they have just become slow, something else did that.
func TestATimeoutIsTooShortWhereSlowAnswersAreUsual(t *testing.T) {
	for name, usual := range map[string]time.Duration{"usual": 4900 * time.Millisecond, "newly slow": 150 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			var s story
			for i := range 40 * 6 {
				s.fetched(time.Duration(i)*10*time.Second, usual+time.Duration(i%9)*10*time.Millisecond, fmt.Sprintf("/export/%d", i), 200, "", usual)
			}
			for i := range 8 {
				at := 40*time.Minute + time.Duration(i)*9*time.Second
				s.fetched(at, 5*time.Second+400*time.Microsecond, fmt.Sprintf("/export/%d", 900+i), 200, "first byte timeout", 5600*time.Millisecond)
			}
			dir := writeFiles(t, s.logs())
			want := map[string]int{"app.answered_late | cache_config.timeout_too_short | true": 8}
			if name != "usual" {
				want = map[string]int{"varnish.first_byte_timeout | origin_slow.first_byte_timeout | false": 8}
			}
			got := analyzePaths(t, dir)
			if d := cmp.Diff(want, told(got.rows)); d != "" {
				t.Fatal(d)
			}
			compare(t, got, analyzePaths(t, filepath.Join(dir, "varnishlog.log"), filepath.Join(dir, "app.json.log")))
		})
	}
}
