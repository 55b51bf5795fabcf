package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestEveryAnswerCarriesTheHeadersThatGuardIt(t *testing.T) {
	s, _, _ := newServer(t)
	h := s.Handler()
	for _, target := range []string{"/", "/incidents", "/nothing", "/api/v1/summary", "/api/v1/nothing", "/static/app.js", "/openapi.yaml", "/healthz"} {
		w := get(t, h, target)
		for name, want := range map[string]string{"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s: %q", target, name, got)
			}
		}
		if c := w.Header().Get("Cache-Control"); !strings.HasPrefix(target, "/static/") && c != "no-store" {
			t.Errorf("%s: Cache-Control: %q", target, c)
		}
	}
	for _, part := range []string{"default-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) || strings.Contains(policy, "unsafe") {
			t.Errorf("the policy lacks %s: %s", part, policy)
		}
	}
}

func TestOtherNamesOfThisMachineAreRefused(t *testing.T) {
	for _, c := range []struct {
		host  string
		cfg   Config
		known bool
	}{
		{"localhost:8503", Config{}, true}, {"127.0.0.1:8503", Config{}, true}, {"[::1]:8503", Config{}, true}, {"127.9.9.9", Config{}, true}, {"why503.localhost", Config{}, true},
		{"evil.example", Config{}, false}, {"evil.example:8503", Config{}, false}, {"localhost.evil.example", Config{}, false}, {"10.0.0.1:8503", Config{}, false}, {"", Config{}, false},
		{"127.0.0.1.evil.example", Config{}, false}, {"logs.example", Config{Hosts: []string{"logs.example"}}, true}, {"LOGS.example:8503", Config{Hosts: []string{"logs.example"}}, true},
		{"evil.example", Config{Hosts: []string{"logs.example"}, Token: "t"}, false}, {"any.example", Config{Token: "t"}, true},
	} {
		s, _, _ := newServer(t, func(cfg *Config) { cfg.Hosts, cfg.Token = c.cfg.Hosts, c.cfg.Token })
		w := get(t, s.Handler(), "/api/v1/sources", func(r *http.Request) { r.Host = c.host; r.Header.Set("Authorization", "Bearer t") })
		if known := w.Code == http.StatusOK; known != c.known {
			t.Errorf("%q with hosts %q: %d", c.host, c.cfg.Hosts, w.Code)
		}
		page := get(t, s.Handler(), "/", func(r *http.Request) { r.Host = c.host })
		if !c.known && strings.Contains(page.Body.String(), "shop.example") {
			t.Errorf("the refusal for %q tells of the sites", c.host)
		}
	}
}

func TestOnlyReadingIsTakenWhereNothingIsWritten(t *testing.T) {
	s, _, _ := newServer(t)
	h := s.Handler()
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"} {
		for _, target := range []string{"/", "/api/v1/summary", "/static/app.css", "/incidents/x"} {
			r := httptest.NewRequest(method, target, nil)
			r.Host = "localhost"
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", method, target, w.Code, w.Header().Get("Allow"))
			}
		}
	}
	for _, r := range s.routes() {
		if r.path == "/api/v1/marks" || r.path == "/login" {
			continue
		}
		if r.methods != "GET" {
			t.Errorf("%s takes %s", r.path, r.methods)
		}
	}
}

func TestPagesOfOtherOriginsChangeNothing(t *testing.T) {
	s, store, _ := newServer(t)
	n := len(store.marks)
	for _, header := range []http.Header{{"Sec-Fetch-Site": {"cross-site"}}, {"Origin": {"https://evil.example"}}, {"Origin": {"null"}}, {"Sec-Fetch-Site": {"same-site"}}} {
		r := httptest.NewRequest(http.MethodPost, "/api/v1/marks", strings.NewReader(`{"what":"x"}`))
		r.Host = "localhost"
		r.Header = header.Clone()
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusForbidden || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%v: %d %s", header, w.Code, w.Body)
		}
	}
	if len(store.marks) != n {
		t.Error("a mark was kept")
	}
}

func TestATokenIsAskedForEverywhereButWhereNothingIsTold(t *testing.T) {
	s, store, _ := newServer(t, func(c *Config) { c.Token = "s3cret" })
	h := s.Handler()
	for _, r := range s.routes() {
		target := strings.Replace(strings.Replace(r.path, "{$}", "", 1), "{id}", "req-000300", 1)
		target = strings.Replace(target, "{name}", "app.css", 1)
		for _, header := range []string{"", "Bearer wrong", "Bearer ", "Basic s3cret", "Bearer s3cret2", "bearer"} {
			before := store.asked
			w := get(t, h, target, func(r *http.Request) { r.Header.Set("Authorization", header) })
			switch {
			case r.open:
				if w.Code != http.StatusOK {
					t.Errorf("%s without the token: %d", target, w.Code)
				}
			case isPage(httptest.NewRequest(http.MethodGet, target, nil)):
				if w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/login?back=") {
					t.Errorf("%s with %q: %d %s", target, header, w.Code, w.Header().Get("Location"))
				}
			case w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "":
				t.Errorf("%s with %q: %d", target, header, w.Code)
			}
			if store.asked != before || strings.Contains(w.Body.String(), "shop.example") {
				t.Errorf("%s with %q reached the store", target, header)
			}
		}
	}
	for _, target := range []string{"/", "/api/v1/summary"} {
		if w := get(t, h, target, func(r *http.Request) { r.Header.Set("Authorization", "Bearer s3cret") }); w.Code != http.StatusOK {
			t.Errorf("%s with the token: %d", target, w.Code)
		}
	}
	if w := get(t, h, "/nothing"); w.Code != http.StatusSeeOther {
		t.Error("what is not there is told without the token:", w.Code)
	}
}

