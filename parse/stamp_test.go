package parse

import (
	"testing"
	"time"
)

func TestDateTimeReadsWhatTheStandardLibraryReads(t *testing.T) {
	for day := time.Date(1970, 1, 1, 23, 59, 58, 0, time.UTC); day.Year() <= 2200; day = day.AddDate(0, 0, 1) {
		got, ok := DateTime([]byte(day.Format("2006-01-02T15:04:05")))
		if !ok || int64(got) != day.UnixNano() {
			t.Fatalf("%v: %v, %v", day, time.Unix(0, int64(got)).UTC(), ok)
		}
	}
}

func TestDateTime(t *testing.T) {
	for in, want := range map[string]string{
		"2026-11-22T21:35:16.7": "2026-11-22T21:35:16Z",
		"2026/11/22 21:35:16":   "2026-11-22T21:35:16Z",
		"2026-06-30T23:59:60":   "2026-07-01T00:00:00Z",
		"2024-02-29 00:00:00":   "2024-02-29T00:00:00Z",
		"2026-02-29 00:00:00":   "",
		"2026-04-31 00:00:00":   "",
		"2026-11/22 21:35:16":   "",
		"2026-11-22_21:35:16":   "",
		"2026-11-22T24:00:00":   "",
		"2026-11-22T21:60:00":   "",
		"2026-00-22T21:00:00":   "",
		"2026-11-00T21:00:00":   "",
		"1969-12-31T21:00:00":   "",
		"2201-01-01T00:00:00":   "",
		"2026-1x-22T21:35:16":   "",
		"2026-11-22T21:35:1":    "",
		"":                      "",
	} {
		got, ok := DateTime([]byte(in))
		if ok != (want != "") || ok && time.Unix(0, int64(got)).UTC().Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v", in, time.Unix(0, int64(got)).UTC(), ok)
		}
	}
}

func TestMonthKnowsTheTwelve(t *testing.T) {
	for m := time.January; m <= time.December; m++ {
		if got := Month([]byte(m.String())); got != int(m) {
			t.Errorf("%v: %d", m, got)
		}
	}
	for _, in := range []string{"", "Ja", "jan", "NOV", "Foo", "\x00\x00\x00"} {
		if got := Month([]byte(in)); got != 0 {
			t.Errorf("%q: %d", in, got)
		}
	}
}

func TestFraction(t *testing.T) {
	for in, want := range map[string][3]int64{
		"":            {0, 1e9, 0},
		"x":           {0, 1e9, 0},
		"7":           {7e8, 1e8, 1},
		"726Z":        {726e6, 1e6, 3},
		"123456789":   {123456789, 1, 9},
		"12345678999": {123456789, 1, 11},
	} {
		ns, unit, n := Fraction([]byte(in))
		if got := [3]int64{ns, unit, int64(n)}; got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}

func TestOffset(t *testing.T) {
	for in, want := range map[string][2]int{
		"Z":       {0, 1},
		"+0000":   {0, 5},
		"+0530]":  {19800, 5},
		"-03:30":  {-12600, 6},
		"+01":     {3600, 3},
		"+01 x":   {3600, 3},
		"-00":     {0, 3},
		"":        {},
		"+":       {},
		"+1":      {},
		"+1:00":   {},
		"+1600":   {},
		"+0160":   {},
		"+010":    {},
		"+01000":  {},
		"+01:000": {},
		"+01:5x":  {},
		"0100":    {},
	} {
		seconds, n := Offset([]byte(in))
		if got := [2]int{seconds, n}; got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}
