package web

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"net/http"
	"path"
	"strings"

	"why503/dashboards/report"
)

//go:embed static openapi.yaml templates
var files embed.FS

// healthz says that the process answers.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) { plainText(w, http.StatusOK, "ok\n") }

// readyz says that the page has something to say: the store answers.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if st := s.live.Status(); !st.StoreAnswers {
		plainText(w, http.StatusServiceUnavailable, "the store does not answer: "+cut(report.Escape(st.StoreError), maxInstance)+"\n")
		return
	}
	plainText(w, http.StatusOK, "ok\n")
}

func plainText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

// openAPI is the description of the API.
func (s *Server) openAPI(w http.ResponseWriter, r *http.Request) {
	b, err := files.ReadFile("openapi.yaml")
	if err != nil {
		s.notFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(b)
}

var mediaTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// An asset is a file of the page, named by its content in what refers to it.
type asset struct {
	body       []byte
	kind, etag string
}

var assets = func() map[string]asset {
	out := map[string]asset{}
	list, err := files.ReadDir("static")
	if err != nil { // the directory is embedded above
		panic(err)
	}
	for _, f := range list {
		b, err := files.ReadFile("static/" + f.Name())
		if err != nil {
			panic(err)
		}
		h := sha256.Sum256(b)
		out[f.Name()] = asset{b, mediaTypes[path.Ext(f.Name())], base64.RawURLEncoding.EncodeToString(h[:9])}
	}
	return out
}()

// assetURL is where a file of the page is found; another content has another.
func assetURL(name string) string { return "/static/" + name + "?v=" + assets[name].etag }

func (s *Server) static(w http.ResponseWriter, r *http.Request) {
	a, ok := assets[r.PathValue("name")]
	if !ok {
		s.notFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("ETag", `"`+a.etag+`"`)
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == a.etag {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if strings.Contains(r.Header.Get("If-None-Match"), `"`+a.etag+`"`) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(a.body)
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, problem{Status: http.StatusNotFound, Type: typeMissing, Title: "Not found", Detail: "There is nothing at this address."})
}
