package web

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"why503/aggregate"
	"why503/parse"
	"why503/rules"
)

// hostileTexts are what strangers may put into a log; each carries a mark that
// no page of ours has.
var hostileTexts = map[string]string{
	"markup":      `<evil503 id=x>"><script>evil503()</script><img src=x onerror=evil503()>`,
	"quotes":      `" onmouseover="evil503()" x='evil503' data-evil503="`,
	"svg":         `</text></svg><evil503><style>*{display:none}</style>`,
	"title":       `</title></textarea></pre></style></script><evil503>`,
	"entities":    `&lt;evil503&gt;&#60;evil503&#62;&quot; onload=evil503`,
	"url":         `javascript:evil503()`,
	"data url":    `data:text/html,<evil503>`,
	"template":    "{{.Evil503}}${evil503}<%evil503%>`evil503`",
	"terminal":    "\x1b]0;evil503\x07\x1b[2Jevil503",
	"bidi":        "evil503\u202e\u2066txt.exe\u200b\ufeff",
	"bytes":       "evil503\xff\xfe\x00\xc3(",
	"lines":       "evil503\r\nSet-Cookie: evil503=1\r\n\r\nevent: evil503\ndata: x\n\n",
	"separators":  "evil503\u2028\u2029\u0085",
	"formula":     `=HYPERLINK("http://evil503.example","x")`,
	"sql":         `evil503'; DROP TABLE failures; --`,
	"percent":     `%3Cevil503%3E%00%ff/../..`,
	"comment":     `--><evil503><!-- ]]><![CDATA[`,
	"long":        "evil503<b>" + strings.Repeat("A", 32<<10),
	"path":        `//evil503.example/\evil503`,
	"refresh":     `0;url=//evil503.example`,
	"css":         `evil503;}*{background:url(//evil503.example)}`,
	"newline tag": "\n<evil503\n onclick=\nevil503()>",
}

// spoil puts text into every field that holds text of a log.
func spoil(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Pointer:
		if !v.IsNil() {
			spoil(v.Elem(), text)
		}
	case reflect.Slice:
		for i := range v.Len() {
			spoil(v.Index(i), text)
		}
	case reflect.Map:
		if v.Type().Key().Kind() == reflect.String && v.Type().Elem().Kind() == reflect.String {
			v.Set(reflect.ValueOf(map[string]string{text: text, "backend": text}))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				spoil(v.Field(i), text)
			}
		}
	}
}

// hostileServer is the shop with text in every field, but for what its store
// needs to find anything: the class, the end, the id of an incident.
func hostileServer(t testing.TB, text string) (*Server, *memoryStore, *liveState) {
	t.Helper()
	s, store, live := newServer(t, func(c *Config) {
		c.Explain = func([]byte) (*parse.Request, *rules.Verdict, func(parse.SourceID) string, error) {
			q, v := told(text)
			return q, v, func(parse.SourceID) string { return text }, nil
		}
	})
	store.rows = store.rows[:40]
	ms := 4.5
	store.records = map[string][]byte{}
	for i := range store.rows {
		f := &store.rows[i]
		end, class, id, rid := f.Ended, f.Class, f.UID, f.RequestID
		f.Attempts = []aggregate.Attempt{{SentMS: &ms}}
		f.Missing = []aggregate.Missing{{Why: "not_given"}}
		f.Trigger = &aggregate.Trigger{BeforeS: 3}
		spoil(reflect.ValueOf(f).Elem(), text)
		f.Ended, f.Class = end, class
		if i%2 == 0 {
			f.UID, f.RequestID = id, rid
			store.records[id] = []byte{1}
		}
	}
	for i := range store.incidents {
		in := &store.incidents[i]
		id := in.ID
		in.Trigger = &aggregate.Trigger{BeforeS: 3}
		in.Missing = []aggregate.MissingCount{{}}
		in.Localisation = []aggregate.Local{{}}
		spoil(reflect.ValueOf(in).Elem(), text)
		in.ID, in.MergedInto, in.Sentence = id, "", ""
		in.Reached = map[string]int64{text: 3, "late": 4}
	}
	spoil(reflect.ValueOf(&store.marks).Elem(), text)
	for i := range store.marks {
		store.marks[i].At = now.Add(-10 * time.Minute)
	}
	spoil(reflect.ValueOf(&store.sources).Elem(), text)
	spoil(reflect.ValueOf(&live.status).Elem(), text)
	return s, store, live
}

