package rules

import (
	"bytes"

	"why503/parse"
)

// observe computes the Facts of a view.
func (v *view) observe() Facts {
	hop := v.part(v.hop)
	r := hop.Record
	f := Facts{
		Program: programName(r.Program), Status: r.Status, Cut: r.Cut, Detailed: r.Tx != nil,
		Attempts: len(v.tries), Restarts: len(v.group) - 1, Idle: -1,
		Duration: seconds(int64(ended(hop) - start(hop))),
	}
	if t := r.Tx; t != nil {
		f.Handling = handlingNames[t.Handling]
		f.FirstStatus = r.Status
		if len(t.Statuses) > 0 {
			f.FirstStatus = t.Statuses[0]
		}
		// vcl_deliver may replace a relayed 5xx by a synthetic answer: then the
		// synthetic one is only how it was shown.
		relayed := t.Calls&parse.CallDeliver != 0 && f.FirstStatus >= 500
		f.Synth = !relayed && (t.Calls&parse.CallSynth != 0 || t.Returns&parse.ReturnSynth != 0)
		f.VCLFailed = t.Returns&parse.ReturnFail != 0
		f.Reason = lower(t.ReasonText, 64)
		_, f.Queued = t.Stamp(parse.StampWaitinglist)
	} else {
		f.Handling = ncsaHandling(r)
	}
	switch {
	case v.at >= 0:
		v.observeFetch(&f)
	case len(r.Upstreams) > 0:
		observeUpstreams(&f, r)
	}
	v.observeOrigin(&f)
	f.UsuallySlow = v.usuallySlow() != nil
	f.VersionMoved = v.versions()
	f.Unserved = (f.OriginStatus >= 502 && f.OriginStatus <= 504) && !v.served()
	return f
}

func (v *view) observeFetch(f *Facts) {
	p := v.part(v.at)
	r := p.Record
	f.OriginStatus = originStatus(r)
	for i := range r.Notes {
		if k := r.Notes[i].Field; (k == parse.FieldFetchError || k == parse.FieldNCSAFetchError) && !superseded(r, &r.Notes[i]) {
			f.FetchErrors++
		}
	}
	f.Took = seconds(int64(ended(p) - start(p)))
	t := r.Tx
	if t == nil {
		return
	}
	f.VCLFailed = f.VCLFailed || t.Returns&parse.ReturnFail != 0
	f.VCLError = t.Returns&parse.ReturnError != 0
	f.Abandoned = t.Returns&parse.ReturnAbandon != 0
	f.Opened = len(t.Opens) > 0
	if n := len(t.Opens); n > 0 {
		o := &t.Opens[n-1]
		f.Reused = o.Reused
		f.Unix = len(o.RemoteAddr) > 0 && o.RemoteAddr[0] == '/'
		if o.Age > 0 {
			f.Idle = seconds(o.Age)
		}
	}
	_, f.Sent = t.Stamp(parse.StampBereq)
	_, made := t.Stamp(parse.StampError)
	f.MadeError = made || t.Calls&parse.CallBackendError != 0
	if ns, ok := t.Waited(); ok {
		f.Took = seconds(ns)
	}
}

// superseded reports whether a FetchError was followed by an answer within the
// same fetch: Varnish tries once more, without a word, when a connection that it
// reused breaks before the first byte.
func superseded(r *parse.Record, n *parse.Note) bool {
	if n.Field != parse.FieldFetchError || r.Tx == nil || n.Time == 0 || len(r.Upstreams) < 2 || r.Upstreams[len(r.Upstreams)-1].Status == 0 {
		return false
	}
	head, ok := r.Tx.Stamp(parse.StampBeresp)
	return ok && n.Time < head.At
}

// originStatus is the status that came over the wire in a fetch, 0 when none
// did. Varnish logs BerespStatus also for the error object that it makes
// itself, and a guess of it when it could not parse the status line.
func originStatus(r *parse.Record) int {
	t := r.Tx
	if t == nil {
		if unwellText(r) {
			return 0
		}
		return r.Status
	}
	if hasField(r, parse.FieldHTTPGarbage) || len(t.Statuses) == 0 {
		return 0
	}
	if _, made := t.Stamp(parse.StampError); made && len(t.Statuses) == 1 {
		return 0
	}
	return t.Statuses[0]
}

func unwellText(r *parse.Record) bool {
	return hasField(r, parse.FieldFetchError) || hasField(r, parse.FieldNCSAFetchError)
}

