package correlate

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"why503/parse"
	"why503/parse/fact"
)

func signal(event parse.EventID, service string) *parse.Record {
	return &parse.Record{
		Kind: parse.KindSignal, Service: []byte(service),
		Notes: []parse.Note{{Event: event}, {Event: event}},
	}
}

func TestSignalsNearARequest(t *testing.T) {
	s := NewSignals(1800e9)
	for i := range 100 {
		at := parse.Time(i) * 100e9
		s.Add(signal(1, "shop"), fact.LineID(fact.Fingerprint{}, int64(i)), at)
	}
	s.Add(signal(2, "shop"), fact.LineID(fact.Fingerprint{}, 1000), 5040e9)
	s.Add(signal(0, "shop"), fact.LineID(fact.Fingerprint{}, 1001), 5050e9) // says nothing that is known
	near := func(a, b parse.Time) (at []int64) {
		s.Near(a, b, signalAfter, func(k seriesKey, m mark) { at = append(at, int64(m.at)/1e9) })
		return at
	}
	for _, tt := range []struct {
		name string
		a, b parse.Time
		want []int64
	}{
		{"two before, two from then on", 5050e9, 5250e9, []int64{4900, 5000, 5100, 5200, 5040}},
		{"none behind what follows it", 5050e9, 5051e9, []int64{4900, 5000, 5040}},
		{"what comes a moment after the end", 5050e9, 5099e9, []int64{4900, 5000, 5100, 5040}},
		{"long after all", 9900e9 + 1801e9, 9900e9 + 1802e9, nil},
		{"before all", -100e9, -50e9, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, near(tt.a, tt.b)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSignalsStayInBounds(t *testing.T) {
	t.Run("one said for ever", func(t *testing.T) {
		s := NewSignals(1800e9)
		for i := range 50000 {
			s.Add(signal(1, "shop"), fact.LineID(fact.Fingerprint{}, int64(i)), parse.Time(i)*1e6)
		}
		if s.total > maxMarks || len(s.series) != 1 || s.Lost == 0 {
			t.Errorf("%d marks, %d lost", s.total, s.Lost)
		}
		kept := 0
		s.Near(48e9, 49e9, signalAfter, func(seriesKey, mark) { kept++ })
		if kept != 4 {
			t.Errorf("%d near the request", kept)
		}
	})
	t.Run("every line names a service of its own", func(t *testing.T) {
		s := NewSignals(1800e9)
		for i := range 3 * maxSignals {
			s.Add(signal(1, fmt.Sprint("svc-", i)), fact.LineID(fact.Fingerprint{}, int64(i)), parse.Time(i)*1e6)
		}
		if s.total > maxSignals || len(s.series) != s.total || len(s.order) != len(s.series) || s.Lost == 0 {
			t.Errorf("%d marks in %d series, %d lost", s.total, len(s.series), s.Lost)
		}
	})
	t.Run("what is old goes without loss", func(t *testing.T) {
		s := NewSignals(1800e9)
		for i := range 3 * maxMarks {
			s.Add(signal(1, "shop"), fact.LineID(fact.Fingerprint{}, int64(i)), parse.Time(i)*10e9)
		}
		if s.total > maxMarks || s.Lost != 0 {
			t.Errorf("%d marks, %d lost", s.total, s.Lost)
		}
	})
}

func TestRelation(t *testing.T) {
	w := newWorld(t)
	front, web := w.source(parse.SourceNginxAccess, parse.Nginx, 0), w.source(parse.SourceNginxAccess, parse.Nginx, 1)
	shop, search := w.source(parse.SourceApp, parse.App, 2), w.source(parse.SourceApp, parse.App, 2)
	units := w.source(parse.SourceJournal, parse.Systemd, -1)
	_ = front
	b := newAddressBook()
	b.learn([]byte("10.0.0.3:80"), shop.ID)
	b.learn([]byte("10.0.0.4:80"), search.ID)
	b.named(shop.ID, []byte("shop"))
	b.named(search.ID, []byte("search"))
	failed := &failing{addrs: [][]byte{[]byte("10.0.0.3:80")}, backends: [][]byte{[]byte("web")}, hops: []*Source{web}}
	probe := &parse.Record{Tx: &parse.Tx{Backend: []byte("web")}}
	other := &parse.Record{Tx: &parse.Tx{Backend: []byte("static")}}
	said := func(service string) *parse.Record { return &parse.Record{Service: []byte(service)} }
	for _, tt := range []struct {
		name   string
		f      *failing
		src    *Source
		record *parse.Record
		want   relation
	}{
		{"a probe of the backend", failed, front, probe, same},
		{"a probe of another backend", failed, front, other, elsewhere},
		{"a probe, and no backend is known", &failing{}, front, probe, unknown},
		{"a line of a hop that was passed", failed, web, said(""), same},
		{"a line of who answers at the address", failed, shop, said(""), same},
		{"a unit of that service", failed, units, said("shop.service"), same},
		{"a line of who answers elsewhere", failed, search, said(""), elsewhere},
		{"a unit of a service that answers elsewhere", failed, units, said("search.service"), elsewhere},
		{"a unit of no service that is known", failed, units, said("cron.service"), elsewhere},
		{"a unit, and nobody is known at the address", &failing{addrs: [][]byte{[]byte("10.0.0.9:80")}}, units, said("cron.service"), unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := b.relate(tt.f, tt.src, tt.record); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}
