package rules

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"why503/parse"
	"why503/parse/recognise"
)

// render makes the Verdict of one request from a decision: its lines, times
// and words.
func (v *view) render(e *evidence, d *decision) Verdict {
	out := Verdict{Class: d.class, Reached: d.reached, Confidence: d.confidence, Decidable: d.decidable}
	first, last := d.steps[0], d.steps[len(d.steps)-1]
	out.Symptom, out.Cause, out.Layer = first.cause.Slug, last.cause.Slug, last.cause.Owner
	if d.class == ClassNone {
		return Verdict{Class: ClassNone, Reached: d.reached, Confidence: 1, Decidable: true}
	}
	w := writer{v: v, e: e, item: -1}
	out.Chain = make([]Link, len(d.steps))
	for i, st := range d.steps {
		out.Chain[i] = w.link(st)
		out.Chain[i].Delay = int64(out.Chain[i].Time - out.Chain[0].Time)
	}
	out.Words = out.Chain[len(out.Chain)-1].Words
	out.Missing = w.missing(d)
	out.Advice = w.advice(last)
	out.Trigger = w.trigger(d)
	return out
}

// A writer fills words from one request.
type writer struct {
	v        *view
	e        *evidence
	captured []recognise.Capture
	item     int // the item that the captures are of
	filled   bool
}

// about turns the writer to an item; its captures are found when asked for.
func (w *writer) about(item int) {
	if w.item != item {
		w.item, w.filled = item, false
	}
}

// link quotes the line that shows a step.
func (w *writer) link(st step) Link {
	l := Link{Cause: st.cause.Slug, Level: st.level, Rule: st.rule.name}
	part, note := w.where(st)
	p := w.v.part(part)
	r := p.Record
	l.Part, l.Note, l.Source = part, note, r.Source
	l.Time, l.Offset, l.LineNo, l.Line = start(p), r.Offset, r.Line, r.Raw
	if note >= 0 {
		n := &r.Notes[note]
		l.Time, l.Offset, l.LineNo, l.Line = noteTime(p, n), n.Offset, n.LineNo, n.Line
		if len(n.Line) == 0 {
			l.Offset, l.LineNo, l.Line = r.Offset, r.Line, r.Raw
		}
		if n.Field == parse.FieldFetchError && r.Tx != nil {
			l.Time = nextStamp(p, n.Time)
		}
		if n.Time == 0 && st.item < 0 || n.Time == 0 && (part == w.v.at || part == w.v.hop) {
			l.Time = w.v.gave // a line of a transaction without a stamp of its own
		}
	} else if part == w.v.hop || part == w.v.at {
		l.Time = w.v.gave
	} else if st.item >= 0 {
		l.Time = ended(p) // told by when its line says that it ended
	}
	w.quoteSetting(&l, st.rule)
	w.about(st.item)
	if len(st.rule.words) > 0 {
		l.Words = say(st.rule.words, w.fill)
	}
	if l.Words == "" {
		l.Words = phrase(st.cause.Slug)
	}
	return l
}

// nextStamp is when a fetch noticed what it logs at t: the stamp that follows.
// Varnish stamps an error after it has written what the error was, so the stamp
// before it is the begin of the wait.
func nextStamp(p *parse.Part, t parse.Time) parse.Time {
	for _, s := range p.Record.Tx.Stamps {
		if s.At > t {
			return s.At + parse.Time(p.Offset)
		}
	}
	return t + parse.Time(p.Offset)
}

// quoteSetting lets a link quote the configuration line that a rule names,
// where it was given.
func (w *writer) quoteSetting(l *Link, u *rule) {
	if u.setting == "" || w.v.env == nil {
		return
	}
	for _, s := range w.v.env.Settings {
		if s.Name == u.setting && s.Line != "" {
			l.File, l.Line, l.LineNo, l.Offset = s.File, []byte(s.Line), s.LineNo, s.Offset
			return
		}
	}
}

