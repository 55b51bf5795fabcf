package app

import (
	"fmt"
	"os"
	"path/filepath"

	"why503/parse/correlate"
)

// joinMemory is what the Records of open requests, and of those that ended
// lately, may take before the oldest go into a file. Most of them are never
// looked at again.
const joinMemory = 4 << 20

// join bounds the join. What exceeds its memory lies in a file beside the store,
// where there is room and serve may write; the file has no name, so it is gone
// with the process.
func (s *server) join() (correlate.Config, error) {
	c := correlate.DefaultConfig()
	f, err := os.CreateTemp(filepath.Dir(string(s.cfg.Store)), ".why503-*")
	if err != nil {
		return c, fmt.Errorf("making a file for what exceeds memory: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return c, fmt.Errorf("making a file for what exceeds memory: %w", err)
	}
	s.spill, c.Spill, c.Memory = f, f, joinMemory
	return c, nil
}
