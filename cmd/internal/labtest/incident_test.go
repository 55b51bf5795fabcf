package labtest

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A truth is what happened to one request that a client saw fail, or, of a
// trap, to one that only looks as if it had.
type truth struct {
	Method     string   `json:"method"`
	URL        string   `json:"url"`
	RequestID  string   `json:"x_request_id"`
	VXID       uint64   `json:"vxid"`
	Start      float64  `json:"start_epoch"`
	Cause      string   `json:"cause"`     // the best answer that all logs allow
	Proximate  string   `json:"proximate"` // the best answer from the proxy's log
	AlsoAccept []string `json:"also_accept"`
	Lab        string   `json:"cause_lab"`
	Status     int      `json:"varnish_status"`
	Why        []string `json:"why"` // of a trap

	reached []string // right answers, where the origin's log tells
}

// An incident is a folder of testdata, in memory.
type incident struct {
	name          string
	files         map[string]string // logs and configurations by name, uncompressed
	truths, traps []truth
	dir           string            // where they were written
	plain         map[string]string // files as quotes are looked up in them
}

func incidents(t testing.TB) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join("testdata", "*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no incidents: %v", err)
	}
	for i := range dirs {
		dirs[i] = filepath.Base(dirs[i])
	}
	return dirs
}

func load(t testing.TB, name string) *incident {
	t.Helper()
	in := &incident{name: name, files: make(map[string]string)}
	paths, err := filepath.Glob(filepath.Join("testdata", name, "*.gz"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: no files: %v", name, err)
	}
	for _, p := range paths {
		in.files[strings.TrimSuffix(filepath.Base(p), ".gz")] = gunzip(t, p)
	}
	in.truths = rows[truth](t, in.files["truth.jsonl"])
	in.traps = rows[truth](t, in.files["traps.jsonl"])
	delete(in.files, "truth.jsonl")
	delete(in.files, "traps.jsonl")
	in.expectReached()
	return in
}

func gunzip(t testing.TB, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func rows[T any](t testing.TB, text string) []T {
	t.Helper()
	var out []T
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var r T
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%v in %.200s", err, lines.Text())
		}
		out = append(out, r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

var answered = regexp.MustCompile(`" (\d{3}) \d+ .*? rid=(\S+) `)

// expectReached tells from the origin's access log how far each request got.
func (in *incident) expectReached() {
	seen := make(map[string][]int)
	for _, l := range strings.Split(in.files["nginx-access-ext.log"], "\n") {
		if m := answered.FindStringSubmatch(l); m != nil {
			n, _ := strconv.Atoi(m[1])
			seen[m[2]] = append(seen[m[2]], n)
		}
	}
	for i := range in.truths {
		t := &in.truths[i]
		at := seen[t.RequestID]
		switch {
		case t.Proximate == "cache_config.cached_error": // a line at the origin is then its background fetch
			t.reached = []string{"not_sent"}
		case slices.Contains(at, 499):
			t.reached = []string{"late", "lost"}
		case len(at) > 0 && at[len(at)-1] >= 500:
			t.reached = []string{"origin_5xx"}
		case len(at) > 0:
			t.reached = []string{"lost", "late"}
		case neverSent[t.Proximate]:
			t.reached = []string{"never"}
		case strings.HasPrefix(t.Proximate, "deliberate."):
			t.reached = []string{"not_sent"}
		}
	}
}

// neverSent are the symptoms of requests that no origin heard of.
var neverSent = map[string]bool{
	"network.conn_refused": true, "network.conn_timeout": true, "network.unreachable": true, "health.all_down": true, "health.backend_down": true,
	"health.admin_down": true, "cache_config.max_connections": true, "dns_routing.no_backend": true,
}

// write puts the files into a folder.
func (in *incident) write(t testing.TB) {
	t.Helper()
	in.dir = t.TempDir()
	for name, text := range in.files {
		if err := os.WriteFile(filepath.Join(in.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
