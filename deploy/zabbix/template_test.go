// Package zabbix holds the template for Zabbix and what it is tested by.
package zabbix

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"why503/aggregate"
)

type tag struct{ Tag, Value string }

type step struct {
	Type         string   `yaml:"type"`
	Parameters   []string `yaml:"parameters"`
	ErrorHandler string   `yaml:"error_handler"`
	ErrorParams  string   `yaml:"error_handler_params"`
}

type trigger struct {
	UUID, Expression, Name, Priority, Description string
	Dependencies                                  []struct{ Name, Expression string }
}

type item struct {
	UUID, Name, Type, Key, Delay, Description string
	ValueType                                 string                         `yaml:"value_type"`
	URL                                       string                         `yaml:"url"`
	QueryFields                               []struct{ Name, Value string } `yaml:"query_fields"`
	Preprocessing                             []step
	MasterItem                                struct{ Key string } `yaml:"master_item"`
	Tags                                      []tag
	Triggers                                  []trigger
	TriggerPrototypes                         []trigger `yaml:"trigger_prototypes"`
	ItemPrototypes                            []item    `yaml:"item_prototypes"`
	LLDMacroPaths                             []struct {
		Macro string `yaml:"lld_macro"`
		Path  string
	} `yaml:"lld_macro_paths"`
}

type export struct {
	Export struct {
		Version   string
		Groups    []struct{ UUID, Name string }
		Templates []struct {
			UUID, Template string
			Items          []item
			DiscoveryRules []item `yaml:"discovery_rules"`
			Macros         []struct{ Macro, Type, Value, Description string }
		}
		Triggers []trigger
	} `yaml:"zabbix_export"`
}

