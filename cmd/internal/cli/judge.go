package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"why503/aggregate"
)

// States of a check: the exit codes of monitoring plugins.
//
// https://www.monitoring-plugins.org/doc/guidelines.html
const (
	stateOK       = 0
	stateWarning  = 1
	stateCritical = 2
	stateUnknown  = 3
)

var stateNames = [...]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}

// limits are what a check judges by.
type limits struct {
	warning, critical       float64 // percent of the requests
	requests                int64   // with fewer it is not judged
	lagWarning, lagCritical time.Duration
}

// judge makes a state and its line of an answer. The line is one of ASCII,
// whatever the logs hold.
func judge(a *aggregate.Check, l limits, now time.Time) (state int, line string) {
	ratio := 100 * aggregate.CheckRatio(a.Failures, a.Requests)
	window := "in " + spanWords(time.Duration(a.WindowS*float64(time.Second)))
	lag := time.Duration(a.LagS * float64(time.Second))
	requests := max(a.Requests, a.Failures)
	silent := time.Duration(a.SilentS * float64(time.Second))
	var text string
	switch {
	case a.Sources == 0:
		return stateUnknown, "UNKNOWN: no log is read. Name PATHs to why503 serve; why503 doctor says which there are" + perf(a, ratio, l)
	case silent > time.Duration(a.WindowS*float64(time.Second)):
		return stateUnknown, oneLine("UNKNOWN: "+silence(a, silent, now)) + perf(a, ratio, l)
	case requests < max(l.requests, 1):
		text = fmt.Sprintf("%s %s %s, too few to judge (%s)", thousands(requests), plural(requests, "request"), window, thousands(max(l.requests, 1)))
	default:
		text = fmt.Sprintf("%s failed (%s of %s %s)", percentWords(ratio, a.Failures == requests), thousands(a.Failures), thousands(requests), window)
		switch {
		case ratio > l.critical:
			state = stateCritical
		case ratio > l.warning:
			state = stateWarning
		}
		if state != stateOK {
			if len(a.Causes) > 0 && a.Failures > 0 {
				c := a.Causes[0]
				text += fmt.Sprintf(", %s %s", c.Cause, percentWords(100*c.Share, c.Count == a.Failures))
			}
			if a.Since != nil {
				text += ", since " + moments(*a.Since, now)
			}
		}
	}
	if late := lagState(lag, l); late != stateOK {
		behind := "reading is " + spanWords(lag) + " behind the logs"
		if state == stateOK {
			text = behind + "; " + text
		} else {
			text += "; " + behind
		}
		state = max(state, late)
	}
	return state, oneLine(stateNames[state]+": "+text) + perf(a, ratio, l)
}

func lagState(lag time.Duration, l limits) int {
	switch {
	case lag > l.lagCritical:
		return stateCritical
	case lag > l.lagWarning:
		return stateWarning
	}
	return stateOK
}

func silence(a *aggregate.Check, silent time.Duration, now time.Time) string {
	running := "are the proxies running?"
	if a.Front != "" {
		running = "is " + a.Front + " running?"
	}
	if a.LastLine == nil {
		return fmt.Sprintf("no line since the start (%s): %s", spanWords(silent), running)
	}
	return fmt.Sprintf("no line since %s (%s): %s", moments(*a.LastLine, now), spanWords(silent), running)
}

// perf is the performance data.
func perf(a *aggregate.Check, ratio float64, l limits) string {
	return fmt.Sprintf(" | 'failure_ratio'=%s%%;%s;%s;0;100 'failures'=%d;;;0 'requests'=%d;;;0 'undecided'=%d;;;0 'lag'=%ss;%s;%s;0",
		short(math.Round(ratio*100)/100), short(l.warning), short(l.critical), a.Failures, a.Requests, a.Undecided,
		short(math.Round(a.LagS)), short(l.lagWarning.Seconds()), short(l.lagCritical.Seconds()))
}

func short(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// percentWords writes a share in two figures, and never 100 % of what is not
// all or 0 % of what is something.
func percentWords(p float64, all bool) string {
	switch {
	case all && p > 0:
		return "100 %"
	case p == 0:
		return "0 %"
	case p < 0.005:
		return "<0.01 %"
	case p < 0.995:
		return fmt.Sprintf("%.2f %%", p)
	case p < 9.95:
		return fmt.Sprintf("%.1f %%", p)
	}
	return fmt.Sprintf("%.0f %%", min(p, 99))
}

func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int64, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

func spanWords(d time.Duration) string {
	switch {
	case d < 2*time.Minute && d%time.Minute != 0:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour && (d < time.Hour || d%time.Hour != 0):
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		if m := d % time.Hour / time.Minute; m > 0 {
			return fmt.Sprintf("%d h %d min", d/time.Hour, m)
		}
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

// moments writes a time of the last day without its date.
func moments(t, now time.Time) string {
	t = t.UTC()
	if d := now.Sub(t); d >= 0 && d < 20*time.Hour {
		return t.Format("15:04 UTC")
	}
	return t.Format("2 Jan 15:04 UTC")
}

// maxCheckLine bounds the text: monitoring systems cut it where they like.
const maxCheckLine = 1000

// oneLine makes text fit for a monitoring system: one line of ASCII without a
// bar, which would begin performance data.
func oneLine(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case b.Len() >= maxCheckLine:
			return b.String() + "..."
		case r == '|':
			b.WriteByte('!')
		case r == '\t' || r == '\n' || r == '\r':
			b.WriteByte(' ')
		case r >= ' ' && r < 0x7f:
			b.WriteRune(r)
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}
