package storetest

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/aggregate"
	"why503/parse"
	"why503/parse/traffic"
)

// hostile is text as strangers write it.
var hostile = []string{
	"'; DROP TABLE failures; --", `" OR ""="`, "%", "_", "\x00", "a\x00b", "\xff\xfe", "caf\xe9", "\xed\xa0\x80", "<script>alert(1)</script>", "\x1b]0;x\x07", "=cmd|' /C calc'!A0",
	"\u202e\u2066", "😀", "\\x41", "\\", "{{.}}", "\r\n", "NULL", "\xc3", strings.Repeat("é", 3000), strings.Repeat("\xff", 5000), string(make([]byte, 2000)),
}

// fill sets every text of a value but those of times and ids.
func fill(v reflect.Value, name, text string) {
	switch v.Kind() {
	case reflect.String:
		if name != "UID" && name != "Ended" && name != "ID" && name != "Path" {
			v.SetString(text)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), v.Type().Field(i).Name, text)
		}
	case reflect.Slice:
		for i := range v.Len() {
			fill(v.Index(i), name, text)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			fill(v.Elem(), name, text)
		}
	case reflect.Map:
		if v.Type().Elem().Kind() == reflect.String {
			v.Set(reflect.ValueOf(map[string]string{text: text}))
		}
	}
}

func testHostile(t *testing.T, open func(testing.TB) (Store, func() Store)) {
	s, reopen := open(t)
	ctx := t.Context()
	rng := rand.New(rand.NewPCG(30, 1))
	m := newModel()
	b := &aggregate.Batch{}
	for i, text := range hostile {
		at := epoch.Add(time.Duration(i) * time.Second)
		f := factAt(rng, i, at)
		f.Row.Attempts, f.Row.Trigger, f.Row.Missing = []aggregate.Attempt{{}}, &aggregate.Trigger{}, []aggregate.Missing{{}}
		f.Row.Decidable = false
		fill(reflect.ValueOf(&f).Elem(), "", text)
		f.Row.Class = "failure"
		b.Facts = append(b.Facts, f)
		in := incidentAt(i, text, time.Duration(i)*time.Hour, time.Duration(i)*time.Hour)
		fill(reflect.ValueOf(&in).Elem(), "", text)
		in.MergedInto = ""
		b.Incidents = append(b.Incidents, in)
		cell := &traffic.Cell{}
		cell.Count(time.Second, 1)
		key := traffic.Key{Site: text, Source: text, Proxy: text, Backend: text, Route: text, Method: text, Version: text, Minute: traffic.Minute(i)}
		b.Traffic = append(b.Traffic, aggregate.SourceMinute{Source: text, Minute: traffic.Minute(i), Front: true, Rows: []traffic.Row[traffic.Key]{{Key: key, Cell: cell}}})
		b.Seconds = append(b.Seconds, aggregate.SourceSecond{Source: text, Site: text, At: int64(i), Requests: 1})
		b.Signals = append(b.Signals, aggregate.Signal{ID: parse.RecordID{byte(i + 1)}, Source: text, Time: parse.Time(i + 1), Event: text, Record: []byte(text)})
		src := aggregate.SourceState{Source: aggregate.Source{Path: fmt.Sprint(i, text), Samples: []string{text}, Losses: []aggregate.Loss{{Reason: text}}}, Position: []byte(text), Settings: []byte(text)}
		fill(reflect.ValueOf(&src.Source).Elem(), "", text)
		b.Sources = append(b.Sources, src)
	}
	m.write(b)
	write(t, s, b, b)
	if err := s.Maintain(ctx); err != nil {
		t.Fatal(err)
	}
	s = reopen()
	bounded := cmp.Comparer(func(a, b string) bool { // a name that is longer than a store keeps may be cut
		return a == b || len(a) > 1000 && len(b) >= 1000 && strings.HasPrefix(a, b) || len(b) > 1000 && len(a) >= 1000 && strings.HasPrefix(b, a)
	})
	if diff := cmp.Diff(m.rows(aggregate.Query{}), all(t, s, aggregate.Query{}, 5)); diff != "" {
		t.Error(diff)
	}
	incidents, _, err := s.Incidents(ctx, aggregate.Query{}, "", 100)
	if err != nil || len(incidents) != len(hostile) {
		t.Fatal(len(incidents), err)
	}
	for i := range incidents {
		if diff := cmp.Diff(b.Incidents[len(hostile)-1-i], incidents[i]); diff != "" {
			t.Error(diff)
		}
	}
	for i, text := range hostile {
		got, err := s.Minute(ctx, text, traffic.Minute(i))
		if err != nil || len(got.Rows) != 1 {
			t.Fatalf("%.20q: %v", text, err)
		}
		if diff := cmp.Diff(b.Traffic[i].Rows[0].Key, got.Rows[0].Key, bounded); diff != "" {
			t.Error(diff)
		}
	}
	signals, err := s.Signals(ctx, 0, 1000)
	if diff := cmp.Diff(b.Signals, signals, bounded); diff != "" || err != nil {
		t.Error(err, diff)
	}
	sources, err := s.Sources(ctx)
	if err != nil || len(sources) != len(hostile) {
		t.Fatal(len(sources), err)
	}
	byPath := make(map[string]aggregate.SourceState)
	for _, src := range sources {
		byPath[src.Path] = src
	}
	for _, want := range b.Sources {
		if diff := cmp.Diff(want, byPath[want.Path]); diff != "" {
			t.Error(diff)
		}
	}
	seconds, err := s.Seconds(ctx, 0)
	if err != nil || len(seconds) != 2*len(hostile) {
		t.Error(len(seconds), err)
	}
	huge := factAt(rng, 999, epoch.Add(time.Hour))
	fill(reflect.ValueOf(&huge).Elem(), "", strings.Repeat("x\xff", 1<<19))
	huge.Row.Class = "failure"
	write(t, s, &aggregate.Batch{Facts: []aggregate.Fact{huge}})
	rows, _, err := s.Failures(ctx, aggregate.Query{}, "", 1)
	if err != nil || len(rows) != 1 || len(rows[0].Host) < 1000 || !strings.HasPrefix(huge.Row.Host, rows[0].Host) {
		t.Errorf("a fact with 1 MB in each text: %d rows, %v", len(rows), err)
	}
}

