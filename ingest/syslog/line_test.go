package syslog

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/parse/frame"
)

var now = time.Date(2026, 11, 23, 2, 10, 43, 123456789, time.UTC)

const stamp = "2026-11-23T02:10:43.123456+00:00"

func TestALineHasWhatFormatsNeed(t *testing.T) {
	for _, tt := range []struct{ name, in, line, program, host string }{
		{"nginx", `<190>Nov 23 02:10:43 web-1 nginx: 127.0.0.1 - - [23/Nov/2026:02:10:43 +0000] "GET / HTTP/1.1" 502 150 "-" "curl"`, "=", "nginx", "web-1"},
		{"nginx's error log, by the same tag", `<187>Nov 23 02:10:43 web-1 nginx: 2026/11/23 02:10:43 [error] 7#7: *1 connect() failed`, "=", "nginx-error", "web-1"},
		{"nginx nohostname", `<190>Nov  3 02:10:43 nginx: 127.0.0.1 - -`, `<190>Nov  3 02:10:43 10.0.0.9 nginx: 127.0.0.1 - -`, "nginx", "10.0.0.9"},
		{"HAProxy", `<134>Nov 23 02:10:43 haproxy[12]: 10.0.0.1:4 [..] fe be/s 0/0/0/0/0 200`, `<134>Nov 23 02:10:43 10.0.0.9 haproxy[12]: 10.0.0.1:4 [..] fe be/s 0/0/0/0/0 200`, "haproxy", "10.0.0.9"},
		{"HAProxy with format rfc5424", `<134>1 2026-11-23T02:10:43.123456+00:00 - haproxy 12 - - text`, `<134>1 2026-11-23T02:10:43.123456+00:00 10.0.0.9 haproxy 12 - - text`, "haproxy", "10.0.0.9"},
		{"HAProxy's host over rfc3164", `<134>Nov 23 02:10:43 lb-1 haproxy[12]: text`, "=", "haproxy", "lb-1"},
		{"rsyslog's forward format", `<13>2026-11-23T02:10:43.123456+01:00 app-1 shop[77]: java.lang.X: y`, "=", "shop", "app-1"},
		{"rsyslog's traditional forward format", `<30>Nov 23 02:10:43 app-1 systemd[1]: Started x.`, "=", "systemd", "app-1"},
		{"rsyslog's file format without priority", `2026-11-23T02:10:43.123456+01:00 app-1 shop[77]: x`, "=", "shop", "app-1"},
		{"RFC 5424 with structured data", `<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3"] ` + "\xef\xbb\xbfAn application", "=", "evntslog", "mymachine.example.com"},
		{"RFC 5424 with nothing", "<0>1 - - - - - -", "<0>1 " + stamp + " 10.0.0.9 - - - -", "unknown", "10.0.0.9"},
		{"varnish by logger", `<13>Nov 23 02:10:43 cache-1 varnishd[9]: Child (12) died signal=6`, "=", "varnishd", "cache-1"},
		{"the C library on a local socket", "<13>Nov 23 02:10:43 prog: text\x00", "<13>Nov 23 02:10:43 10.0.0.9 prog: text", "prog", "10.0.0.9"},
		{"a year in the stamp", `<13>Nov 23 2026 02:10:43 fw %ASA-4-1: text`, "=", "%ASA-4-1", "fw"},
		{"only a priority", "<13>hello there", "<13>" + stamp + " 10.0.0.9 unknown: hello there", "unknown", "10.0.0.9"},
		{"a priority out of range", "<192>hello", "=", "", "10.0.0.9"},
		{"no header", `{"msg":"x"}`, "=", "", "10.0.0.9"},
		{"a day that is none", "<13>Nov 32 02:10:43 h p: x", "<13>" + stamp + " 10.0.0.9 unknown: Nov 32 02:10:43 h p: x", "unknown", "10.0.0.9"},
		{"a host that is none", "<13>Nov 23 02:10:43 h/../x p: x", "<13>" + stamp + " 10.0.0.9 unknown: Nov 23 02:10:43 h/../x p: x", "unknown", "10.0.0.9"},
		{"line ends in it", "<13>Nov 23 02:10:43 h p: a\nNov 23 02:10:43 other q: forged\r\n\n", "<13>Nov 23 02:10:43 h p: a#012Nov 23 02:10:43 other q: forged", "p", "h"},
		{"line ends in a header", "<13>Nov 23 02:10:43 h\nx p: a", "<13>" + stamp + " 10.0.0.9 unknown: Nov 23 02:10:43 h#012x p: a", "unknown", "10.0.0.9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			line, program, host := appendLine(nil, []byte(tt.in), &sender{host: []byte("10.0.0.9")}, now)
			if tt.line == "=" {
				tt.line = tt.in
			}
			if diff := cmp.Diff([]string{tt.line + "\n", tt.program, tt.host}, []string{string(line), string(program), string(host)}); diff != "" {
				t.Error(diff)
			}
			if tt.program == "" {
				return
			}
			in, _, ok := frame.Unwrap(frame.Syslog, bytes.TrimSuffix(line, []byte("\n")), nil)
			if !ok || string(in.Host) != tt.host {
				t.Errorf("it is unwrapped as %+v", in)
			}
		})
	}
}

