package alert

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	cryptorand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"why503/aggregate"
)

const secretPath = "/services/T0/B0/S3cr3tS3cr3t"

// A post is what a test server got.
type posted struct {
	path   string
	header http.Header
	body   []byte
}

// server answers each POST with what answer says.
func server(t *testing.T, answer func(n int, w http.ResponseWriter)) (url string, got func() []posted) {
	t.Helper()
	var mu sync.Mutex
	var list []posted
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		list = append(list, posted{r.URL.RequestURI(), r.Header, body})
		n := len(list)
		mu.Unlock()
		if r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			w.WriteHeader(http.StatusUnsupportedMediaType)
			return
		}
		if answer != nil {
			answer(n, w)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, func() []posted {
		mu.Lock()
		defer mu.Unlock()
		return list
	}
}

// hostileIncident has strangers' text in every field that a log fills.
func hostileIncident() aggregate.Incident {
	evil := "</script><!channel> @here *b* `c` [x](http://evil.example) & \x1b[31m\u202etxt\r\nBcc: x@evil.example\x00"
	in := incidentOf("20260102T0303Z-0a1b2c3d", time.Date(2026, 1, 2, 3, 3, 0, 0, time.UTC), 100, "db.lock")
	in.End = in.Start.Add(time.Minute)
	in.Site = evil
	c := &in.Causes[0]
	c.Words, c.Advice, c.Layer = evil, []string{evil}, evil
	c.Backends, c.Routes = []aggregate.Count{{Name: evil, Count: 5}}, []aggregate.Count{{Name: evil, Count: 5}}
	c.Chain[0].Line, c.Chain[0].File, c.Chain[0].Host = evil, evil, evil
	in.Localisation = []aggregate.Local{{Where: map[string]string{evil: evil}, Share: 0.9}}
	in.Trigger = &aggregate.Trigger{Kind: evil, What: evil}
	return in
}

func hostile() Alert {
	cfg := Config{URL: "https://why503.example"}
	cfg.fill()
	a := cfg.of(hostileIncident(), false).as(Opened)
	a.Key = "k2"
	return a
}

func sample() Alert {
	cfg := Config{URL: "https://why503.example"}
	cfg.fill()
	in := incidentOf("20260102T0303Z-0a1b2c3d", time.Date(2026, 1, 2, 3, 3, 0, 0, time.UTC), 100, "database.lock_wait")
	in.End = in.Start.Add(time.Minute)
	in.Causes[0].Words = "row locks in MariaDB held up /php/ for up to 6.6 s"
	a := cfg.of(in, false).as(Opened)
	a.Key = "k1"
	return a
}

// noRawControls holds for every text that leaves.
func noRawControls(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if r < ' ' && r != '\n' || r == 0x7f || r == '\u202e' {
			t.Errorf("%U in %q", r, text)
		}
	}
}

func TestTextCarriesAllThatAPersonNeeds(t *testing.T) {
	want := `● shop.example is failing: 10 % since 03:03 UTC
100 of 1,000 requests (10 %) are failing since 03:03:00 UTC because row locks in MariaDB held up /php/ for up to 6.6 s.
cause  database.lock_wait 100 (100 %)
│ evidence of database.lock_wait    db.log@db-1
do    Make it stop.
next  why503 explain 0a1b2c3d4e5f
see   https://why503.example/incidents/20260102T0303Z-0a1b2c3d
`
	a := sample()
	if diff := cmp.Diff(want, a.Text); diff != "" {
		t.Error(diff)
	}
	if a.Subject != "shop.example failing: row locks in MariaDB held up /php/ for up to 6.6 s, 10 % since 03:03 UTC" {
		t.Error(a.Subject)
	}
}

func TestUndecidedSaysSoInTheSubject(t *testing.T) {
	cfg := Config{}
	cfg.fill()
	in := incidentOf("i", time.Date(2026, 1, 2, 3, 3, 0, 0, time.UTC), 100, "network.refused")
	in.Causes[0].Decidable, in.Undecided, in.End = 0, 100, in.Start.Add(time.Minute)
	in.Missing = []aggregate.MissingCount{{Count: 100, Missing: aggregate.Missing{Source: "log of app-3", Why: "not_given"}}}
	a := cfg.of(in, false)
	if want := "shop.example failing: cause not decidable: log of app-3 was not given, 10 % since 03:03 UTC"; a.Subject != want {
		t.Errorf("%s\nwant\n%s", a.Subject, want)
	}
	if !strings.Contains(a.Causes, "undecided 100") {
		t.Error(a.Causes)
	}
}

