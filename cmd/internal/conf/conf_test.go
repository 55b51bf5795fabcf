package conf

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// secretFiles stands for the files that *_file names.
func secretFiles(path string) ([]byte, error) {
	switch path {
	case "/etc/why503/token":
		return []byte("0123456789abcdef\n"), nil
	case "/etc/why503/short":
		return []byte("hunter2\n"), nil
	case "/etc/why503/webhook", "/etc/why503/slack":
		return []byte("https://hooks.example/s3cret-path\n"), nil
	case "/etc/why503/webhook.token", "/etc/why503/slack.token", "/etc/why503/alertmanager.token", "/etc/why503/smtp", "/etc/why503/alertmanager":
		return []byte("s3cret-word"), nil
	}
	return nil, &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
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

func TestGoodFilesAreShownWithTheOriginOfEachValue(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.good.yaml")
	if len(files) == 0 {
		t.Fatal("no files")
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			c, err := Load(Input{File: filepath.Base(path), Data: data, ReadFile: secretFiles})
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := c.Print(&out); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(out.String(), "s3cret") {
				t.Errorf("a secret is printed:\n%s", out.String())
			}
			golden(t, path+".golden", out.String())
		})
	}
}

func TestBadFilesTellAllThatIsWrongWithItsPlaceAndMend(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.bad.yaml")
	if len(files) == 0 {
		t.Fatal("no files")
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Load(Input{File: "why503.yaml", Data: data, ReadFile: secretFiles})
			var ps Problems
			if !errors.As(err, &ps) || ps.Misuse() {
				t.Fatalf("no problems: %v", err)
			}
			if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a secret is printed: %v", err)
			}
			golden(t, path+".golden", err.Error()+"\n")
		})
	}
}

func TestAFlagGoesBeforeTheEnvironmentBeforeTheFileBeforeTheDefault(t *testing.T) {
	file := []byte("retention: {age: 10d, size: 1GB}\nstore: file.db\nslo: 99%\nsources: {syslog: {udp: 127.0.0.1:1}}\n")
	env := map[string]string{"WHY503_RETENTION_AGE": "20d", "WHY503_RETENTION_SIZE": "2GB", "WHY503_SOURCES_SYSLOG_UDP": "127.0.0.1:2, 127.0.0.1:3", "WHY503_TOKEN": "0123456789abcdef", "WHY503_PORT": "tcp://10.0.0.1:80"}
	var fl Flags
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	fl.Register(fs)
	if err := fs.Parse([]string{"--retention.age", "30d", "--listen=0.0.0.0:1", "--redact"}); err != nil {
		t.Fatal(err)
	}
	c, err := Load(Input{File: "f.yaml", Data: file, Flags: &fl, Paths: []string{"a.log", "-", "[b"},
		Env: func(k string) (string, bool) { v, ok := env[k]; return v, ok }})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ key, want, origin string }{
		{"retention.age", fmt.Sprint(time.Duration(c.Retention.Age)), "720h0m0s --retention.age"},
		{"retention.size", fmt.Sprint(int64(c.Retention.Size)), "2000000000 WHY503_RETENTION_SIZE"},
		{"store", string(c.Store), "file.db f.yaml:2"},
		{"slo.objective", fmt.Sprint(float64(c.SLO.Objective)), "0.99 f.yaml:3"},
		{"slo.min_requests", fmt.Sprint(c.SLO.MinRequests), "1000 default"},
		{"redact", fmt.Sprint(c.Redact), "true --redact"},
		{"listen", string(c.Listen), "0.0.0.0:1 --listen"},
		{"token", c.Token.Reveal(), "0123456789abcdef WHY503_TOKEN"},
		{"sources.syslog.udp", fmt.Sprint(c.Sources.Syslog.UDP), "[127.0.0.1:2 127.0.0.1:3] WHY503_SOURCES_SYSLOG_UDP"},
		{"sources.paths[1].path", string(c.Sources.Paths[1].Path), "[b PATH"},
		{"sources.stdin", fmt.Sprint(c.Sources.Stdin), "true PATH"},
	} {
		if got := x.want + " " + c.Origin(x.key).String(); got != x.origin {
			t.Errorf("%s: %q, want %q", x.key, got, x.origin)
		}
	}
}

func TestProblemsOfFlagsAndEnvironmentAreNamedAfterThem(t *testing.T) {
	var fl Flags
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	fl.Register(fs)
	if err := fs.Parse([]string{"--retention.age", "30", "--log.level=wran"}); err != nil {
		t.Fatal(err)
	}
	env := func(k string) (string, bool) {
		v, ok := map[string]string{"WHY503_ALERTS_SLACK_URL": "s3cret", "WHY503_LISTEN": ":80"}[k]
		return v, ok
	}
	_, err := Load(Input{Flags: &fl})
	var ps Problems
	if !errors.As(err, &ps) || !ps.Misuse() || len(ps) != 2 {
		t.Fatalf("problems %v", err)
	}
	_, err = Load(Input{Flags: &fl, Env: env})
	golden(t, "testdata/overrides.golden", err.Error()+"\n")
}

