package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	cookieName = "why503"
	cookieLife = 7 * 24 * time.Hour
)

// authorised asks for the token, where one is set: as a Bearer, or as the
// cookie that the login page gave for it.
func (s *Server) authorised(next http.Handler) http.Handler {
	if s.cfg.Token == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.bearer(r) || s.cookie(r) {
			next.ServeHTTP(w, r)
			return
		}
		if isPage(r) {
			http.Redirect(w, r, "/login?"+backTo(r), http.StatusSeeOther)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="why503"`)
		s.fail(w, r, problem{Status: http.StatusUnauthorized, Type: typeToken, Title: "A token is needed", Detail: "Send it as `Authorization: Bearer TOKEN`."})
	})
}

func (s *Server) bearer(r *http.Request) bool {
	kind, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return ok && strings.EqualFold(kind, "Bearer") && s.sameToken(strings.TrimSpace(token))
}

// sameToken takes as long whatever the guess is: what is compared are digests,
// of equal length.
func (s *Server) sameToken(guess string) bool {
	a, b := sha256.Sum256([]byte(guess)), sha256.Sum256([]byte(s.cfg.Token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func cookieKey(token string) []byte {
	m := hmac.New(sha256.New, []byte(token))
	m.Write([]byte("why503 session"))
	return m.Sum(nil)
}

// A cookie is the second at which it ends and a signature of that, so nothing
// has to be kept, it survives a restart, and a new token ends it.
func (s *Server) sign(until int64) string {
	m := hmac.New(sha256.New, s.mac)
	text := strconv.FormatInt(until, 10)
	m.Write([]byte(text))
	return text + "." + hex.EncodeToString(m.Sum(nil))
}

func (s *Server) cookie(r *http.Request) bool {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return false
	}
	text, _, _ := strings.Cut(c.Value, ".")
	until, err := strconv.ParseInt(text, 10, 64)
	now := s.cfg.Now()
	if err != nil || until <= now.Unix() || until > now.Add(cookieLife).Unix()+1 {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(c.Value), []byte(s.sign(until))) == 1
}

// pageLogin asks for the token, and gives the cookie for it.
func (s *Server) pageLogin(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Token == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	v := loginView{frame: s.bare(r), Back: localPath(r.FormValue("back"))}
	v.Heading = "Sign in"
	if r.Method != http.MethodPost {
		s.render(w, r, http.StatusOK, "login", &v)
		return
	}
	now := s.cfg.Now()
	if !s.wrong.may(now) {
		w.Header().Set("Retry-After", "60")
		v.Problem = "Too many wrong tokens in the last minute. Wait for a minute."
		s.render(w, r, http.StatusTooManyRequests, "login", &v)
		return
	}
	if !s.sameToken(r.PostFormValue("token")) {
		s.wrong.add(now)
		v.Problem = "That is not the token."
		s.render(w, r, http.StatusUnauthorized, "login", &v)
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: s.sign(now.Add(cookieLife).Unix()), Path: "/", MaxAge: int(cookieLife / time.Second),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	})
	http.Redirect(w, r, v.Back, http.StatusSeeOther)
}

type loginView struct {
	frame
	Back    string
	Problem string
}

// attempts bounds how often a token is guessed.
type attempts struct {
	mu    sync.Mutex
	since time.Time
	n     int
}

const maxAttempts = 20 // in a minute, from everywhere

func (a *attempts) may(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.n < maxAttempts || now.Sub(a.since) >= time.Minute
}

func (a *attempts) add(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Sub(a.since) >= time.Minute {
		a.since, a.n = now, 0
	}
	a.n++
}
