package correlate

import "why503/parse"

// Useful reports whether the join has a use for r: sessions, and routine lines
// in which nothing was recognised, have none.
func Useful(r *parse.Record) bool {
	switch r.Kind {
	case parse.KindSession:
		return false
	case parse.KindSignal, parse.KindLog:
		for i := range r.Notes {
			if r.Notes[i].Event != 0 {
				return true
			}
		}
		return r.Kind == parse.KindLog && r.Level >= parse.LevelWarn
	}
	return true
}

// Unasked reports whether whoever reads r has to send it to the join before
// anybody asks: it failed, or it belongs to no request.
func Unasked(r *parse.Record) bool {
	return Failed(r) || r.Kind == parse.KindSignal || r.Kind == parse.KindLog && !tellsOfRequest(r)
}