// where is the Part and the Note that show a step. A rule of structure names
// the fields to quote; of several such lines the last one tells.
func (w *writer) where(st step) (part, note int) {
	if st.item >= 0 {
		it := &w.e.items[st.item]
		part, note := int(it.part), int(it.note)
		if st.rule.tells != nil {
			for k, n := range w.v.part(part).Record.Notes {
				if st.rule.tells.has(n.Event) {
					return part, k
				}
			}
		}
		return part, note
	}
	places := [...]int{w.v.at, w.v.hop}
	for _, f := range st.rule.quote {
		for _, i := range places {
			if i < 0 {
				continue
			}
			notes := w.v.part(i).Record.Notes
			for k := range notes {
				// BerespStatus: the first is the origin's, a later one is ours.
				if notes[k].Field == f && len(notes[k].Line) > 0 && (f != parse.FieldBerespStatus || isFive(notes[k].Text)) {
					return i, k
				}
			}
		}
	}
	if w.v.at >= 0 {
		for _, f := range [...]parse.Field{parse.FieldFetchError, parse.FieldBerespStatus, parse.FieldVCLError} {
			notes := w.v.part(w.v.at).Record.Notes
			for k := range notes {
				if notes[k].Field == f && len(notes[k].Line) > 0 {
					return w.v.at, k
				}
			}
		}
	}
	return w.v.hop, -1
}

func isFive(text []byte) bool { return len(text) > 0 && text[0] == '5' }

// fill answers the holes that every rule may use, then the captures of the
// line. Text of a log is cut at 120 bytes; whoever shows it escapes it.
func (w *writer) fill(hole string) string {
	f := &w.e.facts
	switch hole {
	case "status":
		return number(f.Status)
	case "origin_status":
		return number(f.OriginStatus)
	case "attempts":
		return number(f.Attempts)
	case "took":
		return spell(w.v.took())
	case "proxy":
		return proxyNames[f.Program]
	case "reason":
		if t := w.v.part(w.v.hop).Record.Tx; t != nil {
			return text(t.ReasonText)
		}
		return ""
	case "backend":
		if s := w.v.backend(); s != "" {
			return s
		}
	case "addr":
		if s := w.v.addr(); s != "" {
			return s
		}
	case "url":
		return text(w.v.part(w.v.hop).Record.URL)
	case "wall":
		return w.wall()
	case "times":
		if o := w.observed(); o != nil {
			return number(o.N)
		}
		return ""
	case "usual":
		if n := w.v.usuallySlow(); n != nil {
			return spell(n.Usual)
		}
		return ""
	case "held":
		return w.v.held()
	case "late":
		return spell(int64(w.e.facts.OriginEnd * 1e9))
	}
	if w.item < 0 {
		return ""
	}
	it := &w.e.items[w.item]
	p := w.v.part(int(it.part))
	if said := ofRecord(p, hole); said != "" {
		return said
	}
	if !w.filled && it.note >= 0 {
		w.captured = recognise.Default().Captures(&p.Record.Notes[it.note])
		w.filled = true
	}
	for _, c := range w.captured {
		if c.Name == hole {
			return text(c.Value)
		}
	}
	return ""
}

// ofRecord answers the holes that the Record of a line fills by itself.
func ofRecord(p *parse.Part, hole string) string {
	r := p.Record
	switch hole {
	case "machine":
		return p.Host
	case "service":
		return text(serviceOf(r))
	case "version":
		return text(r.Version)
	case "exception":
		return text(r.Exception)
	case "frame":
		return text(bytes.TrimPrefix(r.Frame, []byte("at "))) // as Node.js, Java and .NET begin it
	case "message":
		return text(r.Message)
	case "upstream":
		if n := len(r.Upstreams); n > 0 {
			return text(r.Upstreams[n-1].Addr)
		}
	}
	return ""
}

var proxyNames = map[string]string{
	"varnish": "Varnish", "nginx": "nginx", "haproxy": "HAProxy", "apache": "Apache", "envoy": "Envoy", "cdn": "the CDN", "app": "the application", "php_fpm": "PHP-FPM",
}

func text(b []byte) string {
	b = bytes.TrimSpace(b)
	if len(b) > 120 {
		b = b[:120]
	}
	return string(bytes.ToValidUTF8(b, []byte("?")))
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// spell writes a duration as people say it: 2.00 s, 350 ms, 9 min.
func spell(ns int64) string {
	d := time.Duration(ns)
	switch {
	case d <= 0:
		return ""
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d)/1e6)
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f min", d.Minutes())
}

