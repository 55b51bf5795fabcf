package cli

import (
	"strconv"
	"strings"
	"time"
)

// moment reads a point of time as people type it: in full, without a zone (it
// is of loc then; nil is UTC), a date, or a span before the newest line.
func moment(flag, s string, loc *time.Location) (time.Time, time.Duration, error) {
	if s == "" {
		return time.Time{}, 0, nil
	}
	if loc == nil {
		loc = time.UTC
	}
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly,
	} {
		if t, err := time.ParseInLocation(layout, s, loc); err == nil {
			return t, 0, nil
		}
	}
	if d, ok := span(strings.TrimPrefix(s, "-")); ok {
		return time.Time{}, d, nil
	}
	return time.Time{}, 0, misused("--%s %s: not a time. Write it like 2026-11-22T21:36:00Z, 2026-11-22, or 15m for 15 minutes before the newest line", flag, s)
}

// span reads 90s, 15m, 2h, 1h30m and 7d.
func span(s string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err == nil && n > 0 && n <= 36500
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d > 0
}

// zone reads the name of a zone or an offset; "" gives nil.
func zone(flag, s string) (*time.Location, error) {
	if s == "" {
		return nil, nil //nolint:nilnil // no zone was given
	}
	if t, err := time.Parse("-07:00", s); err == nil {
		_, off := t.Zone()
		return time.FixedZone(s, off), nil
	}
	loc, err := time.LoadLocation(s)
	if err != nil {
		return nil, misused("--%s %s: no such zone. Write it like Europe/Berlin, UTC or +02:00", flag, s)
	}
	return loc, nil
}
