package admin

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"

	"why503/aggregate"
	"why503/aggregate/metrics"
	"why503/ingest"
	"why503/parse/wire"
)

const (
	rulesFile = "../../../deploy/prometheus/why503.rules.yml"
	testsFile = "../../../deploy/prometheus/why503.rules.test.yml"
)

type ruleFile struct {
	Groups []struct {
		Name  string
		Rules []rule
	}
}

type rule struct {
	Alert, Record, Expr string
	Labels, Annotations map[string]string
}

func readRules(t *testing.T) []rule {
	t.Helper()
	var file ruleFile
	readYAML(t, rulesFile, &file)
	var all []rule
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

// shown returns the names and labels of what a process shows at /metrics once
// everything was counted.
func shown(t *testing.T) map[string][]string {
	t.Helper()
	reg := NewRegistry("test")
	count(reg)
	return namesOf(t, reg)
}

func count(reg prometheus.Registerer) {
	m := metrics.New(reg)
	m.Requests("shop.example", 1)
	m.Final(&aggregate.Failure{UID: "6f1c", Class: "failure", Cause: "unknown.unclassified", Reached: "late", Site: "shop.example"})
	m.StoreWrite(time.Second, errors.New("disk full"))
	ingest.NewMetrics(reg).Progress("a.log", &wire.Progress{Lines: 1, Losses: map[string]int64{"cut": 1}})
}

func namesOf(t *testing.T, reg prometheus.Gatherer) map[string][]string {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string][]string)
	for _, f := range families {
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		if f.GetMetric()[0].GetHistogram() != nil {
			names[f.GetName()+"_bucket"] = append(labels, "le")
			continue
		}
		names[f.GetName()] = labels
	}
	return names
}

var (
	// A name, and what of its labels a rule selects by.
	metricName  = regexp.MustCompile(`\b(why503_\w+)(\{[^}]*\})?`)
	recordName  = regexp.MustCompile(`\bwhy503:[\w:]+`)
	labelName   = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)`)
	ofAnyTarget = []string{"job", "instance"}
	grouped     = regexp.MustCompile(`\bby \(([^)]*)\)\s*\((?:rate|increase|max_over_time)?\(?(why503_\w+)`)
)

func TestRulesAskForWhatThereIs(t *testing.T) {
	names := shown(t)
	records := make(map[string]bool)
	all := readRules(t)
	for _, r := range all {
		records[r.Record] = true
	}
	used := make(map[string]bool)
	for _, r := range all {
		name := r.Alert + r.Record
		for _, m := range metricName.FindAllStringSubmatch(r.Expr, -1) {
			labels, ok := names[m[1]]
			if !ok {
				t.Errorf("%s asks for %s, which nothing shows", name, m[1])
			}
			used[m[1]] = true
			for _, l := range labelName.FindAllStringSubmatch(m[2], -1) {
				if !slices.Contains(labels, l[1]) {
					t.Errorf("%s asks for label %s of %s, which has %v", name, l[1], m[1], labels)
				}
			}
		}
		for _, m := range grouped.FindAllStringSubmatch(r.Expr, -1) {
			for _, l := range strings.Split(m[1], ",") {
				if l = strings.TrimSpace(l); !slices.Contains(names[m[2]], l) && !slices.Contains(ofAnyTarget, l) {
					t.Errorf("%s groups %s by %s, which has %v", name, m[2], l, names[m[2]])
				}
			}
		}
		for _, m := range recordName.FindAllString(r.Expr, -1) {
			if !records[m] {
				t.Errorf("%s asks for %s, which no rule records", name, m)
			}
		}
	}
	if len(used) < 10 {
		t.Errorf("the rules ask for %d metrics only: were they read?", len(used))
	}
}

func TestEveryAlertSaysWhatToDoAndHasATest(t *testing.T) {
	var tests struct {
		Tests []struct {
			Alerts []struct {
				Name     string `yaml:"alertname"`
				Expected []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	readYAML(t, testsFile, &tests)
	fires := make(map[string]bool)
	for _, c := range tests.Tests {
		for _, a := range c.Alerts {
			fires[a.Name] = fires[a.Name] || len(a.Expected) > 0
		}
	}
	for _, r := range readRules(t) {
		if r.Alert == "" {
			continue
		}
		if !fires[r.Alert] {
			t.Errorf("%s: no test in which it fires", r.Alert)
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s: says too little", r.Alert)
		}
		if !slices.Contains([]string{"page", "ticket", "info"}, r.Labels["severity"]) {
			t.Errorf("%s: severity %q", r.Alert, r.Labels["severity"])
		}
	}
}

func TestNamesOfMetricsFollowOneScheme(t *testing.T) {
	var other []string
	for name := range shown(t) {
		switch {
		case strings.HasPrefix(name, "why503_ingest_"), strings.HasPrefix(name, "why503_aggregate_"), name == "why503_build_info":
		case strings.HasPrefix(name, "go_"), strings.HasPrefix(name, "process_"):
		default:
			other = append(other, name)
		}
	}
	if diff := cmp.Diff([]string(nil), other); diff != "" {
		t.Errorf("names that begin otherwise:\n%s", diff)
	}
}
