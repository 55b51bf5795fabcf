package localstore

import (
	"errors"
	"os"
	"testing"
	"time"

	"why503/aggregate"
)

func failuresOf(t *testing.T, s *Store, q aggregate.Query) int64 {
	t.Helper()
	sum, err := s.Summary(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return sum.Failures
}

func TestWhatIsOldIsForgottenAndNotCountedTwice(t *testing.T) {
	now := t0.Add(time.Hour)
	s := openTest(t, func(c *Config) {
		c.Now = func() time.Time { return now }
		c.Records, c.Facts, c.Minutes, c.Hours, c.Seconds = 2*day, 10*day, 20*day, 400*day, day
	})
	ctx := t.Context()
	b := manyFacts(0, 600)
	b.Seconds = []aggregate.SourceSecond{{Source: "a", Site: "shop.example", At: t0.Unix(), Requests: 5}}
	b.Signals = []aggregate.Signal{{Time: 5, Record: []byte("x")}}
	uid := b.Facts[7].Row.UID
	for _, x := range []struct {
		after                   time.Duration
		records, facts, minutes bool
	}{{0, true, true, true}, {3 * day, false, true, true}, {11 * day, false, false, true}, {21 * day, false, false, false}} {
		now = t0.Add(x.after + time.Hour)
		newer := manyFacts(10_000+int(x.after/time.Hour), 1) // so that the hours before are over
		newer.Facts[0].Row.Ended = now.Format("2006-01-02T15:04:05.000000Z")
		newer.Traffic = nil
		for range 2 { // again: it is known, or was forgotten
			for _, w := range []*aggregate.Batch{newer, b} {
				if err := s.Write(ctx, w); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Maintain(ctx); err != nil {
				t.Fatal(err)
			}
		}
		records, _, err := s.Records(ctx, uid)
		if got := len(records) > 0; got != x.records || err != nil && !errors.Is(err, aggregate.ErrNotFound) {
			t.Errorf("after %s: records %v, %v", x.after, got, err)
		}
		if _, err := s.Find(ctx, uid); (err == nil) != x.facts {
			t.Errorf("after %s: %v", x.after, err)
		}
		hour := aggregate.Query{From: t0.Truncate(time.Hour), To: t0.Add(time.Hour).Truncate(time.Hour)}
		if got := failuresOf(t, s, hour); got != 600 {
			t.Errorf("after %s: %d failures are counted in the hour, want 600", x.after, got)
		}
		minute := aggregate.Query{From: t0, To: t0.Add(time.Minute)}
		if got := failuresOf(t, s, minute); got != map[bool]int64{true: 60}[x.minutes] {
			t.Errorf("after %s: %d failures are counted in a minute", x.after, got)
		}
	}
	if list, err := s.Signals(ctx, 0, 10); err != nil || len(list) > 0 {
		t.Error(list, err)
	}
}

func TestTheFileKeepsItsSize(t *testing.T) {
	now := t0.Add(time.Hour)
	const most = 16 << 20
	s := openTest(t, func(c *Config) {
		c.MaxBytes, c.Now = most, func() time.Time { return now }
	})
	var longest time.Duration
	for i := range 60 {
		b := manyFacts(i*500, 500)
		for k := range b.Facts {
			b.Facts[k].Records = []byte(b.Facts[k].Row.Path + string(make([]byte, 500)) + b.Facts[k].Row.UID)
			b.Facts[k].Row.Chain[0].Line = randomText(i*500+k, 1500)
		}
		begin := time.Now()
		if err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		longest = max(longest, time.Since(begin))
		if err := s.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.using(t.Context(), func(db *database) error {
		return borrow(t.Context(), db.writer, func(c conn) error { return c.exec(`PRAGMA wal_checkpoint(TRUNCATE)`) })
	}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.cfg.Path)
	if err != nil || info.Size() > most+most/4 {
		t.Errorf("the file has %d bytes, %v", info.Size(), err)
	}
	newest := testFact(60*500-1, t0).Row.UID
	if _, err := s.Find(t.Context(), newest); err != nil {
		t.Errorf("the newest fact: %v", err)
	}
	if _, err := s.Find(t.Context(), testFact(0, t0).Row.UID); !errors.Is(err, aggregate.ErrNotFound) {
		t.Errorf("the oldest fact: %v", err)
	}
	if got := failuresOf(t, s, aggregate.Query{}); got != 60*500 {
		t.Errorf("%d failures are counted, want %d", got, 60*500)
	}
	t.Logf("%d bytes, longest write %s", info.Size(), longest)
}

// randomText does not compress.
func randomText(seed, n int) string {
	x := uint64(seed)*2862933555777941757 + 3037000493
	b := make([]byte, n)
	for i := range b {
		x = x*6364136223846793005 + 1442695040888963407
		b[i] = byte(33 + (x>>33)%90)
	}
	return string(b)
}

// A minute with more keys than may be kept is derived from its facts, and says
// the same however they came.
func TestAMinuteOfManyKeysIsFoldedAndExact(t *testing.T) {
	var want *aggregate.Summary
	for _, pieces := range []int{1, 7} {
		s := openTest(t, func(c *Config) { c.Facts, c.Minutes, c.Records = -1, -1, -1 })
		const n = 2*maxRows - 1
		for p := range pieces {
			b := &aggregate.Batch{}
			for i := p; i < n; i += pieces {
				f := testFact(i, t0.Add(time.Duration(i)*time.Millisecond))
				f.Row.Route, f.Row.Site = "/"+randomText(i, 8), "site-"+randomText(i%3000, 6)
				if i%3 == 0 {
					f.Row.Route, f.Row.Site = "/cart", "shop.example"
				}
				f.Row.DurationMS = float64(i)
				b.Facts = append(b.Facts, f)
			}
			if err := s.Write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Summary(t.Context(), aggregate.Query{})
		if err != nil || got.Failures != n {
			t.Fatal(got.Failures, err)
		}
		if only := failuresOf(t, s, aggregate.Query{Site: "shop.example"}); only != (n+2)/3 {
			t.Errorf("%d failures of the site that most are of, want %d", only, (n+2)/3)
		}
		if want == nil {
			want = got
		} else if len(got.Causes) != 1 || got.Causes[0].Routes[0] != want.Causes[0].Routes[0] || len(got.Causes[0].Routes) != len(want.Causes[0].Routes) {
			t.Errorf("%+v, want %+v", got.Causes[0].Routes, want.Causes[0].Routes)
		}
		rows, _, err := minuteRows(t, s)
		if err != nil || rows > 2*foldTo {
			t.Errorf("%d rows %v", rows, err)
		}
	}
}

func minuteRows(t *testing.T, s *Store) (rows int64, ok bool, err error) {
	t.Helper()
	err = s.read(t.Context(), func(c conn) error {
		rows, ok, err = c.number(`SELECT count(*) FROM rollup_1m`)
		return err
	})
	return rows, ok, err
}
