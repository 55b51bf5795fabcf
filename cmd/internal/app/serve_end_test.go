package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"why503/cmd/internal/conf"
	"why503/rules"
)

// A store that takes nothing, as on a full disk, does not keep serve from
// ending, and serve says what that means.
func TestServeEndsThoughItsStoreTakesNothing(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "access.log")
	line := fmt.Sprintf("192.0.2.1 - - [%s] \"GET /a HTTP/1.1\" 503 5 \"-\" \"x\"\n", time.Now().Format("02/Jan/2006:15:04:05 -0700"))
	if err := os.WriteFile(log, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	c := conf.Default()
	c.Listen, c.FromStart, c.Store = "127.0.0.1:0", true, conf.Path(filepath.Join(dir, "why503.db"))
	c.Sources.Paths = []conf.Source{{Path: conf.Glob(log)}}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- Serve(ctx, ServeConfig{
			Config: &c, Version: "test", Rules: rules.Builtin(), Log: slog.New(slog.DiscardHandler), Ready: func(string) { close(ready) },
		})
	}()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	other, err := sqlite.OpenConn(string(c.Store), sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetBusyTimeout(10 * time.Second)
	if err := sqlitex.ExecuteTransient(other, "BEGIN IMMEDIATE", nil); err != nil {
		t.Fatal(err)
	}
	stop()
	select {
	case err := <-done:
		if !errors.Is(err, ErrNotStored) {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(storeMost + 50*time.Second):
		t.Fatal("it does not end")
	}
}
