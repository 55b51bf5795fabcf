package collect

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/detect"
	"why503/parse/traffic"
	"why503/parse/wire"
)

// A book is what a core would have stored of one source.
type book struct {
	position []byte
	minutes  map[traffic.Minute]wire.Minute
	seconds  map[wire.Second]int64 // without Requests: how many
	sent     map[parse.RecordID]string
	fresh    map[parse.RecordID]int // how often a Record came that is not called sent before
	samples  []wire.Item
	answers  []*wire.Answer
	wanted   map[uint64][]wire.Item // what came since the answer before
}

func newBook() *book {
	return &book{
		minutes: make(map[traffic.Minute]wire.Minute), seconds: make(map[wire.Second]int64), sent: make(map[parse.RecordID]string),
		fresh: make(map[parse.RecordID]int), wanted: make(map[uint64][]wire.Item),
	}
}

func (b *book) take(m wire.Message) {
	switch m := m.(type) {
	case *wire.Records:
		for _, it := range m.Items {
			b.sent[it.ID] = string(it.Record.Raw)
			switch {
			case m.Sample:
				b.samples = append(b.samples, it)
			case !m.Again:
				b.fresh[it.ID]++
			}
		}
		if !m.Sample {
			b.wanted[0] = append(b.wanted[0], m.Items...)
		}
	case *wire.Answer:
		b.answers = append(b.answers, m)
		b.wanted[m.Number], b.wanted[0] = b.wanted[0], nil
	case *wire.Progress:
		b.position = m.Position
		for _, x := range m.Minutes {
			b.minutes[x.Minute] = x
		}
		for _, x := range m.Seconds {
			b.seconds[wire.Second{Site: x.Site, At: x.At}] = x.Requests
		}
	}
}

// counted is how many requests were counted in each minute and second.
func (b *book) counted() map[string]int64 {
	out := make(map[string]int64)
	for m, x := range b.minutes {
		for _, r := range x.Rows {
			out[fmt.Sprintf("minute %d %s %s %s %d", m, r.Key.Site, r.Key.Route, r.Key.Method, r.Key.StatusClass)] += r.N
		}
		out[fmt.Sprintf("minute %d failed", m)] = x.Failed
	}
	for s, n := range b.seconds {
		out[fmt.Sprintf("second %d %s", s.At, s.Site)] = n
	}
	return out
}

// session runs a collector over one file in a bubble; do is called when it has
// read what is there.
func (b *book) session(t *testing.T, in Input, do func(c *Collector)) {
	t.Helper()
	out := make(chan wire.Message, 16)
	c := New(Config{
		Out: out, Log: slog.New(slog.DiscardHandler), Site: func(h []byte) string { return string(h) }, Zone: time.UTC,
		Detect: func(_ Input, sample []byte) detect.Result { return detect.Detect(sample, detect.Hints{}) },
		Recall: func(_ string, m traffic.Minute) (*wire.Minute, []wire.Second, error) {
			old, ok := b.minutes[m]
			if !ok {
				return nil, nil, nil
			}
			var seconds []wire.Second
			for s, n := range b.seconds {
				if s.At/60 == int64(m) {
					s.Requests = n
					seconds = append(seconds, s)
				}
			}
			return &old, seconds, nil
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	if err := c.Add(ctx, in); err != nil {
		t.Fatal(err)
	}
	ended, taken := make(chan error, 1), make(chan struct{})
	go func() {
		ended <- c.Run(ctx)
		close(out)
	}()
	go func() {
		defer close(taken)
		for m := range out {
			b.take(m)
		}
	}()
	time.Sleep(6 * time.Second)
	if do != nil {
		do(c)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	<-taken
}

// bubble begins at the time of the logs.
func bubble(t *testing.T, do func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)))
		do(t)
	})
}

func labLog(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("../../cmd/internal/labtest/testdata", name+".gz"))
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
	return b
}

// traces is an application's log in which every request fails with a stack.
func traces() []byte {
	var b bytes.Buffer
	for i := range 300 {
		at := time.Date(2026, 11, 23, 10, 0, i, 0, time.UTC).Format("2006-01-02 15:04:05,000")
		fmt.Fprintf(&b, "%s ERROR [worker-%d] shop.web [req=id-%d] unhandled exception\nTraceback (most recent call last):\n", at, i%4, i)
		for n := range 1 + i%5 {
			fmt.Fprintf(&b, "  File \"/srv/shop/web.py\", line %d, in handle_%d\n    return self.next(request)\n", 10*n+i, n)
		}
		fmt.Fprintf(&b, "KeyError: 'price-%d'\n", i)
	}
	return b.Bytes()
}

