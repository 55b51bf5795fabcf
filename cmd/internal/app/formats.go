package app

import (
	"fmt"
	"path/filepath"

	"why503/parse/detect"
)

// checkFormats tells slips in --format and --host before anything is read.
func checkFormats(cfg *AnalyzeConfig) error {
	for _, f := range cfg.Formats {
		name, glob, ok := cutLast(f)
		if !ok || glob == "" {
			return &UsageError{fmt.Sprintf("--format %s: it has no GLOB. Write --format NAME=GLOB (names: --format list)", f)}
		}
		if _, _, err := detect.ByName(name); err != nil {
			return &UsageError{fmt.Sprintf("--format %s: %v", f, err)}
		}
		if err := checkGlob("format", f, glob); err != nil {
			return err
		}
	}
	for _, h := range cfg.Hosts {
		name, glob, ok := cutLast(h)
		if !ok || name == "" || glob == "" {
			return &UsageError{fmt.Sprintf("--host %s: it names no files. Write --host NAME=GLOB, like --host web-1=/var/log/web-1/*", h)}
		}
		if err := checkGlob("host", h, glob); err != nil {
			return err
		}
	}
	return nil
}

func checkGlob(flag, value, glob string) error {
	if _, err := filepath.Match(glob, ""); err != nil {
		return &UsageError{fmt.Sprintf("--%s %s: %s is no pattern. A [ needs its ]; a \\ before it makes it plain", flag, value, glob)}
	}
	return nil
}

// tellUnused warns of every --format and --host that no file meets.
func (r *Run) tellUnused() {
	for _, f := range []struct {
		flag   string
		values []string
	}{{"format", r.cfg.Formats}, {"host", r.cfg.Hosts}} {
		for _, v := range f.values {
			_, glob, _ := cutLast(v)
			met := false
			for _, in := range r.inputs {
				met = met || meets(glob, in.path)
			}
			if !met {
				r.warnings = append(r.warnings, fmt.Sprintf("--%s %s: no file meets %s. It is compared with the path as given and with its last element", f.flag, v, glob))
			}
		}
	}
}