// observeUpstreams does for an access line what observeFetch does for a
// transaction. Of several attempts the one that made the answer decided.
func observeUpstreams(f *Facts, r *parse.Record) {
	at := answering(r)
	u := &r.Upstreams[at]
	f.Attempts = len(r.Upstreams)
	f.Opened = u.Connect >= 0
	f.Sent = u.Connect >= 0
	f.Unix = bytes.HasPrefix(u.Addr, []byte("unix:"))
	f.TimedOut = timedOut(r, at)
	if ns := r.Upstreams[waitedIn(r, at)].Response; ns > 0 {
		f.Took = seconds(ns)
	}
	// nginx repeats the 502 and 504 that it made itself as the upstream's; an
	// answer that was received has a time of its header.
	if u.Status > 0 && (u.Header >= 0 || u.Status != 502 && u.Status != 504) {
		f.OriginStatus = u.Status
	}
}

// observeOrigin looks at what the next hops wrote of the attempt that decided.
func (v *view) observeOrigin(f *Facts) {
	depth := v.part(v.hop).Depth
	best := -1
	for _, o := range v.order[:v.parts] {
		p := v.part(int(o))
		if p.Record.Kind != parse.KindRequest || p.Depth <= depth || isESI(p.Record) || isRestart(p.Record) || v.inGroup(int(o)) {
			continue
		}
		if v.at >= 0 && p.Parent >= 0 && !v.under(int(o), v.at) && v.otherTry(int(o)) {
			continue
		}
		// The nearest hop is the server that was asked; of its lines the last.
		if best < 0 || p.Depth <= v.part(best).Depth {
			best = int(o)
		}
	}
	v.origin = best
	if best >= 0 {
		p := v.part(best)
		f.OriginSeen, f.OriginAnswer = true, p.Record.Status
		f.OriginEnd = seconds(int64(ended(p) - v.gave))
		return
	}
	f.OriginAbsent = v.absent(parse.SourceNginxAccess, parse.SourceApacheAccess, parse.SourceHAProxy, parse.SourceEnvoy, parse.SourceApp)
}

func (v *view) inGroup(i int) bool {
	for _, g := range v.group {
		if g == i {
			return true
		}
	}
	return false
}

// otherTry says that Part i hangs under a fetch that did not decide.
func (v *view) otherTry(i int) bool {
	for _, t := range v.tries {
		if t != v.at && v.under(i, t) {
			return true
		}
	}
	return false
}

// absent says that a log of these kinds of what was asked was given, and that
// all such cover the time without loss. That no Record of theirs is joined then
// proves something.
func (v *view) absent(kinds ...parse.SourceKind) bool {
	from, to := start(v.part(v.hop)), ended(v.part(v.hop))
	some := false
	for i := range v.q.Coverage {
		c := &v.q.Coverage[i]
		if c.Front || !c.Asked {
			continue
		}
		for _, k := range kinds {
			if c.Kind != k {
				continue
			}
			if !c.Covers(from, to) {
				return false
			}
			some = true
		}
	}
	return some
}

// served says that the program at the end of the path gave an answer in the
// attempt that decided: its own line says so, or a proxy's, which received a
// header from it. Then it was up.
func (v *view) served() bool {
	depth := v.part(v.hop).Depth
	for _, o := range v.order[:v.parts] {
		p := v.part(int(o))
		r := p.Record
		if r.Kind != parse.KindRequest || p.Depth <= depth || v.otherTry(int(o)) {
			continue
		}
		if (r.Program == parse.App || r.Program == parse.PHPFPM) && r.Status > 0 {
			return true
		}
		if len(r.Upstreams) > 0 {
			if u := &r.Upstreams[answering(r)]; u.Header >= 0 && u.Status > 0 {
				return true
			}
		}
	}
	return false
}

// versions says whether joined Records of one service name two versions.
func (v *view) versions() bool {
	var first *parse.Record
	for _, o := range v.order {
		r := v.part(int(o)).Record
		if len(r.Version) == 0 {
			continue
		}
		if first == nil {
			first = r
			continue
		}
		if bytes.Equal(first.Service, r.Service) && !bytes.Equal(first.Version, r.Version) {
			return true
		}
	}
	return false
}

// ncsaHandling reads %{Varnish:handling}x.
func ncsaHandling(r *parse.Record) string {
	for i := range r.Notes {
		if r.Notes[i].Field != parse.FieldNCSAHandling {
			continue
		}
		for _, h := range handlingNames[1:] {
			if string(r.Notes[i].Text) == h {
				return h
			}
		}
	}
	return ""
}

func lower(b []byte, most int) string {
	if len(b) > most {
		b = b[:most]
	}
	for _, c := range b {
		if c >= 'A' && c <= 'Z' || c >= 0x80 {
			return string(bytes.ToLower(b))
		}
	}
	return string(b)
}