func login(h http.Handler, token, back string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(url.Values{"token": {token}, "back": {back}}.Encode()))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestTheLoginGivesACookieThatEnds(t *testing.T) {
	at := now
	s, _, _ := newServer(t, func(c *Config) { c.Token, c.Now = "s3cret", func() time.Time { return at } })
	h := s.Handler()
	w := login(h, "s3cret", "/history?q=x")
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/history?q=x" || len(cookies) != 1 {
		t.Fatal(w.Code, w.Header())
	}
	c := cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || strings.Contains(c.Value, "s3cret") {
		t.Errorf("%+v", c)
	}
	with := func(value string) int {
		return get(t, h, "/api/v1/summary", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookieName, Value: value}) }).Code
	}
	if with(c.Value) != http.StatusOK {
		t.Error("the cookie is not taken")
	}
	for _, value := range []string{"", "1." + c.Value, c.Value + "0", c.Value[:len(c.Value)-1], "9999999999." + strings.SplitN(c.Value, ".", 2)[1], strings.SplitN(c.Value, ".", 2)[0]} {
		if with(value) != http.StatusUnauthorized {
			t.Errorf("the cookie %q is taken", value)
		}
	}
	other, _, _ := newServer(t, func(c *Config) { c.Token = "another" })
	if w := get(t, other.Handler(), "/api/v1/summary", func(r *http.Request) { r.AddCookie(c) }); w.Code != http.StatusUnauthorized {
		t.Error("a cookie outlives its token")
	}
	at = at.Add(cookieLife + time.Second)
	if with(c.Value) != http.StatusUnauthorized {
		t.Error("the cookie does not end")
	}
}

func TestTheLoginLeadsNowhereElse(t *testing.T) {
	s, _, _ := newServer(t, func(c *Config) { c.Token = "s3cret" })
	h := s.Handler()
	for _, back := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)", "evil", "", "/\r\nX: y", "/\t/evil.example"} {
		if to := login(h, "s3cret", back).Header().Get("Location"); to != "/" {
			t.Errorf("%q leads to %q", back, to)
		}
	}
}

func TestTokensAreNotGuessedFast(t *testing.T) {
	at := now
	s, _, _ := newServer(t, func(c *Config) { c.Token, c.Now = "s3cret", func() time.Time { return at } })
	h := s.Handler()
	for range maxAttempts {
		if w := login(h, "wrong", "/"); w.Code != http.StatusUnauthorized {
			t.Fatal(w.Code)
		}
	}
	if w := login(h, "s3cret", "/"); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Error(w.Code)
	}
	at = at.Add(time.Minute)
	if w := login(h, "s3cret", "/"); w.Code != http.StatusSeeOther {
		t.Error(w.Code)
	}
}

func TestAssetsAreNamedByTheirContent(t *testing.T) {
	s, _, _ := newServer(t)
	h := s.Handler()
	w := get(t, h, assetURL("app.css"))
	if !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("Content-Type") != "text/css; charset=utf-8" {
		t.Error(w.Header())
	}
	tag := w.Header().Get("ETag")
	if w = get(t, h, "/static/app.css"); strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Error("a file that may change is kept:", w.Header())
	}
	if w = get(t, h, "/static/app.css", func(r *http.Request) { r.Header.Set("If-None-Match", tag) }); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Error(w.Code)
	}
	if w = get(t, h, "/", func(r *http.Request) { r.Header.Set("Accept-Encoding", "gzip") }); w.Header().Get("Content-Encoding") != "gzip" {
		t.Error("pages are not compressed")
	}
}

func TestReadinessIsThatOfTheStore(t *testing.T) {
	s, _, live := newServer(t)
	h := s.Handler()
	other := func(r *http.Request) { r.Host = "10.1.2.3:8503" } // probes come by address
	if w := get(t, h, "/readyz", other); w.Code != http.StatusOK {
		t.Error(w.Code)
	}
	live.status.StoreAnswers, live.status.StoreError = false, "disk full\x1b[2J"
	if w := get(t, h, "/readyz", other); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `disk full\x1b`) {
		t.Error(w.Code, w.Body)
	}
	if w := get(t, h, "/healthz", other); w.Code != http.StatusOK {
		t.Error(w.Code)
	}
}