func TestWebhook(t *testing.T) {
	url, got := server(t, nil)
	w := &webhook{Webhook{URL: Secret(url + "/x"), Token: "t0k3nt0k3n"}, newClient(time.Second)}
	for _, a := range []Alert{sample(), hostile()} {
		if _, err := w.send(t.Context(), a, ""); err != nil {
			t.Fatal(err)
		}
	}
	var body map[string]any
	p := got()[0]
	if err := json.Unmarshal(p.body, &body); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"kind": "opened", "dedup_key": "k1", "site": "shop.example", "id": "20260102T0303Z-0a1b2c3d", "firing": true, "cause": "database.lock_wait",
		"layer": "database", "evidence": "evidence of database.lock_wait", "next_command": "why503 explain 0a1b2c3d4e5f", "end": nil, "schema": 1.0} {
		if body[key] != want {
			t.Errorf("%s is %v, want %v", key, body[key], want)
		}
	}
	in := body["incident"].(map[string]any)
	if in["failures"] != 100.0 || in["causes"].([]any)[0].(map[string]any)["cause"] != "database.lock_wait" {
		t.Errorf("%v", in)
	}
	if p.header.Get("Authorization") != "Bearer t0k3nt0k3n" || p.header.Get("Idempotency-Key") != `"k1"` {
		t.Errorf("%v", p.header)
	}
	if s := string(got()[1].body); !json.Valid(got()[1].body) || strings.ContainsAny(s, "<>\u202e") || strings.Contains(s, `\u001b`) {
		t.Error(s)
	}
}

func TestNoSecretIsInAnError(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "http://" + closed.Addr().String()
	closed.Close()
	answers := map[string]func(int, http.ResponseWriter){
		"a redirect": func(_ int, w http.ResponseWriter) {
			w.Header().Set("Location", secretPath)
			w.WriteHeader(http.StatusFound)
		},
		"an answer cut off": func(_ int, w http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"a slow answer":     func(_ int, w http.ResponseWriter) { time.Sleep(400 * time.Millisecond) },
	}
	urls := map[string]string{"nobody listens": gone, "no such host": "http://nothing.invalid"}
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, "no %s here\x1b[31m for %s", r.RequestURI, r.Header.Get("Authorization"))
	}))
	defer echo.Close()
	urls["an error that repeats the request"] = echo.URL
	for name, f := range answers {
		urls[name], _ = server(t, f)
	}
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			client := newClient(200 * time.Millisecond)
			am := newAlertmanager(Alertmanager{URLs: []string{strings.Replace(url, "://", "://user:t0k3nt0k3n@", 1)}}, client, slog.New(slog.NewTextHandler(&log, nil)))
			for _, s := range []sender{
				&webhook{Webhook{URL: Secret(url + secretPath), Token: "t0k3nt0k3n"}, client},
				&slackHook{Slack{URL: Secret(url + secretPath)}, client},
				newSlackAPI(Slack{URL: Secret(url), Token: "t0k3nt0k3n", Channel: "C1"}, client), am,
			} {
				_, err := s.send(t.Context(), sample(), "")
				if err == nil {
					t.Fatal("no error")
				}
				for _, part := range []string{"S3cr3t", "t0k3n", "\x1b", "dXNlcjp0"} {
					if strings.Contains(err.Error()+log.String(), part) {
						t.Errorf("%T: %q", s, err)
					}
				}
			}
		})
	}
	for _, c := range []any{Webhook{URL: "http://h/S3cr3t"}, Slack{Token: "S3cr3t"}, Email{Password: "S3cr3t"}, Alertmanager{Password: "S3cr3t"}} {
		data, _ := json.Marshal(c)
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "cfg", c, "url", Secret("S3cr3t"))
		if text := fmt.Sprintf("%v %+v %#v %s %s", c, c, c, data, log.String()); strings.Contains(text, "S3cr3t") {
			t.Error(text)
		}
	}
}

