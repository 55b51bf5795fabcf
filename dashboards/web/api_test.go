package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"why503/aggregate"
)

// description is openapi.yaml as JSON values.
func description(t testing.TB) map[string]any {
	t.Helper()
	b, err := files.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := yaml.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	if b, err = json.Marshal(doc); err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return v.(map[string]any)
}

// at walks down into JSON values.
func at(t testing.TB, v any, keys ...string) any {
	t.Helper()
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok || m[k] == nil {
			t.Fatalf("openapi.yaml has no %s", strings.Join(keys, " > "))
		}
		v = m[k]
	}
	return v
}

// schemaOf compiles a schema of openapi.yaml by its place in it.
func schemaOf(t testing.TB, doc map[string]any, pointer string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("openapi.json#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func escapePointer(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(s)
}

func holds(t testing.TB, s *jsonschema.Schema, body []byte) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("not JSON: %v\n%.300s", err, body)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%v\n%.300s", err, body)
	}
}

func TestEveryAnswerIsAsTheDescriptionSays(t *testing.T) {
	doc := description(t)
	s, store, _ := newServer(t)
	three := 3.0
	store.rows[0].Attempts = []aggregate.Attempt{{Backend: "app-1", SentMS: &three, Error: "first byte timeout"}}
	store.rows[0].Join.Score = &three
	store.rows[0].Trigger = &aggregate.Trigger{Kind: "deploy", What: "shop 1.8.3", BeforeS: 42}
	store.incidents[0].Missing = []aggregate.MissingCount{{Missing: aggregate.Missing{Source: "x", Kind: "app", Why: "not_given"}, Count: 4}}
	store.sources[0].Losses = []aggregate.Loss{{Reason: "overrun", Count: 3}}
	h := s.Handler()
	for path, targets := range map[string][]string{
		"/api/v1/summary":        {"?site=shop.example", "?from=2020-01-01T00:00:00Z&to=2020-01-01T01:00:00Z", "?incident=20261122T2117Z-1f2e3d4c"},
		"/api/v1/timeseries":     {"", "?step=5m&cause=database.lock_wait"},
		"/api/v1/failures":       {"?limit=3", "?q=nothing-has-this", "?class=all&backend=app-1"},
		"/api/v1/incidents":      {"", "?limit=1", "?site=none.example"},
		"/api/v1/incidents/{id}": {"20261122T2117Z-1f2e3d4c", "99aa00bb"},
		"/api/v1/requests/{id}":  {"req-000300", uid(12)[:8]},
		"/api/v1/check":          {"", "?window=1h&site=shop.example&backend=app-1", "?site=none.example"},
		"/api/v1/sources":        {""},
		"/api/v1/marks":          {"", "?site=shop.example"},
	} {
		schema := schemaOf(t, doc, "/paths/"+escapePointer(path)+"/get/responses/200/content/application~1json/schema")
		for _, rest := range targets {
			target := path + rest
			if strings.Contains(path, "{id}") {
				target = strings.Replace(path, "{id}", rest, 1)
			}
			t.Run(target, func(t *testing.T) {
				w := get(t, h, target)
				if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
					t.Fatalf("%d %s: %s", w.Code, w.Header().Get("Content-Type"), w.Body)
				}
				holds(t, schema, w.Body.Bytes())
			})
		}
	}
}

func TestEveryRouteOfTheAPIIsDescribedAndNoOther(t *testing.T) {
	doc := description(t)
	paths := at(t, doc, "paths").(map[string]any)
	s, _, _ := newServer(t)
	var served []string
	for _, r := range s.routes() {
		if !strings.HasPrefix(r.path, "/api/") && r.path != "/openapi.yaml" && r.path != "/healthz" && r.path != "/readyz" {
			continue
		}
		served = append(served, r.path)
		for _, method := range strings.Fields(r.methods) {
			at(t, doc, "paths", r.path, strings.ToLower(method))
		}
		if described, ok := paths[r.path].(map[string]any); ok {
			for k := range described {
				if !slices.Contains(strings.Fields(r.methods), strings.ToUpper(k)) {
					t.Errorf("%s %s is described and not served", k, r.path)
				}
			}
		}
	}
	for p := range paths {
		if !slices.Contains(served, p) {
			t.Errorf("%s is described and not served", p)
		}
	}
}

