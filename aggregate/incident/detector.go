package incident

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Config is what the detector is told. The zero Config means Defaults.
type Config struct {
	// MinFailures is the least number of failures that make an incident,
	// however improbable fewer are: the guard for sites with little traffic.
	MinFailures int64
	// MinRatio is the least share of failures that makes one.
	MinRatio float64
	// Floor is the share of failures that every site is taken to have when
	// nothing worse has been learned of it.
	Floor float64
	// FalsePerDay is how many incidents a day may be chance, for each site.
	FalsePerDay float64
	// MinQuiet is the shortest time without failures that ends an incident;
	// it takes eight times the mean gap between failures where that is longer.
	MinQuiet time.Duration
	// MaxQuiet ends an incident, also when there is no traffic to judge by.
	MaxQuiet time.Duration
	// MergeGap is how close two incidents of a site with the same causes are
	// to be one.
	MergeGap time.Duration
	// MaxSites bounds the sites that are told apart; sites are named by Host
	// headers, which strangers choose. The rest are one site, "other".
	MaxSites int
	// MaxIncidents bounds how many ended incidents are kept; the oldest go.
	MaxIncidents int
}

// Defaults are values that suit a site with one request a minute and one with
// 100,000 a second.
func Defaults() Config {
	return Config{
		MinFailures: 5, MinRatio: 0.005, Floor: 0.001, FalsePerDay: 0.01,
		MinQuiet: 5 * time.Second, MaxQuiet: 5 * time.Minute, MergeGap: time.Minute,
		MaxSites: 1024, MaxIncidents: 10_000,
	}
}

func (c *Config) fill() {
	d := Defaults()
	c.MinFailures = cmp.Or(c.MinFailures, d.MinFailures)
	c.MinRatio = cmp.Or(c.MinRatio, d.MinRatio)
	c.Floor = cmp.Or(c.Floor, d.Floor)
	c.FalsePerDay = cmp.Or(c.FalsePerDay, d.FalsePerDay)
	c.MinQuiet = cmp.Or(c.MinQuiet, d.MinQuiet)
	c.MaxQuiet = cmp.Or(c.MaxQuiet, d.MaxQuiet)
	c.MergeGap = cmp.Or(c.MergeGap, d.MergeGap)
	c.MaxSites = cmp.Or(c.MaxSites, d.MaxSites)
	c.MaxIncidents = cmp.Or(c.MaxIncidents, d.MaxIncidents)
}

// A Detector takes the seconds of all sites and tells the incidents in them.
// It belongs to one goroutine.
type Detector struct {
	cfg   Config
	sites map[string]*site
	late  int64
	ended int // incidents that are kept
}

// otherSite stands for the sites beyond Config.MaxSites.
const otherSite = "other"

// New returns a Detector.
func New(cfg Config) *Detector {
	cfg.fill()
	return &Detector{cfg: cfg, sites: make(map[string]*site)}
}

// Add takes a second of a site, or a part of one. The seconds of a site come
// in order; parts of the same second are summed up, seconds without a request
// may be left out. It returns false, and counts, when the second had been
// passed: then the series has to be replayed to know. It keeps no memory of s.
func (d *Detector) Add(name string, s Second) bool {
	st := d.site(name)
	if s = s.normal(); st.started && s.At < st.next {
		d.late++
		return false
	}
	switch {
	case st.waiting && st.pending.At == s.At:
		st.pending.merge(s)
		return true
	case st.waiting:
		if s.At < st.pending.At {
			d.late++
			return false
		}
		d.step(st, st.pending)
	}
	causes := addCounts(st.pending.Causes[:0], s.Causes)
	st.pending, st.waiting = s, true
	st.pending.Causes = causes
	return true
}

// Advance says that all sites have been told of all seconds before at. What it
// does to the result, later seconds would have done too; it shows sooner.
func (d *Detector) Advance(at int64) {
	for _, st := range d.sites {
		if st.waiting && st.pending.At < at {
			d.step(st, st.pending)
			st.waiting = false
		}
		if !st.started || at > st.next {
			st.next, st.started = at, true
		}
		d.endIfDue(st, st.next)
	}
}

// Late returns how many seconds came too late to be counted.
func (d *Detector) Late() int64 { return d.late }

// Incidents returns all that were found, by start, then site. A second that
// could still get another part is not in it: Advance first.
func (d *Detector) Incidents() []Incident {
	var out []Incident
	for _, st := range d.sites {
		for i := range st.ended {
			out = append(out, st.ended[i].incident(st.name))
		}
		if st.open != nil {
			i := st.open.incident(st.name)
			i.Ongoing = true
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b Incident) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), strings.Compare(a.Site, b.Site))
	})
	return out
}

func (d *Detector) site(name string) *site {
	if st := d.sites[name]; st != nil {
		return st
	}
	if len(d.sites) >= d.cfg.MaxSites-1 {
		name = otherSite
		if st := d.sites[name]; st != nil {
			return st
		}
	}
	st := &site{name: strings.Clone(name)}
	d.sites[st.name] = st
	return st
}

// keep adds an ended incident and drops the oldest of its site beyond the
// bound.
func (d *Detector) keep(st *site, f *found) {
	st.ended = append(st.ended, *f)
	if d.ended++; d.ended > d.cfg.MaxIncidents && len(st.ended) > 1 {
		st.ended = slices.Delete(st.ended, 0, 1)
		d.ended--
	}
}
