//go:build integration

package doctor

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"why503/parse"
	"why503/rules"
)

// The pastes are put into a real Varnish and a real nginx. What these then
// write has to be recognised without being told, and to answer every question
// that the pastes were printed for; and Discover has to find all of it.
func TestThePastesAnswerTheirQuestionsOnRealServers(t *testing.T) {
	for _, name := range []string{"nginx", "varnishd", "varnishncsa"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed", name)
		}
	}
	dir := t.TempDir()
	before := New(Given{Rules: rules.Builtin(), Programs: []Program{{Program: parse.Varnish}, {Program: parse.Nginx}}})
	paste := func(begin string) string {
		for _, p := range before.Pastes {
			if strings.HasPrefix(p.Text, begin) {
				return p.Text
			}
		}
		t.Fatalf("no paste begins with %s: %+v", begin, before.Pastes)
		return ""
	}

	origin, front := freeAddr(t), freeAddr(t)
	accessLog := filepath.Join(dir, "nginx.why503.log")
	conf := filepath.Join(dir, "nginx.conf")
	write(t, conf, fmt.Sprintf(`daemon off; master_process on; user root; pid %[1]s/nginx.pid; error_log %[1]s/nginx.error.log info;
events {}
http {
	%[2]s
	server { listen %[3]s; location / { return 200 "well"; } location /inner { proxy_pass http://%[3]s/; } }
}
`, dir, strings.Replace(paste("log_format"), "/var/log/nginx/why503.log", accessLog, 1), origin))
	start(t, "nginx", "-c", conf, "-p", dir, "-e", filepath.Join(dir, "nginx.error.log"))

	host, port, _ := net.SplitHostPort(origin)
	vcl := filepath.Join(dir, "site.vcl")
	write(t, vcl, fmt.Sprintf(`vcl 4.1;
backend origin { .host = "%s"; .port = "%s"; }
backend nobody { .host = "127.0.0.1"; .port = "1"; }
%s
sub vcl_recv { if (req.url ~ "^/fails") { set req.backend_hint = nobody; } return (pass); }
`, host, port, Snippet("varnish.vcl")))
	instance := filepath.Join(dir, "v")
	args := []string{"-n", instance, "-a", front, "-f", vcl, "-F", "-p", "first_byte_timeout=5"}
	if os.Getuid() == 0 {
		args = append(args, "-j", "none")
	}
	start(t, "varnishd", args...)
	waitFor(t, "Varnish", func() bool { _, err := get(front, "/starts"); return err == nil })

	ncsaLog := filepath.Join(dir, "ncsa.log")
	start(t, "sh", "-c", "exec "+paste("varnishncsa")+" -n "+instance+" -a -w "+ncsaLog)
	waitFor(t, "varnishncsa", func() bool {
		_, _ = get(front, "/inner/a")
		_, _ = get(front, "/fails")
		b, _ := os.ReadFile(ncsaLog)
		return strings.Count(string(b), "FetchError") == 0 && strings.Count(string(b), "/inner/a") > 3 && strings.Count(string(b), "/fails") > 3
	})

	logs, problems := Examine([]string{ncsaLog, accessLog}, nil)
	if len(problems) > 0 || len(logs) != 2 {
		t.Fatalf("%+v %v", logs, problems)
	}
	for i, want := range []Log{
		{Kind: parse.SourceVarnishncsa, Program: parse.Varnish, Has: HasRequests | HasID | HasVXID | HasFetchError},
		{Kind: parse.SourceNginxAccess, Program: parse.Nginx, Has: HasRequests | HasID | HasVXID | HasUpstream},
	} {
		if got := logs[i]; got.Kind != want.Kind || got.Program != want.Program || got.Unread != "" || got.Has&want.Has != want.Has {
			b, _ := os.ReadFile(got.Name)
			t.Errorf("got %+v, want %+v, of\n%.2000s", got, want, b)
		}
	}
	for _, q := range New(Given{Rules: rules.Builtin(), Logs: logs}).Questions {
		if q.Here != Yes && !q.Cause {
			t.Errorf("%s: %s after all was pasted", q.Ask, q.Here)
		}
	}

	m := Discover(os.DirFS("/"))
	wants := map[string]func(s Source) bool{
		"varnishlog of the instance": func(s Source) bool { return slices.Contains(s.Child, instance) && s.Read() },
		"the log of varnishncsa": func(s Source) bool {
			return s.Path == ncsaLog && strings.HasPrefix(s.Format, "varnishncsa:%h") && s.Skip != ""
		},
		"the log of nginx": func(s Source) bool { return s.Path == accessLog && s.Kind == parse.SourceNginxAccess && s.Read() },
		"the error log of nginx": func(s Source) bool {
			return s.Path == dir+"/nginx.error.log" && s.Kind == parse.SourceNginxError && s.Read()
		},
	}
	for name, is := range wants {
		if !slices.ContainsFunc(m.Sources, is) {
			t.Errorf("%s was not found in\n%s", name, describe(m))
		}
	}
	if !slices.Contains(m.NginxConf, conf) || !slices.Contains(m.VCL, vcl) || len(m.VarnishParams) == 0 {
		t.Errorf("configurations that were not found: %s", describe(m))
	}
}

func TestTheLinesForNginxInFrontAreValid(t *testing.T) {
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Skip("nginx is not installed")
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "nginx.conf")
	top, inside, ok := strings.Cut(strings.ReplaceAll(Snippet("nginx-id.conf"), "/var/log/nginx", dir), "# and in each location")
	if !ok {
		t.Fatal("the part for each location is not there")
	}
	write(t, conf, fmt.Sprintf("pid %s/pid; error_log stderr; events {}\nhttp {\n%s\nserver { listen 127.0.0.1:1; location / { proxy_pass http://127.0.0.1:2;\n#%s} } }\n", dir, top, inside))
	if out, err := exec.CommandContext(t.Context(), "nginx", "-t", "-c", conf, "-p", dir).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// start runs a program until the end of the test.
func start(t *testing.T, name string, args ...string) {
	t.Helper()
	var out strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-done
		}
		if t.Failed() {
			t.Logf("%s: %s", name, out.String())
		}
	})
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func get(addr, path string) (int, error) {
	res, err := http.Get("http://" + addr + path)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

func waitFor(t *testing.T, what string, ready func() bool) {
	t.Helper()
	for range 150 {
		if ready() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s is not ready after 15 s", what)
}
