package recognise

import "why503/parse"

// MarkCut sets Cut on a line that says that a response broke off after its
// head: its request stands in the access log with a status that looks good.
func MarkCut(r *parse.Record) {
	if r.Kind != parse.KindLog || r.Level < parse.LevelError {
		return
	}
	for i := range r.Notes {
		if e := Default().Event(r.Notes[i].Event); e != nil && cutsBody[e.Name] {
			r.Cut = true
		}
	}
}

// cutsBody are the events of the taxonomy that come after the head was sent.
var cutsBody = map[string]bool{"nginx.tmo.body": true, "nginx.prem_close_body": true, "nginx.recv_reset_body": true}

// Promote makes a request of an error line: the status is what nginx answers
// to such an error, as the taxonomy tells it.
func Promote(r *parse.Record) {
	if r.Kind != parse.KindLog || r.Level < parse.LevelError || len(r.Method) == 0 || len(r.URL) == 0 {
		return
	}
	for i := range r.Notes {
		e := Default().Event(r.Notes[i].Event)
		if e == nil || r.Notes[i].Field != parse.FieldNginxError {
			continue
		}
		status := statusIn(e.Meaning)
		if r.Cut {
			status = 200
		}
		if status == 0 {
			continue
		}
		r.Kind, r.Status = parse.KindRequest, status
		for k := range r.Upstreams {
			u := &r.Upstreams[k]
			u.Connect, u.Header, u.Response = -1, -1, -1
		}
		return
	}
}

// statusIn finds the first 5xx in a meaning.
func statusIn(text string) int {
	for i := 0; i+3 <= len(text); i++ {
		if text[i] == '5' && digit(text[i+1]) && digit(text[i+2]) &&
			(i == 0 || !digit(text[i-1])) && (i+3 == len(text) || !digit(text[i+3])) {
			return 500 + 10*int(text[i+1]-'0') + int(text[i+2]-'0')
		}
	}
	return 0
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
