package app

import (
	"os"
	"path/filepath"
	"testing"

	"why503/cmd/internal/conf"
)

func TestWhatExceedsMemoryLeavesNoFileBehind(t *testing.T) {
	dir := t.TempDir()
	s := &server{cfg: ServeConfig{Config: &conf.Config{}}}
	s.cfg.Store = conf.Path(filepath.Join(dir, "why503.db"))
	c, err := s.join()
	if err != nil {
		t.Fatal(err)
	}
	defer s.spill.Close()
	if c.Spill == nil || c.Memory <= 0 || c.Memory > 16<<20 {
		t.Errorf("the join may take %d bytes before it spills", c.Memory)
	}
	if _, err := c.Spill.WriteAt([]byte("x"), 1<<20); err != nil {
		t.Errorf("spilling: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%d files are left (%v)", len(left), err)
	}
	s.cfg.Store = conf.Path(filepath.Join(dir, "missing", "why503.db"))
	if _, err := s.join(); err == nil {
		t.Error("a folder that does not exist takes a file")
	}
}
