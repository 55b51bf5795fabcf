package outboxtest

import (
	"testing"

	"why503/dashboards/alert"
)

func TestMemory(t *testing.T) {
	Run(t, func(*testing.T) alert.Outbox { return alert.NewMemory() })
}
