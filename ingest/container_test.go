package ingest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const containerID = "3f4a8b1c9d2e3f4a8b1c9d2e3f4a8b1c9d2e3f4a8b1c9d2e3f4a8b1c9d2e3f4a"

func TestContainerOf(t *testing.T) {
	dir := t.TempDir()
	write := func(path, content string) string {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := func(to, path string) {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
	}
	// Docker under a kubelet: two links lead to the engine's file.
	engine := write("docker/containers/"+containerID+"/"+containerID+"-json.log", "")
	write("docker/containers/"+containerID+"/config.v2.json", `{"ID":"x","Name":"/shop-web-1","Config":{"Hostname":"c0ffee","Image":"shop:1.8.3","Labels":{"com.docker.compose.service":"web"}}}`)
	link(engine, "pods/prod_shop-7c9_0b1e/web/0.log")
	link("../pods/prod_shop-7c9_0b1e/web/0.log", "containers/shop-7c9_prod_web-"+containerID+".log")
	other := strings.Repeat("ab", 32)
	write("docker/containers/"+other+"/config.v2.json", `{"Name":7,"Config":{"Hostname":"h"`)
	write("odd/containers/"+other+"/config.v2.json", `{"Name":7,"Config":{"Hostname":"h"}}`)

	for _, tt := range []struct {
		name, path    string
		want          Container
		host, service string
	}{
		{"a pod's file", "/var/log/pods/prod_shop-7c9.x_0b1e-44/web/0.log", Container{Namespace: "prod", Pod: "shop-7c9.x", UID: "0b1e-44", Name: "web"}, "shop-7c9.x", "web"},
		{"a rotated one", "/var/log/pods/prod_shop_0b1e/web/0.log.20261123-021043.gz", Container{Namespace: "prod", Pod: "shop", UID: "0b1e", Name: "web"}, "shop", "web"},
		{"the kubelet's link", "/var/log/containers/shop-7c9_prod_web-app-" + containerID + ".log", Container{Namespace: "prod", Pod: "shop-7c9", Name: "web-app", ID: containerID}, "shop-7c9", "web-app"},
		{"Docker's, whose folder cannot be read", "/nonexistent/docker/containers/" + containerID + "/" + containerID + "-json.log.1", Container{ID: containerID}, containerID[:12], ""},
		{"Docker's", engine, Container{Name: "web", ID: containerID, Image: "shop:1.8.3", Hostname: "c0ffee"}, "c0ffee", "web"},
		{"links to Docker's", filepath.Join(dir, "containers/shop-7c9_prod_web-"+containerID+".log"),
			Container{Namespace: "prod", Pod: "shop-7c9", UID: "0b1e", Name: "web", ID: containerID, Image: "shop:1.8.3", Hostname: "c0ffee"}, "shop-7c9", "web"},
		{"Docker's with a damaged description", filepath.Join(dir, "docker/containers", other, other+"-json.log"), Container{ID: other}, other[:12], ""},
		{"Docker's with an odd description", filepath.Join(dir, "odd/containers", other, other+"-json.log"), Container{ID: other, Hostname: "h"}, "h", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := ContainerOf(tt.path)
			if diff := cmp.Diff(tt.want, got); diff != "" || !ok {
				t.Error(ok, diff)
			}
			if got.Host() != tt.host || got.Service() != tt.service {
				t.Errorf("service %q on %q", got.Service(), got.Host())
			}
		})
	}
	for _, path := range []string{"/var/log/nginx/access.log", "access.log", "", "/", "/var/log/pods/x/y/0.log", "/var/log/pods/a_b_c/0.log", "/var/log/containers/x.log", "/containers/a_b_c-d.log"} {
		if c, ok := ContainerOf(path); ok {
			t.Errorf("%s is of %+v", path, c)
		}
	}
}
