//go:build integration

package admin

import (
	"os/exec"
	"strings"
	"testing"
)

// Prometheus itself reads what is shown at /metrics.
func TestMetricsByPromtool(t *testing.T) {
	s, reg := server(t)
	count(reg)
	_, body := get(t, s.URL+"/metrics")
	cmd := exec.CommandContext(t.Context(), promtoolOf(t), "check", "metrics")
	// It knows names of its own kind alone: those of Go's runtime are not ours.
	cmd.Stdin = strings.NewReader(ours(body))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

func ours(body string) string {
	var b strings.Builder
	for line := range strings.Lines(body) {
		if strings.Contains(line, "why503_") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// Prometheus itself reads the rules and runs their tests.
func TestRulesByPromtool(t *testing.T) {
	promtool := promtoolOf(t)
	for _, args := range [][]string{{"check", "rules", rulesFile}, {"test", "rules", testsFile}} {
		out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput()
		if err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

func promtoolOf(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian: prometheus): metrics and alert rules were not checked by it")
	}
	return path
}
