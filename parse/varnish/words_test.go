package varnish

import (
	"testing"
	"time"
)

func TestNanos(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int64
		ok   bool
	}{
		{"1795383262.592280", 1795383262592280000, true},
		{"-0.100445", -100445000, true},
		{"3", 3e9, true},
		{"0.1234567899", 123456789, true},
		{"", 0, false}, {"-", 0, false}, {".5", 0, false}, {"5.", 0, false}, {"1e9", 0, false},
		{"99999999999.0", 0, false}, {"9999999999.9", 0, false}, {"1.2.3", 0, false},
	} {
		if got, ok := nanos([]byte(c.in)); ok != c.ok || ok && got != c.want {
			t.Errorf("%q: %d %v", c.in, got, ok)
		}
	}
}

func TestShapedTime(t *testing.T) {
	want := time.Date(2026, 11, 22, 21, 34, 22, 0, time.UTC)
	for in, unit := range map[string]int64{
		"1795383262":                   1e9,
		"1795383262000":                1e6,
		"1795383262000000":             1e3,
		"1795383262.000":               1e3,
		"[22/Nov/2026:23:34:22 +0200]": 1e9,
		"22/Nov/2026:21:34:22 +0000":   1e9,
		"2026-11-22T21:34:22Z":         1e9,
		"2026-11-22T16:04:22.000-0530": 1e6,
	} {
		at, got, ok := shapedTime([]byte(in), nil)
		if !ok || int64(at) != want.UnixNano() || got != unit {
			t.Errorf("%q: %d %d %v", in, at, got, ok)
		}
	}
	for _, in := range []string{"", "yesterday", "12345", "2026-13-22T21:34:22Z", "[22/Foo/2026:23:34:22 +0200]"} {
		if _, _, ok := shapedTime([]byte(in), nil); ok {
			t.Errorf("%q is taken for a time", in)
		}
	}
}
