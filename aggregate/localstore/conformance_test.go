package localstore

import (
	"path/filepath"
	"testing"

	"why503/aggregate/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t testing.TB) (storetest.Store, func() storetest.Store) {
		path := filepath.Join(t.TempDir(), "why503.db")
		var s *Store
		open := func() storetest.Store {
			var err error
			if s, err = Open(t.Context(), Config{Path: path, Facts: -1, Records: -1, Minutes: -1, Hours: -1, Seconds: -1}); err != nil {
				t.Fatal(err)
			}
			return s
		}
		t.Cleanup(func() { s.Close() })
		return open(), func() storetest.Store {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return open()
		}
	})
}
