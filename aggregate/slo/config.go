package slo

import (
	"errors"
	"fmt"
	"time"
)

// Config is what a Monitor is told. The zero Config means Defaults, field by
// field.
type Config struct {
	// Objective is the share of requests that work, as 0.999.
	Objective float64
	// MinRequests is the least traffic in the long window of an alert: below
	// it, a share says too little.
	MinRequests int64
	// MinBad is the least number of bad requests in the long window.
	MinBad int64
	// Resolve is how long a window has to be below its factor before its alert
	// ends.
	Resolve time.Duration
	// MaxSites bounds the sites that are watched.
	MaxSites int
	// Windows are the pairs of windows.
	Windows []Window
}

// A Window is a pair of windows that both have to burn by a factor.
type Window struct {
	Severity    Severity
	Factor      float64
	Long, Short time.Duration
}

// A Severity says how soon somebody has to look.
type Severity string

const (
	Page   Severity = "page"   // now, at night too
	Ticket Severity = "ticket" // on the next working day
)

// Defaults are the workbook's windows for an objective of 99.9 % in 30 days.
func Defaults() Config {
	return Config{
		Objective: 0.999, MinRequests: 1000, MinBad: 5, Resolve: 5 * time.Minute, MaxSites: 256,
		Windows: []Window{
			{Page, 14.4, time.Hour, 5 * time.Minute},
			{Page, 6, 6 * time.Hour, 30 * time.Minute},
			{Ticket, 3, 24 * time.Hour, 2 * time.Hour},
			{Ticket, 1, 72 * time.Hour, 6 * time.Hour},
		},
	}
}

// maxWindow bounds the minutes that are kept of a site.
const maxWindow = 30 * 24 * time.Hour

func (c *Config) fill() {
	d := Defaults()
	if c.Objective == 0 {
		c.Objective = d.Objective
	}
	if c.MinRequests == 0 {
		c.MinRequests = d.MinRequests
	}
	if c.MinBad == 0 {
		c.MinBad = d.MinBad
	}
	if c.Resolve == 0 {
		c.Resolve = d.Resolve
	}
	if c.MaxSites == 0 {
		c.MaxSites = d.MaxSites
	}
	if len(c.Windows) == 0 {
		c.Windows = d.Windows
	}
}

// Validate says all that is wrong with c, each with the key and its mend.
func (c Config) Validate() error {
	c.fill()
	var errs []error
	if !(c.Objective > 0 && c.Objective < 1) {
		errs = append(errs, fmt.Errorf("slo.objective %v: give a share between 0 and 1, like 0.999", c.Objective))
	}
	if c.MinRequests < 0 || c.MinBad < 0 {
		errs = append(errs, errors.New("slo.min_requests: give a number from 0"))
	}
	if c.Resolve < 0 || c.MaxSites < 0 {
		errs = append(errs, errors.New("slo: resolve and max_sites cannot be below 0"))
	}
	for i, w := range c.Windows {
		switch {
		case w.Severity != Page && w.Severity != Ticket:
			errs = append(errs, fmt.Errorf("slo.windows[%d]: severity %q is none of page, ticket", i, w.Severity))
		case !(w.Factor > 0):
			errs = append(errs, fmt.Errorf("slo.windows[%d]: factor %v has to be above 0", i, w.Factor))
		case w.Short < time.Minute || w.Long <= w.Short || w.Long > maxWindow:
			errs = append(errs, fmt.Errorf("slo.windows[%d]: %v and %v: the short window is a minute or more, the long one longer and at most 30 days", i, w.Long, w.Short))
		case w.Factor*(1-c.Objective) >= 1:
			errs = append(errs, fmt.Errorf("slo.windows[%d]: no share of failures burns %v times the budget of an objective of %v: lower the factor", i, w.Factor, c.Objective))
		}
	}
	return errors.Join(errs...)
}
