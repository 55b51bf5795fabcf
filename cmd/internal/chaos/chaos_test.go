//go:build integration

package chaos

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A minute of writing, with a kill about every second: what is stored is what
// was written, in each way of rotating.
func TestServeSurvivesChaos(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "why503")
	build := exec.Command("go", "build", "-o", binary, "why503/cmd/why503")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building why503: %v\n%s", err, out)
	}
	for _, mode := range []Mode{Rename, CopyTruncate} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel() // most of it is waiting
			rep, err := Run(t.Context(), Config{
				Serve: []string{binary}, Dir: t.TempDir(), Seed: 1, Duration: time.Minute, Rate: 5000, Mode: mode, Kills: 100,
			})
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			if err := rep.Write(&out); err != nil {
				t.Fatal(err)
			}
			t.Log(out.String())
			if len(rep.Differs) > 0 {
				t.Error("serve did not store what was written")
			}
		})
	}
}
