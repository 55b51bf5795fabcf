package ruletest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/detect"
	"why503/parse/fact"
	"why503/parse/recognise"
	"why503/rules"
	"why503/rules/ruletest"
)

var kinds = map[string]struct {
	kind    parse.SourceKind
	program parse.Program
}{
	"varnishlog": {parse.SourceVarnishlog, parse.Varnish}, "nginx-error": {parse.SourceNginxError, parse.Nginx}, "nginx-access": {parse.SourceNginxAccess, parse.Nginx},
	"depotd": {parse.SourceApp, parse.App}, "app": {parse.SourceApp, parse.App}, "php-fpm": {parse.SourcePHPFPM, parse.PHPFPM},
	"deploy": {parse.SourceChanges, parse.Deploy}, "journal": {parse.SourceJournal, parse.Systemd},
}

// analyze is the pipeline without files and clocks: detect, parse, recognise,
// join, diagnose.
func analyze(files fs.FS) ([]ruletest.Outcome, error) {
	names, err := fs.Glob(files, "*")
	if err != nil {
		return nil, err
	}
	var sources []*correlate.Source
	var samples []correlate.Sample
	var all []*parse.Record
	for i, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		res := detect.Detect(data, detect.Hints{Name: name})
		stem, _, _ := strings.Cut(name, ".")
		k, ok := kinds[stem]
		if res.New == nil || !ok {
			return nil, fmt.Errorf("%s: format not told (%+v)", name, res.Format)
		}
		src := correlate.NewSource(parse.SourceID(i), k.kind, k.program, "", fact.Fingerprint{byte(i)})
		sources = append(sources, src)
		records := parseAll(res.New(), data, src.ID)
		samples = append(samples, correlate.Sample{Source: src, Records: records, Zoned: true})
		all = append(all, records...)
	}
	var got []ruletest.Outcome
	j := correlate.NewJoiner(correlate.DefaultConfig(), sources, func(q *parse.Request) {
		got = append(got, outcome(q, rules.Builtin().Diagnose(q, nil)))
	})
	correlate.Survey(samples, j)
	slices.SortStableFunc(all, func(a, b *parse.Record) int { return int(j.Logged(a) - j.Logged(b)) })
	for _, r := range all {
		if err := j.Add(r); err != nil {
			return nil, err
		}
	}
	return got, j.Flush()
}

func parseAll(p parse.Parser, data []byte, id parse.SourceID) []*parse.Record {
	if b, ok := p.(interface{ Base(time.Time) }); ok {
		b.Base(time.Date(2025, 3, 5, 0, 0, 0, 0, time.UTC))
	}
	var all []*parse.Record
	emit := func(r *parse.Record) {
		r.Source = id
		recognise.Default().Annotate(r)
		all = append(all, r.Clone())
	}
	offset := int64(0)
	for i, line := range bytes.SplitAfter(data, []byte("\n")) {
		_ = p.Parse(parse.Line{Text: bytes.TrimSuffix(line, []byte("\n")), Offset: offset, Number: int64(i + 1)}, emit)
		offset += int64(len(line))
	}
	p.Flush(emit)
	return all
}

func outcome(q *parse.Request, v rules.Verdict) ruletest.Outcome {
	url, _, _ := strings.Cut(string(q.Root().URL), "?")
	o := ruletest.Outcome{
		URL: url, Symptom: v.Symptom, Cause: v.Cause, Reached: v.Reached.String(), Class: v.Class.String(), Decidable: &v.Decidable, Words: v.Words,
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

func TestBuiltinRules(t *testing.T) {
	var out bytes.Buffer
	res, err := ruletest.Run(rules.Files(), analyze, &out, true)
	if err != nil || res.Passed < 5 {
		t.Fatalf("%+v %v\n%s", res, err, out.String())
	}
}

func TestRunTellsWhatIsWrong(t *testing.T) {
	file := `
tests:
  - name: two requests
    files: {a.log: "x"}
    want:
      - {url: /a, symptom: network.conn_refused, decidable: true, missing: [kernel]}
      - {url: /gone}
`
	no := false
	fake := func(files fs.FS) ([]ruletest.Outcome, error) {
		if b, err := fs.ReadFile(files, "a.log"); err != nil || string(b) != "x" {
			return nil, fmt.Errorf("file %q: %w", b, err)
		}
		return []ruletest.Outcome{{URL: "/a", Symptom: "network.conn_reset", Decidable: &no}, {URL: "/more", Cause: "app_error.crash"}}, nil
	}
	var out bytes.Buffer
	res, err := ruletest.Run(fstest.MapFS{"x.test.yaml": {Data: []byte(file)}}, fake, &out, false)
	if !errors.Is(err, ruletest.ErrFailed) || res.Failed != 1 {
		t.Fatalf("%+v %v", res, err)
	}
	for _, want := range []string{
		"--- FAIL: x/two_requests", `/a: symptom is "network.conn_reset", want "network.conn_refused"`, "/a: decidable is not true",
		"/a: kernel is not among the missing", "/gone: not listed", "/more: listed and not wanted", "FAIL 1 of 1",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%s", want, out.String())
		}
	}
	_, err = ruletest.Run(fstest.MapFS{"x.test.yaml": {Data: []byte("tests:\n  - titel: a\n")}}, fake, &out, false)
	if err == nil || !strings.Contains(err.Error(), "line 2: field titel not found") {
		t.Errorf("an unknown key: %v", err)
	}
}
