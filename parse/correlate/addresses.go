package correlate

import (
	"bytes"

	"why503/parse"
)

// An addressBook remembers which sources have been seen to answer at which
// address, and which services they are, from joined pairs: a line that tells
// of another service than the one that failed is no evidence.
type addressBook struct {
	owners   map[string]map[parse.SourceID]bool // by address
	at       map[parse.SourceID]map[string]bool // by source
	services map[parse.SourceID]map[string]bool // names that a source's lines give themselves
}

func newAddressBook() *addressBook {
	return &addressBook{
		owners:   make(map[string]map[parse.SourceID]bool),
		at:       make(map[parse.SourceID]map[string]bool),
		services: make(map[parse.SourceID]map[string]bool),
	}
}

// maxAddresses bounds each table; addresses beyond it are not learned.
const maxAddresses = 4096

func (b *addressBook) learn(addr []byte, s parse.SourceID) {
	if len(addr) == 0 || len(b.owners) >= maxAddresses {
		return
	}
	put(b.owners, string(addr), s)
	put(b.at, s, string(addr))
}

func (b *addressBook) named(s parse.SourceID, service []byte) {
	if len(service) == 0 || len(b.services[s]) >= 64 || b.services[s][string(service)] {
		return
	}
	put(b.services, s, string(service))
}

func put[K, V comparable](m map[K]map[V]bool, k K, v V) {
	if m[k] == nil {
		m[k] = make(map[V]bool)
	}
	m[k][v] = true
}

// A relation says whether a signal is about what failed.
type relation int

const (
	elsewhere relation = iota
	unknown
	same
)

// failing is what a request asked and did not get an answer from.
type failing struct {
	addrs    [][]byte // addresses that were tried
	path     [][]byte // the same of every hop: a log may be known by the address of the hop in front of it, when that hands on no id
	backends [][]byte // names of backends in Varnish
	hops     []*Source
}

// relate says whether a signal of source s about service concerns f.
func (b *addressBook) relate(f *failing, s *Source, r *parse.Record) relation {
	if r.Tx != nil { // a probe: about one backend of one Varnish
		for _, n := range f.backends {
			if bytes.Equal(n, r.Tx.Backend) {
				return same
			}
		}
		if len(f.backends) == 0 {
			return unknown
		}
		return elsewhere
	}
	for _, h := range f.hops {
		if h == s || (h.Program == s.Program && sameHost(h, s)) {
			return same
		}
	}
	owned := false // somebody is known to answer at what was tried
	for _, a := range f.addrs {
		for o := range b.owners[string(a)] {
			owned = true
			if o == s.ID || b.isService(o, r.Service) {
				return same
			}
		}
	}
	if b.livesElsewhere(f, s, r.Service) {
		return elsewhere
	}
	if owned && !b.anonymous(f) {
		return elsewhere
	}
	return unknown
}

// isService reports whether source o calls itself service, or contains its name.
func (b *addressBook) isService(o parse.SourceID, service []byte) bool {
	if len(service) == 0 {
		return false
	}
	for name := range b.services[o] {
		if name == string(service) || bytes.Contains(service, []byte(name)) || bytes.Contains([]byte(name), service) {
			return true
		}
	}
	return false
}

// livesElsewhere reports whether the service is known to answer at addresses,
// none of which was tried.
func (b *addressBook) livesElsewhere(f *failing, s *Source, service []byte) bool {
	found := false
	for o, addrs := range b.at {
		if o != s.ID && !b.isService(o, service) {
			continue
		}
		for a := range addrs {
			found = true
			for _, tried := range f.path {
				if string(tried) == a {
					return false
				}
			}
		}
	}
	return found && len(f.addrs) > 0
}

// anonymous reports whether an owner of what was tried never says its name, so
// that nothing can be held against it.
func (b *addressBook) anonymous(f *failing) bool {
	for _, a := range f.addrs {
		for o := range b.owners[string(a)] {
			if len(b.services[o]) == 0 {
				return true
			}
		}
	}
	return false
}

func sameHost(a, b *Source) bool { return a.Host == b.Host || a.Host == "" || b.Host == "" }

// answers reports whether s is known to answer at an address that was tried.
func (b *addressBook) answers(s parse.SourceID, f *failing) bool {
	for _, a := range f.path {
		if b.owners[string(a)][s] {
			return true
		}
	}
	return false
}

// onlyElsewhere reports whether s is known to answer, and at none of the
// addresses that were tried.
func (b *addressBook) onlyElsewhere(s parse.SourceID, f *failing) bool {
	return len(f.addrs) > 0 && len(b.at[s]) > 0 && !b.answers(s, f)
}
