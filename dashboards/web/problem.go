package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"why503/aggregate"
	"why503/dashboards/report"
)

// A problem is what went wrong, for programs and for people.
//
// https://www.rfc-editor.org/rfc/rfc9457
type problem struct {
	Type     string     `json:"type"`
	Title    string     `json:"title"`
	Status   int        `json:"status"`
	Detail   string     `json:"detail"`
	Instance string     `json:"instance"`
	Errors   []badParam `json:"errors,omitempty"`
}

// A badParam is a parameter that cannot be taken.
type badParam struct {
	Parameter string `json:"parameter"`
	Detail    string `json:"detail"`
}

const (
	typePlain   = "about:blank"
	typeParams  = "urn:why503:problem:bad-parameters"
	typeMissing = "urn:why503:problem:not-found"
	typeTimeout = "urn:why503:problem:store-timeout"
	typeStore   = "urn:why503:problem:store"
	typeToken   = "urn:why503:problem:token"
	typeHost    = "urn:why503:problem:host"
	typeForeign = "urn:why503:problem:cross-origin"
	typeBusy    = "urn:why503:problem:busy"
)

// maxInstance bounds how much of what was asked for comes back.
const maxInstance = 512

// fail answers with p: a page for who asked for one, else a problem document.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, p problem) {
	if p.Type == "" {
		p.Type = typePlain
	}
	p.Instance = cut(r.URL.EscapedPath(), maxInstance)
	if isPage(r) {
		s.render(w, r, p.Status, "error", s.errorView(r, p))
		return
	}
	b, err := json.Marshal(p)
	if err != nil {
		http.Error(w, p.Title, p.Status)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(b, '\n')) // the client is gone, who could be told?
}

// problemOf says what an error of the store means to who asked.
func problemOf(err error, what string) problem {
	switch {
	case errors.Is(err, aggregate.ErrNotFound):
		return problem{Status: http.StatusNotFound, Type: typeMissing, Title: "Not found", Detail: "The store has no such " + what + "."}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return problem{Status: http.StatusGatewayTimeout, Type: typeTimeout, Title: "The store did not answer in time", Detail: "Ask again, or for a shorter time."}
	}
	var bad *badParamsError
	if errors.As(err, &bad) {
		return bad.problem()
	}
	var cursor interface{ BadCursor() bool }
	if errors.As(err, &cursor) && cursor.BadCursor() {
		bad = &badParamsError{}
		bad.add("cursor", "Not one that this list gave out. Begin without one.")
		return bad.problem()
	}
	return problem{Status: http.StatusBadGateway, Type: typeStore, Title: "The store could not answer", Detail: cut(report.Escape(err.Error()), maxInstance)}
}

// A badParamsError holds all parameters of a request that cannot be taken.
type badParamsError struct{ list []badParam }

func (e *badParamsError) Error() string { return "bad parameters" }

func (e *badParamsError) add(name, detail string) {
	e.list = append(e.list, badParam{cut(report.Escape(name), 64), detail})
}

func (e *badParamsError) problem() problem {
	return problem{Status: http.StatusBadRequest, Type: typeParams, Title: "A parameter cannot be taken", Detail: "See `errors`.", Errors: e.list}
}

// isPage tells a person's browser from a program.
func isPage(r *http.Request) bool {
	p := r.URL.Path
	return !strings.HasPrefix(p, "/api/") && !strings.HasPrefix(p, "/static/") && p != "/openapi.yaml" && p != "/healthz" && p != "/readyz" && p != "/metrics"
}

// localPath returns where to go back to: a path of this server, never a URL of
// another.
func localPath(p string) string {
	if len(p) > 2<<10 || !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || strings.ContainsAny(p, "\\\r\n\t") {
		return "/"
	}
	u, err := url.Parse(p)
	if err != nil || u.Host != "" || u.Scheme != "" {
		return "/"
	}
	return u.RequestURI()
}

func backTo(r *http.Request) string {
	return url.Values{"back": {localPath(r.URL.RequestURI())}}.Encode()
}

// cut shortens s to n bytes, at a rune, and marks it.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
