package rules

import (
	"bytes"
	"fmt"
	"time"

	"why503/parse"
	"why503/parse/recognise"
)

const second = int64(time.Second)

var noon = parse.Time(time.Date(2025, 3, 4, 12, 0, 0, 0, time.UTC).UnixNano())

// A scene is a Request in the making.
type scene struct{ q parse.Request }

// note adds a Note whose line is its text, and recognises it.
func note(r *parse.Record, f parse.Field, text string) *parse.Record {
	line := []byte(text)
	r.Notes = append(r.Notes, parse.Note{Field: f, Text: line, Line: line, Offset: int64(len(r.Notes)) * 100, LineNo: int64(len(r.Notes) + 1)})
	recognise.Default().Annotate(r)
	return r
}

func (s *scene) add(r *parse.Record, depth, parent int, kind parse.SourceKind, how parse.JoinHow) *parse.Record {
	id := parse.RecordID{1, byte(len(s.q.Parts) + 1)}
	r.Source = parse.SourceID(kind)
	if r.Raw == nil {
		r.Raw = fmt.Appendf(nil, "line %d of %v", len(s.q.Parts), kind)
	}
	s.q.Parts = append(s.q.Parts, parse.Part{ID: id, Record: r, Depth: depth, Parent: parent, Kind: kind, Join: parse.Join{How: how, Score: 1}})
	return r
}

// varnish begins a scene: a client request of Varnish with one fetch, which
// ended after the given time, with the statuses in the order of the log.
func varnish(status int, took int64, statuses ...int) (*scene, *parse.Record) {
	s := new(scene)
	end := noon + parse.Time(took)
	s.add(&parse.Record{
		Kind: parse.KindRequest, Program: parse.Varnish, Time: noon, Ended: end, Status: status, VXID: 100, URL: []byte("/basket"),
		Tx: &parse.Tx{Type: parse.TxRequest, Reason: parse.ReasonClient, Handling: parse.HandlingMiss, Calls: parse.CallRecv | parse.CallMiss | parse.CallDeliver, Statuses: []int{status}},
	}, 0, -1, parse.SourceVarnishlog, parse.JoinRoot)
	f := s.add(&parse.Record{Kind: parse.KindFetch, Program: parse.Varnish, Time: noon, Ended: end, VXID: 101, Tx: &parse.Tx{
		Type: parse.TxFetch, Reason: parse.ReasonFetch, Parent: 100, Backend: []byte("cart7"), Statuses: statuses,
		Opens: []parse.BackendConn{{Name: []byte("cart7"), RemoteAddr: []byte("10.9.8.7"), RemotePort: []byte("8181"), Age: -1}},
		Stamps: []parse.Stamp{
			{Name: parse.StampStart, At: noon}, {Name: parse.StampFetch, At: noon},
			{Name: parse.StampBereq, At: noon + 1e6, Since: 1e6}, {Name: parse.StampBeresp, At: end, Since: took},
		},
	}}, 0, 0, parse.SourceVarnishlog, parse.JoinLink)
	f.Status = status
	s.cover(parse.SourceVarnishlog, true)
	return s, f
}

// broke makes the fetch one that ended in Varnish's own error object.
func broke(f *parse.Record, texts ...string) {
	f.Tx.Stamps = append(f.Tx.Stamps, parse.Stamp{Name: parse.StampError, At: f.Ended, Since: int64(f.Ended - f.Time)})
	f.Tx.Calls |= parse.CallBackendError
	for _, t := range texts {
		note(f, parse.FieldFetchError, t)
	}
	note(f, parse.FieldBerespStatus, "503")
}

func unsent(f *parse.Record) {
	f.Tx.Opens = nil
	f.Tx.Stamps = append(f.Tx.Stamps[:2:2], f.Tx.Stamps[3:]...)
}

// nginx joins the origin's access line under the fetch.
func (s *scene) nginx(status int, after int64, ups ...parse.Upstream) int {
	s.add(&parse.Record{Kind: parse.KindRequest, Program: parse.Nginx, Time: noon + 1e6, Ended: noon + parse.Time(after), Status: status, Upstreams: ups, VXID: 101}, 1, 1, parse.SourceNginxAccess, parse.JoinVXID)
	s.cover(parse.SourceNginxAccess, false)
	return len(s.q.Parts) - 1
}

func (s *scene) nginxError(parent int, text string) {
	s.add(note(&parse.Record{Kind: parse.KindLog, Program: parse.Nginx, Time: noon, Ended: noon, Precision: second}, parse.FieldNginxError, text), 1, parent, parse.SourceNginxError, parse.JoinConnection)
	s.cover(parse.SourceNginxError, false)
}

func (s *scene) app(parent int, texts ...string) {
	r := &parse.Record{Kind: parse.KindLog, Program: parse.App, Time: noon + 2e6, Ended: noon + 2e6, Precision: 1e6, Service: []byte("basketd")}
	for _, t := range texts {
		note(r, parse.FieldAppText, t)
	}
	s.add(r, 2, parent, parse.SourceApp, parse.JoinRequestID)
	s.cover(parse.SourceApp, false)
}

func (s *scene) signal(kind parse.SourceKind, p parse.Program, f parse.Field, service string, at parse.Time, text string) {
	r := note(&parse.Record{Kind: parse.KindSignal, Program: p, Time: at, Ended: at, Precision: second, Service: []byte(service), Offset: int64(len(s.q.Signals)) * 90}, f, text)
	r.Source, r.Raw = parse.SourceID(kind), []byte(text)
	s.q.Signals = append(s.q.Signals, parse.Part{
		ID: parse.RecordID{2, byte(len(s.q.Signals))}, Record: r, Parent: -1, Kind: kind, Join: parse.Join{How: parse.JoinSignal, Score: 1},
	})
	s.cover(kind, false)
}

func (s *scene) unit(at parse.Time, text string) {
	unit, _, _ := bytes.Cut([]byte(text), []byte(".service"))
	if i := bytes.LastIndexByte(unit, ' '); i >= 0 {
		unit = unit[i+1:]
	}
	s.signal(parse.SourceJournal, parse.Systemd, parse.FieldSystemd, string(unit), at, text)
}

func (s *scene) cover(kind parse.SourceKind, front bool) {
	for _, c := range s.q.Coverage {
		if c.Kind == kind {
			return
		}
	}
	s.q.Coverage = append(s.q.Coverage, parse.Coverage{
		Source: parse.SourceID(kind), Kind: kind, From: noon - parse.Time(3600*second), To: noon + parse.Time(3600*second), Lossless: true, Front: front,
	})
}
