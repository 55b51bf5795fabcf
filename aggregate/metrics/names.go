package metrics

import (
	"cmp"
	"strings"

	"why503/parse/traffic"
)

// Bounds of names that strangers make.
const (
	maxNames  = 50      // that are labels of their own
	maxTried  = 200     // that are counted because they may become one
	maxName   = 128     // bytes
	forgotten = 1 << 14 // names after which what was counted before counts half
)

// names decides which names are labels of their own: the first there are, and
// later those that come more often. Whoever makes up a new name for each
// request never gets one.
//
// Names without a label are counted by the Space-Saving algorithm (Metwally,
// Agrawal, El Abbadi, 2005), so memory is bounded.
type names struct {
	own   map[string]int64
	tried map[string]guess
	seen  int
}

// A guess is how often a name came; at most unsure less.
type guess struct{ n, unsure int64 }

func newNames() *names {
	return &names{own: make(map[string]int64), tried: make(map[string]guess)}
}

// label returns the label of a name. When another name lost its own by that,
// it is returned as well: its series have to go.
func (n *names) label(name string) (label, lost string) {
	if name = clean(name); name == "" {
		return "", ""
	}
	if n.seen++; n.seen%forgotten == 0 {
		n.fade()
	}
	if _, ok := n.own[name]; ok || len(n.own) < maxNames {
		n.own[name]++
		return name, ""
	}
	g := n.try(name)
	least := leastOf(n.own, func(c int64) int64 { return c })
	if g.n-g.unsure <= 2*n.own[least]+1 {
		return traffic.Other, ""
	}
	n.tried[least] = guess{n: n.own[least]}
	delete(n.own, least)
	delete(n.tried, name)
	n.own[name] = g.n
	return name, least
}

func (n *names) try(name string) guess {
	g, ok := n.tried[name]
	if !ok && len(n.tried) >= maxTried {
		least := leastOf(n.tried, func(g guess) int64 { return g.n })
		g = guess{n.tried[least].n, n.tried[least].n}
		delete(n.tried, least)
	}
	g.n++
	n.tried[name] = g
	return g
}

func (n *names) fade() {
	for name := range n.own {
		n.own[name] /= 2
	}
	for name, g := range n.tried {
		n.tried[name] = guess{g.n / 2, g.unsure / 2}
	}
}

// leastOf returns the name that counts least, of equal ones the last in the
// alphabet.
func leastOf[V any](m map[string]V, count func(V) int64) string {
	least, found := "", false
	for name, v := range m {
		if !found || cmp.Or(cmp.Compare(count(v), count(m[least])), -strings.Compare(name, least)) < 0 {
			least, found = name, true
		}
	}
	return least
}

// clean makes a label of a name: Prometheus takes UTF-8 only.
func clean(name string) string {
	return strings.ToValidUTF8(name[:min(len(name), maxName)], "\uFFFD")
}
