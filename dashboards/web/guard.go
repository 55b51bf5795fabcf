package web

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// policy lets a page load from this server alone, and nothing at all in it run
// or look otherwise than by the one script and the one style sheet.
//
// https://www.w3.org/TR/CSP3/
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// guard is in front of everything: headers, the Host, the size of what comes,
// and a panic that would otherwise cut the connection without a word.
func (s *Server) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, problem{Status: http.StatusForbidden, Type: typeForeign, Title: "Sent from another site", Detail: "This was sent by a page of another origin, which may not change anything here."})
	}))
	inner := cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		defer func() {
			if p := recover(); p != nil {
				if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(p)
				}
				s.log.Error("answering a request panicked", "path", r.URL.Path, "err", fmt.Sprint(p))
				s.fail(w, r, problem{Status: http.StatusInternalServerError, Title: "A fault of why503", Detail: "Its log says more."})
			}
		}()
		if probe := r.URL.Path == "/healthz" || r.URL.Path == "/readyz"; !probe && !s.knownHost(r.Host) {
			s.fail(w, r, problem{
				Status: http.StatusMisdirectedRequest, Type: typeHost, Title: "Not a name of this server",
				Detail: "The page was asked for under a name that it is not configured for. Use the address it listens on, or add the name to the hosts of the page.",
			})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		inner.ServeHTTP(w, r)
	})
}

const maxBody = 64 << 10

// knownHost keeps a page of a stranger, whose name was made to point at this
// machine, from reading what is served on loopback (DNS rebinding).
func (s *Server) knownHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	known := func(h string) bool { return strings.EqualFold(h, name) || strings.EqualFold(h, host) }
	if slices.ContainsFunc(s.cfg.Hosts, known) {
		return true
	}
	if s.cfg.Token != "" && len(s.cfg.Hosts) == 0 {
		return true
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.Unmap().IsLoopback()
}

// methods lets through what a route takes.
func (s *Server) methods(allowed string, next http.HandlerFunc) http.Handler {
	list := strings.Fields(allowed)
	if slices.Contains(list, http.MethodGet) {
		list = append(list, http.MethodHead)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(list, r.Method) {
			w.Header().Set("Allow", strings.Join(list, ", "))
			s.fail(w, r, problem{Status: http.StatusMethodNotAllowed, Title: "Method not allowed", Detail: "This takes " + strings.Join(list, ", ") + "."})
			return
		}
		next(w, r)
	})
}