func TestRetryAfterIsHeeded(t *testing.T) {
	url, _ := server(t, func(_ int, w http.ResponseWriter) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	_, err := (&webhook{Webhook{URL: Secret(url)}, newClient(time.Second)}).send(t.Context(), sample(), "")
	if got := backoff(1, err); got != 30*time.Second {
		t.Errorf("%v: %v", got, err)
	}
	if got := retryAfter("Wed, 21 Oct 2065 07:28:00 GMT", time.Now()); got != maxRetry {
		t.Error(got)
	}
	for i, want := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 160 * time.Second, 320 * time.Second, lastRetry, lastRetry} {
		if got := backoff(i+1, io.EOF); got != want {
			t.Errorf("after %d tries %v, want %v", i+1, got, want)
		}
	}
}

func TestSlackWebhook(t *testing.T) {
	url, got := server(t, nil)
	s := &slackHook{Slack{URL: Secret(url), Channel: "#incidents", Mention: "<!here>"}, newClient(time.Second)}
	over := hostile()
	over.Firing = false
	for _, a := range []Alert{sample(), hostile(), over.as(Ended)} {
		if _, err := s.send(t.Context(), a, ""); err != nil {
			t.Fatal(err)
		}
	}
	var m slackBody
	for i, p := range got() {
		m = slackBody{}
		if err := json.Unmarshal(p.body, &m); err != nil {
			t.Fatal(err)
		}
		if m.Channel != "#incidents" || m.UnfurlLinks {
			t.Errorf("%s", p.body)
		}
		noRawControls(t, m.Text)
		if mentions := strings.Count(m.Text, "<!here>"); mentions > 1 || mentions == 1 != (i < 2) {
			t.Errorf("%d: %s", i, m.Text)
		}
		rest := strings.ReplaceAll(strings.ReplaceAll(m.Text, "<!here>", ""), "<https://why503.example/incidents/20260102T0303Z-0a1b2c3d|Incident>", "")
		if i > 0 && !strings.Contains(rest, "&lt;!channel&gt;") {
			t.Errorf("the text is gone: %s", rest)
		}
		_, code, _ := strings.Cut(rest, "```\n")
		code, after, _ := strings.Cut(code, "```\n")
		before, _, _ := strings.Cut(rest, "```\n")
		if strings.ContainsAny(rest, "<>") || strings.Contains(code, "`") || strings.Contains(before+after, "@here") || strings.Contains(before+after, "](") || strings.Contains(before+after, "`") {
			t.Errorf("%q", rest)
		}
		for _, b := range m.Blocks {
			if b.Type != "rich_text" && (b.Text == nil || b.Text.Text != "<!here>") {
				t.Errorf("a block that Slack reads for markup: %+v", b)
			}
		}
	}
	want := "<!here> ● shop.example is failing: 10 % since 03:03 UTC\n" +
		"100 of 1,000 requests (10 %) are failing since 03:03:00 UTC because row locks in MariaDB held up /php/ for up to 6.6 s.\n" +
		"cause  database.lock_wait 100 (100 %)\n" +
		"do    Make it stop.\nnext  why503 explain 0a1b2c3d4e5f\n" +
		"```\nevidence of database.lock_wait\n```\ndb.log@\u200bdb-1\n<https://why503.example/incidents/20260102T0303Z-0a1b2c3d|Incident>"
	if err := json.Unmarshal(got()[0].body, &m); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, m.Text); diff != "" {
		t.Error(diff)
	}
}

func TestSlackWithATokenEditsAndThreads(t *testing.T) {
	url, got := server(t, func(n int, w http.ResponseWriter) {
		switch n {
		case 4:
			fmt.Fprint(w, `{"ok":false,"error":"message_not_found"}`)
		case 5:
			fmt.Fprint(w, `{"ok":false,"error":"channel_not_found"}`)
		case 6:
			fmt.Fprint(w, `<html>`)
		default:
			fmt.Fprintf(w, `{"ok":true,"channel":"C0123","ts":"1700000000.00%d"}`, n)
		}
	})
	s := newSlackAPI(Slack{URL: Secret(url), Token: "xoxb-1", Channel: "#incidents"}, newClient(time.Second))
	ref, err := s.send(t.Context(), sample(), "")
	if err != nil || ref != "C0123 1700000000.001" {
		t.Fatal(ref, err)
	}
	if err := s.edit(t.Context(), sample(), ref); err != nil {
		t.Error(err)
	}
	if _, err := s.send(t.Context(), sample().as(CauseChanged), ref); err != nil {
		t.Error(err)
	}
	if err := s.edit(t.Context(), sample(), ref); !errors.Is(err, errGone) {
		t.Error(err)
	}
	if _, err := s.send(t.Context(), sample(), ""); err == nil || !strings.Contains(err.Error(), "channel_not_found") {
		t.Error(err)
	}
	if _, err := s.send(t.Context(), sample(), ""); err == nil {
		t.Error("no error")
	}
	var paths []string
	for _, p := range got()[:3] {
		var m slackBody
		if err := json.Unmarshal(p.body, &m); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, strings.Join([]string{p.path, m.Channel, m.Thread, m.TS, p.header.Get("Authorization")}, " "))
	}
	expect(t, []string{"/chat.postMessage #incidents   Bearer xoxb-1", "/chat.update C0123  1700000000.001 Bearer xoxb-1", "/chat.postMessage C0123 1700000000.001  Bearer xoxb-1"}, paths)
}

