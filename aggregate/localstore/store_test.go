package localstore

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/aggregate"
	"why503/parse/traffic"
)

func openTest(t testing.TB, change ...func(*Config)) *Store {
	t.Helper()
	cfg := Config{Path: filepath.Join(t.TempDir(), "why503.db")}
	for _, f := range change {
		f(&cfg)
	}
	s, err := Open(t.Context(), cfg)
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

func testFact(i int, ended time.Time) aggregate.Fact {
	return aggregate.Fact{
		Version: 1, Words: "nothing listened at 10.0.0.5:8080", Advice: []string{"Start it."}, Records: []byte("records"),
		Row: aggregate.Failure{
			Schema: 1, UID: fmt.Sprintf("%032x", i+1), Revision: 1, Class: "failure", Site: "shop.example", Ended: ended.UTC().Format("2006-01-02T15:04:05.000000Z"),
			Time: ended.UTC().Format("2006-01-02T15:04:05.000000Z"), Status: 503, Method: "GET", Path: "/cart", Route: "/cart", RequestID: fmt.Sprint("req-", i), VXID: uint64(i) + 32770,
			Backend: fmt.Sprint("app", i%3), Reached: "never", Symptom: "origin_down.refused", Cause: "process.crashed", Decidable: true, Proxy: "varnish@edge",
			Versions: map[string]string{}, Attempts: []aggregate.Attempt{}, Missing: []aggregate.Missing{}, Chain: []aggregate.Link{{Cause: "origin_down.refused", Line: "FetchError"}, {Cause: "process.crashed", Line: "exit 1"}},
		},
	}
}

var t0 = time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)

func TestABatchComesBack(t *testing.T) {
	s := openTest(t)
	b := &aggregate.Batch{Settled: 7}
	for i := range 10 {
		b.Facts = append(b.Facts, testFact(i, t0.Add(time.Duration(i)*10*time.Second)))
	}
	b.Seconds = []aggregate.SourceSecond{{Source: "a", Site: "shop.example", At: t0.Unix(), Requests: 5}}
	m := traffic.MinuteOf(0)
	cell := &traffic.Cell{}
	cell.Count(time.Second, 5)
	b.Traffic = []aggregate.SourceMinute{{Source: "a", Minute: m, Front: true, Failed: 3, Rows: []traffic.Row[traffic.Key]{{Key: traffic.Key{Site: "x", Minute: m, Source: "a"}, Cell: cell}}}}
	b.Sources = []aggregate.SourceState{{Source: aggregate.Source{Path: "a"}, Position: []byte("pos"), Updated: t0}}
	for i := range b.Facts {
		b.Facts[i].Row.Client = fmt.Sprint("203.0.113.", i%3)
	}
	for range 2 {
		if err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	rows, next, err := s.Failures(t.Context(), aggregate.Query{}, "", 4)
	if err != nil || len(rows) != 4 || next == "" {
		t.Fatal(len(rows), next, err)
	}
	if diff := cmp.Diff(b.Facts[9].Row, rows[0]); diff != "" {
		t.Error(diff)
	}
	rows, next, err = s.Failures(t.Context(), aggregate.Query{}, next, 40)
	if err != nil || len(rows) != 6 || next != "" {
		t.Fatal(len(rows), next, err)
	}
	for _, id := range []string{b.Facts[3].Row.UID, "req-3", "32773"} {
		if got, err := s.Find(t.Context(), id); err != nil || len(got) != 1 || got[0].UID != b.Facts[3].Row.UID {
			t.Error(id, got, err)
		}
	}
	sec, err := s.Seconds(t.Context(), 0)
	if err != nil || len(sec) == 0 {
		t.Error(sec, err)
	}
	src, err := s.Sources(t.Context())
	if diff := cmp.Diff(b.Sources, src); diff != "" || err != nil {
		t.Error(err, diff)
	}
	got, err := s.Minute(t.Context(), "a", m)
	if err != nil || got.Failed != 3 || len(got.Rows) != 1 || got.Rows[0].Busy != time.Second {
		t.Error(got, err)
	}
	if at, err := s.Settled(t.Context()); err != nil || at != 7 {
		t.Error(at, err)
	}
	records, version, err := s.Records(t.Context(), b.Facts[3].Row.UID)
	if err != nil || string(records) != "records" || version != 1 {
		t.Error(string(records), version, err)
	}
	if n, err := s.Clients(t.Context(), aggregate.Query{}); err != nil || n != 3 {
		t.Error(n, err)
	}
}

// Logs are not for everybody to read, nor is what is kept of them.
func TestOthersCannotReadAStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "why503.db")
	s, err := Open(t.Context(), Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Write(t.Context(), &aggregate.Batch{Settled: 1}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm", path + ".lock"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o007 != 0 {
			t.Errorf("%s is %v", filepath.Base(name), info.Mode())
		}
	}
}
