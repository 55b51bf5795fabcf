package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"why503/aggregate"
	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/fact"
	"why503/parse/traffic"
	"why503/parse/wire"
	"why503/rules"
)

// A shelf is a store that keeps batches as they come, and refuses some.
type shelf struct {
	mu      *sync.Mutex
	refuse  int
	tried   int
	batches []aggregate.Batch
}

var errFull = errors.New("no space left on device")

func (s *shelf) Write(_ context.Context, b *aggregate.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried++
	if s.refuse > 0 {
		s.refuse--
		return errFull
	}
	s.batches = append(s.batches, *b)
	return nil
}

func (*shelf) Settled(context.Context) (parse.Time, error) { return 0, nil }
func (*shelf) Signals(context.Context, parse.Time, parse.Time) ([]aggregate.Signal, error) {
	return nil, nil
}
func (*shelf) Seconds(context.Context, int64) ([]aggregate.SiteSecond, error) { return nil, nil }
func (*shelf) Failures(context.Context, aggregate.Query, string, int) ([]aggregate.Failure, string, error) {
	return nil, "", nil
}
func (*shelf) Incidents(context.Context, aggregate.Query, string, int) ([]aggregate.Incident, string, error) {
	return nil, "", nil
}
func (*shelf) Summary(context.Context, aggregate.Query) (*aggregate.Summary, error) {
	return &aggregate.Summary{}, nil
}
func (*shelf) Records(context.Context, string) ([]byte, uint64, error) {
	return nil, 0, aggregate.ErrNotFound
}
func (*shelf) Minute(context.Context, string, traffic.Minute) (*aggregate.SourceMinute, error) {
	return nil, aggregate.ErrNotFound
}
func (*shelf) Clients(context.Context, aggregate.Query) (int64, error) { return 0, nil }

// facts are what the batches leave, by uid.
func (s *shelf) facts() map[string]aggregate.Fact {
	all := make(map[string]aggregate.Fact)
	for i := range s.batches {
		for _, f := range s.batches[i].Facts {
			if old, ok := all[f.Row.UID]; !ok || f.Version >= old.Version {
				all[f.Row.UID] = f
			}
		}
	}
	return all
}

// A bench is a Core in a bubble, and what it told. The test holds mu, but while
// the Core runs.
type bench struct {
	mu     sync.Mutex
	t      *testing.T
	store  shelf
	in     chan wire.Message
	kept   []string
	front  map[parse.SourceID]bool
	clocks map[parse.SourceID]int64
	wants  []*wire.Want
	done   chan error
}

