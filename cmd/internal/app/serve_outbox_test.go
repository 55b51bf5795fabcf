package app

import (
	"path/filepath"
	"testing"

	"why503/aggregate/localstore"
	"why503/dashboards/alert"
	"why503/dashboards/alert/outboxtest"
)

func TestAlertsAreKeptInTheStore(t *testing.T) {
	outboxtest.Run(t, func(t *testing.T) alert.Outbox {
		s, err := localstore.Open(t.Context(), localstore.Config{Path: filepath.Join(t.TempDir(), "why503.db")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return outbox{s}
	})
}