// The parameters that are described are those that are taken.
func TestEveryParameterIsDescribedAndNoOther(t *testing.T) {
	doc := description(t)
	s, _, _ := newServer(t)
	h := s.Handler()
	values := map[string]string{
		"from": "2026-11-22T20:00:00Z", "to": "2026-11-22T21:00:00Z", "site": "shop.example", "cause": "database.lock_wait", "backend": "app-1", "q": "cart",
		"class": "all", "incident": "20261122T2117Z-1f2e3d4c", "limit": "3", "step": "5m", "window": "5m", "cursor": "0", "order": "x", "other": "x",
	}
	for path, item := range at(t, doc, "paths").(map[string]any) {
		if !strings.HasPrefix(path, "/api/") || path == "/api/v1/events" {
			continue
		}
		described := map[string]bool{}
		if list, ok := at(t, item, "get").(map[string]any)["parameters"].([]any); ok {
			for _, ref := range list {
				name := strings.TrimPrefix(at(t, ref, "$ref").(string), "#/components/parameters/")
				described[at(t, doc, "components", "parameters", name, "name").(string)] = true
			}
		}
		id := "req-000300"
		if strings.Contains(path, "incidents") {
			id = "99aa00bb"
		}
		for name, value := range values {
			w := get(t, h, strings.Replace(path, "{id}", id, 1)+"?"+url.Values{name: {value}}.Encode())
			if taken := w.Code == http.StatusOK; taken != described[name] {
				t.Errorf("%s?%s=%s: taken %v, described %v: %s", path, name, value, taken, described[name], w.Body)
			}
		}
	}
}

func TestBadParametersAreNamedInAProblem(t *testing.T) {
	schema := schemaOf(t, description(t), "/components/schemas/Problem")
	s, _, _ := newServer(t)
	h := s.Handler()
	for target, names := range map[string][]string{
		"/api/v1/summary?form=2026-01-02T03:04:05Z":                                    {"form"},
		"/api/v1/summary?from=yesterday&to=":                                           {"from"},
		"/api/v1/summary?from=2026-01-02T03:04:05Z&to=2026-01-02T03:04:05Z":            {"to"},
		"/api/v1/summary?from=2020-01-02T03:04:05Z&to=2026-01-02T03:04:05Z":            {"from"},
		"/api/v1/summary?from=2199-01-02T03:04:05Z":                                    {"from"},
		"/api/v1/summary?site=" + strings.Repeat("x", 300):                             {"site"},
		"/api/v1/summary?site=a&site=b":                                                {"site"},
		"/api/v1/summary?q=%ff":                                                        {"q"},
		"/api/v1/summary?%zz":                                                          {""},
		"/api/v1/failures?limit=0&class=worst":                                         {"class", "limit"},
		"/api/v1/failures?limit=1001":                                                  {"limit"},
		"/api/v1/timeseries?step=90s":                                                  {"step"},
		"/api/v1/timeseries?step=1m&from=2026-01-02T03:04:05Z&to=2026-11-02T03:04:05Z": {"step"},
		"/api/v1/check?window=10d":                                                     {"window"},
		"/api/v1/check?window=-5m":                                                     {"window"},
		"/api/v1/events?from=2026-01-02T03:04:05Z":                                     {"from"},
	} {
		t.Run(target[:min(len(target), 70)], func(t *testing.T) {
			w := get(t, h, target)
			if w.Code != http.StatusBadRequest || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			holds(t, schema, w.Body.Bytes())
			var p problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range p.Errors {
				got = append(got, e.Parameter)
			}
			if p.Type != typeParams || p.Status != http.StatusBadRequest || !slices.Equal(got, names) {
				t.Errorf("got %+v, want errors of %q", p, names)
			}
		})
	}
}

func TestWhatIsNotThereIsAProblem(t *testing.T) {
	schema := schemaOf(t, description(t), "/components/schemas/Problem")
	s, _, _ := newServer(t)
	h := s.Handler()
	for target, status := range map[string]int{
		"/api/v1/incidents/none": http.StatusNotFound, "/api/v1/requests/none": http.StatusNotFound, "/api/v1/requests/" + strings.Repeat("1", 300): http.StatusNotFound,
		"/api/v1/nothing": http.StatusNotFound, "/api/": http.StatusNotFound, "/static/none.css": http.StatusNotFound,
	} {
		w := get(t, h, target)
		if w.Code != status || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
			continue
		}
		holds(t, schema, w.Body.Bytes())
	}
}