// run starts a Core.
func run(t *testing.T, refuse int) *bench {
	t.Helper()
	b := &bench{t: t, in: make(chan wire.Message), front: map[parse.SourceID]bool{}, clocks: map[parse.SourceID]int64{}, done: make(chan error, 1)}
	b.store = shelf{mu: &b.mu, refuse: refuse}
	locked := func(do func()) {
		b.mu.Lock()
		defer b.mu.Unlock()
		do()
	}
	c, err := New(t.Context(), Config{
		Store: &b.store, Rules: rules.Builtin(), Join: correlate.DefaultConfig(),
		Env:     func(k rules.KindSet) *rules.Env { return &rules.Env{Kinds: k} },
		Ask:     func(w *wire.Want) { locked(func() { b.wants = append(b.wants, w) }) },
		Tell:    func(m *wire.Clock) { locked(func() { b.clocks[m.Source] = m.Offset }) },
		Placed:  func(id parse.SourceID, front bool) { locked(func() { b.front[id] = front }) },
		Kept:    func(_ parse.SourceID, position []byte) { locked(func() { b.kept = append(b.kept, string(position)) }) },
		Changed: func(parse.Time) {}, Notice: func(Noticed) {}, Metrics: deaf{}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	go func() { b.done <- c.Run(t.Context(), b.in) }()
	return b
}

func (b *bench) send(m wire.Message) {
	b.mu.Unlock()
	b.in <- m
	b.mu.Lock()
}

func (b *bench) sleep(d time.Duration) {
	b.mu.Unlock()
	time.Sleep(d)
	synctest.Wait()
	b.mu.Lock()
}

// stop ends the Core as a server does, with what it was told written.
func (b *bench) stop() {
	b.t.Helper()
	b.mu.Unlock()
	close(b.in)
	if err := <-b.done; err != nil {
		b.t.Error(err)
	}
}

func (b *bench) access(id parse.SourceID, name string) {
	b.send(&wire.Source{ID: id, Name: name, Format: "nginx", Kind: parse.SourceNginxAccess, Program: parse.Nginx, Zoned: true, Fingerprint: fact.Fingerprint{byte(id + 1)}})
}

// hop is one hop's line of a request.
func hop(source parse.SourceID, n int, began time.Time, took time.Duration, status int, addr string) wire.Item {
	r := &parse.Record{
		Kind: parse.KindRequest, Program: parse.Nginx, Source: source, Offset: int64(100 * n), Line: int64(n + 1), Raw: fmt.Appendf(nil, "line %d", n),
		Time: parse.Time(began.UnixNano()), Ended: parse.Time(began.Add(took).UnixNano()), Precision: 1e6, Method: []byte("GET"), URL: fmt.Appendf(nil, "/p/%d", n),
		Host: []byte("shop.example"), Status: status, Bytes: 100, RequestID: fmt.Appendf(nil, "request-%d", n),
		Upstreams: []parse.Upstream{{Addr: []byte(addr), Status: status, Connect: 0, Header: int64(took) / 2, Response: int64(took) / 2}},
	}
	return wire.Item{ID: fact.LineID(fact.Fingerprint{byte(source + 1)}, r.Offset), Record: r}
}

// What a store refuses is written whole when it takes something again: facts,
// counts and the position that is behind them.
func TestWhatAStoreRefusesIsWrittenLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, 3)
		now := time.Now()
		minute := traffic.MinuteOf(parse.Time(now.UnixNano()))
		failed := hop(0, 1, now, 20*time.Millisecond, 502, "10.0.0.3:80")
		b.access(0, "access.log")
		b.send(&wire.Records{Source: 0, Items: []wire.Item{failed}})
		b.send(&wire.Progress{
			Source: 0, To: failed.Record.Ended, AtEnd: true, Lossless: true, Position: []byte("behind it"),
			Minutes: []wire.Minute{{Minute: minute, Failed: 1, Rows: []traffic.Row[traffic.Key]{{Key: traffic.Key{Minute: minute}, Cell: &traffic.Cell{N: 1}}}}},
			Seconds: []wire.Second{{Site: "shop.example", At: now.Unix(), Requests: 1}},
		})
		b.sleep(3 * time.Second)
		if b.store.tried < 2 || len(b.store.batches) != 0 || len(b.kept) != 0 {
			t.Fatalf("%d tries, %d taken, kept %q; the store refuses", b.store.tried, len(b.store.batches), b.kept)
		}
		b.sleep(10 * time.Second)
		if len(b.store.batches) == 0 {
			t.Fatal("nothing was written when the store took it again")
		}
		first := b.store.batches[0]
		if len(first.Facts) != 1 || len(first.Traffic) != 1 || len(first.Seconds) != 1 || len(first.Sources) != 1 || string(first.Sources[0].Position) != "behind it" {
			t.Errorf("%d facts, %d minutes, %d seconds, sources %+v; want one of each", len(first.Facts), len(first.Traffic), len(first.Seconds), first.Sources)
		}
		if len(b.kept) != 1 || b.kept[0] != "behind it" {
			t.Errorf("told to be kept: %q", b.kept)
		}
		for _, x := range b.store.batches[1:] {
			if len(x.Traffic)+len(x.Seconds)+len(x.Sources) > 0 {
				t.Errorf("written again without need: %+v", x)
			}
		}
		b.stop()
	})
}

