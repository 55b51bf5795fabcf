package chaos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"why503/aggregate/localstore"
	"why503/cmd/internal/app"
	"why503/cmd/internal/loggen"
	"why503/rules"
)

// analyze puts the copies where the logs were and reads them in peace, into a
// store of its own.
func analyze(ctx context.Context, dir, live, copies string) (path string, err error) {
	if err := os.Rename(live, live+".rotated"); err != nil {
		return "", fmt.Errorf("putting the logs aside: %w", err)
	}
	if err := os.Rename(copies, live); err != nil {
		return "", fmt.Errorf("putting the copies in place: %w", err)
	}
	for _, name := range loggen.Files() {
		list, err := filepath.Glob(filepath.Join(live, name+".*"))
		if err != nil {
			return "", err
		}
		slices.Sort(list)
		for i, old := range list {
			to := filepath.Join(live, name)
			if n := len(list) - 1 - i; n > 0 {
				to = fmt.Sprintf("%s.%d", to, n)
			}
			if err := os.Rename(old, to); err != nil {
				return "", fmt.Errorf("naming the copies: %w", err)
			}
		}
	}
	history := app.NewHistory()
	defer history.Close()
	run, sum, err := app.Analyze(ctx, app.AnalyzeConfig{Paths: []string{live}, Rules: rules.Builtin(), Into: history, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return "", fmt.Errorf("analysing the copies: %w", err)
	}
	if err := errors.Join(run.Problems()...); err != nil {
		return "", fmt.Errorf("analysing the copies: %w", err)
	}
	path = filepath.Join(dir, "reference.db")
	store, err := localstore.Open(ctx, localstore.Config{Path: path, Facts: -1, Records: -1, Minutes: -1, Hours: -1, Seconds: -1, MaxBytes: -1})
	if err != nil {
		return "", err
	}
	return path, errors.Join(history.Write(ctx, sum, store), store.Close())
}
