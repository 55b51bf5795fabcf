package doctor

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"why503/cmd/internal/conf"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// A machine is a tree in which some files may not be read.
type machine struct {
	fstest.MapFS
	denied []string
}

func (m machine) Open(name string) (fs.File, error) {
	if slices.Contains(m.denied, name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return m.MapFS.Open(name)
}

// readMachine makes a tree of an archive. A file "-> x" is a link, and the
// lines of a cmdline are its arguments.
func readMachine(tb testing.TB, path string) machine {
	tb.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	m := machine{MapFS: fstest.MapFS{}}
	for _, file := range strings.Split("\n"+string(src), "\n-- ")[1:] {
		name, data, ok := strings.Cut(file+"\n", " --\n")
		if !ok {
			tb.Fatalf("%s: %q does not begin with -- name --", path, file)
		}
		switch text := strings.TrimSpace(data); {
		case name == "denied":
			m.denied = strings.Fields(text)
		case strings.HasPrefix(text, "-> "):
			m.MapFS[name] = &fstest.MapFile{Data: []byte(text[3:]), Mode: fs.ModeSymlink | 0o777}
		case strings.HasSuffix(name, "/cmdline"):
			m.MapFS[name] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(text, "\n", "\x00") + "\x00"), Mode: 0o444}
		default:
			m.MapFS[name] = &fstest.MapFile{Data: []byte(data), Mode: 0o644}
		}
	}
	return m
}

func describe(m *Machine) string {
	var b strings.Builder
	for _, p := range m.Programs {
		fmt.Fprintf(&b, "%s %s pid %d %s %s\n", p.Program, p.Name, p.PID, p.Config, p.Unit)
	}
	fmt.Fprintf(&b, "nginx_conf %v\nvcl %v\nvarnish_params %v\ncontainers %d\n", m.NginxConf, m.VCL, m.VarnishParams, m.Containers)
	for _, s := range m.Sources {
		fmt.Fprintf(&b, "%s%v%v %s %s\n    %s\n", s.Path, s.Child, s.Units, s.Program, s.Kind, s.Why)
		if s.Format != "" {
			fmt.Fprintf(&b, "    format %s\n", s.Format)
		}
		if s.Absent {
			b.WriteString("    absent\n")
		}
		if s.Problem+s.Skip != "" {
			fmt.Fprintf(&b, "    problem %q skip %q\n", s.Problem, s.Skip)
		}
	}
	return b.String()
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-%s +got:\n%s", path, diff)
	}
}

func TestDiscoverFindsWhatRuns(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txtar")
	if len(files) == 0 {
		t.Fatal("no machines")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			got := describe(Discover(readMachine(t, file)))
			// Who runs the tests is of no interest.
			golden(t, strings.TrimSuffix(file, ".txtar")+".golden", withoutUser(got))
		})
	}
}

func withoutUser(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if i := strings.Index(line, ` problem "`); i >= 0 && !strings.Contains(line, ` problem ""`) {
			line = line[:i] + " problem ... \n"
		}
		b.WriteString(line)
	}
	return b.String()
}

func FuzzDiscover(f *testing.F) {
	f.Add("nginx: master process nginx -c /x.conf", "error_log a; include /x.conf;", "[global]\nslowlog=/x\n")
	f.Add("/usr/sbin/varnishd\x00-n", "access_log /$a.log;", "include=/*\n[")
	f.Fuzz(func(t *testing.T, cmdline, conf, ini string) {
		m := machine{MapFS: fstest.MapFS{
			"proc/1/cmdline": {Data: []byte(cmdline)}, "x.conf": {Data: []byte(conf)}, "etc/nginx/nginx.conf": {Data: []byte(conf)},
			"etc/php-fpm.conf": {Data: []byte(ini)}, "etc/my.cnf": {Data: []byte(ini)}, "etc/httpd/conf/httpd.conf": {Data: []byte(ini)},
		}}
		for _, s := range Discover(m).Sources {
			if s.Path == "" && s.Child == nil && s.Units == nil || s.Path != "" && !strings.HasPrefix(s.Path, "/") {
				t.Fatalf("a source that is none: %+v", s)
			}
			if s.Why == "" {
				t.Fatalf("nothing says where it was found: %+v", s)
			}
		}
	})
}

func TestWhatIsFoundBecomesTheSourcesOfServe(t *testing.T) {
	c := conf.Default()
	c.VCL = []conf.Path{"/own.vcl"}
	n := Discover(readMachine(t, "testdata/debian.txtar")).Apply(&c)
	want := conf.Default()
	want.VCL = c.VCL
	want.NginxConf = []conf.Path{"/etc/nginx/nginx.conf"}
	want.Params = []conf.Path{"/proc/200/cmdline"}
	want.Sources.Varnishlog = []conf.Varnishlog{{}}
	want.Sources.Journal.Units = []string{"nginx.service", "varnish.service"}
	for _, p := range []conf.Glob{
		"/var/log/nginx/error.log", "/var/log/nginx/access.log", "/var/log/nginx/*.access.log", "/usr/share/nginx/logs/relative.log",
		"/var/log/php8.2-fpm.log", "/var/log/php/www.access.log", "/var/log/php/api.errors.log", "/var/log/php/api.slow.log", "/srv/shop/logs/app.json", "/var/log/nginx/old.log",
	} {
		want.Sources.Paths = append(want.Sources.Paths, conf.Source{Path: p})
	}
	if c.String() != want.String() || n != 12 {
		t.Errorf("%d sources: %s", n, cmp.Diff(want.String(), c.String()))
	}
}
