package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"why503/aggregate"
	"why503/parse"
	"why503/parse/correlate"
)

// summary sums up the run.
func (r *Run) summary() aggregate.Summary {
	s := r.collect.Summary()
	for _, in := range r.inputs {
		for _, d := range in.source.Damage() {
			r.warnLedger(d.Error())
		}
		for _, words := range in.tellOrder() {
			r.warnLedger(words)
		}
	}
	if f := r.Filter(); f != "" {
		s.Warnings = append(s.Warnings, f)
	}
	s.Warnings = append(s.Warnings, r.warnings...)
	for _, in := range r.inputs {
		src := r.sourceRow(in)
		s.Sources = append(s.Sources, src)
		s.Ledger.Unparsed += src.Skipped
		s.Ledger.Overruns += in.losses["overrun"]
	}
	c := &r.joiner.Counts
	s.Ledger.Evicted, s.Ledger.Unjoined, s.Ledger.Ambiguous, s.Ledger.Late = c.Evicted, c.Unjoined, c.Ambiguous, c.Late+r.late
	s.Joined = r.joined()
	if r.stopped {
		s.Partial = r.partial()
	}
	return s
}

func (r *Run) sourceRow(in *input) aggregate.Source {
	row := aggregate.Source{
		Path: in.path, Format: in.format.Name, Host: in.host, Lines: in.lines, Records: in.records, Skipped: in.skipped + in.long,
		Program: aggregate.ProgramName(in.prog), Bytes: in.bytes, Sorted: in.sorted, Samples: append([]string{}, in.samples...), Note: in.note,
		Losses: []aggregate.Loss{},
	}
	if in.join == nil {
		row.Format = "unknown"
		if in.format.Name != "" {
			row.Format = in.format.Name
		}
		return row
	}
	row.SkewMS, row.Lossless = float64(in.clock.Skew)/1e6, in.join.Lossless()
	row.Zone, row.Clock = zone(in), clockWords(in)
	if in.first != 0 {
		row.First, row.Last = utc(in.first-parse.Time(in.clock.Zone)), utc(in.last-parse.Time(in.clock.Zone))
	}
	for _, why := range slices.Sorted(maps.Keys(in.losses)) {
		row.Losses = append(row.Losses, aggregate.Loss{Reason: why, Count: in.losses[why]})
	}
	if in.join.Twin != nil {
		row.Note = fmt.Sprintf("same requests as %s, not counted twice", r.nameOf(in.join.Twin.Of))
	}
	for _, d := range in.source.Damage() {
		row.Note = strings.TrimPrefix(d.Error(), in.path+": ")
	}
	return row
}

// nameOf returns what the report calls a source.
func (r *Run) nameOf(s *correlate.Source) string {
	for _, in := range r.inputs {
		if in.join == s {
			return in.name
		}
	}
	return "another input"
}

func zone(in *input) string {
	switch {
	case in.zoned:
		return "printed"
	case in.clock.Zone != 0:
		return zoneName(in.clock.Zone)
	}
	return "UTC"
}

// clockWords says how far a source's clock is from the reference.
func clockWords(in *input) string {
	c := in.clock
	switch {
	case c.Reference:
		return "reference"
	case c.Skew != 0:
		ahead, d := "ahead", c.Skew
		if d < 0 {
			ahead, d = "behind", -d
		}
		return fmt.Sprintf("%.1f s %s", float64(d)/1e9, ahead)
	case !c.Measured:
		return "not measured"
	case precision(in) >= time.Second:
		return "1 s stamps"
	}
	return fmt.Sprintf("within %d ms", max(1, c.Spread/1e6))
}

func precision(in *input) time.Duration {
	switch in.format.Name {
	case "nginx-error", "php-fpm", "php-fpm-slow", "php-fpm-access", "systemd", "syslog", "deploy", "varnishncsa":
		return time.Second
	}
	return time.Millisecond
}

func utc(t parse.Time) time.Time { return time.Unix(0, int64(t)).UTC() }

// joined counts the joins by what made them.
func (r *Run) joined() []aggregate.Joined {
	out := []aggregate.Joined{}
	by := r.joiner.Counts.ByKey
	for _, how := range slices.Sorted(maps.Keys(by)) {
		if how != parse.JoinLink && how != parse.JoinRoot && by[how] > 0 {
			out = append(out, aggregate.Joined{By: how.String(), N: by[how], Of: by[how]})
		}
	}
	return out
}

func (r *Run) partial() *aggregate.Partial {
	p := &aggregate.Partial{}
	if r.upTo != 0 {
		p.UpTo = utc(r.upTo)
	}
	if done, total, _ := r.far(); total > 0 {
		p.Share = float64(done) / float64(total)
	}
	return p
}