var ourElements = regexp.MustCompile(`^(html|head|body|meta|title|link|script|a|svg|defs|pattern|rect|circle|path|header|div|details|summary|ul|ol|li|nav|form|label|input|small|kbd|p|span|time|button|main|footer|dialog|h1|h2|h3|dl|dt|dd|section|b|figure|desc|line|text|polyline|polygon|g|table|thead|tbody|tr|th|td|code|pre|select|option)$`)

var ourAttributes = regexp.MustCompile(`^(lang|charset|name|content|rel|id|type|href|src|class|width|height|viewbox|patternunits|patterntransform|x|y|x1|x2|y1|y2|cx|cy|r|dy|d|points|fill|text-anchor|aria-[a-z]+|role|focusable|tabindex|for|action|method|value|maxlength|placeholder|hidden|scope|colspan|required|title|open|selected|autofocus|autocomplete|readonly|data-(state|page|path|follows|site|live|list|select|order|from|to|row|copy)|preserveaspectratio)$`)

// checkPage parses a page and finds in it what is not ours: elements,
// attributes, addresses, scripts.
func checkPage(t *testing.T, body string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		switch n.Type {
		case html.CommentNode:
			t.Errorf("a comment: %.100s", n.Data)
		case html.TextNode:
			for _, r := range n.Data {
				if r != '\n' && r != '\t' && r != '\u00a0' && (!unicode.IsGraphic(r) || r == unicode.ReplacementChar) {
					t.Fatalf("%q is shown as it is in <%s %v> %.100q", r, n.Parent.Data, n.Parent.Attr, n.Data)
				}
			}
			if (n.Parent.Data == "script" || n.Parent.Data == "style") && strings.TrimSpace(n.Data) != "" {
				t.Errorf("a script within the page: %.100s", n.Data)
			}
		case html.ElementNode:
			if !ourElements.MatchString(strings.ToLower(n.Data)) {
				t.Errorf("an element <%s>", n.Data)
			}
			for _, a := range n.Attr {
				key := strings.ToLower(a.Key)
				if !ourAttributes.MatchString(key) {
					t.Errorf("an attribute %s of <%s>", a.Key, n.Data)
				}
				if strings.ContainsFunc(a.Val, func(r rune) bool { return !unicode.IsGraphic(r) && r != '\n' }) && key != "value" {
					t.Errorf("an attribute %s with a control: %.100q", key, a.Val)
				}
				switch key {
				case "href", "src", "action":
					if u, err := url.Parse(a.Val); err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") || strings.HasPrefix(a.Val, "//") || strings.Contains(a.Val, `\`) {
						t.Errorf("%s leads to %.100q", key, a.Val)
					}
				case "fill":
					if !regexp.MustCompile(`^url\(#p-[A-Za-z0-9]+\)$`).MatchString(a.Val) {
						t.Errorf("fill is %.100q", a.Val)
					}
				case "class", "id":
					if strings.Contains(a.Val, "evil") {
						t.Errorf("%s is %.100q", key, a.Val)
					}
				}
			}
		}
	}
}

