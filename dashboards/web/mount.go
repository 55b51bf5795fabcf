package web

import "net/http"

// Guard puts what guards the page in front of a handler that is served beside
// it: headers, the Host, the token.
func (s *Server) Guard(h http.Handler) http.Handler { return s.guard(s.authorised(h)) }