// Reading is broken off anywhere, in a line, in a transaction of which others
// are between, in a stack trace; what is written meanwhile is read after the
// restart. Nothing is missing and nothing is counted twice.
func TestARestartAnywhereCountsEverythingOnce(t *testing.T) {
	for name, text := range map[string][]byte{
		"nginx, a line a request":             labLog(t, "refused_one_of_two/nginx-access-ext.log"),
		"varnishlog, transactions in groups":  labLog(t, "refused_one_of_two/varnishlog-request.txt"),
		"varnishlog, transactions in between": labLog(t, "refused_one_of_two/varnishlog-raw.txt"),
		"stack traces":                        traces(),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "x.log")
				write := func(b []byte) { // as a program does that opened it to append
					f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
					if err != nil {
						t.Fatal(err)
					}
					defer f.Close()
					if _, err := f.Write(b); err != nil {
						t.Fatal(err)
					}
				}
				write(text)
				whole := newBook()
				whole.session(t, Input{Name: path, Path: path}, nil)
				if len(whole.sent) < 20 {
					t.Fatalf("%d Records were sent of all, so little can be missing", len(whole.sent))
				}
				rng := rand.New(rand.NewPCG(1, 2))
				for range 4 {
					cut := len(text)/10 + rng.IntN(len(text)*8/10)
					if err := os.Remove(path); err != nil {
						t.Fatal(err)
					}
					write(text[:cut])
					b := newBook()
					b.session(t, Input{Name: path, Path: path}, nil)
					had := len(b.sent)
					write(text[cut:])
					b.session(t, Input{Name: path, Path: path, Position: b.position, Again: parse.Time(time.Now().Add(-24 * time.Hour).UnixNano())}, nil)
					if diff := cmp.Diff(whole.counted(), b.counted()); diff != "" {
						t.Errorf("broken off at %d (-whole +both):\n%s", cut, diff)
					}
					for id, raw := range whole.sent {
						if _, ok := b.sent[id]; !ok {
							t.Errorf("broken off at %d, where %d were sent: %s is missing: %.100q", cut, had, id, raw)
							break
						}
					}
					for id, n := range b.fresh {
						if _, ok := whole.sent[id]; ok && n > 1 {
							t.Errorf("broken off at %d: %s came %d times as new: %.100q", cut, id, n, b.sent[id])
							break
						}
					}
				}
			})
		})
	}
}

// Who asks gets what was read before, out of the file, and what comes later; the
// same Record has the same id however it is read.
func TestWantsAreAnsweredFromTheFileAndStand(t *testing.T) {
	for name, text := range map[string][]byte{
		"a line a request":        labLog(t, "refused_one_of_two/nginx-access-ext.log"),
		"transactions of a group": labLog(t, "refused_one_of_two/varnishlog-request.txt"),
		"transactions in between": labLog(t, "refused_one_of_two/varnishlog-raw.txt"),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "x.log")
				half := bytes.LastIndexByte(text[:len(text)/2], '\n') + 1
				if i := bytes.LastIndex(text[:half], []byte("\n\n")); i > 0 {
					half = i + 2
				}
				if err := os.WriteFile(path, text, 0o600); err != nil {
					t.Fatal(err)
				}
				whole := newBook()
				whole.session(t, Input{Name: path, Path: path}, nil)
				if err := os.WriteFile(path, text[:half], 0o600); err != nil {
					t.Fatal(err)
				}
				b := newBook()
				number := uint64(0)
				ask := func(c *Collector, it wire.Item) uint64 {
					number++
					w := &wire.Want{Number: number, Want: correlate.Want{
						Keys: correlate.AppendKeys(nil, it.Record), From: it.Record.Time, To: it.Record.Ended, Near: it.Record.Ended,
						Until: parse.Time(time.Now().Add(time.Minute).UnixNano()),
					}}
					if err := c.Want(t.Context(), w); err != nil {
						t.Fatal(err)
					}
					return number
				}
				holds := func(list []wire.Item, want wire.Item) bool {
					return slices.ContainsFunc(list, func(it wire.Item) bool {
						return it.ID == want.ID && bytes.Equal(it.Record.Raw, want.Record.Raw) && it.Record.Ended == want.Record.Ended
					})
				}
				late := whole.samples[len(whole.samples)-1]
				b.session(t, Input{Name: path, Path: path}, func(c *Collector) {
					synctest.Wait()
					b.wanted[0] = nil // what was sent unasked
					asked := make(map[uint64]wire.Item)
					for _, i := range []int{0, len(b.samples) / 3, len(b.samples) / 2, len(b.samples) - 1} {
						asked[ask(c, b.samples[i])] = b.samples[i]
					}
					nobody := wire.Item{Record: &parse.Record{RequestID: []byte("nobody"), Time: b.samples[0].Record.Time, Ended: b.samples[0].Record.Ended}}
					none := ask(c, nobody)
					standing := ask(c, late)
					time.Sleep(2 * time.Second)
					synctest.Wait()
					if len(b.answers) != int(number) {
						t.Fatalf("%d answers to %d wants", len(b.answers), number)
					}
					for n, it := range asked {
						if !holds(b.wanted[n], it) {
							t.Errorf("want %d: %.80q is not in the %d Records of the answer", n, it.Record.Raw, len(b.wanted[n]))
						}
					}
					for _, a := range b.answers {
						if a.Count != len(b.wanted[a.Number]) {
							t.Errorf("answer %d says %d Records, %d came", a.Number, a.Count, len(b.wanted[a.Number]))
						}
						if a.Number == none && (a.Count != 0 || !a.Covered) {
							t.Errorf("nothing has that id, and the answer is %+v", *a)
						}
						if a.Number == standing && a.Covered {
							t.Error("what was not read yet is called covered")
						}
					}
					f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
					if err != nil {
						t.Fatal(err)
					}
					defer f.Close()
					if _, err := f.Write(text[half:]); err != nil {
						t.Fatal(err)
					}
					time.Sleep(3 * time.Second)
					synctest.Wait()
					if !holds(b.wanted[0], late) {
						t.Errorf("%.80q was asked for before it was written, and did not come", late.Record.Raw)
					}
				})
			})
		})
	}
}

