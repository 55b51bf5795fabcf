package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"why503/parse"
)

// stampSlack is how far stamps of two programs of one host may contradict each
// other: nginx takes its time from a clock that it renews once an event loop.
const stampSlack = parse.Time(5 * time.Millisecond)

// order says by how much each part has to be moved so that none begins before
// the one that it belongs to. Stamps are cut off, not rounded, so a moment lies
// at its stamp or up to the format's precision later; what a contradiction
// needs beyond that is a clock that goes wrong, and stays as it is. The length
// of a part is kept, since it was measured and not stamped.
func (e *explainer) order() {
	parts := e.q.Parts
	e.moved = make([]parse.Time, len(parts))
	done := make([]bool, len(parts))
	var settle func(i, depth int)
	settle = func(i, depth int) {
		if done[i] {
			return
		}
		done[i] = true // before the climb, so that a circle ends
		parent := parts[i].Parent
		if parent < 0 || parent >= len(parts) || parent == i {
			parent = 0
		}
		if i == 0 || depth > len(parts) || e.start(i) == 0 {
			return
		}
		settle(parent, depth+1)
		if e.start(parent) == 0 {
			return
		}
		late := e.start(parent) - e.start(i)
		if late > 0 && late <= parse.Time(parts[i].Record.Precision)+stampSlack {
			e.moved[i] = late
		}
	}
	for i := range parts {
		settle(i, 0)
	}
}

// zero is the moment from which a ladder counts: the request's begin.
func (e *explainer) zero(l *ladder) parse.Time {
	if t := e.start(0); t != 0 {
		return t
	}
	return l.from
}

// clock writes seconds in six cells, with more digits for a short ladder; it
// knows no zero below zero.
func clock(d, whole parse.Time) string {
	seconds := float64(d) / float64(time.Second)
	digits := 3
	switch {
	case seconds >= 100:
		digits = 1
	case whole < parse.Time(10*time.Millisecond):
		digits = 4
	}
	return fmt.Sprintf("%6s", unsigned(strconv.FormatFloat(seconds, 'f', digits, 64)))
}

// lead writes how long before the request something was, with as few digits as
// tell it from the request's begin.
func lead(d parse.Time) string {
	seconds := time.Duration(d).Seconds()
	switch {
	case d >= parse.Time(48*time.Hour):
		return fmt.Sprintf("-%d d", d/parse.Time(24*time.Hour))
	case seconds >= 9.95:
		return "-" + strconv.FormatFloat(seconds, 'f', 0, 64)
	case seconds >= 0.05:
		return "-" + strconv.FormatFloat(seconds, 'f', 1, 64)
	}
	return unsigned("-" + strconv.FormatFloat(seconds, 'f', 3, 64))
}

func unsigned(number string) string {
	if strings.Trim(number, "-0.") == "" {
		return strings.TrimPrefix(number, "-")
	}
	return number
}
