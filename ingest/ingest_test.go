package ingest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse/frame"
)

// folder makes files in a temporary folder and goes there. A name that ends in
// .gz is compressed, one that ends in / is a folder.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if strings.HasSuffix(name, ".gz") {
			content = gz(t, content)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return dir
}

func gz(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, s)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestExpand(t *testing.T) {
	one := func(paths ...string) Input { return Input{Path: paths[len(paths)-1], Parts: paths} }
	for _, tt := range []struct {
		name  string
		files []string
		paths []string
		want  []Input
		errs  []string
	}{
		{"a file", []string{"a.log"}, []string{"a.log"}, []Input{one("a.log")}, nil},
		{"the same file twice", []string{"a.log"}, []string{"a.log", "./a.log", "-", "-"}, []Input{one("a.log"), one("-")}, nil},
		{"a folder and one level more, sorted", []string{"d/b.log", "d/a.log", "d/e/c.log", "d/e/f/deep.log", "d/.hidden"}, []string{"d"},
			[]Input{one("d/a.log"), one("d/b.log"), one("d/e/c.log")}, []string{"d/e/f: skipped, a folder this deep is only read when it is named"}},
		{"what is no log", []string{"d/a.log", "d/nginx.conf.txt", "d/site.vcl", "d/x.png"}, []string{"d"}, []Input{one("d/a.log")},
			[]string{"d/nginx.conf.txt: skipped, a configuration", "d/site.vcl: skipped, a configuration", "d/x.png: skipped, no log by its name (.png)"}},
		{"a configuration that is named is read", []string{"nginx.conf"}, []string{"nginx.conf"}, []Input{one("nginx.conf")}, nil},
		{"an empty folder", []string{"d/"}, []string{"d"}, []Input{}, []string{"d: an empty folder. Name the log files, or the folder that holds them"}},
		{"a folder without logs", []string{"d/a.conf"}, []string{"d"}, []Input{}, []string{"d/a.conf: skipped, a configuration", "d: no logs in this folder. Name the files to read them all the same"}},
		{"a folder whose files were named", []string{"d/a.log"}, []string{"d/a.log", "d"}, []Input{one("d/a.log")}, nil},
		{"a slip in the name", []string{"nginx/access.log", "nginx/error.log"}, []string{"nginx/acces.log"}, []Input{},
			[]string{"nginx/acces.log: no such file. Did you mean nginx/access.log?"}},
		{"neighbours swapped in the folder", []string{"nginx/access.log"}, []string{"ngixn/access.log"}, []Input{},
			[]string{"ngixn/access.log: no such file. Did you mean nginx/access.log?"}},
		{"slips everywhere", []string{"nginx/access.log"}, []string{"ngin/acess.log"}, []Input{}, []string{"ngin/acess.log: no such file. Did you mean nginx/access.log?"}},
		{"nothing like it", []string{"a.log"}, []string{"haproxy.log", "q/w/e"}, []Input{}, []string{"haproxy.log: no such file", "q/w/e: no such file"}},
		{"numbered rotation", []string{"x.log", "x.log.1", "x.log.2.gz", "x.log.10.gz"}, []string{"."}, []Input{one("x.log.10.gz", "x.log.2.gz", "x.log.1", "x.log")}, nil},
		{"rotation in any order", []string{"x", "x.1"}, []string{"x", "x.1"}, []Input{one("x.1", "x")}, nil},
		{"dated rotation", []string{"x.log", "x.log-20261121.gz", "x.log-20261122", "y.2026-11-21.log", "y.2026-11-22.log", "y.log"}, []string{"."},
			[]Input{one("x.log-20261121.gz", "x.log-20261122", "x.log"), one("y.2026-11-21.log", "y.2026-11-22.log", "y.log")}, nil},
		{"dated with a time, epoch, number", []string{"a-2026112221.log", "a-2026112222.log", "b.1795383245", "b.1795469645", "c.2026-11-22.1", "c.2026-11-22.0", "c.2026-11-22.10"}, []string{"."},
			[]Input{one("a-2026112221.log", "a-2026112222.log"), one("b.1795383245", "b.1795469645"), one("c.2026-11-22.0", "c.2026-11-22.1", "c.2026-11-22.10")}, nil},
		{"old beside new", []string{"x.old", "x"}, []string{"."}, []Input{one("x.old", "x")}, nil},
		{"numbers that belong to names", []string{"php8.1", "php8.2", "worker-1.log", "worker-2.log", "v20260230x.log"}, []string{"."},
			[]Input{one("php8.1"), one("php8.2"), one("v20260230x.log"), one("worker-1.log"), one("worker-2.log")}, nil},
		{"one folder's rotation is not another's", []string{"a/x.log", "b/x.log.1"}, []string{"."}, []Input{one("a/x.log"), one("b/x.log.1")}, nil},
		{"a compressed copy", []string{"x.log", "x.log.gz"}, []string{"."}, []Input{one("x.log")}, []string{"x.log.gz: skipped, a compressed copy of x.log"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := make(map[string]string)
			for _, f := range tt.files {
				files[f] = "content of " + f + "\n"
			}
			if tt.name == "a compressed copy" {
				files["x.log"], files["x.log.gz"] = "same\n", "same\n"
			}
			folder(t, files)
			got, errs := Expand(tt.paths)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			var texts []string
			for _, err := range errs {
				texts = append(texts, err.Error())
			}
			if diff := cmp.Diff(tt.errs, texts); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLinksAreTheSameFile(t *testing.T) {
	folder(t, map[string]string{"a.log": "x\n"})
	if err := errors.Join(os.Symlink("a.log", "b.log"), os.Link("a.log", "c.log"), os.Symlink("nowhere", "d.log")); err != nil {
		t.Fatal(err)
	}
	got, errs := Expand([]string{"."})
	if diff := cmp.Diff([]Input{{"a.log", []string{"a.log"}}}, got); diff != "" {
		t.Error(diff)
	}
	if len(errs) != 1 || !errors.Is(errs[0], fs.ErrNotExist) {
		t.Errorf("errors: %v", errs)
	}
}

func TestWhatMayNotBeReadIsExplained(t *testing.T) {
	if os.Geteuid() == 0 {
		err := pathError("a.log", &fs.PathError{Op: "open", Path: "a.log", Err: syscall.EACCES})
		if want := "a.log: permission denied. Run it as a user who may read it, for example with sudo"; err.Error() != want {
			t.Errorf("got %q", err)
		}
		return // root may read anything
	}
	folder(t, map[string]string{"a.log": "x\n"})
	if err := os.Chmod("a.log", 0); err != nil {
		t.Fatal(err)
	}
	got, errs := Expand([]string{"a.log"})
	if len(got) != 0 || len(errs) != 1 || !errors.Is(errs[0], fs.ErrPermission) {
		t.Errorf("%v, %v", got, errs)
	}
}

// read gives all lines as texts and where they stand.
func read(t testing.TB, s *Source) (texts []string, places []Place, errs []error) {
	t.Helper()
	l := s.Lines(Options{})
	for {
		line, err := l.Next()
		if errors.Is(err, io.EOF) {
			return texts, places, errs
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		texts = append(texts, string(line.Text))
		p := s.Place(line.Offset, line.Number)
		p.Fingerprint = [16]byte{}
		places = append(places, p)
	}
}

func open(t testing.TB, paths ...string) *Source {
	t.Helper()
	in, errs := Expand(paths)
	if len(in) != 1 || errs != nil {
		t.Fatalf("%v %v", in, errs)
	}
	s, err := Open(in[0])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestARotationIsOneStream(t *testing.T) {
	folder(t, map[string]string{"x.2.gz": "a\nb\n", "x.1": "c\nd", "x": "e\n"})
	s := open(t, "x", "x.1", "x.2.gz")
	texts, places, errs := read(t, s)
	if diff := cmp.Diff([]string{"a", "b", "c", "d", "e"}, texts); diff != "" || errs != nil {
		t.Error(diff, errs)
	}
	want := []Place{{Path: "x.2.gz", Offset: 0, Number: 1}, {Path: "x.2.gz", Offset: 2, Number: 2},
		{Path: "x.1", Offset: 0, Number: 1}, {Path: "x.1", Offset: 2, Number: 2}, {Path: "x", Offset: 0, Number: 1}}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Error(diff)
	}
	b := s.Blocks(Options{})
	var got []byte
	for {
		block, err := b.Next(nil)
		if err != nil {
			break
		}
		if block.Offset != int64(len(got)) {
			t.Errorf("block at %d, want %d", block.Offset, len(got))
		}
		got = append(got, block.Data...)
	}
	if string(got) != "a\nb\nc\nde\n" {
		t.Errorf("blocks gave %q", got)
	}
}

func TestDamageEndsOnePartOnly(t *testing.T) {
	var long strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&long, "line %d %x\n", i, rand.Uint64())
	}
	folder(t, map[string]string{"x": "last\n"})
	if err := os.WriteFile("x.1.gz", []byte(gz(t, long.String())[:60000]), 0o644); err != nil {
		t.Fatal(err)
	}
	s := open(t, "x", "x.1.gz")
	texts, _, errs := read(t, s)
	if len(texts) < 1000 || texts[len(texts)-1] != "last" {
		t.Errorf("%d lines", len(texts))
	}
	var damage *frame.DamageError
	if len(errs) != 1 || !errors.As(errs[0], &damage) || damage.At != 60000 || damage.Of != 60000 {
		t.Fatalf("errors: %v", errs)
	}
	want := fmt.Sprintf("x.1.gz: cut off at byte 60,000, where the file ends. Read %s lines up to there and went on", thousands(int64(len(texts)-1)))
	if got := errs[0].Error(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if diff := cmp.Diff(1, len(s.Damage())); diff != "" {
		t.Error(diff)
	}
}

func TestFingerprints(t *testing.T) {
	same := strings.Repeat("the same banner everywhere\n", 100)
	folder(t, map[string]string{
		"a.log": "one\n", "b.log": "two\n", "c/a.log.gz": "one\n", "long1.log": same + "1", "long2.log": same + "2",
		"h1/empty.log": "", "h2/empty.log": "",
	})
	fp := func(path string) *Source { return open(t, path) }
	if fp("a.log").Fingerprint != fp("c/a.log.gz").Fingerprint {
		t.Error("compression changes the fingerprint")
	}
	if fp("a.log").Fingerprint == fp("b.log").Fingerprint {
		t.Error("two files have one fingerprint")
	}
	sources := []*Source{fp("a.log"), fp("long1.log"), fp("long2.log"), fp("h1/empty.log"), fp("h2/empty.log")}
	alone := sources[0].Fingerprint
	if sources[1].Fingerprint != sources[2].Fingerprint {
		t.Fatal("the test wants files that begin alike")
	}
	Distinguish(sources)
	seen := make(map[[16]byte]string)
	for _, s := range sources {
		if other, ok := seen[s.Fingerprint]; ok {
			t.Errorf("%s and %s have one fingerprint", s.Path, other)
		}
		seen[s.Fingerprint] = s.Path
	}
	if sources[0].Fingerprint != alone {
		t.Error("a file like no other changed its fingerprint")
	}
}

func TestSamplesAreWholeLines(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, "line %d\n", i)
	}
	folder(t, map[string]string{"a.log": b.String(), "z.log.gz": b.String(), "small.log": "one line", "empty.log": ""})
	s := open(t, "a.log")
	for name, f := range map[string]func(int) ([]byte, error){"head": s.Head, "middle": s.Middle, "tail": s.Tail} {
		got, err := f(100)
		if err != nil || len(got) < 80 || !strings.HasPrefix(string(got), "line ") || got[len(got)-1] != '\n' || !strings.Contains("\n"+b.String(), "\n"+string(got)) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if tail, _ := s.Tail(100); !strings.HasSuffix(string(tail), "line 999\n") {
		t.Errorf("tail is %q", tail)
	}
	z := open(t, "z.log.gz")
	if head, err := z.Head(20); string(head) != "line 0\nline 1\n" || err != nil {
		t.Errorf("head of gzip is %q, %v", head, err)
	}
	if tail, err := z.Tail(20); tail != nil || err != nil {
		t.Errorf("tail of gzip is %q, %v", tail, err)
	}
	small := open(t, "small.log")
	if head, _ := small.Head(100); string(head) != "one line" {
		t.Errorf("head is %q", head)
	}
	if tail, _ := small.Tail(100); tail != nil {
		t.Errorf("the tail %q overlaps the head", tail)
	}
	if head, err := open(t, "empty.log").Head(100); len(head) != 0 || err != nil {
		t.Errorf("head of nothing is %q, %v", head, err)
	}
}

func TestAStreamLosesNothingToItsSample(t *testing.T) {
	folder(t, nil)
	var b strings.Builder
	for i := range 30000 {
		fmt.Fprintf(&b, "line %d\n", i)
	}
	for name, content := range map[string]string{"plain": b.String(), "gzip": gz(t, b.String()), "short": "x\n"} {
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
		wrote := make(chan error)
		go func() { wrote <- os.WriteFile(name, []byte(content), 0o600) }()
		s := open(t, name)
		head, err := s.Head(SampleBytes)
		if err != nil || len(head) == 0 || head[len(head)-1] != '\n' || s.Size != -1 {
			t.Errorf("%s: head of %d bytes, size %d, %v", name, len(head), s.Size, err)
		}
		texts, _, errs := read(t, s)
		if err := errors.Join(<-wrote, s.Close()); err != nil {
			t.Fatal(err)
		}
		want := b.String()
		if name == "short" {
			want = content
		}
		if errs != nil || strings.Join(texts, "\n")+"\n" != want {
			t.Errorf("%s: %d lines, %v", name, len(texts), errs)
		}
	}
}

func TestOpenFilesAreBounded(t *testing.T) {
	names := make(map[string]string)
	for i := range 60 {
		names[fmt.Sprintf("f%02d.log", i)] = fmt.Sprintf("a%d\nb%d\n", i, i)
		names[fmt.Sprintf("g%02d.log.gz", i)] = fmt.Sprintf("a%d\nb%d\n", i, i)
	}
	folder(t, names)
	inputs, errs := Expand([]string{"."})
	if len(inputs) != 120 || errs != nil {
		t.Fatalf("%d inputs, %v", len(inputs), errs)
	}
	files := NewFiles(8)
	var readers []*Lines
	for _, in := range inputs {
		s, err := files.Open(in)
		if err != nil {
			t.Fatal(err)
		}
		readers = append(readers, s.Lines(Options{Buffer: 4096}))
	}
	for round := range 3 {
		for i, r := range readers {
			line, err := r.Next()
			if round == 2 && !errors.Is(err, io.EOF) || round < 2 && (err != nil || string(line.Text) != fmt.Sprintf("%c%d", 'a'+round, i%60)) {
				t.Fatalf("round %d, file %d: %q, %v", round, i, line.Text, err)
			}
			if len(files.open) > 8 {
				t.Fatalf("%d files are open", len(files.open))
			}
		}
	}
	if len(files.open) != 0 {
		t.Errorf("%d files stay open", len(files.open))
	}
}

func TestAFileThatIsReplacedIsNotMixedUp(t *testing.T) {
	folder(t, map[string]string{"a": strings.Repeat("old\n", 10000), "b": "x\n"})
	files := NewFiles(1)
	src := make(map[string]*Lines)
	for _, p := range []string{"a", "b"} {
		s, err := files.Open(Input{p, []string{p}})
		if err != nil {
			t.Fatal(err)
		}
		src[p] = s.Lines(Options{Buffer: 4096})
	}
	for _, p := range []string{"a", "b"} {
		if _, err := src[p].Next(); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.WriteFile("new", []byte(strings.Repeat("new\n", 10000)), 0o644), os.Rename("new", "a")); err != nil {
		t.Fatal(err)
	}
	for {
		line, err := src["a"].Next()
		if err == nil && string(line.Text) == "old" || err == nil && line.Cut {
			continue
		}
		if !errors.Is(err, errReplaced) {
			t.Errorf("%q, %v", line.Text, err)
		}
		return
	}
}

func TestAPartThatCannotBeOpenedIsLeftOut(t *testing.T) {
	folder(t, map[string]string{"x": "a\n"})
	if err := os.WriteFile("x.1.xz", []byte("\xfd7zXZ\x00\x00\x04junk"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Input{"x", []string{"x.1.xz", "x"}})
	if err != nil {
		t.Fatal(err)
	}
	if texts, _, _ := read(t, s); len(texts) != 1 || len(s.Damage()) != 1 {
		t.Errorf("%q, %v", texts, s.Damage())
	}
	_, err = Open(Input{"x.1.xz", []string{"x.1.xz"}})
	if err == nil || !strings.Contains(err.Error(), "xz -dc FILE") {
		t.Errorf("error is %v", err)
	}
}

func FuzzTurn(f *testing.F) {
	for _, s := range []string{"x.log.1", "a/x.2.gz", "x-20261122-1795383245", "x.2026-11-22.0.gz", "app-2026-11-22_10.log", "-", "..", "x.old"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		in := inRotations([]string{path, path + ".1", path + ".2.gz"})
		n := 0
		for _, i := range in {
			n += len(i.Parts)
		}
		if n != 3 {
			t.Fatalf("%q: %d parts of 3", path, n)
		}
	})
}

func BenchmarkExpand10000(b *testing.B) {
	dir := b.TempDir()
	for i := range 10000 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%05d.log", i)), fmt.Appendf(nil, "%d\n", i), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if in, errs := Expand([]string{dir}); len(in) != 10000 || errs != nil {
			b.Fatal(len(in), errs)
		}
	}
}