func TestAVariableOfAListWantsTheOnlyElement(t *testing.T) {
	env := func(k string) (string, bool) { return "https://hooks.example/s3cret", k == "WHY503_ALERTS_SLACK_URL" }
	c, err := Load(Input{Env: env})
	if err != nil || len(c.Alerts.Slack) != 1 || c.Alerts.Slack[0].URL.Reveal() != "https://hooks.example/s3cret" {
		t.Fatalf("%v %v", c.Alerts.Slack, err)
	}
	_, err = Load(Input{File: "f", Data: []byte("alerts: {slack: [{channel: a}, {channel: b}]}"), Env: env})
	if err == nil || !strings.Contains(err.Error(), "WHY503_ALERTS_SLACK_URL: the value could be for each of the 2 of alerts.slack") {
		t.Errorf("%v", err)
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	c, err := Load(Input{File: "f", ReadFile: secretFiles, Data: []byte("token_file: /etc/why503/token\nalerts: {slack: 'https://hooks.example/s3cret', email: {to: a@b, from: c@d, server: 'x:25', user: u, password_file: /etc/why503/smtp}}")})
	if err != nil {
		t.Fatal(err)
	}
	if c.Token.Reveal() != "0123456789abcdef" || c.Alerts.Email[0].Password.Reveal() != "s3cret-word" {
		t.Fatal("the secrets are not there")
	}
	js, _ := json.Marshal(c)
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "config", *c, "token", c.Token)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "config", *c, "url", c.Alerts.Slack[0].URL)
	all := c.String() + string(js) + logged.String() + fmt.Sprintf("%v %+v %#v %s %q", *c, *c, *c, c.Token, c.Alerts.Slack[0].URL)
	for _, s := range []string{"s3cret", "0123456789abcdef"} {
		if strings.Contains(all, s) {
			t.Errorf("%s is shown in %s", s, all)
		}
	}
	if !strings.Contains(c.String(), "token: (set)") {
		t.Errorf("that the token is set is not said:\n%s", c)
	}
}

func TestTheExampleHoldsEveryKeyAndIsValid(t *testing.T) {
	text := Example()
	golden(t, "testdata/example.golden.yaml", text)
	if _, err := Load(Input{File: "example", Data: []byte(text)}); err != nil {
		t.Errorf("as it is: %v", err)
	}
	c, err := Load(Input{File: "example", Data: []byte(uncommented(text)), ReadFile: secretFiles})
	if err != nil {
		t.Fatalf("uncommented: %v\n%s", err, uncommented(text))
	}
	for _, k := range Keys() {
		if k.Secret() || strings.HasSuffix(k.Name, ".url_file") {
			continue
		}
		if c.Origin(strings.Replace(k.Name, "[]", "[0]", 1)).File == "" {
			t.Errorf("%s does not stand in the example", k.Name)
		}
	}
	if strings.Count(text, "\n") < 100 {
		t.Error("the example is too short to hold everything")
	}
}

// uncommented takes the number sign off every setting of the example.
func uncommented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		body := strings.TrimLeft(line, " ")
		if s, ok := strings.CutPrefix(body, "#"); ok && (!strings.HasPrefix(s, " ") || strings.HasPrefix(s, "  ")) {
			line = strings.Repeat(" ", len(line)-len(body)) + s
		}
		b.WriteString(line)
	}
	return b.String()
}

func TestValuesAreWrittenAsTheyAreRead(t *testing.T) {
	for _, x := range []struct {
		v    value
		in   string
		want string
	}{
		{new(Age), "30d", "30d"}, {new(Age), "4w", "28d"}, {new(Age), "90m", "90m"}, {new(Age), "1.5s", "1.5s"}, {new(Age), "24h", "1d"},
		{new(Size), "10GB", "10GB"}, {new(Size), "1.5 GB", "1500MB"}, {new(Size), "1GiB", "1073.741824MB"},
		{new(Share), "99.9%", "99.9%"}, {new(Share), "99.99 %", "99.99%"}, {new(Share), "95%", "95%"},
	} {
		if err := x.v.set(x.in); err != nil || x.v.text() != x.want {
			t.Errorf("%s: %q, %v", x.in, x.v.text(), err)
		}
		if err := x.v.set(x.v.text()); err != nil || x.v.text() != x.want {
			t.Errorf("%s once more: %q, %v", x.in, x.v.text(), err)
		}
	}
	for _, a := range []Addr{"127.0.0.1:1", "localhost:1", "[::1]:1", "127.9.9.9:1"} {
		if !a.Loopback() {
			t.Errorf("%s is loopback", a)
		}
	}
	for _, a := range []Addr{":1", "0.0.0.0:1", "[::]:1", "10.0.0.1:1", "localhost.example:1", "x"} {
		if a.Loopback() {
			t.Errorf("%s is not loopback", a)
		}
	}
}

func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, p := range files {
		data, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("alerts: &a {slack: *a}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Load(Input{File: "f", Data: data, ReadFile: secretFiles})
		if err != nil {
			if !errors.As(err, new(Problems)) {
				t.Fatalf("an error that is no problem: %v", err)
			}
			return
		}
		// What holds can be written and read again to the same.
		text := c.String()
		if strings.Contains(text, hidden) {
			return
		}
		again, err := Load(Input{File: "f", Data: []byte(text), ReadFile: secretFiles})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if again.String() != text {
			t.Fatal(cmp.Diff(text, again.String()))
		}
	})
}
