package app

import (
	"path/filepath"
	"slices"
	"testing"

	"why503/cmd/internal/conf"
)

// The folder of the configuration is that of Docker's containers itself.
func TestLogsOfContainersAreLookedForWhereTheyAre(t *testing.T) {
	c, err := conf.Load(conf.Input{File: "why503.yaml", Data: []byte("sources:\n  docker:\n    names: ['*']\n  pods:\n    names: ['*/*']\n"), Env: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	got := containers(ServeConfig{Config: c})
	for i, path := range []string{"/var/lib/docker/containers/0f/0f-json.log", "/var/log/pods/shop_web-1_9/app/0.log"} {
		if !slices.ContainsFunc(got, func(p string) bool { ok, _ := filepath.Match(p, path); return ok }) {
			t.Errorf("%d: %s is not found by %q", i, path, got)
		}
	}
}
