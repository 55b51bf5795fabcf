package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/aggregate"
	"why503/parse"
	"why503/parse/traffic"
)

func testPages(t *testing.T, s Store) {
	rng := rand.New(rand.NewPCG(20, 1))
	m := newModel()
	add := func(from, to int, at func(int) time.Time) {
		b := &aggregate.Batch{}
		for i := from; i < to; i++ {
			f := factAt(rng, i, at(i))
			f.Row.Class = "failure"
			b.Facts = append(b.Facts, f)
		}
		m.write(b)
		write(t, s, b)
	}
	add(0, 100, func(i int) time.Time { return epoch.Add(time.Duration(i/7) * time.Second) }) // many of one time
	want := m.rows(aggregate.Query{})
	var got []aggregate.Failure
	cursor := ""
	for page := 0; ; page++ {
		rows, next, err := s.Failures(t.Context(), aggregate.Query{}, cursor, 9)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, rows...)
		if next == "" {
			break
		}
		cursor = next
		add(1000+page*5, 1005+page*5, func(int) time.Time { return epoch.Add(time.Hour) }) // newer than all that is listed
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, cursor := range []string{"x", "1.zz", strings.Repeat("9", 400), "1", "\x00", "1.78'--"} {
		if _, _, err := s.Failures(t.Context(), aggregate.Query{}, cursor, 9); err == nil {
			t.Errorf("the cursor %q was taken", cursor)
		}
	}
	for _, limit := range []int{-1, 0, 1 << 40} {
		if rows, _, err := s.Failures(t.Context(), aggregate.Query{}, "", limit); err != nil || len(rows) == 0 {
			t.Errorf("limit %d: %d rows, %v", limit, len(rows), err)
		}
	}
}

func testFilters(t *testing.T, s Store) {
	rng := rand.New(rand.NewPCG(21, 1))
	m := newModel()
	b := tale(rng, 150, 60)
	m.write(b)
	write(t, s, b)
	same(t, s, m)
	for _, text := range []string{"/product/7", "WORKER 33 DIED", "203.0.113.9", "Request-12", "no such text", "FetchError", "nothing LISTENED"} {
		want := 0
		for _, f := range m.rows(aggregate.Query{Class: "all"}) {
			words := m.facts[f.UID].Words
			all := strings.ToLower(strings.Join([]string{f.Path, f.RequestID, f.Client, words, f.Chain[0].Line, f.Chain[len(f.Chain)-1].Line}, "\n"))
			if strings.Contains(all, strings.ToLower(text)) {
				want++
			}
		}
		if got := all(t, s, aggregate.Query{Class: "all", Text: text}, 11); len(got) != want {
			t.Errorf("%d facts have %q, want %d", len(got), text, want)
		}
	}
	in := aggregate.Incident{ID: "20260102T0010Z-0badcafe", Site: sites[0], Start: epoch.Add(10 * time.Minute), End: epoch.Add(20 * time.Minute)}
	write(t, s, &aggregate.Batch{Incidents: []aggregate.Incident{in}})
	want := m.rows(aggregate.Query{Site: sites[0], From: in.Start, To: in.End.Add(1)})
	if diff := cmp.Diff(want, all(t, s, aggregate.Query{Incident: in.ID}, 13)); diff != "" || len(want) == 0 {
		t.Error(len(want), diff)
	}
	if got := all(t, s, aggregate.Query{Incident: in.ID, Site: sites[1]}, 13); len(got) > 0 {
		t.Errorf("%d facts of another site are of the incident", len(got))
	}
}