func TestNothingOfALogBecomesMarkup(t *testing.T) {
	for name, text := range hostileTexts {
		t.Run(name, func(t *testing.T) {
			s, store, _ := hostileServer(t, text)
			h := s.Handler()
			short := text[:min(len(text), 200)]
			if !strings.Contains(text, "\xff") {
				short = strings.ToValidUTF8(short, "")
			}
			q := url.QueryEscape(short)
			pages := []string{
				"/", "/?site=" + q, "/?cause=" + q + "&backend=" + q + "&q=" + q, "/?from=" + q, "/?order=" + q, "/?from=2026-11-22T21:00:00Z&to=2026-11-22T21:20:00Z",
				"/incidents", "/incidents?site=" + q, "/incidents/20261122T2117Z-1f2e3d4c", "/incidents/" + url.PathEscape(short),
				"/history", "/history?q=" + q + "&cause=" + q, "/history?cursor=" + q, "/requests/" + store.rows[0].UID, "/requests/" + url.PathEscape(short), "/" + url.PathEscape(short), "/login",
			}
			for _, p := range pages {
				w := get(t, h, p)
				if w.Code >= 500 {
					t.Errorf("%.80s: %d", p, w.Code)
				}
				if loc := w.Header().Get("Location"); loc != "" && (!strings.HasPrefix(loc, "/") || strings.HasPrefix(loc, "//")) {
					t.Errorf("%.80s leads to %q", p, loc)
				}
				if w.Header().Get("Content-Type") == "text/html; charset=utf-8" {
					checkPage(t, w.Body.String())
				}
				for k, v := range w.Header() {
					if strings.Contains(strings.ToLower(k+strings.Join(v, "")), "set-cookie: evil") || k == "Set-Cookie" {
						t.Errorf("%.80s sets a header %s: %q", p, k, v)
					}
				}
				if w.Body.Len() > 24<<20 {
					t.Errorf("%.80s is %d bytes", p, w.Body.Len())
				}
			}
		})
	}
}

func TestNothingOfALogIsObeyedInJSON(t *testing.T) {
	for name, text := range hostileTexts {
		t.Run(name, func(t *testing.T) {
			text = text[:min(len(text), 4<<10)] // a list of long rows is long
			s, store, _ := hostileServer(t, text)
			h := s.Handler()
			q := url.QueryEscape(strings.ToValidUTF8(text[:min(len(text), 200)], ""))
			for _, p := range []string{
				"/api/v1/summary", "/api/v1/timeseries", "/api/v1/failures?limit=5", "/api/v1/incidents", "/api/v1/incidents/20261122T2117Z-1f2e3d4c", "/api/v1/requests/" + store.rows[0].UID,
				"/api/v1/check", "/api/v1/sources", "/api/v1/marks", "/api/v1/summary?" + q + "=" + q, "/api/v1/requests/" + q, "/api/v1/" + q,
			} {
				w := get(t, h, p)
				if w.Code >= 500 {
					t.Fatalf("%.80s: %d %.200s", p, w.Code, w.Body)
				}
				if kind := w.Header().Get("Content-Type"); kind != "application/json" && kind != "application/problem+json" {
					t.Errorf("%.80s is %s", p, kind)
				}
				var v any
				if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
					t.Errorf("%.80s: %v", p, err)
				}
				for _, r := range w.Body.String() {
					if r != '\n' && !unicode.IsGraphic(r) {
						t.Fatalf("%.80s has %q as it is", p, r)
					}
				}
				if strings.ContainsAny(w.Body.String(), "<>") {
					t.Errorf("%.80s has markup that a browser could take for a page", p)
				}
			}
		})
	}
}

func TestNothingOfALogBreaksOutOfTheStream(t *testing.T) {
	for name, text := range hostileTexts {
		if name == "long" {
			continue // an event has the figures and the sentence, which are short
		}
		t.Run(name, func(t *testing.T) {
			s, _, _ := hostileServer(t, text)
			for _, line := range streamed(t, s, "/api/v1/events", 1) {
				name, value, ok := strings.Cut(line, ": ")
				if line == "" || strings.HasPrefix(line, ":") {
					continue
				}
				if !ok || !slices.Contains([]string{"event", "id", "data"}, name) || name == "event" && value != "change" {
					t.Errorf("a line %q", line)
				}
			}
		})
	}
}

// streamed returns the lines of the first n events.
func streamed(t testing.TB, s *Server, target string, n int) []string {
	t.Helper()
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	defer s.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Content-Encoding") != "" {
		t.Fatal(resp.Header)
	}
	var out []string
	for in := bufio.NewScanner(resp.Body); n > 0 && in.Scan(); {
		out = append(out, in.Text())
		if in.Text() == "" && len(out) > 1 {
			n--
		}
	}
	return out
}
