package conf

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestProbeTellsWhatIsNotThere(t *testing.T) {
	testdata, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"access.log", "error.log", "rules.yaml"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := `sources:
  paths: [./access.log, ./acces.log, "*.log", "*.json", gone/*.log]
  syslog: {unix: gone/x.sock}
rules: [rules.yaml, .]
vcl: default.vcl
store: gone/x.db
alerts:
  exec: [./no-such-program]
  slack: https://hooks.example/x
`
	const file = "why503.yaml"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // that it is open is what is tested
		t.Fatal(err)
	}
	c, err := Load(Input{File: file, Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	problems, notes := c.Probe()
	golden(t, filepath.Join(testdata, "probe.golden"), problems.Error()+"\n"+strings.Join(notes, "\n")+"\n")
	if left, _ := filepath.Glob(filepath.Join(dir, ".why503-*")); len(left) > 0 {
		t.Errorf("files were left: %v", left)
	}
}

func TestAConfigurationThatIsRightHasNoProblems(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.log"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(Input{File: "f", Data: fmt.Appendf(nil, "sources: %s/*.log\nstore: %s/x.db\n", dir, dir)})
	if err != nil {
		t.Fatal(err)
	}
	if problems, notes := c.Probe(); len(problems)+len(notes) > 0 {
		t.Errorf("%v %v", problems, notes)
	}
}

func TestAFileThatMayNotBeReadNamesTheGroupThatMay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	if err := os.WriteFile(path, nil, 0o640); err != nil { //nolint:gosec // as logs are
		t.Fatal(err)
	}
	if err := os.Chown(path, -1, 4); err != nil { // adm on Debian
		t.Skip("only root gives files away")
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("the group %s may:  usermod -a -G %s ", groupOf(info), groupOf(info))
	if got := Unreadable(path, fs.ErrPermission); !strings.Contains(got, want) {
		t.Errorf("%s\nwant %s", got, want)
	}
}
