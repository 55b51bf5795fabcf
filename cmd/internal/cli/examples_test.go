package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExamplesGiveTheReportBesideThem runs what `make examples` runs. After a
// change that is meant, run that and read the difference.
func TestExamplesGiveTheReportBesideThem(t *testing.T) {
	const dir = "../../../examples"
	folders, err := filepath.Glob(filepath.Join(dir, "*", ""))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, folder := range folders {
		if st, err := os.Stat(folder); err != nil || !st.IsDir() {
			continue
		}
		n++
		t.Run(filepath.Base(folder), func(t *testing.T) {
			want, err := os.ReadFile(folder + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			logs, err := filepath.Glob(filepath.Join(folder, "*.log*"))
			if err != nil || len(logs) == 0 {
				t.Fatalf("no logs in %s: %v", folder, err)
			}
			args := []string{"analyze", "--width", "80"}
			for file, flag := range map[string]string{"varnish.vcl": "--vcl", "nginx.conf": "--nginx-conf"} {
				if path := filepath.Join(folder, file); exists(path) {
					args = append(args, flag, path)
				}
			}
			t.Setenv("LC_ALL", "C.UTF-8")
			var stdout, stderr bytes.Buffer
			if code := Run(t.Context(), append(args, logs...), IO{In: strings.NewReader(""), Out: &stdout, Err: &stderr}); code != exitDone {
				t.Fatalf("exit code %d\n%s", code, stderr.String())
			}
			if d := cmp.Diff(string(want), stdout.String()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
	if n < 3 {
		t.Fatalf("only %d examples", n)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
