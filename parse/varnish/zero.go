package varnish

import (
	"bytes"

	"why503/parse"
)

// zero takes a record of VXID 0, which belongs to no transaction: probes,
// accept errors, thread pools, CLI. Such records carry no time, so the last
// one in the stream is taken.
func (p *Log) zero(r *rec, line parse.Line, emit parse.Emit) {
	s := &p.signal
	notes := s.Notes[:0]
	note := parse.Note{Text: r.payload, Line: r.quote, Offset: line.Offset, LineNo: line.Number, Time: p.now}
	var backend []byte
	switch string(r.tag) {
	case "Backend_health":
		var response []byte
		backend, response = health(r.payload)
		note.Field = parse.FieldBackendHealth
		notes = append(notes, note)
		if len(response) > 0 {
			note.Field, note.Text = parse.FieldBackendHealthResp, response
			notes = append(notes, note)
		}
	case "SessError":
		notes = append(notes, of(note, parse.FieldSessError))
	case "Error":
		notes = append(notes, of(note, parse.FieldError))
	case "VCL_Error":
		notes = append(notes, of(note, parse.FieldVCLError))
	case "FetchError":
		notes = append(notes, of(note, parse.FieldFetchError))
	case "Notice":
		notes = append(notes, of(note, parse.FieldNotice))
	case "Debug":
		if bytes.Contains(r.payload, []byte("failed")) {
			notes = append(notes, of(note, parse.FieldDebug))
		}
	case "ExpKill":
		if hasPrefix(r.payload, "LRU_Fail") {
			notes = append(notes, of(note, parse.FieldExpKill))
		}
	}
	s.Notes = notes
	if len(notes) == 0 {
		return
	}
	s.Reset()
	s.Notes = notes
	p.sigTx = parse.Tx{Type: parse.TxOther, Backend: backend, BodySent: -1}
	s.Kind, s.Program, s.Tx = parse.KindSignal, parse.Varnish, &p.sigTx
	s.Raw, s.Offset, s.Line = line.Text, line.Offset, line.Number
	s.Time, s.Ended, s.Precision = p.now, p.now, 1e9
	emit(s)
}

func of(n parse.Note, f parse.Field) parse.Note {
	n.Field = f
	return n
}

// health reads a Backend_health:
//
//	web Still sick 4---X-R- 0 2 3 0.001244 0.001185 "HTTP/1.1 500 Oops"
//
// To 4.1 the answer is not quoted, and vsl_reclen may cut the closing quote.
func health(b []byte) (backend, response []byte) {
	backend, rest := word(b)
	if i := bytes.IndexByte(rest, '"'); i >= 0 {
		return backend, bytes.TrimSuffix(rest[i+1:], []byte{'"'})
	}
	for i := 0; i < 8; i++ {
		_, rest = word(rest)
	}
	return backend, bytes.TrimSpace(rest)
}
