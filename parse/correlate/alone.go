package correlate

import "why503/parse"

// Loners reports whether no two Records of a source of that kind are ever
// joined, so that each failed one in it is a Request by itself where no other
// source was given: they tell of requests at one hop, and of nothing inside it.
func Loners(k parse.SourceKind) bool {
	switch k {
	case parse.SourceNginxAccess, parse.SourceHAProxy, parse.SourceApacheAccess, parse.SourceEnvoy, parse.SourceCDN:
		return true
	}
	return false
}

// Failed reports whether r may become a row of the list, or belong to one.
func Failed(r *parse.Record) bool { return bad(r) || cutInBody(r) }

// Alone returns the Request that a Joiner makes of a failed Record to which it
// finds nothing. It holds r itself. Any number of goroutines may call it.
func (s *Source) Alone(r *parse.Record) *parse.Request {
	id, v := s.RecordID(r), span(s, r)
	return &parse.Request{
		UID: id, Revision: 1, Final: true,
		Parts: []parse.Part{{
			ID: id, Record: r, Parent: -1, Join: parse.Join{How: parse.JoinRoot}, Offset: s.Offset, Host: s.Host, Kind: s.Kind,
		}},
		Coverage: []parse.Coverage{{
			Source: s.ID, Kind: s.Kind, Host: s.Host, From: v.from, To: v.to, Lossless: s.Lossless(), Front: true,
		}},
	}
}
