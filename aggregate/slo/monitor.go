package slo

import (
	"cmp"
	"slices"
	"strings"
)

// A Monitor watches the budgets of all sites. It belongs to one goroutine.
type Monitor struct {
	cfg     Config
	keep    int64
	sites   map[string]*watched
	dropped int64
}

type watched struct {
	series *Series
	firing map[Severity]*Alert
	below  map[Severity]int64 // minutes in a row, of a firing one
	asked  int64              // minute of the last Advance
}

// An Alert is that a site burns its budget, or has stopped to.
type Alert struct {
	Site      string
	Severity  Severity
	Since     int64 // minute at whose begin it was first seen
	Resolved  int64 // minute at whose begin it was over; 0 while firing
	Objective float64
	Burn      Burn // the window that says it most clearly, as of now
}

// NewMonitor returns a Monitor.
func NewMonitor(cfg Config) *Monitor {
	cfg.fill()
	m := &Monitor{cfg: cfg, sites: make(map[string]*watched)}
	for _, w := range cfg.Windows {
		m.keep = max(m.keep, minutes(w.Long))
	}
	m.keep += 60 // a correction or a late question
	return m
}

// Set replaces the counts of a minute of a site, also long after.
func (m *Monitor) Set(site string, minute, good, bad int64) {
	w := m.site(site)
	if w == nil || !w.series.Set(minute, good, bad) {
		m.dropped++
	}
}

// Restore tells a new Monitor what fired before a restart.
func (m *Monitor) Restore(firing []Alert) {
	for _, a := range firing {
		if w := m.site(a.Site); w != nil && a.Resolved == 0 {
			w.firing[a.Severity] = &a
		}
	}
}

// Advance says that the minutes before minute are complete, and returns the
// alerts that began or ended, by site. While a site pages it makes no tickets.
func (m *Monitor) Advance(minute int64) []Alert {
	var out []Alert
	for name, w := range m.sites {
		out = append(out, m.advance(name, w, minute)...)
	}
	slices.SortStableFunc(out, func(a, b Alert) int {
		return cmp.Or(strings.Compare(a.Site, b.Site), strings.Compare(string(a.Severity), string(b.Severity)))
	})
	return out
}

// Firing returns the alerts that fire, by site.
func (m *Monitor) Firing() []Alert {
	var out []Alert
	for _, w := range m.sites {
		for _, a := range w.firing {
			out = append(out, *a)
		}
	}
	slices.SortFunc(out, func(a, b Alert) int {
		return cmp.Or(strings.Compare(a.Site, b.Site), strings.Compare(string(a.Severity), string(b.Severity)))
	})
	return out
}

// Dropped counts minutes that were too old, or of sites beyond
// Config.MaxSites.
func (m *Monitor) Dropped() int64 { return m.dropped }

func (m *Monitor) advance(name string, w *watched, minute int64) []Alert {
	if minute <= w.asked {
		return nil
	}
	passed := minute - w.asked
	if w.asked == 0 {
		passed = 1
	}
	w.asked = minute
	worst := make(map[Severity]Burn)
	for _, b := range m.cfg.Burns(w.series, minute) {
		have, ok := worst[b.Severity]
		if !ok || b.clearer(have) {
			worst[b.Severity] = b
		}
	}
	var out []Alert
	for _, s := range []Severity{Page, Ticket} {
		b := worst[s]
		a := w.firing[s]
		// A page says all that its ticket would; one that fires stays.
		hidden := s == Ticket && w.firing[Page] != nil && a == nil
		switch {
		case a == nil && b.Over && !hidden:
			a = &Alert{Site: name, Severity: s, Since: minute, Objective: m.cfg.Objective, Burn: b}
			w.firing[s], w.below[s] = a, 0
			out = append(out, *a)
		case a != nil && b.Over:
			a.Burn, w.below[s] = b, 0
		case a != nil:
			a.Burn = b
			if w.below[s] += passed; w.below[s] >= minutes(m.cfg.Resolve) {
				a.Resolved = minute
				out = append(out, *a)
				delete(w.firing, s)
			}
		}
	}
	return out
}

// site returns the state of a site, nil when there are too many. A site whose
// minutes have all gone makes room.
func (m *Monitor) site(name string) *watched {
	if w := m.sites[name]; w != nil {
		return w
	}
	if len(m.sites) >= m.cfg.MaxSites {
		for old, w := range m.sites {
			if len(w.firing) == 0 && w.asked-w.series.newest > m.keep {
				delete(m.sites, old)
			}
		}
		if len(m.sites) >= m.cfg.MaxSites {
			return nil
		}
	}
	w := &watched{series: NewSeries(m.keep), firing: make(map[Severity]*Alert), below: make(map[Severity]int64)}
	m.sites[strings.Clone(name)] = w
	return w
}
