package collect

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"why503/parse/traffic"
	"why503/parse/wire"
)

// Where reading is has to be known of a log in which nothing stands yet: what
// comes while nobody reads is read from there.
func TestALogInWhichNothingStandsYetIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "error.log")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out := make(chan wire.Message, 16)
	c := New(Config{
		Out: out, Log: slog.New(slog.DiscardHandler), Site: func(h []byte) string { return string(h) },
		Recall: func(string, traffic.Minute) (*wire.Minute, []wire.Second, error) { return nil, nil, nil },
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.Add(ctx, Input{Name: path, Path: path, FromEnd: true}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	named := false
	for {
		select {
		case <-ctx.Done():
			t.Fatal("no progress")
		case m := <-out:
			switch m := m.(type) {
			case *wire.Source:
				if named = true; m.Name != path || m.Format != "" {
					t.Errorf("named %+v", m)
				}
				continue
			case *wire.Progress:
				if !named || len(m.Position) == 0 {
					t.Errorf("named %v, progress %+v", named, m)
				}
			default:
				t.Errorf("%T of a log without a line", m)
			}
		}
		break
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