// A hop in front of another turns up later: the inner one's fact goes, its
// requests are not those of clients any more, and its clock is put right.
func TestAHopInFrontTurnsUp(t *testing.T) {
	for name, age := range map[string]time.Duration{"as it happens": 0, "in logs of yesterday": 26 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := run(t, 0)
				const web, edge = 0, 1
				const ahead = 7 * time.Second // of the inner hop's clock
				begin := time.Now().Add(-age)
				failed := []wire.Item{
					web:  hop(web, 900, begin.Add(ahead+100*time.Millisecond), 500*time.Millisecond, 502, "10.0.0.3:80"),
					edge: hop(edge, 900, begin, time.Second, 502, "10.0.0.2:80"),
				}
				minute := traffic.MinuteOf(failed[web].Record.Ended)
				appear := func(id parse.SourceID, name string) {
					b.access(id, name)
					b.send(&wire.Records{Source: id, Items: failed[id : id+1]})
					b.send(&wire.Progress{
						Source: id, To: failed[id].Record.Ended, AtEnd: true, Lossless: true, Position: []byte("1"),
						Minutes: []wire.Minute{{Minute: minute, Failed: 1, Rows: []traffic.Row[traffic.Key]{{Key: traffic.Key{Minute: minute}, Cell: &traffic.Cell{N: 1}}}}},
					})
				}
				appear(web, "web.log")
				b.sleep(4 * time.Second)
				if facts := b.store.facts(); len(facts) != 1 || !b.front[web] {
					t.Fatalf("%d facts, in front %v; there is one hop", len(facts), b.front)
				}
				appear(edge, "edge.log")
				for id, took := range []time.Duration{web: 500 * time.Millisecond, edge: time.Second} {
					var items []wire.Item
					for n := range 60 {
						at := begin.Add(time.Duration(n) * 100 * time.Millisecond)
						if id == web {
							at = at.Add(ahead + 250*time.Millisecond)
						}
						items = append(items, hop(parse.SourceID(id), n, at, took, 200, fmt.Sprintf("10.0.0.%d:80", 3-id)))
					}
					b.send(&wire.Records{Source: parse.SourceID(id), Sample: true, Items: items})
				}
				b.sleep(4 * time.Second)
				if !b.front[edge] || b.front[web] {
					t.Errorf("in front: %v; want the one that waited for the other", b.front)
				}
				if off := time.Duration(b.clocks[web]); off > -ahead+time.Second || off < -ahead-time.Second || b.clocks[edge] != 0 {
					t.Errorf("clocks %v; the inner one is %v ahead", b.clocks, ahead)
				}
				facts := b.store.facts()
				if outer, inner := facts[failed[edge].ID.String()], facts[failed[web].ID.String()]; outer.Row.UID == "" || outer.Gone || !inner.Gone {
					t.Errorf("the outer hop's fact: %q, gone: %v; the inner one's gone: %v; want that one gone", outer.Row.UID, outer.Gone, inner.Gone)
				}
				last := make(map[string]bool)
				for i := range b.store.batches {
					for _, x := range b.store.batches[i].Traffic {
						last[x.Source] = x.Front
					}
				}
				if !last["edge.log"] || last["web.log"] {
					t.Errorf("minutes stored as those of clients: %v", last)
				}
				b.stop()
			})
		})
	}
}

// A sample is kept once, and the newest are kept.
func TestSamplesAreKeptOnceAndBounded(t *testing.T) {
	s := &source{}
	now := time.Now()
	for n := range 2 * maxSamples {
		it := hop(0, n, now.Add(time.Duration(n)*time.Second), time.Second, 200, "10.0.0.2:80")
		for range 3 {
			s.sampled(it.ID, it.Record)
		}
	}
	if len(s.samples) != maxSamples || len(s.sampleIDs) != maxSamples || s.seen != 2*maxSamples {
		t.Fatalf("%d samples of %d ids, %d seen; want %d of as many, %d", len(s.samples), len(s.sampleIDs), s.seen, maxSamples, 2*maxSamples)
	}
	ordered := s.ordered()
	for i, r := range ordered {
		if want := now.Add(time.Duration(maxSamples+i+1) * time.Second).UnixNano(); int64(r.Ended) != want {
			t.Fatalf("sample %d ended at %d, want %d", i, r.Ended, want)
		}
	}
}
