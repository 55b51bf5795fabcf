package localstore

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"why503/aggregate"
	"why503/parse/traffic"
)

// filled writes some hundred facts into a new file and closes it.
func filled(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "why503.db")
	s, err := Open(t.Context(), Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if err := s.Write(t.Context(), manyFacts(i*100, 100)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func manyFacts(from, n int) *aggregate.Batch {
	b := &aggregate.Batch{Settled: 9, Sources: []aggregate.SourceState{{Source: aggregate.Source{Path: "/var/log/varnish.log"}, Position: []byte("position")}}}
	for i := range n {
		f := testFact(from+i, t0.Add(time.Duration(from+i)*time.Second))
		f.Row.Path = strings.Repeat("/x", 300)
		f.Records = bytes.Repeat([]byte{byte(i), byte(i * 7), byte(i * 31)}, 300)
		b.Facts = append(b.Facts, f)
		m := traffic.MinuteOf(0) + traffic.Minute(from+i)
		cell := &traffic.Cell{}
		cell.Count(time.Second, 5)
		b.Traffic = append(b.Traffic, aggregate.SourceMinute{Source: "/var/log/varnish.log", Minute: m, Front: true, Rows: []traffic.Row[traffic.Key]{{Key: traffic.Key{Minute: m, Site: "shop.example"}, Cell: cell}}})
	}
	return b
}

func reopen(t *testing.T, path string, log *bytes.Buffer) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{Path: path, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func asideOf(t *testing.T, path string) []string {
	t.Helper()
	list, err := filepath.Glob(path + ".damaged-*")
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func works(t *testing.T, s *Store, from int) {
	t.Helper()
	if err := s.Write(t.Context(), manyFacts(from, 10)); err != nil {
		t.Fatal(err)
	}
	rows, _, err := s.Failures(t.Context(), aggregate.Query{}, "", 10)
	if err != nil || len(rows) != 10 || rows[9].UID != testFact(from, t0).Row.UID {
		t.Fatal(len(rows), err)
	}
}

func overwrite(t *testing.T, path string, at int64, with []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(with, at); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedHeaderIsSetAside(t *testing.T) {
	for name, with := range map[string][]byte{"its magic": []byte("\x00\x01broken\x00\x00"), "all of its first page": bytes.Repeat([]byte{0, 0xff}, 2048)} {
		t.Run(name, func(t *testing.T) {
			path := filled(t)
			overwrite(t, path, 0, with)
			var log bytes.Buffer
			s := reopen(t, path, &log)
			works(t, s, 5000)
			if list := asideOf(t, path); len(list) == 0 || !strings.Contains(log.String(), list[0]) || !strings.Contains(log.String(), "set aside") {
				t.Errorf("%v\n%s", list, log.String())
			}
		})
	}
}

func TestADamagedPageIsFoundLaterAndTheRestIsTakenOver(t *testing.T) {
	path := filled(t)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := info.Size() / 3 / 4096 * 4096; at < info.Size()/3+20*4096; at += 4096 {
		overwrite(t, path, at, bytes.Repeat([]byte{0xde, 0xad, 0xbe, 0xef}, 1024))
	}
	var log bytes.Buffer
	s := reopen(t, path, &log)
	ctx := t.Context()
	for i := 0; len(asideOf(t, path)) == 0 && i < 1000; i += 10 {
		if err := s.Write(ctx, manyFacts(i, 10)); err != nil {
			t.Fatal(err)
		}
		_, _, _ = s.Records(ctx, testFact(i, t0).Row.UID)
	}
	if len(asideOf(t, path)) == 0 {
		t.Fatal("the damage was not found")
	}
	works(t, s, 5000)
	var rows []aggregate.Failure
	for cursor, first := "", true; first || cursor != ""; first = false {
		page, next, err := s.Failures(ctx, aggregate.Query{}, cursor, 500)
		if err != nil {
			t.Fatal(err)
		}
		rows, cursor = append(rows, page...), next
	}
	sum, err := s.Summary(ctx, aggregate.Query{})
	if err != nil || len(rows) < 100 || sum.Failures < int64(len(rows)) {
		t.Errorf("%d facts are listed, %d counted, %v\n%s", len(rows), sum.Failures, err, log.String())
	}
	src, err := s.Sources(ctx)
	if err != nil || len(src) != 1 || string(src[0].Position) != "position" {
		t.Error(src, err)
	}
	t.Log(log.String())
}

func TestOtherFilesAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "access.log")
	if err := os.WriteFile(text, bytes.Repeat([]byte("a line of a log\n"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other.db")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := (&database{}).open(other, 0x2, 100)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.exec(`CREATE TABLE theirs (x)`); err != nil {
		t.Fatal(err)
	}
	c.Close()
	for path, want := range map[string]string{text: "a file of text", other: "another program", dir: "That is a folder", filepath.Join(dir, "no", "such", "folder"): "Check that its folder exists"} {
		before, _ := os.ReadFile(path)
		_, err := Open(t.Context(), Config{Path: path})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(before, after) || len(asideOf(t, path)) > 0 {
			t.Errorf("%s was changed", path)
		}
	}
}

func TestANewerSchemaIsRefusedAndAnOlderOneMigrated(t *testing.T) {
	path := filled(t)
	c, err := (&database{}).open(path, 0x2, 100)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.exec(`INSERT INTO schema_migrations (version, name) VALUES (99, 'later')`); err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{false, true} {
		_, err = Open(t.Context(), Config{Path: path, ReadOnly: readOnly})
		if err == nil || !strings.Contains(err.Error(), "number 99") || !strings.Contains(err.Error(), "Run that release") {
			t.Errorf("read only %v: %v", readOnly, err)
		}
	}
	if err := c.exec(`DELETE FROM schema_migrations WHERE version = 99`); err != nil {
		t.Fatal(err)
	}
	c.Close()
	s := reopen(t, path, &bytes.Buffer{})
	works(t, s, 5000)
}

func TestOneProcessWrites(t *testing.T) {
	path := filled(t)
	s := reopen(t, path, &bytes.Buffer{})
	if _, err := Open(t.Context(), Config{Path: path}); err == nil || !strings.Contains(err.Error(), "is writing it") {
		t.Fatal(err)
	}
	reader, err := Open(t.Context(), Config{Path: path, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	works(t, s, 5000)
	if rows, err := reader.Find(t.Context(), testFact(5003, t0).Row.UID); err != nil || len(rows) != 1 {
		t.Error(len(rows), err)
	}
	if err := reader.Write(t.Context(), &aggregate.Batch{}); err == nil {
		t.Error("a store that is read only was written")
	}
}

func TestAFullDiskRefusesABatchWholeAndTakesItLater(t *testing.T) {
	s := openTest(t)
	works(t, s, 0)
	limit := func(pages int) {
		if err := borrow(context.Background(), s.db.writer, func(c conn) error {
			_, _, err := c.number("PRAGMA max_page_count = " + decimalOf(pages))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	limit(1) // not below what it has
	b := manyFacts(100, 200)
	err := s.Write(t.Context(), b)
	if err == nil || !strings.Contains(err.Error(), "make room") {
		t.Fatal(err)
	}
	if _, err := s.Find(t.Context(), b.Facts[0].Row.UID); !errors.Is(err, aggregate.ErrNotFound) {
		t.Errorf("a part of the batch was written: %v", err)
	}
	if sum, err := s.Summary(t.Context(), aggregate.Query{}); err != nil || sum.Failures != 10 {
		t.Error(sum.Failures, err)
	}
	limit(1 << 30)
	if err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if sum, err := s.Summary(t.Context(), aggregate.Query{}); err != nil || sum.Failures != 210 {
		t.Error(sum.Failures, err)
	}
}

func decimalOf(n int) string {
	b := []byte{}
	for ; n > 0; n /= 10 {
		b = append([]byte{byte('0' + n%10)}, b...)
	}
	return string(b)
}

func TestAFileThatMayNotBeWritten(t *testing.T) {
	if asNobody(t) {
		return
	}
	path := filled(t)
	for _, p := range []string{path, path + ".lock"} {
		if err := os.Chmod(p, 0o400); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(t.Context(), Config{Path: path}); err == nil || !strings.Contains(err.Error(), "permission denied") || !strings.Contains(err.Error(), "may write") {
		t.Error(err)
	}
}