// A want of old logs stands for some time after it was asked: the format of a
// log may be told later than that of others. Then it goes.
func TestWantsStandAndGo(t *testing.T) {
	key, until := correlate.Key(7), parse.Time(100)
	asked := time.Unix(1000, 0)
	for _, c := range []struct {
		name  string
		now   parse.Time
		after time.Duration
		stays bool
	}{
		{"in the time of the logs it was not withdrawn", 100, time.Hour, true},
		{"withdrawn, but asked just now", 101, standing, true},
		{"withdrawn, and long ago", 101, standing + 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			ws := wants{byKey: make(map[correlate.Key][]*want)}
			ws.add(&want{Want: &wire.Want{Want: correlate.Want{Keys: []correlate.Key{key, key + 1}, Until: until, To: 50}}, since: asked})
			ws.expire(c.now, asked.Add(c.after))
			s := &source{}
			got := ws.asks(s, &parse.Record{Time: 40, Ended: 45}, []correlate.Key{key + 1})
			if got != c.stays || (len(ws.byKey) > 0) != c.stays {
				t.Errorf("it stands: %v, want %v", got, c.stays)
			}
		})
	}
}

func TestWantsAreBounded(t *testing.T) {
	ws := wants{byKey: make(map[correlate.Key][]*want), n: maxWants}
	ws.add(&want{Want: &wire.Want{Want: correlate.Want{Keys: []correlate.Key{1}}}})
	if ws.lost != 1 || len(ws.byKey) != 0 {
		t.Errorf("%d lost, %d keys", ws.lost, len(ws.byKey))
	}
}

// Reading goes back to the last place before which everything had ended.
func TestHowFarBackReadingGoes(t *testing.T) {
	c := checkpoint{Counted: place{}}
	for i := range 5 {
		c.Marks = append(c.Marks, mark{Time: parse.Time(10 * (i + 1)), Inc: 3, Offset: int64(100 * i)})
	}
	for _, x := range []struct {
		again parse.Time
		want  int64
	}{{60, 400}, {51, 400}, {50, 300}, {35, 200}, {11, 0}, {10, 0}, {-1, 0}} {
		if inc, off := c.back(x.again).at(); inc != 3 || off != x.want {
			t.Errorf("again from %d: incarnation %d, offset %d; want 3, %d", x.again, inc, off, x.want)
		}
	}
	b := c.encode()
	again, err := decodeCheckpoint(b)
	if err != nil || !strings.Contains(string(b), `"marks"`) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.Marks, again.Marks); diff != "" {
		t.Error(diff)
	}
	if _, err := decodeCheckpoint([]byte(`{"counted":7}`)); err == nil {
		t.Error("a position that is none was read")
	}
}