func TestAlertmanagerPosts(t *testing.T) {
	url, got := server(t, nil)
	down, _ := server(t, func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) })
	m := newAlertmanager(Alertmanager{URLs: []string{down, url + "/am/"}, User: "u", Password: "p4ssw0rd", Labels: map[string]string{"team": "web"}}, newClient(time.Second), quiet())
	a := sample()
	changed := a
	changed.WasCause, changed.Cause, changed.WasLayer = "network.refused", "database.crash", "network"
	over := a
	end := a.Start.Add(5 * time.Minute)
	over.Firing, over.End = false, &end
	for _, x := range []Alert{a, changed.as(CauseChanged), over.as(Ended)} {
		if _, err := m.send(t.Context(), x, ""); err != nil {
			t.Fatal(err)
		}
	}
	var lists [][]postable
	for _, p := range got() {
		var list []postable
		if err := json.Unmarshal(p.body, &list); err != nil || p.path != "/am/api/v2/alerts" {
			t.Fatal(p.path, err)
		}
		if user, pass, _ := (&http.Request{Header: p.header}).BasicAuth(); user != "u" || pass != "p4ssw0rd" {
			t.Error(p.header)
		}
		lists = append(lists, list)
	}
	first := lists[0][0]
	want := map[string]string{"alertname": "Why503Incident", "site": "shop.example", "cause": "database.lock_wait", "layer": "database", "severity": "page", "team": "web"}
	if diff := cmp.Diff(want, first.Labels); diff != "" {
		t.Error(diff)
	}
	if until := time.Until(first.EndsAt); until < 3*time.Minute || until > 4*time.Minute || !first.StartsAt.Equal(a.Start) || first.GeneratorURL != a.Link {
		t.Errorf("%+v", first)
	}
	if c := lists[1]; len(c) != 2 || c[0].Labels["cause"] != "database.crash" || !c[0].EndsAt.After(time.Now()) ||
		c[1].Labels["cause"] != "network.refused" || c[1].Labels["layer"] != "network" || c[1].EndsAt.After(time.Now()) {
		t.Errorf("%+v", c)
	}
	if o := lists[2][0]; !o.EndsAt.Equal(end) || !cmp.Equal(o.Labels, first.Labels) {
		t.Errorf("%+v", o)
	}
	if _, err := m.send(t.Context(), sample().as(Merged), ""); err != nil || len(got()) != 3 {
		t.Error("the end of a part would end the whole, which has the same labels")
	}
	m = newAlertmanager(Alertmanager{URLs: []string{down, down}}, newClient(time.Second), quiet())
	if _, err := m.send(t.Context(), a, ""); err == nil {
		t.Error("all are down, and no error")
	}
}

// An smtpServer is enough of RFC 5321 to take mail, with STARTTLS and AUTH.
type smtpServer struct {
	t        *testing.T
	tls      *tls.Config
	implicit bool
	refuse   string // answer to DATA, instead of taking it

	mu    sync.Mutex
	talk  []string
	mails []string
}

func (s *smtpServer) start() (addr string, roots *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), cryptorand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(cryptorand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		s.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		s.t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(cert)
	s.tls = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	if s.implicit {
		l = tls.NewListener(l, s.tls)
	}
	var wg sync.WaitGroup
	s.t.Cleanup(func() { l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { s.serve(c) })
		}
	})
	return l.Addr().String(), roots
}

