package app

import (
	"why503/parse"
	"why503/parse/recognise"
)

// promoteErrors lets the lines of nginx error logs stand for their requests
// where no log of requests was given at all: each such line names a request
// that nginx could not answer, though not how many it could.
func promoteErrors(ins []*input) {
	for _, in := range ins {
		switch in.kind {
		case parse.SourceVarnishlog, parse.SourceVarnishncsa, parse.SourceNginxAccess:
			return
		}
	}
	for _, in := range ins {
		if in.kind == parse.SourceNginxError {
			in.promotes = true
			in.join.Rank = 0
		}
	}
}

// promote makes a request of an error line: the status is what nginx answers
// to such an error, as the taxonomy tells it.
func promote(r *parse.Record) {
	if r.Kind != parse.KindLog || r.Level < parse.LevelError || len(r.Method) == 0 || len(r.URL) == 0 {
		return
	}
	for i := range r.Notes {
		e := recognise.Default().Event(r.Notes[i].Event)
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
