package tail

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var (
	seedFlag  = flag.Uint64("tail.seed", 0, "run the randomized test with this seed alone")
	seedsFlag = flag.Uint64("tail.seeds", 40, "run the randomized test with that many seeds")
)

// TestEachLineIsReadOnce lets a writer append in random pieces and rotate in
// every way, and a reader be killed at random. Each line has to come
// exactly once after it is told apart by fingerprint and offset.
func TestEachLineIsReadOnce(t *testing.T) {
	seeds := []uint64{*seedFlag}
	if *seedFlag == 0 {
		seeds = seeds[:0]
		for s := range *seedsFlag {
			seeds = append(seeds, s+1)
		}
		seeds = append(seeds, 131, 450) // inodes that were used again
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newRandomWriter(t, seed).run() })
		})
	}
}

type randomWriter struct {
	*world
	rng     *rand.Rand
	pending string // of the line that is being written
	name    string // of the file that is written to
	want    []string
	lines   map[string]string // by name and offset
	got     map[string]int
	saved   *Position
	rotated int
	kind    int // of rotation: numbers, dates, copytruncate
}

func newRandomWriter(t testing.TB, seed uint64) *randomWriter {
	rng := rand.New(rand.NewPCG(seed, 1))
	return &randomWriter{
		world: newWorld(t, Options{Keep: 3, Handles: NewHandles(1 + rng.IntN(4))}), rng: rng, name: "x.log",
		lines: make(map[string]string), got: make(map[string]int), kind: rng.IntN(3),
	}
}

func (r *randomWriter) run() {
	r.append()
	r.read(1)
	r.save()
	for range 400 {
		switch p := r.rng.IntN(100); {
		case p < 55:
			r.append()
		case p < 60:
			r.rotate()
		case p < 63:
			r.compress()
		case p < 85:
			r.read(r.rng.IntN(200))
		case p < 90:
			time.Sleep(time.Duration(r.rng.IntN(3000)) * time.Millisecond)
		case p < 95:
			r.save()
		default:
			r.kill()
		}
	}
	if r.pending != "" {
		r.write(r.name, "\n")
		r.want, r.pending = append(r.want, r.pending), ""
	}
	for range 200 {
		r.read(1 << 30)
		time.Sleep(100 * time.Millisecond)
	}
	for i, line := range r.want {
		if r.got[line] != 1 {
			r.t.Errorf("line %d of %d, %.40q, was read %d times", i, len(r.want), line, r.got[line])
		}
		delete(r.got, line)
	}
	for line := range r.got {
		r.t.Errorf("%.60q was never written", line)
	}
	if st := r.f.Stats(); st.Lost > 0 || st.Missing > 0 {
		r.t.Errorf("%+v", st)
	}
}

// append writes some lines, or pieces of one.
func (r *randomWriter) append() {
	var b strings.Builder
	for range 1 + r.rng.IntN(20) {
		text := fmt.Sprintf("%d %s ", len(r.want), strings.Repeat("x", r.rng.IntN(1+r.rng.IntN(3000))))
		b.WriteString(text)
		r.pending += text
		if r.rng.IntN(4) > 0 {
			b.WriteByte('\n')
			r.want, r.pending = append(r.want, r.pending), ""
		}
	}
	r.write(r.name, b.String())
}

// rotate finishes the line, as writers do before they open another file.
func (r *randomWriter) rotate() {
	if r.rng.IntN(2) == 0 && r.pending != "" {
		r.write(r.name, "\n")
	}
	if r.pending != "" {
		r.want, r.pending = append(r.want, r.pending), ""
	}
	r.rotated++
	if r.kind == 1 {
		r.rename("x.log", r.dated(r.rotated))
	} else {
		for i := r.rotated; i > 1; i-- {
			from, to := fmt.Sprint("x.log.", i-1), fmt.Sprint("x.log.", i)
			for _, ext := range []string{"", ".gz"} {
				if _, err := os.Stat(r.at(from + ext)); err == nil {
					r.rename(from+ext, to+ext)
				}
			}
		}
		if r.kind == 2 {
			r.copy("x.log", "x.log.1")
			r.must(os.Truncate(r.path, 0))
		} else {
			r.rename("x.log", "x.log.1")
		}
	}
	// An empty file would be waited for: its writer is not told yet.
	r.append()
}

func (r *randomWriter) compress() {
	if r.rotated == 0 {
		return
	}
	n := 1 + r.rng.IntN(r.rotated)
	name := fmt.Sprint("x.log.", n)
	if r.kind == 1 {
		name = r.dated(n)
	}
	if _, err := os.Stat(r.at(name)); err == nil { // else it is compressed
		r.gzip(name)
	}
}

func (r *randomWriter) dated(n int) string {
	return "x.log-" + time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC).Format("20060102")
}

func (r *randomWriter) read(n int) {
	if r.f == nil {
		r.open(r.saved)
	}
	r.f.Wake()
	for range n {
		line, err := r.f.Next()
		if errors.Is(err, ErrWait) {
			return
		}
		if err != nil {
			r.t.Fatal(err)
		}
		key := fmt.Sprintf("%x %d", line.Fingerprint, line.Offset)
		text := string(line.Text)
		if before, ok := r.lines[key]; ok {
			if before != text {
				r.t.Fatalf("%.40q and %.40q have one name", before, text)
			}
			continue
		}
		r.lines[key] = text
		r.got[text]++
		if fp, err := r.f.FingerprintAt(line.Incarnation, line.Offset); err != nil || fp != line.Fingerprint {
			r.t.Fatalf("%.40q is named otherwise when asked again: %v", text, err)
		}
	}
}

func (r *randomWriter) save() {
	if r.f != nil {
		p := r.f.Position()
		r.saved = &p
	}
}

// kill drops the reader. It is closed only to give back descriptors.
func (r *randomWriter) kill() {
	if r.f != nil {
		r.f.Close()
		r.f = nil
	}
}