func (s *smtpServer) serve(c net.Conn) {
	defer func() { c.Close() }()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(c)
	say := func(text string) { fmt.Fprintf(c, "%s\r\n", text) }
	_, secure := c.(*tls.Conn)
	say("220 test ESMTP")
	for {
		l, err := in.ReadString('\n')
		if err != nil {
			return
		}
		l = strings.TrimRight(l, "\r\n")
		s.mu.Lock()
		s.talk = append(s.talk, l)
		s.mu.Unlock()
		switch verb, arg, _ := strings.Cut(l, " "); strings.ToUpper(verb) {
		case "EHLO":
			if secure {
				say("250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN")
			} else {
				say("250-test\r\n250-8BITMIME\r\n250 STARTTLS")
			}
		case "STARTTLS":
			say("220 go ahead")
			t := tls.Server(c, s.tls)
			if t.Handshake() != nil {
				return
			}
			c, in, secure = t, bufio.NewReader(t), true
		case "AUTH":
			_, token, _ := strings.Cut(arg, " ")
			plain, _ := base64.StdEncoding.DecodeString(token)
			if !secure || string(plain) != "\x00why503\x00p4ssw0rd" {
				say("535 wrong: " + string(plain))
				continue
			}
			say("235 welcome")
		case "DATA":
			if s.refuse != "" {
				say(s.refuse)
				continue
			}
			say("354 go on")
			var m strings.Builder
			for {
				d, err := in.ReadString('\n')
				if err != nil || d == ".\r\n" {
					break
				}
				m.WriteString(strings.TrimPrefix(d, "."))
			}
			s.mu.Lock()
			s.mails = append(s.mails, m.String())
			s.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func TestEmail(t *testing.T) {
	for _, mode := range []string{"starttls", "tls"} {
		t.Run(mode, func(t *testing.T) {
			s := &smtpServer{t: t, implicit: mode == "tls"}
			addr, roots := s.start()
			e := &email{cfg: Email{To: []string{"On Call <oncall@shop.example>", "two@shop.example"}, From: "why503@shop.example", Server: addr, TLS: mode, User: "why503", Password: "p4ssw0rd"},
				timeout: 5 * time.Second, roots: &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}}
			for _, a := range []Alert{sample(), sample(), hostile()} {
				if _, err := e.send(t.Context(), a, ""); err != nil {
					t.Fatal(err)
				}
			}
			var ids []string
			for i, text := range s.mails {
				m, err := mail.ReadMessage(strings.NewReader(text))
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, m.Header.Get("Message-Id"))
				for k := range m.Header {
					switch k {
					case "Date", "Mime-Version", "Message-Id", "Subject", "From", "To", "Content-Type", "Content-Transfer-Encoding", "References", "In-Reply-To",
						"Auto-Submitted", "X-Why503-Incident", "X-Why503-Kind":
					default:
						t.Errorf("a header %s: %s", k, m.Header.Get(k))
					}
				}
				subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
				if err != nil {
					t.Fatal(err)
				}
				noRawControls(t, subject)
				body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
				if err != nil {
					t.Fatal(err)
				}
				text := strings.ReplaceAll(string(body), "\r\n", "\n")
				noRawControls(t, text)
				if kind := m.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain; charset=UTF-8") {
					t.Error(kind)
				}
				if i == 0 {
					if subject != "[why503] "+sample().Subject || strings.TrimSpace(text) != strings.TrimSpace(sample().Text) {
						t.Errorf("%s\n%s", subject, text)
					}
				}
				for l := range strings.SplitSeq(text, "\n") {
					if strings.HasPrefix(l, "Bcc") {
						t.Error(text)
					}
				}
			}
			if len(ids) != 3 || ids[0] != ids[1] || ids[1] == ids[2] || !strings.HasSuffix(ids[0], "@shop.example>") {
				t.Error(ids)
			}
			var rcpt []string
			for _, l := range s.talk[:12] {
				if strings.HasPrefix(l, "RCPT") {
					rcpt = append(rcpt, l)
				}
			}
			expect(t, []string{"RCPT TO:<oncall@shop.example>", "RCPT TO:<two@shop.example>"}, rcpt)
		})
	}
}

