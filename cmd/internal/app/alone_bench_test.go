package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"why503/cmd/internal/loggen"
	"why503/parse"
	"why503/rules"
)

// BenchmarkAnalyze is a whole run over a log of one hop: by the way that needs
// no join, with each failure asked for, and by the join.
func BenchmarkAnalyze(b *testing.B) {
	for _, share := range []float64{0.02, 0.3} {
		c := loggen.Defaults()
		c.Requests, c.Failures = 100_000, share
		path := filepath.Join(b.TempDir(), "access.log")
		f, err := os.Create(path)
		if err != nil {
			b.Fatal(err)
		}
		n, err := loggen.Write(f, "combined", c)
		if err != nil {
			b.Fatal(err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
		for name, cfg := range map[string]AnalyzeConfig{
			"alone":  {},
			"listed": {Request: func(*parse.Request, *rules.Verdict) {}},
			"joined": {Record: func(*parse.Record) {}},
		} {
			cfg.Paths, cfg.Rules = []string{path}, rules.Builtin()
			b.Run(fmt.Sprintf("%s/%.0f%%", name, 100*share), func(b *testing.B) {
				b.SetBytes(n.Bytes)
				b.ReportAllocs()
				for range b.N {
					if _, s, err := Analyze(context.Background(), cfg); err != nil || s.Failures == 0 {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