func load(t *testing.T) (export, string) {
	t.Helper()
	src, err := os.ReadFile("template_why503.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var e export
	if err := yaml.Unmarshal(src, &e); err != nil {
		t.Fatal(err)
	}
	if len(e.Export.Templates) != 1 || e.Export.Version != "6.0" || len(e.Export.Templates[0].Items) < 10 {
		t.Fatalf("not the template: %+v", e)
	}
	return e, string(src)
}

func all(e export) []item {
	t := e.Export.Templates[0]
	items := append(t.Items[:len(t.Items):len(t.Items)], t.DiscoveryRules...)
	for _, d := range t.DiscoveryRules {
		items = append(items, d.ItemPrototypes...)
	}
	return items
}

func TestEveryPartHasAnIdAndAKeyOfItsOwn(t *testing.T) {
	e, src := load(t)
	uuid := regexp.MustCompile(`uuid: (\S+)`)
	v4 := regexp.MustCompile(`^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$`)
	seen := make(map[string]bool)
	for _, m := range uuid.FindAllStringSubmatch(src, -1) {
		if !v4.MatchString(m[1]) || seen[m[1]] {
			t.Errorf("%s: no UUID of version 4, or not the first of it", m[1])
		}
		seen[m[1]] = true
	}
	keys := make(map[string]bool)
	for _, i := range all(e) {
		if i.UUID == "" || i.Key == "" || keys[i.Key] || i.Description == "" {
			t.Errorf("%+v: without uuid, key or description, or the key is taken", i)
		}
		keys[i.Key] = true
		if i.Key != "why503.check" && (i.Type != "DEPENDENT" || i.MasterItem.Key != "why503.check" || i.Delay != "0") {
			t.Errorf("%s asks serve by itself", i.Key)
		}
	}
}

func TestTriggersNameItemsAndMacrosThatAreThere(t *testing.T) {
	e, src := load(t)
	tpl := e.Export.Templates[0]
	keys, macros := make(map[string]bool), make(map[string]bool)
	for _, i := range all(e) {
		keys[i.Key] = true
	}
	for _, m := range tpl.Macros {
		if macros[m.Macro] || m.Description == "" {
			t.Errorf("%s stands twice, or says nothing", m.Macro)
		}
		macros[m.Macro] = true
		if strings.Contains(m.Macro, "TOKEN") && (m.Type != "SECRET_TEXT" || m.Value != "") {
			t.Errorf("%s is no secret", m.Macro)
		}
	}
	for _, m := range regexp.MustCompile(`\{\$[A-Z0-9_.]+`).FindAllString(src, -1) {
		if !macros[m+"}"] {
			t.Errorf("%s} is not defined", m)
		}
	}
	triggers := e.Export.Triggers
	for _, i := range append(tpl.Items[:len(tpl.Items):len(tpl.Items)], tpl.DiscoveryRules...) {
		triggers = append(append(triggers, i.Triggers...), i.TriggerPrototypes...)
	}
	if len(triggers) < 6 {
		t.Fatalf("%d triggers", len(triggers))
	}
	known := make(map[string]string)
	for _, tr := range triggers {
		known[tr.Name] = tr.Expression
	}
	names := regexp.MustCompile(`/why503/([a-z0-9_.]+(?:\[[^\]]*\])?)`)
	for _, tr := range triggers {
		found := names.FindAllStringSubmatch(tr.Expression, -1)
		if len(found) == 0 || tr.Description == "" || tr.Priority == "" {
			t.Errorf("%+v", tr)
		}
		for _, m := range found {
			if !keys[m[1]] {
				t.Errorf("%s: no item %s", tr.Name, m[1])
			}
		}
		for _, d := range tr.Dependencies {
			if known[d.Name] != d.Expression {
				t.Errorf("%s hangs on a trigger that is not there: %s", tr.Name, d.Name)
			}
		}
	}
}

// Every path is evaluated on what serve answers, made from the struct itself.
func TestEveryPathLeadsToAValueOfTheAnswer(t *testing.T) {
	e, _ := load(t)
	now := time.Date(2026, 11, 22, 21, 24, 0, 0, time.UTC)
	full := answer(t, aggregate.Check{
		WindowS: 300, Requests: 13500, Failures: 3071, Undecided: 72, LagS: 2, LastLine: &now, SilentS: 1, Front: "varnishlog", Since: &now, Sources: 11,
		Causes:   []aggregate.CheckCause{{Cause: "database.lock_wait", Count: 2979, Share: 0.97}, {Cause: "it's", Count: 92, Share: 0.03}},
		Backends: []aggregate.CheckBackend{{Backend: "app1", Failures: 3000, Requests: 6000}, {Backend: `a'b\c`, Failures: 71, Requests: 7500}},
	})
	empty := answer(t, aggregate.Check{WindowS: 300})
	want := map[string]string{
		"why503.requests": "13500", "why503.failures": "3071", "why503.undecided": "72", "why503.failure_ratio": "22.748148148148147", "why503.lag": "2", "why503.silent": "1",
		"why503.sources": "11", "why503.front": "varnishlog", "why503.cause": "database.lock_wait", "why503.since": "2026-11-22T21:24:00Z",
		"why503.backend.requests": "6000 7500", "why503.backend.failures": "3000 71", "why503.backend.failure_ratio": "50 0.9466666666666667",
		"why503.cause.count": "2979 92", "why503.cause.share": "97 3",
	}
	tpl := e.Export.Templates[0]
	for _, i := range tpl.Items[1:] {
		if got := value(t, i, full); got != want[i.Key] {
			t.Errorf("%s: %s, want %q", i.Key, got, want[i.Key])
		}
		value(t, i, empty) // has to be there, or to have an error handler
	}
	if len(tpl.DiscoveryRules) != 2 {
		t.Fatalf("%d discovery rules", len(tpl.DiscoveryRules))
	}
	for _, d := range tpl.DiscoveryRules {
		if rows, ok := find(empty, d.Preprocessing[0].Parameters[0]); !ok || fmt.Sprint(rows) != "[]" {
			t.Errorf("%s of an empty answer: %v", d.Key, rows)
		}
		rows, _ := find(full, d.Preprocessing[0].Parameters[0])
		list, _ := rows.([]any)
		if len(list) != 2 {
			t.Fatalf("%s discovers %v", d.Key, rows)
		}
		for _, p := range d.ItemPrototypes {
			var got []string
			for _, row := range list {
				name, ok := find(row, d.LLDMacroPaths[0].Path)
				if !ok {
					t.Fatalf("%s: %s leads nowhere", d.Key, d.LLDMacroPaths[0].Path)
				}
				// Zabbix escapes what a macro puts into a path.
				quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(fmt.Sprint(name))
				p := p
				p.Preprocessing = append([]step{}, p.Preprocessing...)
				s := p.Preprocessing[0]
				s.Parameters = []string{strings.ReplaceAll(s.Parameters[0], d.LLDMacroPaths[0].Macro, quoted)}
				p.Preprocessing[0] = s
				got = append(got, value(t, p, full))
				if v := value(t, p, empty); v != "0" {
					t.Errorf("%s is %s when there was no traffic", p.Key, v)
				}
			}
			key, _, _ := strings.Cut(p.Key, "[")
			if strings.Join(got, " ") != want[key] {
				t.Errorf("%s: %v, want %q", p.Key, got, want[key])
			}
		}
	}
}

func TestTheMasterItemAsksWhatServeAnswers(t *testing.T) {
	e, _ := load(t)
	i := e.Export.Templates[0].Items[0]
	if i.Type != "HTTP_AGENT" || i.URL != "{$WHY503.URL}"+aggregate.CheckPath || i.ValueType != "TEXT" {
		t.Errorf("%+v", i)
	}
	for _, q := range i.QueryFields {
		if q.Name != "window" && q.Name != "site" && q.Name != "backend" {
			t.Errorf("parameter %s", q.Name)
		}
	}
}

func answer(t *testing.T, c aggregate.Check) any {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// value is what preprocessing makes of an answer.
func value(t *testing.T, i item, of any) string {
	t.Helper()
	var v any
	for _, s := range i.Preprocessing {
		switch s.Type {
		case "JSONPATH":
			var ok bool
			if v, ok = find(of, s.Parameters[0]); !ok {
				if s.ErrorHandler != "CUSTOM_VALUE" {
					t.Errorf("%s: %s leads nowhere, and nothing says what then", i.Key, s.Parameters[0])
				}
				return s.ErrorParams
			}
		case "MULTIPLIER":
			by, err := strconv.ParseFloat(s.Parameters[0], 64)
			f, isNumber := v.(float64)
			if err != nil || !isNumber {
				t.Fatalf("%s: %v times %s", i.Key, v, s.Parameters[0])
			}
			v = f * by
		default:
			t.Errorf("%s: step %s", i.Key, s.Type)
		}
	}
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	if i.ValueType == "" || i.ValueType == "FLOAT" {
		t.Errorf("%s: %v is no number", i.Key, v)
	}
	return fmt.Sprint(v)
}

var segment = regexp.MustCompile(`^(?:\.([a-z_]+)(\(\))?|\[(\d+)\]|\[\?\(@\.([a-z_]+)=='((?:[^'\\]|\\.)*)'\)\])`)

// find evaluates the part of JSONPath that the template uses.
//
// https://www.zabbix.com/documentation/6.0/en/manual/config/items/preprocessing/jsonpath_functionality
func find(v any, path string) (any, bool) {
	rest, ok := strings.CutPrefix(path, "$")
	for ok && rest != "" {
		m := segment.FindStringSubmatch(rest)
		if m == nil {
			return nil, false
		}
		rest = rest[len(m[0]):]
		list, _ := v.([]any)
		switch {
		case m[2] != "" && m[1] == "first":
			if len(list) == 0 {
				return nil, false
			}
			v = list[0]
		case m[1] != "" && list != nil: // of each that the filter left
			var out []any
			for _, x := range list {
				if o, isMap := x.(map[string]any); isMap {
					out = append(out, o[m[1]])
				}
			}
			v = out
		case m[1] != "":
			o, isMap := v.(map[string]any)
			if v, ok = o[m[1]]; !isMap {
				return nil, false
			}
		case m[3] != "":
			n, _ := strconv.Atoi(m[3])
			if n >= len(list) {
				return nil, false
			}
			v = list[n]
		default:
			want := regexp.MustCompile(`\\(.)`).ReplaceAllString(m[5], "$1")
			out := []any{}
			for _, x := range list {
				if o, isMap := x.(map[string]any); isMap && o[m[4]] == want {
					out = append(out, x)
				}
			}
			v = out
		}
	}
	return v, ok
}
