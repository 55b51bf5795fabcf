package live

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"why503/aggregate"
	"why503/aggregate/localstore"
	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/traffic"
	"why503/parse/wire"
	"why503/rules"
)

func openStore(t *testing.T) *localstore.Store {
	t.Helper()
	s, err := localstore.Open(t.Context(), localstore.Config{Path: filepath.Join(t.TempDir(), "why503.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// restarted returns a Core over a store in which something is.
func restarted(t *testing.T, s *localstore.Store, b *aggregate.Batch) *Core {
	t.Helper()
	if err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	list, err := s.Sources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stored := make(map[string]aggregate.SourceState)
	for _, x := range list {
		stored[x.Path] = x
	}
	c, err := New(t.Context(), Config{
		Store: s, Rules: rules.Builtin(), Join: correlate.DefaultConfig(), Stored: stored,
		Env:    func(k rules.KindSet) *rules.Env { return &rules.Env{Kinds: k} },
		Ask:    func(*wire.Want) {},
		Tell:   func(*wire.Clock) {},
		Placed: func(parse.SourceID, bool) {}, Kept: func(parse.SourceID, []byte) {}, Changed: func(parse.Time) {}, Notice: func(Noticed) {},
		Metrics: deaf{}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	c.wall = time.Now()
	return c
}

// A fact that was written before a restart, and that was no root after all, is
// taken back by who finds out.
func TestAFactFromBeforeARestartIsTakenBackWhenItIsPartOfAnother(t *testing.T) {
	s := openStore(t)
	now := time.Now().UTC()
	part, root, other := parse.RecordID{1}, parse.RecordID{2}, parse.RecordID{3}
	fact := func(id parse.RecordID, final bool) aggregate.Fact {
		at := now.Format("2006-01-02T15:04:05.000000Z")
		return aggregate.Fact{Version: 1, Row: aggregate.Failure{
			Schema: aggregate.SchemaVersion, UID: id.String(), Revision: 1, Final: final, Class: "failure", Site: "shop.example", Time: at, Ended: at, Status: 502,
		}}
	}
	c := restarted(t, s, &aggregate.Batch{Facts: []aggregate.Fact{fact(part, false), fact(other, true)}, Settled: parse.Time(now.UnixNano())})
	q := &parse.Request{UID: root, Parts: []parse.Part{{ID: root}, {ID: part}, {ID: other}}}
	c.absorb(q)
	c.absorb(q)
	if err := c.commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, _, err := s.Failures(t.Context(), aggregate.Query{}, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1 || rows[0].UID != other.String() {
		t.Errorf("%d facts are left, as %+v; want the one that was final", len(rows), rows)
	}
}

// What is assumed of a source before it was looked at is not what was found out,
// and what was counted under it is put right.
func TestWhatWasCountedBeforeARestartFollowsTheSource(t *testing.T) {
	s := openStore(t)
	now := time.Now().UTC()
	minute := traffic.MinuteOf(parse.Time(now.UnixNano()))
	assumed, err := json.Marshal(settings{})
	if err != nil {
		t.Fatal(err)
	}
	key := traffic.Key{Site: "shop.example", Minute: minute, Source: "access.log"}
	c := restarted(t, s, &aggregate.Batch{
		Sources: []aggregate.SourceState{{Source: aggregate.Source{Path: "access.log", Last: now}, Position: []byte("{}"), Settings: assumed}},
		Traffic: []aggregate.SourceMinute{{
			Source: "access.log", Minute: minute, Front: true, Failed: 2, Rows: []traffic.Row[traffic.Key]{{Key: key, Cell: &traffic.Cell{N: 5}}},
		}},
		Seconds: []aggregate.SourceSecond{{Source: "access.log", Site: "shop.example", At: now.Unix(), Requests: 5}},
		Settled: parse.Time(now.UnixNano()),
	})
	c.introduce(&wire.Source{ID: 0, Name: "access.log", Format: "combined", Kind: parse.SourceNginxAccess, Program: parse.Nginx})
	if c.known() {
		t.Error("a source that was never looked at is taken as known")
	}
	c.progress(&wire.Progress{Source: 0, To: parse.Time(now.UnixNano()), Lossless: true})
	src := c.sources[0]
	src.join.Rank = 1
	c.place(src)
	c.correct(t.Context(), src)
	if err := c.commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := s.Minute(t.Context(), "access.log", minute)
	if err != nil {
		t.Fatal(err)
	}
	if got.Front || got.Failed != 2 || len(got.Rows) != 1 || got.Rows[0].N != 5 {
		t.Errorf("stored is %+v; want the same, not client-facing", got)
	}
	seconds, err := s.Seconds(t.Context(), now.Unix()-10)
	if err != nil {
		t.Fatal(err)
	}
	if len(seconds) != 0 {
		t.Errorf("clients are said to have asked: %+v", seconds)
	}
}

// deaf hears of what happens, and does nothing.
type deaf struct{}

func (deaf) Final(*aggregate.Failure)        {}
func (deaf) Stored(bool, time.Duration)      {}
func (deaf) StoreWrite(time.Duration, error) {}
func (deaf) Want()                           {}
func (deaf) Answer(bool, bool, int)          {}
func (deaf) Requests(string, int64)          {}
func (deaf) Ledger(aggregate.Ledger)         {}
func (deaf) Open(int)                        {}
func (deaf) Opened()                         {}

var _ Metrics = deaf{}

// As long as sources read again what they had read before a restart, nothing is
// settled by it that was not.
func TestNothingIsSettledBeforeSourcesHaveCaughtUp(t *testing.T) {
	s := openStore(t)
	now := time.Now().UTC()
	settled := parse.Time(now.Add(-2 * time.Minute).UnixNano())
	c := restarted(t, s, &aggregate.Batch{
		Sources: []aggregate.SourceState{
			{Source: aggregate.Source{Path: "access.log"}, Position: []byte("{}")}, {Source: aggregate.Source{Path: "gone.log"}, Position: []byte("{}")},
		},
		Settled: settled,
	})
	check := func(want bool) {
		t.Helper()
		if err := c.tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		at, err := s.Settled(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := at > settled; got != want {
			t.Errorf("settled up to %d, which was %d; want it moved: %v", at, settled, want)
		}
	}
	check(false)
	c.introduce(&wire.Source{ID: 0, Name: "access.log", Format: "combined", Kind: parse.SourceNginxAccess, Program: parse.Nginx})
	check(false)
	c.progress(&wire.Progress{Source: 0, To: parse.Time(now.UnixNano()), AtEnd: true, Lossless: true})
	check(false)
	c.wall = c.began.Add(2 * missing) // the other is not followed any more
	check(true)
}
