package tail

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/ingest"
)

// A world is a folder with a log that is written, rotated and followed. The
// clock is that of a synctest bubble: waiting costs nothing.
type world struct {
	t    testing.TB
	dir  string
	path string
	opt  Options
	f    *File
	seen []Line // cloned
	errs []error
}

func newWorld(t testing.TB, opt Options) *world {
	dir := t.TempDir()
	w := &world{t: t, dir: dir, path: filepath.Join(dir, "x.log"), opt: opt}
	t.Cleanup(func() {
		if w.f != nil {
			w.f.Close()
		}
	})
	return w
}

// in runs a test in a bubble.
func in(t *testing.T, opt Options, do func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { do(t, newWorld(t, opt)) })
}

func (w *world) at(name string) string { return filepath.Join(w.dir, name) }

func (w *world) write(name, text string) {
	w.t.Helper()
	f, err := os.OpenFile(w.at(name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err == nil {
		_, err = f.WriteString(text)
		f.Close()
	}
	w.must(err)
}

func (w *world) log(text string)        { w.t.Helper(); w.write("x.log", text) }
func (w *world) rename(from, to string) { w.t.Helper(); w.must(os.Rename(w.at(from), w.at(to))) }
func (w *world) remove(name string)     { w.t.Helper(); w.must(os.Remove(w.at(name))) }

func (w *world) copy(from, to string) {
	w.t.Helper()
	b, err := os.ReadFile(w.at(from))
	w.must(err)
	w.must(os.WriteFile(w.at(to), b, 0o644))
}

// gzip does what gzip does: the original goes last, and its time stays.
func (w *world) gzip(name string) {
	w.t.Helper()
	info, err := os.Stat(w.at(name))
	w.must(err)
	b, err := os.ReadFile(w.at(name))
	w.must(err)
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(b)
	z.Close()
	w.must(os.WriteFile(w.at(name+".gz"), out.Bytes(), 0o644))
	w.must(os.Chtimes(w.at(name+".gz"), info.ModTime(), info.ModTime()))
	w.remove(name)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) open(at *Position) {
	w.t.Helper()
	f, err := Open(w.path, at, w.opt)
	w.must(err)
	w.f = f
}

// restart closes the file and goes on at its Position, through JSON.
func (w *world) restart(meanwhile func()) {
	w.t.Helper()
	b, err := json.Marshal(w.f.Position())
	w.must(err)
	w.f.Close()
	meanwhile()
	var p Position
	w.must(json.Unmarshal(b, &p))
	w.open(&p)
}

// now returns the lines that are there without any time passing.
func (w *world) now() (texts []string) {
	w.f.Wake()
	for {
		line, err := w.f.Next()
		if errors.Is(err, ErrWait) {
			return texts
		}
		if err != nil {
			w.errs = append(w.errs, err)
			continue
		}
		line.Text = bytes.Clone(line.Text)
		w.seen = append(w.seen, line)
		texts = append(texts, string(line.Text))
	}
}

// soon lets some time pass as well.
func (w *world) soon() (texts []string) {
	for range 60 {
		texts = append(texts, w.now()...)
		time.Sleep(100 * time.Millisecond)
	}
	return texts
}

func (w *world) want(got []string, lines ...string) {
	w.t.Helper()
	if diff := cmp.Diff(lines, got); diff != "" {
		w.t.Fatal(diff)
	}
}

func (w *world) stats(want Stats) {
	w.t.Helper()
	w.f.publish()
	got := w.f.Stats()
	want.Bytes, want.Lines, want.Polls, want.Reopened = got.Bytes, got.Lines, got.Polls, got.Reopened
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Fatal(diff)
	}
}

// again checks that all lines can be read again, and are named as before.
func (w *world) again() {
	w.t.Helper()
	for _, l := range w.seen {
		b := make([]byte, len(l.Text))
		n, err := w.f.ReadAt(l.Incarnation, b, l.Offset)
		if n < len(b) || !bytes.Equal(b, l.Text) {
			w.t.Fatalf("line %q is read again as %q, %v", l.Text, b[:n], err)
		}
		fp, err := w.f.FingerprintAt(l.Incarnation, l.Offset)
		if err != nil || fp != l.Fingerprint {
			w.t.Fatalf("line %q is named %x, then %x, %v", l.Text, l.Fingerprint, fp, err)
		}
	}
}

func TestFollowing(t *testing.T) {
	for _, tt := range []struct {
		name string
		opt  Options
		do   func(t *testing.T, w *world)
	}{
		{"a partial line waits for its end", Options{}, func(_ *testing.T, w *world) {
			w.log("a\nb")
			w.open(nil)
			w.want(w.soon(), "a")
			w.log("c\r\nd\n")
			w.want(w.soon(), "bc", "d")
			w.again()
		}},
		{"Flush hands out a partial line, and the rest is a line of its own", Options{}, func(t *testing.T, w *world) {
			w.log("a\nbc")
			w.open(nil)
			w.want(w.soon(), "a")
			line, ok := w.f.Flush()
			if !ok || string(line.Text) != "bc" || !line.Partial || line.Offset != 2 || line.Number != 2 {
				t.Fatalf("%v %+v", ok, line)
			}
			if _, ok := w.f.Flush(); ok {
				t.Fatal("flushed twice")
			}
			w.log("de\n")
			w.want(w.soon(), "de")
			if fp, err := w.f.FingerprintAt(0, 2); err != nil || fp != line.Fingerprint {
				t.Fatalf("named %x, then %x, %v", line.Fingerprint, fp, err)
			}
		}},
		{"a path that does not exist yet is read from its start", Options{FromEnd: true}, func(_ *testing.T, w *world) {
			w.open(nil)
			w.want(w.soon())
			w.log("a\n")
			w.want(w.soon(), "a")
		}},
		{"from the end is behind the last whole line", Options{FromEnd: true}, func(_ *testing.T, w *world) {
			w.log("a\nb\nc")
			w.open(nil)
			w.want(w.soon())
			w.log("d\n")
			w.want(w.soon(), "cd")
			w.again()
		}},
		{"from the end of a long line is behind it", Options{FromEnd: true, MaxLine: 10}, func(_ *testing.T, w *world) {
			w.log("a\n" + strings.Repeat("b", 30))
			w.open(nil)
			w.want(w.soon())
			w.log("bb\nd\n")
			w.want(w.soon(), "d")
		}},
		{"rename and create", Options{}, func(_ *testing.T, w *world) {
			w.log("a\nb")
			w.open(nil)
			w.want(w.now(), "a")
			w.rename("x.log", "x.log.1")
			w.log("c\n")
			w.want(w.now()) // the writer may not know yet
			w.write("x.log.1", "b\nlast")
			w.want(w.now(), "bb")
			w.want(w.soon(), "last", "c")
			w.stats(Stats{Rotations: 1})
			w.again()
		}},
		{"while the new file is empty its writer still has the old one", Options{}, func(_ *testing.T, w *world) {
			w.log("a\n")
			w.open(nil)
			w.want(w.now(), "a")
			w.rename("x.log", "x.log.1")
			w.log("")
			w.want(w.soon())
			w.write("x.log.1", "b\n")
			w.want(w.soon(), "b")
			w.log("c\n")
			w.want(w.soon(), "c")
			w.stats(Stats{Rotations: 1})
		}},
		{"what is written to the old file after all that is counted", Options{}, func(_ *testing.T, w *world) {
			w.log("a\n")
			w.open(nil)
			w.now()
			w.rename("x.log", "x.log.1")
			w.log("b\n")
			w.want(w.soon(), "b")
			w.write("x.log.1", "late\n")
			w.rename("x.log", "x.log.2")
			w.log("c\n")
			w.want(w.soon(), "c")
			w.stats(Stats{Rotations: 2, Lost: 5})
		}},
		{"a writer that never lets go of the old file does not hold up the new one for ever", Options{}, func(_ *testing.T, w *world) {
			w.log("a\n")
			w.open(nil)
			w.want(w.now(), "a")
			w.rename("x.log", "x.log.1")
			w.log("new\n")
			var got []string
			for range 100 {
				w.write("x.log.1", "old\n")
				got = append(got, w.now()...)
				time.Sleep(500 * time.Millisecond)
			}
			if got[0] != "old" || got[len(got)-1] != "new" {
				t.Fatal(got)
			}
		}},
		{"several rotations between two looks", Options{}, func(_ *testing.T, w *world) {
			w.log("a\n")
			w.open(nil)
			w.want(w.now(), "a")
			w.log("b\n")
			w.rename("x.log", "x.log.1")
			w.log("c\n")
			w.rename("x.log.1", "x.log.2")
			w.rename("x.log", "x.log.1")
			w.log("d\n")
			w.gzip("x.log.2")
			w.want(w.soon(), "b", "c", "d")
			w.stats(Stats{Rotations: 2})
			w.again()
		}},
		{"copytruncate reads the rest from the copy", Options{}, func(_ *testing.T, w *world) {
			w.log("a\n")
			w.open(nil)
			w.want(w.now(), "a")
			w.log("b\n")
			w.copy("x.log", "x.log.1")
			w.must(os.Truncate(w.path, 0))
			w.log("c\n")
			w.want(w.soon(), "b", "c")
			w.stats(Stats{Rotations: 1, Truncations: 1, Recovered: 1})
			w.again()
		}},
		{"truncated and grown beyond its size between two looks", Options{}, func(_ *testing.T, w *world) {
			w.log("a\nb")
			w.open(nil)
			w.want(w.now(), "a")
			w.must(os.Truncate(w.path, 0))
			w.log("0123456\n89\n")
			w.want(w.soon(), "0123456", "89")
			w.stats(Stats{Truncations: 1, Lost: 1}) // the b was seen and given back
		}},
		{"truncated and grown again in the midst of a long line", Options{}, func(_ *testing.T, w *world) {
			half := strings.Repeat("h", 2*keepPartial)
			w.log("a\n" + half)
			w.open(nil)
			w.want(w.now(), "a")
			w.must(os.Truncate(w.path, 0))
			other := strings.Repeat("o", 3*keepPartial)
			w.log(other + "\n")
			w.want(w.soon(), half, other)
			w.stats(Stats{Truncations: 1})
		}},
		{"truncated to nothing and not written yet", Options{}, func(_ *testing.T, w *world) {
			w.log("abc\n")
			w.open(nil)
			w.want(w.now(), "abc")
			w.must(os.Truncate(w.path, 0))
			w.want(w.soon())
			w.log("d\n")
			w.want(w.soon(), "d")
			w.stats(Stats{Truncations: 1})
		}},
		{"a writer that does not append leaves a hole", Options{}, func(_ *testing.T, w *world) {
			w.log(strings.Repeat("a\n", 5000))
			w.open(nil)
			w.now()
			w.copy("x.log", "x.log.1")
			w.must(os.Truncate(w.path, 0))
			f, err := os.OpenFile(w.path, os.O_WRONLY, 0)
			w.must(err)
			_, err = f.WriteAt([]byte("b\nc\n"), 10000)
			f.Close()
			w.must(err)
			w.want(w.soon(), "b", "c")
			w.stats(Stats{Rotations: 1, Truncations: 1, Recovered: 1, NULs: 10000})
		}},
		{"NULs that a crash left are no part of a line", Options{}, func(t *testing.T, w *world) {
			w.log("a\n\x00\x00")
			w.open(nil)
			w.want(w.now(), "a")
			w.log("\x00b\x00c\n\x00\nd\n")
			w.want(w.now(), "b\x00c", "", "d")
			if o := w.seen[1].Offset; o != 5 {
				t.Fatalf("offset is %d", o)
			}
			w.stats(Stats{NULs: 4})
			w.again()
		}},
		{"deleted and made again", Options{}, func(_ *testing.T, w *world) {
			w.log("a\n")
			w.open(nil)
			w.want(w.now(), "a")
			w.log("b\npart")
			w.remove("x.log")
			w.want(w.soon(), "b") // it was open
			w.log("c\n")
			w.want(w.soon(), "part", "c")
			w.stats(Stats{Rotations: 1})
		}},
		{"the inode is used again while the file was parked", Options{}, func(t *testing.T, w *world) {
			w.log("first\nsecond\n")
			w.open(nil)
			w.want(w.now(), "first", "second")
			w.f.cur.handle.rest()
			before, err := os.Stat(w.path)
			w.must(err)
			w.remove("x.log")
			w.log("other content\nand more of it\n")
			if after, err := os.Stat(w.path); err != nil || !os.SameFile(before, after) {
				t.Log("the file system gave another inode: what is tested is deletion")
			}
			w.want(w.soon(), "other content", "and more of it")
		}},
		{"the inode is used again before the first line had an end", Options{}, func(_ *testing.T, w *world) {
			w.log("part")
			w.open(nil)
			w.want(w.now())
			w.f.cur.handle.rest()
			w.rename("x.log", "x.log.1")
			w.copy("x.log.1", "kept")
			w.must(os.Truncate(w.at("x.log.1"), 0)) // the inode, under the live name again
			w.rename("x.log.1", "x.log")
			w.log("other\n")
			w.rename("kept", "x.log.1")
			w.want(w.soon(), "part", "other")
		}},
		{"rotated, compressed and gone while it was parked", Options{}, func(_ *testing.T, w *world) {
			w.log("a\n")
			w.open(nil)
			w.want(w.now(), "a")
			w.f.cur.handle.rest()
			w.log("b\nc\n")
			w.rename("x.log", "x.log.1")
			w.log("d\n")
			w.gzip("x.log.1")
			w.want(w.soon(), "b", "c", "d")
			w.stats(Stats{Rotations: 1})
			w.again()
		}},
		{"a symlink that is switched", Options{}, func(_ *testing.T, w *world) {
			w.write("app-20260101.txt", "a\n")
			w.must(os.Symlink("app-20260101.txt", w.path))
			w.open(nil)
			w.want(w.now(), "a")
			w.write("app-20260101.txt", "b\n")
			w.write("app-20260102.txt", "c\n")
			w.remove("x.log")
			w.must(os.Symlink("app-20260102.txt", w.path))
			w.want(w.soon(), "b", "c")
			w.restart(func() {
				w.write("app-20260102.txt", "d\n")
				w.write("app-20260103.txt", "e\n")
				w.write("app-20260104.txt", "f\n")
				w.remove("x.log")
				w.must(os.Symlink("app-20260104.txt", w.path))
			})
			w.want(w.soon(), "d", "e", "f")
		}},
		{"a long line is cut and counted", Options{MaxLine: 4}, func(_ *testing.T, w *world) {
			w.log("abcd\nabcde")
			w.open(nil)
			w.want(w.now(), "abcd", "abcd")
			w.restart(func() { w.log("fgh\nnext\n") })
			w.want(w.now(), "next")
			w.stats(Stats{OversizedBy: 3})
			w.again()
		}},
		{"a folder is told once, with a way out, and tried again", Options{}, func(t *testing.T, w *world) {
			w.must(os.Mkdir(w.path, 0o755))
			w.open(nil)
			w.want(w.soon())
			var pe *ingest.PathError
			if len(w.errs) != 1 || !errors.As(w.errs[0], &pe) || !strings.Contains(pe.Hint, "*.log") {
				t.Fatal(w.errs)
			}
			w.remove("x.log")
			w.log("a\n")
			w.want(w.soon(), "a")
		}},
		{"a path through a file, a link to itself: told and tried again", Options{}, func(t *testing.T, w *world) {
			w.must(os.Symlink("x.log", w.path))
			w.open(nil)
			w.want(w.soon())
			w.f.Close()
			w.write("y", "")
			w.path = w.at("y/x.log")
			w.open(nil)
			w.want(w.soon())
			if len(w.errs) != 2 || w.f.Problem() == "" {
				t.Fatal(w.errs)
			}
			for _, err := range w.errs {
				if !strings.Contains(err.Error(), "tried again") {
					t.Error(err)
				}
			}
			w.remove("y")
			w.must(os.Mkdir(w.at("y"), 0o755))
			w.write("y/x.log", "a\n")
			w.want(w.soon(), "a")
			if w.f.Problem() != "" {
				t.Fatal(w.f.Problem())
			}
		}},
		{"files that were left are let go, and found again", Options{}, func(t *testing.T, w *world) {
			w.log("a\n")
			w.open(nil)
			w.now()
			w.rename("x.log", "x.log.1")
			w.log("b\n")
			w.soon()
			w.gzip("x.log.1")
			time.Sleep(time.Hour)
			w.soon()
			if n := w.f.opt.Handles.Open(); n != 1 {
				t.Fatalf("%d files are open", n)
			}
			w.again()
		}},
		{"a compressed file is not followed", Options{}, func(t *testing.T, w *world) {
			w.log("a\n")
			w.gzip("x.log")
			w.rename("x.log.gz", "x.log")
			w.open(nil)
			w.want(w.soon())
			if len(w.errs) != 1 || !strings.Contains(w.errs[0].Error(), "analyze") {
				t.Fatal(w.errs)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { in(t, tt.opt, tt.do) })
	}
}

func TestGoingOnAfterARestart(t *testing.T) {
	long := func(s string) string { return strings.Repeat(s+" is a long line\n", 200) }
	lines := func(s string) []string { return strings.Split(strings.TrimSuffix(long(s), "\n"), "\n") }
	for _, tt := range []struct {
		name string
		do   func(t *testing.T, w *world)
	}{
		{"in the same file", func(_ *testing.T, w *world) {
			w.restart(func() { w.log("b\n") })
			w.want(w.now(), "b")
			w.stats(Stats{})
			w.again()
		}},
		{"in the renamed file, then in the new one", func(_ *testing.T, w *world) {
			w.restart(func() { w.log("b\n"); w.rename("x.log", "x.log.1"); w.log("c\n") })
			w.want(w.soon(), "b", "c")
			w.stats(Stats{Rotations: 1})
		}},
		{"in the .gz, and through all that followed", func(_ *testing.T, w *world) {
			w.restart(func() {
				w.log("b\nno end")
				w.rename("x.log", "x.log.3")
				w.write("x.log.2", "c\n")
				w.write("x.log.1", "d\n")
				w.log("e\n")
				w.gzip("x.log.3")
				w.gzip("x.log.2")
			})
			w.want(w.soon(), "b", "no end", "c", "d", "e")
			w.stats(Stats{Rotations: 3})
			w.again()
		}},
		{"among names with dates", func(_ *testing.T, w *world) {
			w.restart(func() {
				w.log("b\n")
				w.rename("x.log", "x.log-20260101")
				w.write("x.log-20260102", "c\n")
				w.write("x.log-20260103", "d\n")
				w.log("e\n")
				w.gzip("x.log-20260101")
			})
			w.want(w.soon(), "b", "c", "d", "e")
		}},
		{"under a name of no known kind", func(_ *testing.T, w *world) {
			w.restart(func() { w.log("b\n"); w.rename("x.log", "kept"); w.log("c\n") })
			w.want(w.soon(), "b", "c")
		}},
		{"in the copy that copytruncate made", func(_ *testing.T, w *world) {
			w.restart(func() {
				w.log("b\n")
				w.copy("x.log", "x.log.1")
				w.must(os.Truncate(w.path, 0))
				w.log(long("c"))
				w.log(long("d"))
			})
			w.want(w.soon(), append(append([]string{"b"}, lines("c")...), lines("d")...)...)
			w.stats(Stats{Rotations: 1, Truncations: 1, Recovered: 1})
		}},
		{"at zero of a file that shrank", func(_ *testing.T, w *world) {
			w.restart(func() { w.must(os.Truncate(w.path, 0)); w.log("b\n") })
			w.want(w.soon(), "b")
			w.stats(Stats{Truncations: 1, Missing: 1})
		}},
		{"at zero when the file is nowhere, and through what was written since", func(_ *testing.T, w *world) {
			later := time.Now().Add(100 * 365 * 24 * time.Hour) // the bubble's clock is not the file system's
			w.write("x.log.9", "old\n")
			w.must(os.Chtimes(w.at("x.log.9"), time.Unix(1, 0), time.Unix(1, 0)))
			w.restart(func() {
				w.remove("x.log")
				w.write("x.log.1", "b\n")
				w.must(os.Chtimes(w.at("x.log.1"), later, later))
				w.log("c\n")
			})
			w.want(w.soon(), "b", "c")
			w.stats(Stats{Rotations: 1, Missing: 1})
		}},
		{"when the path is not there yet", func(_ *testing.T, w *world) {
			w.restart(func() { w.log("b\n"); w.rename("x.log", "gone") })
			w.want(w.soon(), "b")
			w.log("c\n")
			w.want(w.soon(), "c")
		}},
		{"in a folder that was restored with other inodes", func(_ *testing.T, w *world) {
			w.restart(func() { w.log("b\n"); w.copy("x.log", "y"); w.remove("x.log"); w.rename("y", "x.log") })
			w.want(w.soon(), "b")
			w.stats(Stats{})
		}},
		{"in a line that was longer than the bound", func(_ *testing.T, w *world) {
			w.log("end\n")
			w.want(w.now(), "end")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, Options{}, func(t *testing.T, w *world) {
				w.log(long("a"))
				w.open(nil)
				w.want(w.now(), lines("a")...)
				tt.do(t, w)
			})
		})
	}
}

func TestFilesThatBeginAlikeAreToldApart(t *testing.T) {
	header := "#Fields: date time\n"
	banner := strings.Repeat("=== the same banner at every start ===\n", 40)
	for name, begin := range map[string]string{"a header": header, "a banner of more than 1 KiB": banner} {
		t.Run(name, func(t *testing.T) {
			in(t, Options{}, func(t *testing.T, w *world) {
				w.log(begin)
				w.open(nil)
				w.now()
				w.log("1 a\n")
				w.now()
				w.rename("x.log", "x.log.1")
				w.log(begin + "2 b\n")
				w.soon()
				w.restart(func() {
					w.log("2 c\n")
					w.rename("x.log.1", "x.log.2")
					w.rename("x.log", "x.log.1")
					w.log(begin + "3 d\n")
				})
				w.soon()
				names := make(map[string]string)
				for _, l := range w.seen {
					if strings.Contains(begin, string(l.Text)) {
						continue
					}
					key := fmt.Sprintf("%x %d", l.Fingerprint, l.Offset)
					if other, ok := names[key]; ok {
						t.Errorf("%q and %q have one name", other, l.Text)
					}
					names[key] = string(l.Text)
				}
				if len(names) != 4 {
					t.Errorf("%d lines, want 4: %v", len(names), names)
				}
			})
		})
	}
}

func TestALineIsNamedAsInOtherReadings(t *testing.T) {
	in(t, Options{}, func(t *testing.T, w *world) {
		w.open(nil)
		for i := range 300 {
			w.log(fmt.Sprintf("line %d of ", i))
			w.now()
			w.log("many\n")
			w.now()
		}
		byOffset := make(map[int64]Line)
		for _, l := range w.seen {
			byOffset[l.Offset] = l
		}
		w.copy("x.log", "y.log")
		other, err := Open(w.at("y.log"), nil, Options{})
		w.must(err)
		defer other.Close()
		n := 0
		for ; ; n++ {
			l, err := other.Next()
			if err != nil {
				break
			}
			if l.Fingerprint != byOffset[l.Offset].Fingerprint {
				t.Fatalf("line %q at %d has another name in a copy", l.Text, l.Offset)
			}
		}
		if n != 300 {
			t.Fatalf("%d lines", n)
		}
		src, err := ingest.Open(ingest.Input{Path: w.path, Parts: []string{w.path}})
		w.must(err)
		last := w.seen[299]
		if last.Fingerprint != src.Fingerprint {
			t.Fatal("package ingest names it otherwise")
		}
	})
}

func TestPositionsInThePast(t *testing.T) {
	in(t, Options{}, func(t *testing.T, w *world) {
		w.log("a\nb\nc\n")
		w.open(nil)
		w.now()
		w.rename("x.log", "x.log.1")
		w.log("d\n")
		w.soon()
		b := w.seen[1]
		p, err := w.f.PositionAt(b.Incarnation, b.Offset, b.Number)
		w.must(err)
		inc, err := w.f.Incarnation(0)
		w.must(err)
		w.f.Close()
		w.open(&p)
		w.want(w.soon(), "b", "c", "d")
		if l := w.seen[4]; l.Number != 2 || l.Incarnation != 0 || l.Fingerprint != b.Fingerprint {
			t.Fatalf("%+v", l)
		}
		end := w.f.Position()
		w.f.Close()
		w.opt.Earlier = []Position{inc.Position}
		w.open(&end)
		w.want(w.soon())
		w.gzip("x.log.1")
		got := make([]byte, 1)
		if _, err := w.f.ReadAt(0, got, b.Offset); err != nil || string(got) != "b" {
			t.Fatalf("%q %v", got, err)
		}
		if _, err := w.f.ReadAt(7, got, 0); !errors.Is(err, ErrForgotten) {
			t.Fatal(err)
		}
	})
}

func TestADamagedPositionIsRefused(t *testing.T) {
	for _, text := range []string{`{"offset":-1}`, `{"tail_len":5,"offset":1}`, `{"fingerprint":"zz"}`, `{"fingerprint_len":4096}`, `[]`} {
		var p Position
		if err := json.Unmarshal([]byte(text), &p); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
	if _, err := Open("x", &Position{Offset: -1}, Options{}); err == nil {
		t.Error("a negative offset is taken")
	}
}

func TestOpenFilesAreBounded(t *testing.T) {
	in(t, Options{}, func(t *testing.T, w *world) {
		pool := NewHandles(8)
		var files []*File
		for i := range 50 {
			name := fmt.Sprintf("%d.log", i)
			w.write(name, "a\n")
			f, err := Open(w.at(name), nil, Options{Handles: pool})
			w.must(err)
			defer f.Close()
			files = append(files, f)
		}
		for round := range 3 {
			for i, f := range files {
				f.Wake()
				if line, err := f.Next(); err != nil || len(line.Text) != 1 {
					t.Fatalf("round %d, file %d: %q %v", round, i, line.Text, err)
				}
				if _, err := f.Next(); !errors.Is(err, ErrWait) {
					t.Fatal(err)
				}
				w.write(fmt.Sprintf("%d.log", i), "b\n")
			}
			if n := pool.Open(); n > 8 {
				t.Fatalf("%d files are open", n)
			}
		}
	})
}

var _ io.ReaderAt = (*handle)(nil)
