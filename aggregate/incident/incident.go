package incident

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"

	"why503/parse"
)

// An Incident is a time in which a site failed more than it does.
type Incident struct {
	ID      string // 20260102T0303Z-<8 hex>, of Site and Start
	Site    string
	Start   parse.Time // end of the first failed request
	End     parse.Time // end of the last one
	Ongoing bool       // no sign of recovery has been seen yet

	Requests int64 // of the site from the second of Start to that of End
	Failures int64 // among them
	// PeakRatio is the highest share of failures in ten seconds that had at
	// least ten requests, and never below the share over the whole incident.
	PeakRatio float64
	Causes    []Count // most first

	// MergedInto is the ID of the incident that this one turned out to be a
	// part of, and that has its counts. Its own ID stays good as a link.
	MergedInto string
}

// A Count is how many failures had a cause.
type Count struct {
	Cause string
	N     int64
}

// Ratio returns the share of requests that failed.
func (i *Incident) Ratio() float64 {
	if i.Requests == 0 {
		return 0
	}
	return float64(i.Failures) / float64(i.Requests)
}

// ID returns the identifier of an incident: URL- and file-safe, sortable by
// time, the same wherever the same incident is found.
func ID(site string, start parse.Time) string {
	h := sha256.New()
	h.Write([]byte(site))
	h.Write(binary.BigEndian.AppendUint64([]byte{0}, uint64(start)))
	return time.Unix(0, int64(start)).UTC().Format("20060102T1504Z-") + hex.EncodeToString(h.Sum(nil)[:4])
}

// An Index finds the incident that a request belongs to.
type Index struct {
	sites map[string][]Incident // by Start; they do not overlap
}

// NewIndex returns an Index of incidents. Merged ones are not in it: the one
// that has their counts is.
func NewIndex(incidents []Incident) Index {
	x := Index{sites: make(map[string][]Incident)}
	for _, i := range incidents {
		if i.MergedInto == "" {
			x.sites[i.Site] = append(x.sites[i.Site], i)
		}
	}
	for _, list := range x.sites {
		slices.SortFunc(list, func(a, b Incident) int { return cmp.Compare(a.Start, b.Start) })
	}
	return x
}

// Find returns the incident of a site that a request which ended at t is part
// of.
func (x Index) Find(site string, t parse.Time) (Incident, bool) {
	list := x.sites[site]
	i, _ := slices.BinarySearchFunc(list, t, func(i Incident, t parse.Time) int { return cmp.Compare(i.End, t) })
	if i < len(list) && list[i].Start <= t {
		return list[i], true
	}
	return Incident{}, false
}