func testHostileQueries(t *testing.T, s Store) {
	ctx := t.Context()
	rng := rand.New(rand.NewPCG(31, 1))
	plain := factAt(rng, 0, epoch)
	plain.Row.Class = "failure"
	b := &aggregate.Batch{Facts: []aggregate.Fact{plain}}
	for i, text := range hostile {
		f := factAt(rng, i+1, epoch.Add(time.Duration(i+1)*time.Second))
		f.Row.Class = "failure"
		f.Row.Site, f.Row.Cause, f.Row.Backend, f.Row.Path, f.Row.RequestID = text, text, text, text, text
		b.Facts = append(b.Facts, f)
	}
	write(t, s, b)
	for i, text := range hostile {
		want := b.Facts[i+1].Row.UID
		for _, q := range []aggregate.Query{{Site: text}, {Cause: text}, {Backend: text}, {Site: text, Cause: text, Backend: text}} {
			rows, _, err := s.Failures(ctx, q, "", 100)
			if err != nil || len(rows) != 1 || rows[0].UID != want {
				t.Errorf("%.40q: %d rows, %v", q, len(rows), err)
			}
			sum, err := s.Summary(ctx, q)
			if err != nil || sum.Failures != 1 {
				t.Errorf("%.40q: %v", q, err)
			}
			if _, err := s.Timeseries(ctx, q, time.Hour); err != nil {
				t.Errorf("%.40q: %v", q, err)
			}
		}
		if rows, _, err := s.Failures(ctx, aggregate.Query{Text: text}, "", 100); err != nil || len(rows) == 0 {
			t.Errorf("text %.40q: %d rows, %v", text, len(rows), err)
		}
		if _, err := s.Find(ctx, text); err != nil {
			t.Errorf("id %.40q: %v", text, err)
		}
		if _, _, err := s.Incidents(ctx, aggregate.Query{Site: text, Text: text, Cause: text}, "", 10); err != nil {
			t.Errorf("incidents of %.40q: %v", text, err)
		}
		if _, err := s.Marks(ctx, aggregate.Query{Site: text, Text: text}); err != nil {
			t.Errorf("marks of %.40q: %v", text, err)
		}
	}
	if rows := all(t, s, aggregate.Query{}, 100); len(rows) != len(b.Facts) {
		t.Errorf("%d facts are left of %d", len(rows), len(b.Facts))
	}
}
