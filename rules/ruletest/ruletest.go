// Package ruletest runs *.test.yaml: lines in, causes out.
//
//	tests:
//	  - name: a refused connect
//	    files:
//	      varnishlog.log: |
//	        *   << Request  >> 2
//	        ...
//	    want:
//	      - {url: /basket, symptom: network.conn_refused, reached: never, missing: [journal]}
//
// It does not know how files become Verdicts: whoever runs the tests hands in
// the whole pipeline, the same for `why503 rules test` and for go test. Every
// request that the pipeline lists must be wanted, and every wanted one listed;
// what an entry of want leaves out is not compared.
package ruletest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing/fstest"

	"go.yaml.in/yaml/v3"
)

// An Outcome is what was found of one request. In a test's want, an empty
// field is not compared.
type Outcome struct {
	URL       string   `yaml:"url"`
	Symptom   string   `yaml:"symptom"`
	Cause     string   `yaml:"cause"`
	Reached   string   `yaml:"reached"`
	Class     string   `yaml:"class"`
	Decidable *bool    `yaml:"decidable"`
	Missing   []string `yaml:"missing"` // kinds that must be among those that are missing
	Trigger   string   `yaml:"trigger"` // kind of the trigger
	Rule      string   `yaml:"rule"`    // rule of the last link
	Words     string   `yaml:"words"`
	Times     int      `yaml:"times"` // requests of that URL; 1 when left out
}

// An Analyze reads all files of a test and says what it made of each request,
// in the order of the list.
type Analyze func(files fs.FS) ([]Outcome, error)

type test struct {
	Name  string            `yaml:"name"`
	Files map[string]string `yaml:"files"`
	Want  []Outcome         `yaml:"want"`
}

// A Result counts.
type Result struct{ Passed, Failed int }

// ErrFailed says that some tests failed; what failed was written.
var ErrFailed = errors.New("rule tests failed")

// maxFile bounds a test file.
const maxFile = 8 << 20

// Run runs the tests of all *.test.yaml in fsys and writes what failed to w,
// in the manner of go test; with verbose also what passed. Its error is
// ErrFailed, or says which file could not be read.
func Run(fsys fs.FS, analyze Analyze, w io.Writer, verbose bool) (Result, error) {
	var all Result
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".test.yaml") {
			return err
		}
		tests, err := read(fsys, name)
		if err != nil {
			return err
		}
		for _, t := range tests {
			full := strings.TrimSuffix(path.Base(name), ".test.yaml") + "/" + strings.ReplaceAll(t.Name, " ", "_")
			if wrong := t.run(analyze); len(wrong) > 0 {
				all.Failed++
				fmt.Fprintf(w, "--- FAIL: %s\n", full)
				for _, s := range wrong {
					fmt.Fprintf(w, "    %s: %s\n", name, s)
				}
				continue
			}
			all.Passed++
			if verbose {
				fmt.Fprintf(w, "--- PASS: %s\n", full)
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return all, fmt.Errorf("running rule tests: %w", err)
	case all.Failed > 0:
		fmt.Fprintf(w, "FAIL %d of %d\n", all.Failed, all.Failed+all.Passed)
		return all, ErrFailed
	}
	fmt.Fprintf(w, "ok   %d rule tests\n", all.Passed)
	return all, nil
}

// read decodes a test file. A key that is not known is an error with its line.
func read(fsys fs.FS, name string) ([]test, error) {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, maxFile)
	}
	var f struct {
		Tests []test `yaml:"tests"`
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for i, t := range f.Tests {
		if t.Name == "" || len(t.Files) == 0 {
			return nil, fmt.Errorf("%s: test %d needs a name and files", name, i+1)
		}
	}
	return f.Tests, nil
}

// run returns what was not as wanted.
func (t *test) run(analyze Analyze) []string {
	files := fstest.MapFS{}
	for name, text := range t.Files {
		if !fs.ValidPath(name) {
			return []string{fmt.Sprintf("%q is no name of a file", name)}
		}
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	got, err := analyze(files)
	if err != nil {
		return []string{err.Error()}
	}
	var wrong []string
	for _, w := range t.Want {
		for range max(1, w.Times) {
			// Of several requests of one URL, the one that fits is taken.
			i := slices.IndexFunc(got, func(g Outcome) bool { return g.URL == w.URL && len(w.differs(g)) == 0 })
			if i < 0 {
				i = slices.IndexFunc(got, func(g Outcome) bool { return g.URL == w.URL })
			}
			if i < 0 {
				wrong = append(wrong, fmt.Sprintf("%s: not listed", w.URL))
				continue
			}
			wrong = append(wrong, w.differs(got[i])...)
			got = slices.Delete(got, i, i+1)
		}
	}
	for _, g := range got {
		wrong = append(wrong, fmt.Sprintf("%s: listed and not wanted: %s <- %s (%s)", g.URL, g.Symptom, g.Cause, g.Class))
	}
	return wrong
}

// differs says where g is not what w wants.
func (w Outcome) differs(g Outcome) []string {
	var all []string
	for _, f := range [...]struct{ name, want, got string }{
		{"symptom", w.Symptom, g.Symptom}, {"cause", w.Cause, g.Cause}, {"reached", w.Reached, g.Reached},
		{"class", w.Class, g.Class}, {"trigger", w.Trigger, g.Trigger}, {"rule", w.Rule, g.Rule}, {"words", w.Words, g.Words},
	} {
		if f.want != "" && f.want != f.got {
			all = append(all, fmt.Sprintf("%s: %s is %q, want %q", w.URL, f.name, f.got, f.want))
		}
	}
	if w.Decidable != nil && (g.Decidable == nil || *w.Decidable != *g.Decidable) {
		all = append(all, fmt.Sprintf("%s: decidable is not %v", w.URL, *w.Decidable))
	}
	for _, k := range w.Missing {
		if !slices.Contains(g.Missing, k) {
			all = append(all, fmt.Sprintf("%s: %s is not among the missing %v", w.URL, k, g.Missing))
		}
	}
	return all
}