func TestATraceThatIsSentInLinesIsContinued(t *testing.T) {
	s := sender{host: []byte("10.0.0.9")}
	var b []byte
	for _, msg := range []string{"<11>Nov 23 02:10:43 h shop[7]: java.lang.X: y", "\tat a.b(C.java:1)", "not of it", "<11>Nov 23 02:10:43 h shop[7]: z"} {
		b, _, _ = appendLine(b, []byte(msg), &s, now)
	}
	want := "<11>Nov 23 02:10:43 h shop[7]: java.lang.X: y\n<11>Nov 23 02:10:43 h shop[7]: \tat a.b(C.java:1)\nnot of it\n<11>Nov 23 02:10:43 h shop[7]: z\n"
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Error(diff)
	}
}

// FuzzLine holds that a message is one line, and that package frame reads the
// header that was read here.
func FuzzLine(f *testing.F) {
	for _, s := range []string{
		"<190>Nov 23 02:10:43 web-1 nginx: text", "<13>1 2026-11-23T02:10:43Z h a 1 - [x y=\"]\"] t", "<0>1 - - - - - -", "<134>Nov 23 02:10:43 haproxy[12]: x\ny",
		"2026-11-23T02:10:43,1+01:00 h p[1]: x", "<13>", " \tcontinued", "Nov 23 2026 02:10:43.5 a b:", "<13>Nov 23 02:10:43 a[b]: c: d",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		s := sender{host: []byte("10.0.0.9"), last: []byte("<11>Nov 23 02:10:43 h shop[7]: "), tag: []byte("shop"), from: []byte("h")}
		before := bytes.Clone(msg)
		h := parseHeader(msg)
		line, program, host := appendLine([]byte("x\n"), msg, &s, now)
		if !bytes.Equal(before, msg) {
			t.Fatal("the message was changed")
		}
		line = line[2:]
		if bytes.IndexByte(line, '\n') != len(line)-1 {
			t.Fatalf("%q became %q", msg, line)
		}
		if len(line) > 4*len(msg)+1024 {
			t.Fatalf("%d bytes became %d", len(msg), len(line))
		}
		if h.form == bare {
			return
		}
		in, _, ok := frame.Unwrap(frame.Syslog, line[:len(line)-1], nil)
		if h.form == rfc5424 && !ok && in.Host == nil {
			return // structured data is not read here
		}
		name := strings.TrimSuffix(string(program), "-error")
		if string(in.Tag) != name && string(in.Tag) != string(program) && string(program) != string(unnamed) || string(in.Host) != string(host) {
			t.Fatalf("%q of %q is unwrapped as %q of %q from %q", program, host, in.Tag, in.Host, line)
		}
	})
}