// took is the exact length of the span that ended in the failure.
func (v *view) took() int64 {
	if v.at < 0 {
		if r := v.part(v.hop).Record; len(r.Upstreams) > 0 {
			if ns := r.Upstreams[waitedIn(r, answering(r))].Response; ns > 0 {
				return ns
			}
		}
		return int64(ended(v.part(v.hop)) - start(v.part(v.hop)))
	}
	p := v.part(v.at)
	if t := p.Record.Tx; t != nil {
		if ns, ok := t.Waited(); ok {
			return ns
		}
	}
	return int64(ended(p) - start(p))
}

func (v *view) backend() string {
	if v.at >= 0 {
		if t := v.part(v.at).Record.Tx; t != nil {
			return text(t.Backend)
		}
	}
	return ""
}

// addr is the address that the deciding attempt went to.
func (v *view) addr() string {
	if v.at >= 0 {
		r := v.part(v.at).Record
		if t := r.Tx; t != nil && len(t.Opens) > 0 {
			o := &t.Opens[len(t.Opens)-1]
			if len(o.RemotePort) == 0 {
				return text(o.RemoteAddr)
			}
			return text(o.RemoteAddr) + ":" + text(o.RemotePort)
		}
		if n := len(r.Upstreams); n > 0 {
			return text(r.Upstreams[n-1].Addr)
		}
		return ""
	}
	if r := v.part(v.hop).Record; len(r.Upstreams) > 0 {
		return text(r.Upstreams[waitedIn(r, answering(r))].Addr)
	}
	return ""
}

// wall is the configured timeout that the failing span met, or else the wall
// that is seen in the data.
func (w *writer) wall() string {
	if o := w.observed(); o != nil {
		return spell(o.Value)
	}
	hop := w.v.part(w.v.hop)
	for i, name := range timeoutNames {
		if w.e.walls[i] != WallConfigured && w.e.walls[i] != WallDefault {
			continue
		}
		if s, src := w.v.env.timeout(name, hop.Record.Program, hop.Host, w.v.backend()); src == w.e.walls[i] {
			return spell(s.Value)
		}
	}
	return ""
}

// observed is the wall at which the span ended that the writer is about.
func (w *writer) observed() *parse.Wall {
	if w.item >= 0 && w.e.items[w.item].in&inDeciding == 0 {
		return w.v.observed(int(w.e.items[w.item].part))
	}
	return w.v.observed(w.v.decided())
}

// missing puts the host into the name of each source, when it is known.
func (w *writer) missing(d *decision) []Missing {
	if len(d.missing) == 0 {
		return nil
	}
	host := ""
	depth := w.v.part(w.v.hop).Depth
	for _, o := range w.v.order[:w.v.parts] {
		if p := w.v.part(int(o)); p.Depth > depth && p.Host != "" {
			host = p.Host
		}
	}
	place := ""
	if host != "" {
		place = " on " + host
	} else if b := w.v.backend(); b != "" {
		place = " behind " + b
	}
	all := append([]Missing(nil), d.missing...)
	for i := range all {
		if all[i].Kind != parse.SourceChanges && all[i].Kind != parse.SourceVarnishlog {
			all[i].Source += place
		}
	}
	return all
}

// advice is that of the rule, else the remedies of the cause.
func (w *writer) advice(st step) []string {
	w.about(st.item)
	var all []string
	for _, s := range st.rule.advice {
		if t, err := templates(s); err == nil {
			if said := say(t, w.fill); said != "" {
				all = append(all, said)
			}
		}
	}
	if len(all) == 0 && st.cause.Remedies != "" {
		all = append(all, st.cause.Remedies)
	}
	return all
}

func (w *writer) trigger(d *decision) *Trigger {
	if d.trigger < 0 {
		return nil
	}
	it := &w.e.items[d.trigger]
	p := w.v.part(int(it.part))
	t := &Trigger{Kind: d.change, Before: max(0, int64(w.v.gave-noteTime(p, &p.Record.Notes[it.note])))}
	w.about(d.trigger)
	t.What = say(triggerWords, w.fill)
	if t.What == "" {
		t.What = text(p.Record.Notes[it.note].Text)
	}
	return t
}

var triggerWords, _ = templates("{service} {version} | {service} | {unit} | {message}")