func testFind(t *testing.T, s Store) {
	rng := rand.New(rand.NewPCG(22, 1))
	b := &aggregate.Batch{}
	for i := range 50 {
		b.Facts = append(b.Facts, factAt(rng, i, epoch.Add(time.Duration(i)*time.Second)))
	}
	twin := factAt(rng, 1001, epoch.Add(time.Hour))
	twin.Row.RequestID = b.Facts[7].Row.RequestID
	b.Facts = append(b.Facts, twin)
	write(t, s, b)
	for _, c := range []struct {
		id   string
		want []string
	}{
		{b.Facts[3].Row.UID, []string{b.Facts[3].Row.UID}},
		{b.Facts[3].Row.UID[:8], []string{b.Facts[3].Row.UID}},
		{b.Facts[4].Row.RequestID, []string{b.Facts[4].Row.UID}},
		{b.Facts[5].Row.TraceID, []string{b.Facts[5].Row.UID}},
		{fmt.Sprint(b.Facts[6].Row.VXID), []string{b.Facts[6].Row.UID}},
		{b.Facts[7].Row.RequestID, []string{twin.Row.UID, b.Facts[7].Row.UID}},
	} {
		rows, err := s.Find(t.Context(), c.id)
		var got []string
		for _, r := range rows {
			got = append(got, r.UID)
		}
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", c.id, err, diff)
		}
	}
	if diff := cmp.Diff(b.Facts[3].Row, first1(s.Find(t.Context(), b.Facts[3].Row.UID))); diff != "" {
		t.Error(diff)
	}
	records, version, err := s.Records(t.Context(), b.Facts[3].Row.UID)
	if err != nil || string(records) != string(b.Facts[3].Records) || version != b.Facts[3].Version {
		t.Errorf("%q %d %v", records, version, err)
	}
	for _, id := range []string{"%", "_", "*", "' OR 1=1 --", "\x00", "request-", strings.Repeat("x", 1<<20)} {
		if rows, err := s.Find(t.Context(), id); !errors.Is(err, aggregate.ErrNotFound) {
			t.Errorf("%.20q: %d rows, %v", id, len(rows), err)
		}
	}
}

func first1(rows []aggregate.Failure, _ error) aggregate.Failure {
	if len(rows) == 0 {
		return aggregate.Failure{}
	}
	return rows[0]
}

func incidentAt(i int, site string, start, end time.Duration) aggregate.Incident {
	return aggregate.Incident{
		ID: fmt.Sprintf("%s-%08x", epoch.Add(start).Format("20060102T1504Z"), i), Site: site, Start: epoch.Add(start), End: epoch.Add(end), DurationS: (end - start).Seconds(),
		Failures: 15, Requests: 122, Clients: 9, PeakRatio: 0.5, Sentence: "15 of 122 requests failed",
		Causes:  []aggregate.Cause{{Cause: causes[i%3], Symptom: symptoms[0], Count: 15, Backends: []aggregate.Count{{Name: backends[i%3], Count: 15}}, Routes: []aggregate.Count{}, Advice: []string{}, Chain: []aggregate.ChainLink{}}},
		Trigger: &aggregate.Trigger{Kind: "deploy", What: "shop 1.8.4", BeforeS: 42}, Localisation: []aggregate.Local{{Where: map[string]string{"backend": "app2"}, Share: 0.96}},
		Chain: []aggregate.ChainLink{}, WhatIf: []struct{}{}, Reached: map[string]int64{"late": 15}, Missing: []aggregate.MissingCount{},
	}
}

