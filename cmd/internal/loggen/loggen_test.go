package loggen

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func generate(t testing.TB, format string, c Config) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := Write(&b, format, c)
	if err != nil {
		t.Fatal(err)
	}
	if n.Bytes != int64(b.Len()) || n.Lines != int64(bytes.Count(b.Bytes(), newline)) {
		t.Fatalf("%+v, but %d bytes and %d lines were written", n, b.Len(), bytes.Count(b.Bytes(), newline))
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	for _, format := range Formats() {
		t.Run(format, func(t *testing.T) {
			c := Defaults()
			c.Requests, c.Failures, c.Rate = 12, 0.5, 10
			got := generate(t, format, c)
			file := filepath.Join("testdata", format+".golden")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestASeedGivesTheSameBytesAndAnotherSeedOthers(t *testing.T) {
	for _, format := range Formats() {
		c := Defaults()
		c.Bytes = 1 << 18
		a := sha256.Sum256(generate(t, format, c))
		b := sha256.Sum256(generate(t, format, c))
		c.Seed++
		other := sha256.Sum256(generate(t, format, c))
		if a != b || a == other {
			t.Errorf("%s: the same seed gave the same: %v, another seed another: %v", format, a == b, a != other)
		}
	}
}

func TestShareOfFailures(t *testing.T) {
	const n = 2000
	status := regexp.MustCompile(`HTTP/1\.1" (\d+) `)
	resp := regexp.MustCompile(`(?m)^-   RespStatus     (\d+)$`)
	for _, share := range []float64{0, 0.02, 0.3, 0.8, 1} {
		for _, bursts := range []bool{false, true} {
			for format, re := range map[string]*regexp.Regexp{"combined": status, "combined-ext": status, "varnishlog": resp} {
				c := Defaults()
				c.Requests, c.Failures, c.Bursts, c.Rate = n, share, bursts, n/360. // six minutes
				failed, all := 0, 0
				for _, m := range re.FindAllSubmatch(generate(t, format, c), -1) {
					all++
					if m[1][0] == '5' {
						failed++
					}
				}
				if got := float64(failed) / float64(all); all != n || got < share-0.04 || got > share+0.04 || share == 0 && failed > 0 {
					t.Errorf("%s, bursts %v: %d of %d, want %v", format, bursts, failed, all, share)
				}
			}
		}
	}
}

func TestLinesStandInTheOrderOfTheirEnd(t *testing.T) {
	c := Defaults()
	c.Requests, c.Failures = 2000, 0.1
	for format, re := range map[string]*regexp.Regexp{
		"combined-ext": regexp.MustCompile(`msec=(\d+\.\d+)`),
		"varnishlog":   regexp.MustCompile(`(?m)^-   Timestamp      Resp: (\d+\.\d+)`),
	} {
		last, n := 0.0, 0
		for _, m := range re.FindAllSubmatch(generate(t, format, c), -1) {
			at, err := strconv.ParseFloat(string(m[1]), 64)
			if err != nil || at < last {
				t.Fatalf("%s: %s after %f (%v)", format, m[1], last, err)
			}
			last, n = at, n+1
		}
		if n != 2000 {
			t.Errorf("%s: %d lines", format, n)
		}
	}
}

// Every fetch that reached nginx has a line there with its VXID, and every one
// that reached the application has one there.
func TestSetIsLinked(t *testing.T) {
	dir := t.TempDir()
	c := Defaults()
	c.Requests, c.Failures = 3000, 0.3
	n, err := WriteSet(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	nginx := map[string]string{} // VXID to status
	for _, m := range regexp.MustCompile(`HTTP/1\.1" (\d+) .* xv=(\d+) `).FindAllStringSubmatch(read("nginx-access.log"), -1) {
		nginx[m[2]] = m[1]
	}
	app := map[string]string{}
	for line := range strings.Lines(read("app.json.log")) {
		var v struct {
			XVarnish string `json:"x_varnish"`
			Status   int
			Msg      string
			Stack    string
		}
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if (v.Status == 500) != (v.Stack != "") {
			t.Fatalf("a stack trace goes with a 500: %s", line)
		}
		if v.XVarnish != "" {
			app[v.XVarnish] = strconv.Itoa(v.Status)
		}
	}
	answered5xx := regexp.MustCompile(`(?m)^-   RespStatus     5`)
	bereq := regexp.MustCompile(`<< BeReq    >> (\d+)`)
	failed, kinds := 0, map[string]int{}
	for _, group := range strings.Split(strings.TrimSpace(read("varnishlog.log")), "\n\n") {
		if answered5xx.MatchString(group) {
			failed++
		}
		m := bereq.FindStringSubmatch(group)
		if m == nil {
			continue
		}
		inner, inNginx := nginx[m[1]]
		answer, inApp := app[m[1]]
		var kind string
		switch {
		case strings.Contains(group, "errno 111"):
			kind = "refused"
			if inNginx || inApp {
				t.Fatalf("a refused fetch has a line behind: %s", group)
			}
		case strings.Contains(group, "first byte timeout"):
			kind = "timeout"
			if inner != "499" || answer != "200" {
				t.Fatalf("late: nginx %q, application %q: %s", inner, answer, group)
			}
		case strings.Contains(group, "BerespStatus   500"):
			kind = "500"
			if inner != "500" || answer != "500" {
				t.Fatalf("500: nginx %q, application %q", inner, answer)
			}
		case strings.Contains(group, "BerespStatus   502"):
			kind = "502"
			if inner != "502" || inApp {
				t.Fatalf("502: nginx %q, application %q", inner, answer)
			}
		default:
			kind = "good"
			if inner == "" || inner != answer {
				t.Fatalf("good: nginx %q, application %q", inner, answer)
			}
		}
		kinds[kind]++
	}
	if int64(failed) != n.Failures || len(kinds) != 5 {
		t.Errorf("%d failed, want %d; kinds %v", failed, n.Failures, kinds)
	}
	// One line for each of two tries that were refused, one for a worker that
	// was killed, one for a first try that a second made good.
	log := read("nginx-error.log")
	refused := len(regexp.MustCompile(`connect\(\) failed .* upstream: "http://10.20.0.7:`).FindAllString(log, -1))
	tries := len(regexp.MustCompile(`connect\(\) failed .* upstream: "http://10.20.0.6:`).FindAllString(log, -1))
	killed := strings.Count(log, "prematurely closed connection while reading")
	saved := strings.Count(read("nginx-access.log"), `us="502, `) - refused
	if refused == 0 || killed == 0 || saved == 0 || refused+killed != kinds["502"] || tries != refused+saved {
		t.Errorf("refused %d, tries %d, killed %d, saved %d, of %v", refused, tries, killed, saved, kinds)
	}
}

func TestConfigThatNeverEndsOrMakesNoSenseIsRefused(t *testing.T) {
	for _, change := range []func(*Config){
		func(c *Config) { c.Requests = 0 },
		func(c *Config) { c.Rate = 0 },
		func(c *Config) { c.Failures = 1.5 },
		func(c *Config) { c.Failures = -1 },
		func(c *Config) { c.Site = "" },
	} {
		c := Defaults()
		c.Requests = 1
		change(&c)
		if _, err := Write(io.Discard, "combined", c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
	if _, err := Write(io.Discard, "nothing", Defaults()); err == nil {
		t.Error("an unknown format was accepted")
	}
}

type full struct{ left int }

func (w *full) Write(b []byte) (int, error) {
	if w.left -= len(b); w.left < 0 {
		return 0, errors.New("full")
	}
	return len(b), nil
}

func TestWriterThatFailsStopsIt(t *testing.T) {
	c := Defaults()
	c.Bytes = 1 << 40
	if _, err := Write(&full{1 << 20}, "combined", c); err == nil {
		t.Error("no error")
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, format := range Formats() {
		b.Run(format, func(b *testing.B) {
			c := Defaults()
			c.Bytes = 16 << 20
			b.SetBytes(c.Bytes)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Write(io.Discard, format, c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestAStreamHandsOutWhatASetHolds(t *testing.T) {
	c := Defaults()
	c.Requests, c.Failures, c.Rate = 500, 0.2, 100
	dir := t.TempDir()
	if _, err := WriteSet(dir, c); err != nil {
		t.Fatal(err)
	}
	s, err := NewStream(c)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]bytes.Buffer, len(Files()))
	failed, last := make(map[int64]bool), int64(0)
	for e, ok := s.Next(); ok; e, ok = s.Next() {
		if e.At < last {
			t.Fatalf("an entry of %d comes after one of %d", e.At, last)
		}
		last = e.At
		got[e.File].Write(e.Text)
		if e.Of.Failed() {
			failed[e.Of.Number] = true
		}
		if e.Status >= 500 && e.Status != 503 && !e.Of.Failed() {
			t.Errorf("%s answered %d, and nothing failed", Files()[e.File], e.Status)
		}
	}
	for i, name := range Files() {
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, got[i].Bytes()) {
			t.Errorf("%s is not the same", name)
		}
	}
	if n := len(failed); n < 50 || n > 150 {
		t.Errorf("%d of 500 failed, with a share of 0.2", n)
	}
}
