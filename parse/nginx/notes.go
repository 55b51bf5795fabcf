package nginx

import "why503/parse"

// maxQuote bounds what a report quotes of an access line.
const maxQuote = 2048

// note marks the values of a failed line that may name a cause. A line that
// tells of success has none, save when a failed attempt or a stale object
// stands behind it.
func (a *Access) note() {
	r := &a.rec
	failed := r.Status >= 499
	saved := false
	for i := range r.Upstreams {
		saved = saved || r.Upstreams[i].Status >= 500
	}
	cache := a.valueOf(slotCache)
	stale := string(cache) == "STALE" || string(cache) == "UPDATING"
	if !failed && !saved && !stale {
		return
	}
	if failed {
		a.addNote(parse.FieldNginxStatus, statusText(r.Status))
	}
	if len(r.Upstreams) > 0 && (failed || saved) {
		a.addNote(parse.FieldNginxUpstreamStatus, a.v[slotUpStatus])
		a.addNote(parse.FieldNginxUpstreamAddr, lastOf(a.v[slotUpAddr]))
		a.noteTimeout(&r.Upstreams[len(r.Upstreams)-1])
	}
	a.addNote(parse.FieldNginxCacheStatus, cache)
}

// valueOf is empty where the combined format was read without a tail: then
// a.v is that of an earlier line.
func (a *Access) valueOf(s slot) []byte {
	if !a.filled {
		return nil
	}
	return a.v.get(s)
}

// noteTimeout notes how far the last attempt got when nginx stopped waiting for
// it, which is what its own 504 means: a dash where the time would stand that
// was not reached. After any other end a dash says nothing of slowness.
func (a *Access) noteTimeout(last *parse.Upstream) {
	if last.Status != 504 || last.Addr == nil {
		return
	}
	for _, x := range [...]struct {
		slot  slot
		field parse.Field
	}{{slotUpConnect, parse.FieldNginxUpstreamConnect}, {slotUpHeader, parse.FieldNginxUpstreamHeader}} {
		if b := lastOf(a.v[x.slot]); len(b) == 1 && b[0] == '-' {
			a.addNote(x.field, b)
			return
		}
	}
}

func (a *Access) addNote(f parse.Field, text []byte) {
	if len(text) == 0 {
		return
	}
	r := &a.rec
	r.Notes = append(r.Notes, parse.Note{
		Field: f, Text: text, Line: r.Raw[:min(len(r.Raw), maxQuote)], Offset: r.Offset, LineNo: r.Line,
	})
}

// statusText is the decimal form of a status, from a table: a Note keeps it.
func statusText(n int) []byte {
	if n < 0 || n > 999 {
		return nil
	}
	return statusDigits[3*n : 3*n+3 : 3*n+3]
}

var statusDigits = func() []byte {
	b := make([]byte, 0, 3000)
	for n := range 1000 {
		b = append(b, byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10))
	}
	return b
}()