func TestEmailErrors(t *testing.T) {
	s := &smtpServer{t: t, refuse: "452 no room"}
	addr, roots := s.start()
	cfg := Email{To: []string{"oncall@shop.example"}, From: "why503@shop.example", Server: addr, User: "why503", Password: "p4ssw0rd"}
	trusted := &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
	wrong := cfg
	wrong.Password = "an0therp4ss"
	closed := cfg
	closed.Server = "127.0.0.1:1"
	for name, c := range map[string]struct {
		e    email
		want string
	}{
		"the server is full":                 {email{cfg: cfg, roots: trusted}, `452 "no room"`},
		"a certificate that nobody vouches":  {email{cfg: cfg}, "certificate"},
		"a wrong password, which it repeats": {email{cfg: wrong, roots: trusted}, "535"},
		"nobody listens":                     {email{cfg: closed}, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			c.e.timeout = 5 * time.Second
			_, err := c.e.send(t.Context(), sample(), "")
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "p4ss") {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestEmailWithoutTLSGoesOnlyWhereItWasTold(t *testing.T) {
	s := &smtpServer{t: t}
	addr, _ := s.start()
	e := &email{cfg: Email{To: []string{"a@shop.example"}, From: "b@shop.example", Server: addr, TLS: "none"}, timeout: 5 * time.Second}
	if _, err := e.send(t.Context(), sample(), ""); err != nil || len(s.mails) != 1 {
		t.Error(err)
	}
}

func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExec(t *testing.T) {
	t.Setenv("WHY503_TOKEN", "S3cr3t")
	t.Setenv("PASSED", "on")
	out := filepath.Join(t.TempDir(), "out")
	p := &program{Exec{Command: []string{script(t, `{ echo "$# $1"; env | sort; cat; } >"`+out+`"`), "a b;$(id)"}, Env: []string{"PASSED"}}}
	if _, err := p.send(t.Context(), hostile(), ""); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(string(data), "{")
	if !strings.HasPrefix(head, "1 a b;$(id)\n") || strings.Contains(head, "S3cr3t") || !strings.Contains(head, "PASSED=on\n") || !strings.Contains(head, "WHY503_KIND=opened\n") {
		t.Error(head)
	}
	var a Alert
	if err := json.Unmarshal([]byte("{"+body), &a); err != nil || a.Key != "k2" {
		t.Error(err)
	}
}

func TestExecThatFails(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"exit status", `printf 'no \033[31mpager' >&2; exit 3`, `exit status 3: no \x1b[31mpager`},
		{"too slow, children too", `sleep 60 & sleep 60`, "longer than 300ms"},
		{"talks without end", `yes; exit 1`, "longer than 300ms"},
		{"reads nothing", `exec <&-; exit 1`, "exit status 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			begin := time.Now()
			p := &program{Exec{Command: []string{script(t, c.text)}, Timeout: 300 * time.Millisecond}}
			_, err := p.send(t.Context(), sample(), "")
			if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 600 {
				t.Errorf("%v, want %q", err, c.want)
			}
			if time.Since(begin) > 5*time.Second {
				t.Error("it was waited for")
			}
		})
	}
	if _, err := (&program{Exec{Command: []string{"/nothing/here"}}}).send(t.Context(), sample(), ""); err == nil {
		t.Error("no error")
	}
}

