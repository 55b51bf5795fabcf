package varnish

import "why503/parse"

// begin reads "req 2 rxreq", "req 9 esi 1", "bereq 3 fetch", "sess 0 HTTP/1".
func (t *transaction) begin(r *rec, line parse.Line) {
	kind, rest := word(r.payload)
	parent, rest := word(rest)
	why, rest := word(rest)
	t.began = true
	if k := txType(kind); k != parse.TxNone {
		t.tx.Type = k
	}
	t.tx.Parent = vxid(parent)
	t.tx.Reason = txReason(why)
	if t.tx.Reason == parse.ReasonESI {
		w, _ := word(rest)
		n, ok := number(w)
		if !ok || n == 0 {
			n = 1 // to 6.x the level is not told
		}
		t.tx.ESILevel = int(min(n, 1000))
	}
	if string(why) == "synth" {
		t.synth = true
	}
	weak := string(why) != "synth"
	if !weak || t.tx.Reason == parse.ReasonRetry || t.tx.Reason == parse.ReasonBackground || t.tx.Reason == parse.ReasonRestart {
		t.note(parse.FieldBegin, r, line, weak)
	}
}

func txType(b []byte) parse.TxType {
	switch string(b) {
	case "sess":
		return parse.TxSession
	case "req":
		return parse.TxRequest
	case "bereq":
		return parse.TxFetch
	}
	return parse.TxNone
}

func txReason(b []byte) parse.TxReason {
	switch string(b) {
	case "rxreq":
		return parse.ReasonClient
	case "restart":
		return parse.ReasonRestart
	case "esi":
		return parse.ReasonESI
	case "fetch":
		return parse.ReasonFetch
	case "pass":
		return parse.ReasonPass
	case "bgfetch":
		return parse.ReasonBackground
	case "retry":
		return parse.ReasonRetry
	case "pipe":
		return parse.ReasonPipe
	case "":
		return parse.ReasonNone
	}
	return parse.ReasonOther
}

func (t *transaction) link(r *rec, line parse.Line) {
	kind, rest := word(r.payload)
	id, rest := word(rest)
	why, _ := word(rest)
	n := vxid(id)
	if n == 0 || len(t.tx.Links) >= maxLinks {
		t.short = true
		return
	}
	l := parse.TxLink{Type: txType(kind), Reason: txReason(why), VXID: n}
	t.tx.Links = append(t.tx.Links, l)
	if l.Type == parse.TxFetch || l.Reason != parse.ReasonClient {
		t.note(parse.FieldLink, r, line, true)
	}
}

func (t *transaction) call(r *rec, line parse.Line) {
	h := &t.tx.Handling
	switch string(r.payload) {
	case "RECV":
		t.tx.Calls |= parse.CallRecv
		*h = parse.HandlingNone
	case "HASH":
		t.tx.Calls |= parse.CallHash
	case "HIT":
		t.tx.Calls |= parse.CallHit
		*h = parse.HandlingHit
	case "MISS":
		t.tx.Calls |= parse.CallMiss
		if *h != parse.HandlingHitMiss {
			*h = parse.HandlingMiss
		}
	case "PASS":
		t.tx.Calls |= parse.CallPass
		if *h != parse.HandlingHitPass {
			*h = parse.HandlingPass
		}
	case "PIPE":
		t.tx.Calls |= parse.CallPipe
		*h = parse.HandlingPipe
	case "PURGE":
		t.tx.Calls |= parse.CallPurge
	case "SYNTH":
		t.tx.Calls |= parse.CallSynth
		*h = parse.HandlingSynth
		t.note(parse.FieldVCLCall, r, line, true)
	case "DELIVER":
		t.tx.Calls |= parse.CallDeliver
	case "BACKEND_FETCH":
		t.tx.Calls |= parse.CallBackendFetch
	case "BACKEND_RESPONSE":
		t.tx.Calls |= parse.CallBackendResponse
	case "BACKEND_ERROR":
		t.tx.Calls |= parse.CallBackendError
		t.note(parse.FieldVCLCall, r, line, true)
	case "BACKEND_REFRESH":
		t.tx.Calls |= parse.CallBackendRefresh
	}
}