func testIncidents(t *testing.T, s Store) {
	ctx := t.Context()
	var list []aggregate.Incident
	for i := range 10 {
		list = append(list, incidentAt(i, sites[i%2], time.Duration(i)*time.Hour, time.Duration(i)*time.Hour+5*time.Minute))
	}
	open := list[3]
	open.Ongoing, open.End, open.Failures = true, open.Start.Add(time.Second), 5
	write(t, s, &aggregate.Batch{Incidents: append([]aggregate.Incident{open}, list[:3]...)}, &aggregate.Batch{Incidents: list})
	ids := func(q aggregate.Query) (out []string) {
		cursor := ""
		for {
			page, next, err := s.Incidents(ctx, q, cursor, 3)
			if err != nil {
				t.Fatal(err)
			}
			for _, in := range page {
				out = append(out, in.ID[len(in.ID)-1:])
			}
			if next == "" {
				return out
			}
			cursor = next
		}
	}
	if diff := cmp.Diff(strings.Split("9876543210", ""), ids(aggregate.Query{})); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct {
		q    aggregate.Query
		want string
	}{
		{aggregate.Query{Site: sites[1]}, "97531"},
		{aggregate.Query{Cause: causes[0]}, "9630"},
		{aggregate.Query{Backend: backends[1]}, "741"},
		{aggregate.Query{From: epoch.Add(2*time.Hour + 4*time.Minute), To: epoch.Add(5 * time.Hour)}, "432"},
		{aggregate.Query{Text: "SHOP 1.8.4"}, "9876543210"},
		{aggregate.Query{Text: "no such"}, ""},
		{aggregate.Query{Incident: list[4].ID}, "4"},
	} {
		if got := strings.Join(ids(c.q), ""); got != c.want {
			t.Errorf("%+v: %s, want %s", c.q, got, c.want)
		}
	}
	for _, id := range []string{list[3].ID, list[3].ID[len(list[3].ID)-8:], "T0300Z"} {
		got, err := s.Incident(ctx, id)
		if err != nil {
			t.Fatal(id, err)
		}
		if diff := cmp.Diff(&list[3], got); diff != "" {
			t.Error(diff)
		}
	}
	for _, id := range []string{"20260102", "nothing", "%%%%", ""} {
		if _, err := s.Incident(ctx, id); !errors.Is(err, aggregate.ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
	merged := list[5]
	merged.MergedInto = list[4].ID
	write(t, s, &aggregate.Batch{Incidents: []aggregate.Incident{merged}})
	if got := strings.Join(ids(aggregate.Query{}), ""); got != "987643210" {
		t.Errorf("with one merged: %s", got)
	}
	if in, err := s.Incident(ctx, merged.ID); err != nil || in.MergedInto != list[4].ID {
		t.Error(in, err)
	}
	sum, err := s.Summary(ctx, aggregate.Query{})
	if err != nil || len(sum.Incidents) != 9 || sum.Incidents[0].ID != list[0].ID {
		t.Error(len(sum.Incidents), err)
	}
}

func testRest(t *testing.T, open func(testing.TB) (Store, func() Store)) {
	s, reopen := open(t)
	ctx := t.Context()
	source := aggregate.SourceState{
		Source:   aggregate.Source{Path: "/var/log/varnish.log", Format: "varnishlog", Host: "edge-1", Lines: 9, Skipped: 3, Losses: []aggregate.Loss{{Reason: "overrun", Count: 4}}, Samples: []string{"x"}, First: epoch, Last: epoch},
		Position: []byte{0, 1, 2}, Settings: []byte("settings"), LagS: 0.5, ReadTo: epoch.Add(time.Second), Updated: epoch.Add(2 * time.Second),
	}
	old := source
	old.Position = []byte("old")
	signals := []aggregate.Signal{
		{ID: parse.RecordID{2}, Source: "a", Time: 30, Event: "kernel.oom", Record: []byte("two")},
		{ID: parse.RecordID{1}, Source: "a", Time: 20, Event: "varnish.probe", Record: []byte("one")},
		{ID: parse.RecordID{3}, Source: "b", Time: 40, Event: "", Record: nil},
	}
	ledger := &aggregate.Ledger{Evicted: 1, Unjoined: 2, Ambiguous: 3, Late: 4}
	write(t, s, &aggregate.Batch{Sources: []aggregate.SourceState{old, {Source: aggregate.Source{Path: "b"}}}, Signals: signals, Settled: 5, Ledger: &aggregate.Ledger{Late: 9}},
		&aggregate.Batch{Sources: []aggregate.SourceState{source}, Signals: signals[:1], Settled: 7, Ledger: ledger}, &aggregate.Batch{})
	marks := []aggregate.Mark{{At: epoch, Kind: "deploy", Site: sites[0], What: "1.8.4"}, {At: epoch.Add(time.Hour), Kind: "mark", What: "fixed"}}
	for _, m := range append(marks, marks...) {
		if err := s.Mark(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	s = reopen()
	list, err := s.Sources(ctx)
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	if diff := cmp.Diff(source, list[0]); diff != "" {
		t.Error(diff)
	}
	got, err := s.Signals(ctx, 20, 40)
	if err != nil || len(got) != 2 || got[0].ID != signals[1].ID {
		t.Fatal(got, err)
	}
	if diff := cmp.Diff(signals[0], got[1]); diff != "" {
		t.Error(diff)
	}
	if at, err := s.Settled(ctx); err != nil || at != 7 {
		t.Error(at, err)
	}
	for _, c := range []struct {
		q    aggregate.Query
		want []aggregate.Mark
	}{
		{aggregate.Query{}, marks}, {aggregate.Query{Site: sites[0]}, marks}, {aggregate.Query{Site: sites[1]}, marks[1:]}, {aggregate.Query{To: epoch.Add(time.Minute)}, marks[:1]},
	} {
		got, err := s.Marks(ctx, c.q)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%+v: %v %s", c.q, err, diff)
		}
	}
	sum, err := s.Summary(ctx, aggregate.Query{})
	if err != nil || len(sum.Sources) != 2 {
		t.Fatal(sum, err)
	}
	want := aggregate.Ledger{Unparsed: 3, Overruns: 4, Evicted: 1, Unjoined: 2, Ambiguous: 3, Late: 4}
	if diff := cmp.Diff(want, sum.Ledger); diff != "" {
		t.Error(diff)
	}
	if _, err := s.Minute(ctx, "nobody", traffic.Minute(1)); !errors.Is(err, aggregate.ErrNotFound) {
		t.Error(err)
	}
}