func TestExecEndsTheChildrenToo(t *testing.T) {
	out := filepath.Join(t.TempDir(), "pid")
	p := &program{Exec{Command: []string{script(t, `sleep 60 & echo $! >"`+out+`"; wait`)}, Timeout: 300 * time.Millisecond}}
	if _, err := p.send(t.Context(), sample(), ""); err == nil {
		t.Fatal("no error")
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "its child has ended", func() bool {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(data)) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

func TestAnAlertIsBoundedAndRedactedThroughout(t *testing.T) {
	in := hostileIncident()
	long := strings.Repeat("x", 10<<20) + "198.51.100.7"
	secret := "GET /a?token=S3cr3t from 198.51.100.7"
	for range 100 {
		c := in.Causes[0]
		c.Cause += "x"
		c.Words, c.Advice = secret, []string{secret, long}
		c.Routes = append(c.Routes, aggregate.Count{Name: "/a?token=S3cr3t", Count: 1})
		c.Chain = append(c.Chain, aggregate.ChainLink{Link: aggregate.Link{Line: long}}, aggregate.ChainLink{Link: aggregate.Link{Line: secret, Words: "/a?token=S3cr3t"}})
		in.Causes = append(in.Causes, c)
	}
	in.Causes[0] = in.Causes[1]
	in.Chain = in.Causes[0].Chain
	in.Trigger.What, in.Localisation[0].Where["route"] = "/a?token=S3cr3t", "/a?token=S3cr3t"
	before, _ := json.Marshal(in.Causes[5])
	cfg := Config{}
	cfg.fill()
	alert := cfg.of(in, false).as(Opened)
	if n := len([]rune(alert.Text)); n > 4000 {
		t.Errorf("a text of %d characters", n)
	}
	data, err := json.Marshal(alert)
	if err != nil || len(data) > 200<<10 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if s := string(data); strings.Contains(s, "S3cr3t") || strings.Contains(strings.ReplaceAll(s, "198.51.100.0/24", ""), "line\":\"GET /a?token") {
		t.Error("a secret is in it")
	}
	if after, _ := json.Marshal(in.Causes[5]); string(before) != string(after) {
		t.Error("the caller's incident was changed")
	}
}

func FuzzAlertNeverReachesAReaderRaw(f *testing.F) {
	f.Add("<!channel> \x1b]0;x\x07 \u202e")
	f.Fuzz(func(t *testing.T, text string) {
		in := hostileIncident()
		in.Site, in.Causes[0].Words, in.Causes[0].Chain[0].Line, in.Causes[0].Cause = text, text, text, text
		cfg := Config{}
		cfg.fill()
		a := cfg.of(in, false).as(Opened)
		noRawControls(t, a.Text)
		noRawControls(t, a.Subject)
		s := slackPlain(a)
		if strings.ContainsAny(s, "<>") {
			t.Errorf("%q", s)
		}
	})
}

func TestValidateNamesTheKeyAndNoSecret(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Webhook: []Webhook{{URL: "S3cr3t"}}}, "alerts.webhook[0].url"},
		{Config{Slack: []Slack{{}}}, "alerts.slack[0].url"},
		{Config{Slack: []Slack{{Token: "S3cr3t"}}}, "alerts.slack[0].channel"},
		{Config{Alertmanager: []Alertmanager{{}}}, "alerts.alertmanager[0].urls"},
		{Config{Alertmanager: []Alertmanager{{URLs: []string{"ftp://u:S3cr3t@h"}}}}, "alerts.alertmanager[0].urls"},
		{Config{Alertmanager: []Alertmanager{{URLs: []string{"http://h"}, Labels: map[string]string{"site": "x"}}}}, "alerts.alertmanager[0].labels"},
		{Config{Email: []Email{{To: []string{"a@b.example\r\nBcc: c@d"}, From: "b@b.example", Server: "h:25"}}}, "alerts.email[0]"},
		{Config{Email: []Email{{To: []string{"a@b.example"}, From: "b@b.example", Server: "h"}}}, "alerts.email[0].server"},
		{Config{Email: []Email{{To: []string{"a@b.example"}, From: "b@b.example", Server: "h:25", TLS: "ssl"}}}, "alerts.email[0].tls"},
		{Config{Email: []Email{{To: []string{"a@b.example"}, From: "b@b.example", Server: "h:25", TLS: "none", Password: "S3cr3t"}}}, "in the clear"},
		{Config{Exec: []Exec{{}}}, "alerts.exec[0].command"},
		{Config{URL: "shop"}, "url"},
		{Config{Burst: -1}, "alerts"},
	} {
		err := c.cfg.Validate()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "S3cr3t") {
			t.Errorf("%v, want %q", err, c.want)
		}
		if _, err := New(c.cfg, NewMemory(), quiet()); err == nil {
			t.Error("New took it")
		}
	}
	ok := Config{Webhook: []Webhook{{URL: "http://h/x"}, {URL: "http://h/y"}}, Slack: []Slack{{URL: "https://h/x"}, {Token: "x", Channel: "C"}}, Alertmanager: []Alertmanager{{URLs: []string{"http://h:9093"}}},
		Email: []Email{{To: []string{"A <a@b.example>"}, From: "b@b.example", Server: "h:25"}}, Exec: []Exec{{Command: []string{"true"}}}}
	n, err := New(ok, NewMemory(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range n.channels {
		names = append(names, c.name)
	}
	expect(t, []string{"webhook", "webhook-2", "slack", "slack-2", "alertmanager", "email", "exec"}, names)
}
