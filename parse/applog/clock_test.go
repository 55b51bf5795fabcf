package applog

import (
	"testing"
	"time"

	"why503/parse"
)

func TestStamps(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	for _, c := range []struct {
		stamp string
		want  string // in UTC; "" when it is none
		n     int    // bytes taken; 0 for all
		prec  time.Duration
	}{
		{"2026-11-22 21:35:16,726", "2026-11-22T20:35:16.726Z", 0, time.Millisecond},
		{"2026-11-22T21:35:16.726Z", "2026-11-22T21:35:16.726Z", 0, time.Millisecond},
		{"2026-11-22T21:35:16.726123456+01:30", "2026-11-22T20:05:16.726123456Z", 0, 1},
		{"2026-11-22T21:35:16.7261234567891Z", "2026-11-22T21:35:16.726123456Z", 0, 1},
		{"2026-11-22 21:35:16 -0500", "2026-11-23T02:35:16Z", 0, time.Second},
		{"2026-11-22 21:35:16 UTC", "2026-11-22T21:35:16Z", 0, time.Second},
		{"2026-11-22T21:35", "2026-11-22T20:35:00Z", 0, time.Minute},
		{"2026/11/22 21:35:16", "2026-11-22T20:35:16Z", 0, time.Second},
		{"2026/11/22 - 21:35:16", "2026-11-22T20:35:16Z", 0, time.Second},
		{"22-Nov-2026 21:36:10", "2026-11-22T20:36:10Z", 0, time.Second},
		{"22-Nov-2026 21:36:10.123 UTC", "2026-11-22T21:36:10.123Z", 0, time.Millisecond},
		{"22-Nov-2026 21:36:10 Europe/Berlin", "2026-11-22T20:36:10Z", 20, time.Second},
		{"22/Nov/2026:21:35:16 +0000", "2026-11-22T21:35:16Z", 0, time.Second},
		{"22/Nov/2026 21:35:16", "2026-11-22T20:35:16Z", 0, time.Second},
		{"22 Nov 2026 21:35:16.5", "2026-11-22T20:35:16.5Z", 0, 100 * time.Millisecond},
		{"Nov 22 21:35:16", "2026-11-22T20:35:16Z", 0, time.Second},
		{"Nov  2 21:35:16.123456", "2026-11-02T20:35:16.123456Z", 0, time.Microsecond},
		{"Nov 22, 2026 9:35:16 PM", "2026-11-22T20:35:16Z", 0, time.Second},
		{"Nov 22, 2026 12:35:16 AM", "2026-11-21T23:35:16Z", 0, time.Second},
		{"Sun Nov 22 21:35:16 2026", "2026-11-22T20:35:16Z", 0, time.Second},
		{"Sun Nov 22 21:35:16.123456 2026", "2026-11-22T20:35:16.123456Z", 0, time.Microsecond},
		{"Sun 2026-11-22 21:35:00 UTC", "2026-11-22T21:35:00Z", 0, time.Second},
		{"Sun, 22 Nov 2026 21:35:16 GMT", "2026-11-22T21:35:16Z", 0, time.Second},
		{"21:35:16.726", "2026-11-22T20:35:16.726Z", 0, time.Millisecond},
		{"09:00:00", "2026-11-23T08:00:00Z", 0, time.Second}, // nearest to midnight
		{"1795383316", "2026-11-22T21:35:16Z", 0, time.Second},
		{"1795383316.726", "2026-11-22T21:35:16.726Z", 0, time.Millisecond},
		{"1795383316726", "2026-11-22T21:35:16.726Z", 0, time.Millisecond},
		{"1795383316726123", "2026-11-22T21:35:16.726123Z", 0, time.Microsecond},
		{"1795383316726123456", "2026-11-22T21:35:16.726123456Z", 0, 1},
		{"Dec 31 23:59:59", "2025-12-31T22:59:59Z", 0, time.Second}, // more than a day after the base this year
		{"Feb 29 12:00:00", "2024-02-29T11:00:00Z", 0, time.Second},
		{"Nov 23 21:35:16", "2026-11-23T20:35:16Z", 0, time.Second}, // within a day after the base
		{"2026-13-22 21:35:16", "", 0, 0},
		{"2026-02-30 21:35:16", "", 0, 0},
		{"2026-11-22 25:35:16", "", 0, 0},
		{"2026-11-22 21:65:16", "", 0, 0},
		{"12345", "", 0, 0},
		{"9999999999999999999", "", 0, 0},
		{"Nov 22", "", 0, 0},
		{"Sun", "", 0, 0},
		{"", "", 0, 0},
	} {
		t.Run(c.stamp, func(t *testing.T) {
			civ, n := readStamp([]byte(c.stamp))
			if c.want == "" {
				if n != 0 {
					t.Fatalf("took %d bytes", n)
				}
				return
			}
			if want := max(c.n, len(c.stamp)*b2i(c.n == 0)); n != want {
				t.Errorf("took %d bytes, want %d", n, want)
			}
			k := clock{loc: berlin, base: base}
			if got := time.Unix(0, int64(k.time(civ))).UTC().Format(time.RFC3339Nano); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if civ.prec != int64(c.prec) {
				t.Errorf("precision %v, want %v", time.Duration(civ.prec), c.prec)
			}
		})
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestStampsWithoutYearNeedABase(t *testing.T) {
	civ, _ := readStamp([]byte("Nov 22 21:35:16"))
	if got := new(clock).time(civ); got != 0 {
		t.Errorf("got %d without a base", got)
	}
}

// TestCivilAgreesWithTime walks days over leap years and centuries.
func TestStampsAgreeWithTheStandardLibrary(t *testing.T) {
	var k clock
	for d := time.Date(1970, 1, 1, 13, 14, 15, 0, time.UTC); d.Year() < 2110; d = d.AddDate(0, 0, 1) {
		civ := civil{year: d.Year(), month: int(d.Month()), day: d.Day(), hour: 13, min: 14, sec: 15}
		if got := k.time(civ); got != parse.Time(d.UnixNano()) {
			t.Fatalf("%s: got %d", d, got)
		}
	}
}

func TestDurations(t *testing.T) {
	for _, c := range []struct {
		in   string
		unit int64
		want time.Duration
		ok   bool
	}{
		{"12.3ms", 0, 12300 * time.Microsecond, true},
		{"1m2.5s", 0, 62500 * time.Millisecond, true},
		{"250µs", 0, 250 * time.Microsecond, true},
		{"3 msecs", 0, 3 * time.Millisecond, true},
		{"1h", 0, time.Hour, true},
		{"99h", 0, 0, false},
		{"12", 0, 0, false},
		{"ms", 0, 0, false},
		{"", 0, 0, false},
		{"12.5", millisecond, 12500 * time.Microsecond, true},
		{"1e-3", second, time.Millisecond, true},
		{"1.795383316e9", 1, 1795383316, true},
		{"99999999999999999999999", second, 0, false},
		{"1e99", second, 0, false},
		{"1.2.3", second, 0, false},
	} {
		var got int64
		var ok bool
		if c.unit == 0 {
			got, ok = withUnit([]byte(c.in))
		} else {
			got, ok = scaled([]byte(c.in), c.unit)
		}
		if ok != c.ok || ok && got != int64(c.want) {
			t.Errorf("%q: got %v %v, want %v %v", c.in, time.Duration(got), ok, c.want, c.ok)
		}
	}
}