func TestListsGoOnByTheirCursor(t *testing.T) {
	s, store, _ := newServer(t)
	h := s.Handler()
	seen := map[string]bool{}
	next := ""
	for n := 0; ; n++ {
		w := get(t, h, "/api/v1/failures?limit=100&from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z&cursor="+url.QueryEscape(next))
		var page failures
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || n > 10 {
			t.Fatal(n, err)
		}
		for _, f := range page.Failures {
			if seen[f.UID] {
				t.Fatalf("%s comes twice", f.UID)
			}
			seen[f.UID] = true
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if len(seen) != len(store.rows) {
		t.Errorf("%d of %d rows", len(seen), len(store.rows))
	}
}

func TestTheCheckCountsTheWindow(t *testing.T) {
	s, store, live := newServer(t)
	w := get(t, s.Handler(), "/api/v1/check?window=5m")
	var c aggregate.Check
	if err := json.Unmarshal(w.Body.Bytes(), &c); err != nil {
		t.Fatal(err)
	}
	var want int64
	for i := range store.rows {
		if !ended(&store.rows[i]).Before(now.Add(-checkWindow)) {
			want++
		}
	}
	if c.WindowS != 300 || c.Failures != want || want == 0 || c.Causes[0].Cause != "database.lock_wait" || len(c.Backends) != 3 || c.LagS != 40 || c.Sources != 6 || c.SilentS != 1 {
		t.Errorf("%+v, want %d failures", c, want)
	}
	if c.Since == nil || !c.Since.Equal(store.incidents[0].Start) || c.LastLine == nil || c.Front != "varnish" {
		t.Errorf("since %v, last line %v, front %q", c.Since, c.LastLine, c.Front)
	}
	var sum int64
	for _, x := range c.Causes {
		sum += x.Count
	}
	if sum != c.Failures {
		t.Errorf("causes add up to %d of %d", sum, c.Failures)
	}
	live.status.Sources = nil
	store.incidents = nil
	w = get(t, s.Handler(), "/api/v1/check")
	c = aggregate.Check{}
	if err := json.Unmarshal(w.Body.Bytes(), &c); err != nil || c.LastLine != nil || c.Since != nil || c.SilentS != (30*60*60) {
		t.Errorf("%v %+v", err, c)
	}
}

func TestMarksAreKept(t *testing.T) {
	s, store, _ := newServer(t)
	h := s.Handler()
	post := func(kind, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/api/v1/marks", strings.NewReader(body))
		r.Host = "localhost"
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	schema := schemaOf(t, description(t), "/components/schemas/Mark")
	w := post("application/json", `{"kind":"deploy","site":"shop.example","what":"shop 1.8.3"}`)
	if w.Code != http.StatusCreated {
		t.Fatal(w.Code, w.Body)
	}
	holds(t, schema, w.Body.Bytes())
	if m := store.marks[len(store.marks)-1]; m.Kind != "deploy" || m.What != "shop 1.8.3" || !m.At.Equal(now) {
		t.Errorf("%+v", m)
	}
	w = post("application/x-www-form-urlencoded", "what=import+stopped&back=/incidents/x")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/incidents/x" {
		t.Error(w.Code, w.Header())
	}
	w = post("application/x-www-form-urlencoded", "what=x&back=//evil.example/")
	if w.Header().Get("Location") != "/" {
		t.Error("the form leads to", w.Header().Get("Location"))
	}
	n := len(store.marks)
	for _, body := range []string{"", "{}", `{"what":""}`, `{"what":"x","kind":"bomb"}`, `{"what":"x","more":1}`, `{"what":"x"} {}`, `[]`, `{"what":"x","at":"0000-01-01T00:00:00Z"}`, `{"what":"` + strings.Repeat("x", 600) + `"}`} {
		if w := post("application/json", body); w.Code != http.StatusBadRequest {
			t.Errorf("%.40s: %d", body, w.Code)
		}
	}
	if w := post("text/plain", `{"what":"x"}`); w.Code != http.StatusUnsupportedMediaType {
		t.Error(w.Code)
	}
	if len(store.marks) != n {
		t.Error("a mark that was refused is kept")
	}
}