func (t *transaction) verdict(r *rec, line parse.Line) {
	var v parse.TxReturns
	switch string(r.payload) {
	case "fail":
		v = parse.ReturnFail
	case "synth":
		v = parse.ReturnSynth
	case "abandon":
		v = parse.ReturnAbandon
	case "error":
		v = parse.ReturnError
	case "retry":
		v = parse.ReturnRetry
	case "restart":
		v = parse.ReturnRestart
	case "pipe":
		t.tx.Returns |= parse.ReturnPipe
		return
	case "pass":
		t.tx.Returns |= parse.ReturnPass
		return
	case "purge":
		t.tx.Returns |= parse.ReturnPurge
		return
	default:
		return
	}
	t.tx.Returns |= v
	t.note(parse.FieldVCLReturn, r, line, true)
}

// hit takes Hit, HitMiss and HitPass, whose first word is the transaction
// that stored the object.
func (t *transaction) hit(f parse.Field, h parse.Handling, r *rec, line parse.Line) {
	w, _ := word(r.payload)
	t.tx.HitVXID = vxid(w)
	if h != parse.HandlingNone {
		t.tx.Handling = h
	}
	t.note(f, r, line, true)
}

// timestamp reads "Beresp: 1795383269.268627 1.202836 1.202763".
func (t *transaction) timestamp(r *rec, line parse.Line) {
	name, rest := word(r.payload)
	at, rest := word(rest)
	since, rest := word(rest)
	last, _ := word(rest)
	s := parse.Stamp{Name: stampName(name)}
	var ok bool
	if s.At, ok = instant(at); !ok {
		return
	}
	s.Since, _ = nanos(since)
	s.Last, _ = nanos(last)
	if len(t.tx.Stamps) < maxStamps {
		t.tx.Stamps = append(t.tx.Stamps, s)
	} else {
		t.short = true
	}
	if t.now == 0 {
		t.backdate(s.At)
	}
	t.now = s.At
	t.rec.Ended = max(t.rec.Ended, s.At)
	switch {
	case s.Name == parse.StampStart:
		t.rec.Time = s.At
	case t.rec.Time == 0:
		t.rec.Time = s.At - parse.Time(s.Since)
	}
	switch s.Name {
	case parse.StampError, parse.StampResp, parse.StampBeresp, parse.StampWaitinglist, parse.StampReset:
		t.note(parse.FieldTimestamp, r, line, true)
	}
	t.fetch.stamp(t, s)
}

// backdate gives the Notes that stood before the first Timestamp its time.
func (t *transaction) backdate(at parse.Time) {
	for i := range t.rec.Notes {
		t.rec.Notes[i].Time = at
	}
}

func stampName(b []byte) parse.StampName {
	switch string(b) {
	case "Start:":
		return parse.StampStart
	case "Req:":
		return parse.StampReq
	case "ReqBody:":
		return parse.StampReqBody
	case "Waitinglist:":
		return parse.StampWaitinglist
	case "Fetch:":
		return parse.StampFetch
	case "Connected:":
		return parse.StampConnected
	case "Bereq:":
		return parse.StampBereq
	case "Beresp:":
		return parse.StampBeresp
	case "BerespBody:":
		return parse.StampBerespBody
	case "Error:":
		return parse.StampError
	case "Retry:":
		return parse.StampRetry
	case "Restart:":
		return parse.StampRestart
	case "Process:":
		return parse.StampProcess
	case "Resp:":
		return parse.StampResp
	case "Pipe:":
		return parse.StampPipe
	case "PipeSess:":
		return parse.StampPipeSess
	case "Reset:":
		return parse.StampReset
	}
	return parse.StampOther
}
