package rules

import (
	"sync"
)

// A cache holds the decisions of evidence signatures. A storm is a few
// signatures; when there are many, the older half of what was kept goes.
type cache struct {
	mu       sync.RWMutex
	new, old map[string]*decision
}

const maxDecisions = 4096 // in each half; a signature is a few hundred bytes

func (c *cache) get(key []byte) *decision {
	c.mu.RLock()
	d := c.new[string(key)]
	if d == nil {
		d = c.old[string(key)]
	}
	c.mu.RUnlock()
	return d
}

func (c *cache) put(key []byte, d *decision) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.new) >= maxDecisions || c.new == nil {
		c.old, c.new = c.new, make(map[string]*decision)
	}
	c.new[string(key)] = d
}
