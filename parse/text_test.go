package parse

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
)

func TestInteger(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "007": 7, "1795383262": 1795383262, strconv.Itoa(math.MaxInt64): math.MaxInt64,
		"": -1, "-1": -1, "+1": -1, "1.0": -1, "1 ": -1, "9223372036854775808": -1, "9999999999999999999": -1, "00000000000000000001": -1,
	} {
		got, ok := Integer([]byte(in))
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %d, %v", in, got, ok)
		}
	}
}

func TestTraceID(t *testing.T) {
	const id = "94a48f9c5c2165e5a973b906a59686e5"
	for in, want := range map[string]string{
		"00-" + id + "-ebbe08ce031f4570-01": id,
		"00-" + id:                          id,
		id:                                  id,
		strings.ToUpper(id):                 strings.ToUpper(id),
		"00-" + id + "x":                    "",
		"00-" + id[:31] + "g-ebbe":          "",
		"00-" + strings.Repeat("0", 32) + "-ebbe08ce031f4570-01": "",
		strings.Repeat("0", 32):                                  "",
		id[:16]:                                                  "",
		id + "0":                                                 "",
		"00-":                                                    "",
		"":                                                       "",
	} {
		if got := TraceID([]byte(in)); string(got) != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestSplitURL(t *testing.T) {
	for _, c := range []struct{ in, host, path string }{
		{"/a?b", "", "/a?b"},
		{"/go?to=http://h/", "", "/go?to=http://h/"},
		{"http://h.test:81/a?b", "h.test:81", "/a?b"},
		{"HTTPS://h", "h", "/"},
		{"http://h?x=/", "h", "?x=/"},
		{"http://h#x", "h", "#x"},
		{"veryverylong://h/", "", "veryverylong://h/"},
		{"://h/", "", "://h/"},
		{"http:/", "", "http:/"},
		{"*", "", "*"},
		{"", "", ""},
	} {
		if host, path := SplitURL([]byte(c.in)); string(host) != c.host || string(path) != c.path {
			t.Errorf("%q: %q %q", c.in, host, path)
		}
	}
}

func TestWithoutPort(t *testing.T) {
	for in, want := range map[string]string{
		"10.0.0.1:80": "10.0.0.1", "10.0.0.1": "10.0.0.1", "localhost:80": "localhost", "[::1]:80": "::1", "[::1]": "::1",
		"::1": "::1", "2001:db8::1": "2001:db8::1", "unix:/run/app.sock": "unix:/run/app.sock", "unix:": "unix:", "[": "[", ":80": ":80", "": "",
	} {
		if got := WithoutPort([]byte(in)); string(got) != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestHandlingOfReadsWhatStringWrites(t *testing.T) {
	for h := HandlingNone; int(h) < len(handlingNames); h++ {
		if got := HandlingOf([]byte(h.String())); got != h {
			t.Errorf("%q became %q", h, got)
		}
		if got := HandlingOf([]byte(strings.ToUpper(h.String()))); got != h {
			t.Errorf("%q in capitals became %q", h, got)
		}
	}
	for _, w := range []string{"hits", "hit-for-pass", "BYPASS", "-"} {
		if got := HandlingOf([]byte(w)); got != HandlingNone {
			t.Errorf("%q became %q", w, got)
		}
	}
}

func TestEveryProgramHasAName(t *testing.T) {
	seen := map[string]bool{}
	for p := ProgramNone; p <= CDN; p++ {
		if seen[p.String()] {
			t.Errorf("%q twice", p)
		}
		seen[p.String()] = true
	}
}

// FuzzUnescape holds the decoder against the one of the standard library, and
// to its bound.
func FuzzUnescape(f *testing.F) {
	f.Add(`a \"b\" \u003c\ud83d\ude00 \\n`)
	f.Add(`\ud83d\u0041 \x41 \u12`)
	f.Add(`\`)
	f.Fuzz(func(t *testing.T, s string) {
		got := string(Unescape(nil, []byte(s)))
		if len(got) > len(s) {
			t.Fatalf("%q grew to %q", s, got)
		}
		var want string
		if json.Unmarshal([]byte(`"`+s+`"`), &want) != nil || strings.ContainsRune(want, '\uFFFD') {
			return
		}
		if got != want {
			t.Fatalf("%q became %q, want %q", s, got, want)
		}
	})
}

func TestReadersAllocateNothing(t *testing.T) {
	line := []byte("2026-11-22T21:35:16.726+01:00")
	word := []byte("a word that is no handling, and long")
	url, addr := []byte("http://h.test/a"), []byte("10.0.0.1:80")
	dst := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		DateTime(line)
		Offset(line[23:])
		HandlingOf(word)
		HandlingOf(word[:3])
		TraceID(word)
		SplitURL(url)
		WithoutPort(addr)
		Unescape(dst, word)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
