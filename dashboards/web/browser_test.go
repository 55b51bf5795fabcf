//go:build integration

package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"why503/parse"
	"why503/rules"
)

// A browser is a Chromium and what it told of: messages of its console, faults
// of scripts, and every address that it asked for.
type browser struct {
	ctx context.Context
	mu  sync.Mutex
	bad []string
}

// chromium starts a browser of its own for a test.
func chromium(t *testing.T) *browser {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium here: install Debian's chromium to test the page in a browser")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()))
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox) // it refuses to sandbox itself as root
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewContext(ctx)
	t.Cleanup(stop)
	ctx, end := context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(end)
	b := &browser{ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting %s: %v", path, err)
	}
	if err := b.listen(); err != nil {
		t.Fatal(err)
	}
	return b
}

// listen gathers what the page must not do: write to the console, throw, break
// the policy, ask any other host than this machine.
func (b *browser) listen() error {
	add := func(format string, args ...any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.bad = append(b.bad, fmt.Sprintf(format, args...))
	}
	err := chromedp.Listen(b.ctx, func(ev any) {
		switch e := ev.(type) {
		case *runtime.EventConsoleAPICalled:
			add("the console: %s %v", e.Type, e.Args)
		case *runtime.EventExceptionThrown:
			add("an exception: %s %v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
		case *log.EventEntryAdded:
			if !strings.Contains(e.Entry.Text, "status of 40") { // the browser's own word for pages that are not there
				add("the browser's log: %s %s", e.Entry.Text, e.Entry.URL)
			}
		case *network.EventRequestWillBeSent:
			if u, err := url.Parse(e.Request.URL); err != nil || u.Hostname() != "127.0.0.1" {
				add("asked for %.200s", e.Request.URL)
			}
		}
	})
	if err != nil {
		return err
	}
	if _, err := chromedp.Call(b.ctx, log.Enable, cdp.Empty{}); err != nil {
		return err
	}
	_, err = chromedp.Call(b.ctx, network.Enable, network.EnableParams{})
	return err
}

// do runs steps, any failure of which ends the test.
func (b *browser) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// js evaluates an expression.
func js[T any](t *testing.T, b *browser, expression string) T {
	t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// until waits for an expression to be true.
func (b *browser) until(t *testing.T, expression string) {
	t.Helper()
	for range 100 {
		if js[bool](t, b, expression) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("never: %s", expression)
}

func (b *browser) theme(t *testing.T, name string) {
	t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
	if err != nil {
		t.Fatal(err)
	}
}

// clean fails the test for whatever the browser complained of.
func (b *browser) clean(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.bad {
		t.Error(s)
	}
	b.bad = nil
}

// shot keeps a picture of the page where SHOTS names a folder.
func (b *browser) shot(t *testing.T, name string, whole bool) {
	t.Helper()
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	take := chromedp.CaptureScreenshot()
	if whole {
		take = chromedp.FullScreenshot(100)
	}
	png, err := chromedp.Run(b.ctx, take)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

// open serves s and returns its address.
func open(t *testing.T, s *Server) string {
	t.Helper()
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		s.Close()
		srv.CloseClientConnections() // browsers open some that they never use, which Close would wait for
		srv.Close()
	})
	return srv.URL
}

func toldServer(t *testing.T) (*Server, *memoryStore, *liveState) {
	s, store, live := newServer(t, func(c *Config) {
		c.Explain = func([]byte) (*parse.Request, *rules.Verdict, func(parse.SourceID) string, error) {
			q, v := told("")
			names := []string{"varnishlog.log", "nginx-access.log", "php-fpm-access.log", "mariadb-slow.log"}
			return q, v, func(id parse.SourceID) string { return names[id] }, nil
		}
	})
	store.records = map[string][]byte{uid(300): {1}}
	return s, store, live
}

var allPages = map[string]string{
	"now": "/", "selected": "/?from=2026-11-22T20:30:00Z&to=2026-11-22T20:50:00Z", "incidents": "/incidents", "incident": "/incidents/20261122T2117Z",
	"request": "/requests/req-000300", "history": "/history", "missing": "/requests/none", "row": "/requests/req-000200",
}

// contrast returns the texts of a page that are too pale on what is behind
// them, by the formula of WCAG 2.
//
// https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
const contrast = `(() => {
  const channels = c => { const m = c.match(/[\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
  const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
  const ground = e => { for (; e; e = e.parentElement) { const c = channels(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
  const out = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !e.getClientRects().length || e.closest("defs, title, desc, script, .skip, .quiet-only, .partial")) continue;
    const style = getComputedStyle(e);
    if (style.visibility === "hidden") continue;
    const a = luminance(channels(e.closest("svg") ? style.fill : style.color)), b = luminance(ground(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) out.push(ratio.toFixed(2) + " " + e.tagName + "." + e.className + " " + walk.currentNode.data.trim().slice(0, 40));
  }
  return out;
})()`

func TestPagesInABrowser(t *testing.T) {
	s, _, _ := toldServer(t)
	at := open(t, s)
	b := chromium(t)
	for _, size := range []struct {
		name string
		w, h int64
	}{{"wide", 1280, 800}, {"phone", 360, 640}} {
		for _, theme := range []string{"light", "dark"} {
			b.theme(t, theme)
			for name, path := range allPages {
				t.Run(fmt.Sprintf("%s %s %s", name, size.name, theme), func(t *testing.T) {
					b.do(t, chromedp.EmulateViewport(size.w, size.h), chromedp.Navigate(at+path))
					if wide := js[int64](t, b, "document.documentElement.scrollWidth"); wide > size.w {
						t.Errorf("the page is %d wide: %v", wide, js[[]string](t, b, fmt.Sprintf(`[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > %d).slice(0, 5).map(e => e.tagName + "." + e.className)`, size.w)))
					}
					for _, pale := range js[[]string](t, b, contrast) {
						t.Errorf("pale text: %s", pale)
					}
					if size.name == "phone" {
						small := `[...document.querySelectorAll("header a, header button, .button, form button, .legend a, .list .at a")].filter(e => e.getClientRects().length && e.getBoundingClientRect().height < 43.5).map(e => e.outerHTML.slice(0, 80))`
						for _, e := range js[[]string](t, b, small) {
							t.Errorf("a target below 44 px: %s", e)
						}
					}
					b.shot(t, strings.Join([]string{name, size.name, theme}, "-"), false)
					if name == "now" && size.name == "wide" {
						if bottom := js[float64](t, b, `document.querySelector("#ledger").getBoundingClientRect().bottom`); bottom > 800 {
							t.Errorf("the ledger ends at %.0f, below the fold", bottom)
						}
					}
					if name == "now" && size.name == "phone" {
						if top := js[float64](t, b, `document.querySelector("#plot .narrow").getBoundingClientRect().top`); top > 560 {
							t.Errorf("the plot begins at %.0f, below the fold", top)
						}
					}
					b.clean(t)
				})
			}
		}
	}
}

func TestKeysInABrowser(t *testing.T) {
	s, _, _ := toldServer(t)
	at := open(t, s)
	b := chromium(t)
	key := func(k string) { t.Helper(); b.do(t, chromedp.KeyEvent(k)) }
	path := func(want string) {
		t.Helper()
		b.until(t, fmt.Sprintf("location.pathname + location.search === %q && document.readyState === 'complete'", want))
	}
	b.do(t, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(at+"/"))
	key(kb.Tab)
	if js[string](t, b, "document.activeElement.className") != "skip" {
		t.Error("the first stop is not the skip link")
	}
	if js[string](t, b, "getComputedStyle(document.activeElement).outlineWidth") != "2px" {
		t.Error("the focus has no ring")
	}
	b.do(t, chromedp.Evaluate[chromedp.Void]("document.activeElement.blur()"))
	key("2")
	path("/incidents")
	key("j")
	key("j")
	key("k")
	if !js[bool](t, b, `document.activeElement === document.querySelector("[data-row] a")`) {
		t.Error("j and k do not go through the rows")
	}
	key(kb.Enter)
	path("/incidents/20261122T2117Z-1f2e3d4c")
	key("e")
	if js[bool](t, b, `[...document.querySelectorAll("details.evidence")].some(d => d.open !== document.querySelector("details.evidence").open)`) {
		t.Error("e does not turn all folds alike")
	}
	key("u")
	path("/incidents")
	key("3")
	path("/history")
	key("1")
	path("/")
	key("/")
	if js[string](t, b, "document.activeElement.id") != "find" {
		t.Error("/ does not lead to find")
	}
	b.do(t, chromedp.Evaluate[chromedp.Void](`document.querySelector("#find").value = ""`))
	key("req-000300")
	key(kb.Enter)
	b.until(t, "location.pathname.startsWith('/requests/')")
	b.do(t, chromedp.Navigate(at+"/"))
	key("?")
	if !js[bool](t, b, `document.querySelector("#keys").open`) {
		t.Error("? does not list the keys")
	}
	key("?")
	before := js[string](t, b, "getComputedStyle(document.body).backgroundColor")
	key("t")
	if js[string](t, b, "getComputedStyle(document.body).backgroundColor") == before {
		t.Error("t does not change the theme")
	}
	b.do(t, chromedp.Reload())
	if js[string](t, b, "getComputedStyle(document.body).backgroundColor") == before {
		t.Error("the theme is not remembered")
	}
	key("l")
	b.until(t, "new URLSearchParams(location.search).has('from') && document.querySelector('#live').textContent.includes('go live')")
	key("l")
	b.until(t, "location.search === '' && document.querySelector('#live').textContent.includes('live')")
	key("+")
	b.until(t, "new URLSearchParams(location.search).has('from')")
	half := js[float64](t, b, "(p => Date.parse(p.get('to')) - Date.parse(p.get('from')))(new URLSearchParams(location.search))")
	if half < 29*60e3 || half > 32*60e3 {
		t.Errorf("+ zooms to %v min", half/60e3)
	}
	from := js[string](t, b, "new URLSearchParams(location.search).get('from')")
	key("[")
	b.until(t, fmt.Sprintf("new URLSearchParams(location.search).get('from') < %q", from))
	b.do(t, chromedp.NavigateBack())
	b.until(t, fmt.Sprintf("new URLSearchParams(location.search).get('from') === %q", from))

	b.do(t, chromedp.Navigate(at+"/"), chromedp.Focus("#drawn"))
	key(kb.ArrowLeft)
	key(kb.ArrowLeft)
	key(kb.ArrowLeft)
	if said := js[string](t, b, `document.querySelector("#readout").textContent`); !strings.HasPrefix(said, "21:22: ") || !strings.Contains(said, "database.lock_wait") {
		t.Errorf("the readout is %q", said)
	}
	b.do(t, chromedp.KeyEvent(kb.ArrowLeft, chromedp.KeyModifiers(kb.ModifierShift)), chromedp.KeyEvent(kb.ArrowLeft, chromedp.KeyModifiers(kb.ModifierShift)))
	key(kb.Enter)
	path("/?from=2026-11-22T21%3A20%3A00Z&to=2026-11-22T21%3A23%3A00Z")
	b.until(t, `document.querySelector("#state").textContent.includes("Paused")`)
	b.clean(t)
}

func TestAStretchIsSelectedByDragging(t *testing.T) {
	s, _, _ := toldServer(t)
	at := open(t, s)
	b := chromium(t)
	b.do(t, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(at+"/"))
	place := js[[]float64](t, b, `(() => { const c = [...document.querySelectorAll("#plot-wide .hit")].map(e => e.getBoundingClientRect()); return [c[20].x + 3, c[20].y + 150, c[40].x + 3, c[40].y + 150]; })()`)
	b.do(t, chromedp.DragAndDropXY(place[0], place[1], place[2], place[3]))
	b.until(t, "location.search === '?from=2026-11-22T20%3A45%3A00Z&to=2026-11-22T21%3A06%3A00Z'")
	b.until(t, `document.querySelectorAll("#plot-wide .col").length === 21`)
	b.clean(t)
}

func TestFiguresFollowInABrowser(t *testing.T) {
	var later atomic.Int64
	s, store, live := newServer(t, func(c *Config) { c.Now = func() time.Time { return now.Add(time.Duration(later.Load())) } })
	at := open(t, s)
	b := chromium(t)
	b.do(t, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(at+"/"))
	b.until(t, `document.querySelector("#sentence").textContent.startsWith("412")`)
	b.until(t, "document.readyState === 'complete'")
	time.Sleep(fresh + 200*time.Millisecond)
	store.set(func() {
		store.incidents[0].Failures = 500
		store.incidents[0].Causes = slices.Clone(store.incidents[0].Causes)
		store.incidents[0].Causes[0].Count = 440
	})
	later.Store(int64(3 * time.Second))
	live.change()
	b.until(t, `document.querySelector("#sentence").textContent.startsWith("500")`)
	b.until(t, `document.querySelector("#sentence").classList.contains("changed")`)
	b.until(t, `!document.querySelector("#sentence").classList.contains("changed")`)
	b.until(t, `document.querySelector("#tables").textContent.includes("485")`)
	if title := js[string](t, b, "document.title"); !strings.HasPrefix(title, "● ") {
		t.Errorf("the title is %q", title)
	}
	store.set(func() {
		store.incidents[0].Ongoing, store.incidents[0].End = false, now
	})
	later.Store(int64(10 * time.Second))
	live.change()
	b.until(t, `document.documentElement.dataset.state === "over" && document.querySelector("#favicon").getAttribute("href").includes("over")`)
	b.until(t, `document.querySelector("#said").textContent.startsWith("500")`)
	b.clean(t)
}

func TestALostConnectionIsSaid(t *testing.T) {
	s, _, _ := toldServer(t)
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	b := chromium(t)
	b.do(t, chromedp.Navigate(srv.URL+"/"))
	b.until(t, "document.readyState === 'complete'")
	time.Sleep(300 * time.Millisecond)
	s.Close()
	b.until(t, `document.querySelector("#live").textContent.includes("trying again") && document.querySelector("#live .dot").classList.contains("hollow")`)
	if !js[bool](t, b, `document.querySelector("#sentence").textContent.startsWith("412")`) {
		t.Error("the figures went with the connection")
	}
}

func TestPagesPrint(t *testing.T) {
	s, _, _ := toldServer(t)
	at := open(t, s)
	b := chromium(t)
	for name, path := range allPages {
		b.do(t, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(at+path))
		pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF())
		if err != nil {
			t.Fatal(name, err)
		}
		if !strings.HasPrefix(string(pdf), "%PDF-") || len(pdf) < 5000 {
			t.Errorf("%s prints as %d bytes", name, len(pdf))
		}
		if dir := os.Getenv("SHOTS"); dir != "" {
			_ = os.WriteFile(filepath.Join(dir, name+".pdf"), pdf, 0o644)
		}
	}
	b.clean(t)
}

func TestHostileRowsDoNothingInABrowser(t *testing.T) {
	b := chromium(t)
	for name, text := range hostileTexts {
		t.Run(name, func(t *testing.T) {
			s, store, _ := hostileServer(t, text)
			at := open(t, s)
			for _, path := range []string{"/", "/incidents", "/incidents/20261122T2117Z-1f2e3d4c", "/history", "/requests/" + store.rows[0].UID} {
				b.do(t, chromedp.Navigate(at+path))
				b.until(t, "document.readyState === 'complete'")
				if n := js[int](t, b, `document.querySelectorAll("evil503, img, iframe, object, embed, [onerror], [onclick], [onload], [onmouseover], [data-evil503], main script, main style").length`); n > 0 {
					t.Errorf("%s: %d elements came from data", path, n)
				}
				for _, size := range []int64{360, 1280} {
					b.do(t, chromedp.EmulateViewport(size, 800))
					if wide := js[int64](t, b, "document.documentElement.scrollWidth"); wide > size {
						t.Errorf("%s is %d wide at %d: %v", path, wide, size, js[[]string](t, b, fmt.Sprintf(`[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > %d && !e.closest(".scroll")).slice(0, 5).map(e => e.tagName + "." + (e.className.baseVal ?? e.className))`, size)))
					}
				}
			}
			b.do(t, chromedp.Navigate("about:blank"))
			b.clean(t)
		})
	}
}

func TestThePageWorksWithoutScripts(t *testing.T) {
	s, _, _ := toldServer(t)
	at := open(t, s)
	b := chromium(t)
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.do(t, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(at+"/"), chromedp.Click("#incident"), chromedp.WaitVisible("#h-chain"))
	b.do(t, chromedp.Click(".list.requests a"), chromedp.WaitVisible(".facts"))
	b.clean(t)
}

func TestALoginInABrowser(t *testing.T) {
	s, _, _ := newServer(t, func(c *Config) { c.Token, c.Now = "s3cret", time.Now })
	at := open(t, s)
	b := chromium(t)
	b.do(t, chromedp.Navigate(at+"/history?q=cart"), chromedp.WaitVisible("input[name=token]"), chromedp.SendKeys("input[name=token]", "s3cret"+kb.Enter))
	b.until(t, "location.pathname + location.search === '/history?q=cart'")
	b.clean(t)
	var answer map[string]any
	text := js[string](t, b, `document.cookie`)
	if text != "" {
		t.Errorf("a script reads the cookie: %q", text)
	}
	resp, err := http.Get(at + "/api/v1/summary")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Error(resp.StatusCode, err)
	}
}
