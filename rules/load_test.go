package rules

import (
	"strings"
	"testing"
	"testing/fstest"

	"why503/parse"
)

func folder(files ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i+1 < len(files); i += 2 {
		m[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return m
}

func TestErrorsNameThePlaceAndWhatWasMeant(t *testing.T) {
	for _, c := range []struct{ name, yaml, want string }{
		{"unknown key", "rules:\n  - rule: a\n    events: [app.py.memory]\n    cuase: app_error.crash\n", `site.yaml:4:5: no such key "cuase" in a rule. Did you mean "cause"?`},
		{"unknown cause", "rules:\n  - rule: a\n    events: [app.py.memory]\n    cause: app_error.crsh\n", `site.yaml:4:12: no such cause "app_error.crsh". Did you mean "app_error.crash"?`},
		{"unknown event", "rules:\n  - rule: a\n    events: [app.py.memry]\n", `site.yaml:3:13: no such event "app.py.memry". Did you mean "app.py.memory"?`},
		{"pattern without event", "rules:\n  - rule: a\n    events: ['nosuch.*']\n", `site.yaml:3:13: no event meets "nosuch.*"`},
		{"unknown condition", "rules:\n  - rule: a\n    stage: symptom\n    cause: app_error.crash\n    when: [{statsu: 5}]\n", `site.yaml:5:13: no such condition "statsu". Did you mean "status"?`},
		{"unknown fact", "rules:\n  - rule: a\n    stage: symptom\n    cause: app_error.crash\n    when: [{is: reusd}]\n", `site.yaml:5:17: no such fact "reusd". Did you mean "reused"?`},
		{"bad comparison", "rules:\n  - rule: a\n    stage: symptom\n    cause: app_error.crash\n    when: [{status: many}]\n", `site.yaml:5:21: want a comparison`},
		{"bad expression", "rules:\n  - rule: a\n    stage: symptom\n    cause: app_error.crash\n    when: [{expr: 'statuss > 3'}]\n", `site.yaml:5:19: unknown name statuss`},
		{"expression of another type", "rules:\n  - rule: a\n    stage: symptom\n    cause: app_error.crash\n    when: [{expr: 'status + 1'}]\n", `site.yaml:5:19: expected bool`},
		{"no name", "rules:\n  - cause: app_error.crash\n", `site.yaml:2:5: a rule needs a name`},
		{"twice", "rules:\n  - {rule: a, events: [app.py.memory]}\n  - {rule: a, events: [app.py.memory]}\n", `rule "a" stands already in site.yaml:2`},
		{"key twice", "rules:\n  - rule: a\n    rule: b\n", `site.yaml:3:5: key "rule" stands twice`},
		{"open hole", "rules:\n  - rule: a\n    events: [app.py.memory]\n    words: 'x {y'\n", `is not closed`},
		{"beats nobody", "rules:\n  - rule: a\n    events: [app.py.memory]\n    beats: [b]\n", `beats "b", which is not there`},
		{"no edge", "edges:\n  - from: app_error.crash\n", `site.yaml:2:5: an edge needs from and to`},
		{"kind", "missing:\n  - causes: [app_error.crash]\n    kind: kernal\n    decides: x\n", `no such kind of source "kernal". Did you mean "kernel"?`},
		{"share", "rules:\n  - rule: a\n    events: [app.py.memory]\n    confidence: 1.5\n", `site.yaml:4:17: want a number from 0 to 1`},
		{"span", "rules:\n  - rule: a\n    events: [app.py.memory]\n    before: soon\n", `site.yaml:4:13: want a duration`},
		{"no YAML", "rules: [", `site.yaml: `},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(folder("site.yaml", c.yaml))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestUserRules(t *testing.T) {
	refused := func() *scene {
		s, f := varnish(503, 1e6, 503)
		unsent(f)
		broke(f, "backend cart7: fail errno 111 (Connection refused)")
		return s
	}
	load := func(yaml string) *Set {
		t.Helper()
		s, err := Load(builtin, folder("site.yaml", yaml))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	t.Run("a new rule is asked first", func(t *testing.T) {
		s := load(`
rules:
  - rule: site.sleeping
    stage: symptom
    events: [varnish.fe.fail_errno_econnrefused]
    when: [{expr: 'program == "varnish" && took < 0.5'}, {attempts: 1}]
    cause: deliberate.maintenance
    words: "{backend} sleeps at night"
`)
		if v := s.Diagnose(&refused().q, nil); v.Cause != "deliberate.maintenance" || v.Words != "cart7 sleeps at night" || v.Class != ClassDeliberate {
			t.Fatalf("%+v", v)
		}
	})
	t.Run("a rule of the same name replaces ours", func(t *testing.T) {
		s := load("rules:\n  - rule: varnish.connect_refused\n    off: true\n")
		if v := s.Diagnose(&refused().q, nil); v.Cause != "network.conn_refused" || v.Chain[0].Rule != "varnish.connect_failed" {
			t.Fatalf("%s by %s", v.Cause, v.Chain[0].Rule)
		}
	})
	t.Run("a rule beats an earlier one", func(t *testing.T) {
		s := load(`
rules:
  - {rule: site.first, stage: symptom, cause: unknown.internal_error, when: [{status: 503}]}
  - {rule: site.second, stage: symptom, cause: network.unreachable, when: [{status: '>= 503'}], beats: [site.first]}
`)
		if v := s.Diagnose(&refused().q, nil); v.Symptom != "network.unreachable" {
			t.Fatalf("%s", v.Symptom)
		}
	})
}

// Each word of the vocabulary, on one request that it holds for and one that
// it does not hold for.
func TestVocabulary(t *testing.T) {
	slow := func() *scene {
		s, f := varnish(503, 4*second, 503)
		broke(f, "first byte timeout (reused connection)")
		f.Tx.Opens[0].Reused = true
		s.nginx(499, 4*second)
		s.unit(noon-parse.Time(10*second), "basketd.service: Main process exited, code=dumped, status=11/SEGV")
		s.unit(noon-parse.Time(4*second), "Started basketd.service - Basket.")
		s.q.Neighbours = []parse.Neighbours{{
			Source: f.Source, Of: parse.OfHop, Walls: []parse.Wall{{End: parse.EndGaveUp, Value: 4 * second, N: 9, Of: 9}},
		}}
		return s
	}
	env := &Env{Settings: []Setting{{Name: "first_byte_timeout", Program: parse.Varnish, Value: 4 * second}}}
	for _, c := range []struct{ holds, fails string }{
		{"{status: 503}", "{status: 504}"},
		{"{took: '>= 3.9s'}", "{took: '< 500ms'}"},
		{"{attempts: '!= 0'}", "{attempts: '> 1'}"},
		{"{is: [reused, sent]}", "{is: cut}"},
		{"{handling: [miss, pass]}", "{handling: hit}"},
		{"{not: {is: cut}}", "{not: {is: reused}}"},
		{"{any: [{is: cut}, {status: 503}]}", "{any: [{is: cut}, {status: 1}]}"},
		{"{all: [{is: reused}, {status: 503}]}", "{all: [{is: reused}, {status: 1}]}"},
		{"{expr: 'reused && idle < 0'}", "{expr: 'took > 100'}"},
		{"{wall: {of: first_byte_timeout, from: configured}}", "{wall: {of: connect_timeout}}"},
		{"{not: {wall: {from: observed}}}", "{wall: {from: observed}}"}, // what is configured is not only seen
		{"{event: {name: varnish.fe.first_byte_reused, in: deciding}}", "{event: {name: varnish.fe.first_byte_reused, in: signals}}"},
		{"{event: {name: systemd.*, in: signals, count: '>= 2'}}", "{event: {name: systemd.*, in: signals, count: '> 5'}}"},
		{"{order: {first: systemd.main_exited_*, then: systemd.started, margin: 1s}}", "{order: {first: systemd.started, then: systemd.main_exited_*}}"},
		{"{near: {event: systemd.started, before: 20s}}", "{near: {event: systemd.started, before: 2s}}"},
		{"{given: [nginx_access]}", "{given: [kernel]}"},
		{"{not: {absent: nginx_access}}", "{absent: nginx_access}"},
		{"{version: same}", "{version: other}"},
	} {
		for i, text := range []string{c.holds, c.fails} {
			s, err := Load(folder("v.yaml", "rules:\n  - rule: probe\n    stage: symptom\n    cause: unknown.internal_error\n    when: ["+text+"]\n"))
			if err != nil {
				t.Fatal(err)
			}
			v := s.Diagnose(&slow().q, env)
			if got := v.Symptom == "unknown.internal_error"; got != (i == 0) {
				t.Errorf("%s: holds %v", text, got)
			}
		}
	}
}

func FuzzRuleFile(f *testing.F) {
	for _, name := range []string{"10-varnish.yaml", "30-app.yaml", "50-edges.yaml", "60-missing.yaml"} {
		data, err := builtin.ReadFile("builtin/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Add("rules:\n  - {rule: a, stage: symptom, cause: app_error.crash, when: [{any: [{expr: 'status > 1'}]}], words: 'x {y} | z'}\n")
	f.Add("a: &a [*a]\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Load(folder("f.yaml", text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f.yaml") {
				t.Fatalf("an error without its file: %v", err)
			}
			return
		}
		c := scenes[0].build()
		contract(t, &c.q, s.Diagnose(&c.q, nil))
	})
}
