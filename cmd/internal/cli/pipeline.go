package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"why503/aggregate"
	"why503/cmd/internal/app"
	"why503/parse"
	"why503/rules"
	"why503/rules/ruletest"
)

// pipeline is `why503 analyze` for the tests of rules: the files are written
// to a temporary folder and analysed as anybody's would be.
func pipeline(ctx context.Context, set *rules.Set) ruletest.Analyze {
	return func(files fs.FS) (got []ruletest.Outcome, err error) {
		dir, err := os.MkdirTemp("", "why503-test-")
		if err != nil {
			return nil, fmt.Errorf("making a folder for the test's files: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		if err := os.CopyFS(dir, files); err != nil {
			return nil, fmt.Errorf("writing the test's files: %w", err)
		}
		cfg := app.AnalyzeConfig{Rules: set}
		cfg.Started = func(*aggregate.Describer) { got = nil }
		cfg.Request = func(q *parse.Request, v *rules.Verdict) { got = append(got, outcome(q, v)) }
		err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
			path := filepath.Join(dir, filepath.FromSlash(name))
			switch {
			case err != nil || d.IsDir():
			case strings.HasSuffix(name, ".conf"):
				cfg.NginxConf = append(cfg.NginxConf, path)
			case strings.HasSuffix(name, ".vcl"):
				cfg.VCL = append(cfg.VCL, path)
			default:
				cfg.Paths = append(cfg.Paths, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		run, summary, err := app.Analyze(ctx, cfg)
		if err = errors.Join(append(run.Problems(), err)...); err != nil {
			return nil, err
		}
		if run.Stopped() {
			return nil, context.Cause(ctx)
		}
		for _, s := range summary.Sources {
			if s.Note != "" { // a test whose lines are not read proves nothing
				return nil, errors.New(strings.ReplaceAll(s.Note, dir+string(filepath.Separator), ""))
			}
		}
		return got, nil
	}
}

func outcome(q *parse.Request, v *rules.Verdict) ruletest.Outcome {
	url, _, _ := strings.Cut(string(q.Root().URL), "?")
	decidable := v.Decidable
	o := ruletest.Outcome{
		URL: url, Symptom: v.Symptom, Cause: v.Cause, Reached: v.Reached.String(), Class: v.Class.String(), Decidable: &decidable, Words: v.Words,
	}
	for _, m := range v.Missing {
		o.Missing = append(o.Missing, m.Kind.String())
	}
	if v.Trigger != nil {
		o.Trigger = v.Trigger.Kind
	}
	if n := len(v.Chain); n > 0 {
		o.Rule = v.Chain[n-1].Rule
	}
	return o
}
