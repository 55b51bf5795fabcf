package detect

import (
	"strings"
	"testing"
	"time"

	"why503/parse"
	"why503/parse/frame"
)

func TestZonesReachTheParserBehindAnEnvelope(t *testing.T) {
	failed := `2027/01/02 01:02:03 [error] 29#29: *12 connect() failed (111: Connection refused) while connecting to upstream, client: 10.1.2.3, server: x, request: "GET /x HTTP/1.1", upstream: "http://10.0.0.1:80/x"` + "\n"
	access := `10.1.2.3 - - [02/Jan/2027:01:02:03 +0300] "GET /x HTTP/1.1" 502 281 "-" "curl/8.1"` + "\n"
	east := time.FixedZone("", 3*3600)
	want := parse.Time(time.Date(2027, 1, 2, 1, 2, 3, 0, east).UnixNano())
	for name, text := range map[string]string{
		"bare": failed, "CRI": "2027-01-01T22:02:03Z stderr F " + failed, "syslog": "Jan  2 01:02:03 h nginx: " + failed, "mixed": access + failed,
	} {
		r := Detect([]byte(text), Hints{})
		if r.Parser == nil {
			t.Fatalf("%s is not known", name)
		}
		SetZone(r.Parser, east)
		SetBase(r.Parser, time.Date(2027, 1, 3, 0, 0, 0, 0, time.UTC))
		n := 0
		emit := func(r *parse.Record) {
			if n++; r.Ended != want {
				t.Errorf("%s: %v, want %v", name, time.Unix(0, int64(r.Ended)).UTC(), time.Unix(0, int64(want)).UTC())
			}
		}
		l := frame.NewLines(strings.NewReader(text), 0)
		for line, err := l.Next(); err == nil; line, err = l.Next() {
			if err := r.Parser.Parse(line, emit); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		r.Parser.Flush(emit)
		if n == 0 {
			t.Errorf("%s: no record", name)
		}
	}
}
