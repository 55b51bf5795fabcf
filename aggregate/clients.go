package aggregate

import (
	"math/bits"

	"github.com/zeebo/xxh3"

	"why503/parse"
)

// clients remembers which clients failed at which site and when, to tell how
// many an incident hit. Beyond a bound it keeps every other of them, by their
// hashes, then every fourth, and so on (adaptive sampling, Flajolet 1990): a
// few thousand that are kept count any number within some percent.
type clients struct {
	seen map[sighting]struct{}
	mask uint64 // hashes with one of these bits are not kept
}

// A sighting is a client that failed within some seconds.
type sighting struct {
	site   string
	bin    int64
	client uint64
}

const (
	maxSightings  = 1 << 16 // some 4 MB
	sightingWidth = 10e9    // ns
)

func newClients() clients { return clients{seen: make(map[sighting]struct{})} }

// ClientOf is the hash by which clients are told apart in counts.
func ClientOf(addr []byte) uint64 { return xxh3.Hash(addr) }

func (c *clients) add(site string, t parse.Time, client uint64) {
	if client&c.mask != 0 {
		return
	}
	c.seen[sighting{site, int64(t) / sightingWidth, client}] = struct{}{}
	for len(c.seen) > maxSightings {
		c.mask = c.mask<<1 | 1
		for s := range c.seen {
			if s.client&c.mask != 0 {
				delete(c.seen, s)
			}
		}
	}
}

// count returns how many different clients failed at the site from a to b.
func (c *clients) count(site string, a, b parse.Time) int64 {
	from, to := int64(a)/sightingWidth, int64(b)/sightingWidth
	distinct := make(map[uint64]struct{})
	for s := range c.seen {
		if s.site == site && s.bin >= from && s.bin <= to {
			distinct[s.client] = struct{}{}
		}
	}
	return int64(len(distinct)) << bits.OnesCount64(c.mask)
}
