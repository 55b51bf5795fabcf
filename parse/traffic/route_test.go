package traffic

import (
	"strings"
	"testing"
)

var routes = []struct{ path, want string }{
	{"", ""},
	{"/", "/"},
	{"//", "/"},
	{"*", "*"},
	{"/?a=1", "/"},
	{"/cart", "/cart"},
	{"/cart/", "/cart"},
	{"/cart//items", "/cart/items"},
	{"/product/5", "/product/:id"},
	{"/product/5?ref=mail#top", "/product/:id"},
	{"/product/5/reviews/17", "/product/:id/reviews/:id"},
	{"/api/v1/users/0b9c2f4e-3d1a-4c7b-9f00-1c2d3e4f5a6b", "/api/v1/users/:id"},
	{"/blob/da39a3ee5e6b4b0d3255bfef95601890afd80709", "/blob/:id"},
	{"/blob/deadbeefdeadbeef", "/blob/:id"},
	{"/commit/3f2a9c1b", "/commit/:id"},
	{"/cafe/facade", "/cafe/facade"},
	{"/archive/2026-01-31", "/archive/:date"},
	{"/archive/2026-01/index.html", "/archive/:date/index.html"},
	{"/archive/2026/01/31", "/archive/:id/:id/:id"},
	{"/static/app.3f2a9c1b.js", "/static/:slug.js"},
	{"/static/main.css", "/static/main.css"},
	{"/img/12345.jpg", "/img/:id.jpg"},
	{"/img/logo@2x.png", "/img/:id"},
	{"/fonts/inter.woff2", "/fonts/inter.woff2"},
	{"/shop/red-shoes-12345", "/shop/:slug"},
	{"/shop/red-shoes", "/shop/red-shoes"},
	{"/blog/how-to-fix-a-leaking-tap", "/blog/:slug"},
	{"/sku/SKU12345", "/sku/:id"},
	{"/t/dGhpcyBpcyBhIHRva2Vu", "/t/:id"},
	{"/t/QmFzZVNpeHRGb3VyV29yZHM", "/t/:id"},
	{"/u/someone@example.org", "/u/:id"},
	{"/search/%E4%BD%A0%E5%A5%BD", "/search/:slug"},
	{"/caf\xc3\xa9", "/:slug"},
	{"/a\x1b[31mb", "/:slug"},
	{"/app;jsessionid=8A7F9C", "/app"},
	{"/v1/projects/x:cancel", "/v1/projects/x:cancel"},
	{"/h264/utf8/s3/oauth2", "/h264/utf8/s3/oauth2"},
	{"/a/b/c/d/e/f/g/h", "/a/b/c/d/e/f/*"},
	{"/" + strings.Repeat("x", 41), "/:slug"},
	{strings.Repeat("/"+strings.Repeat("x", 40), 4), "/" + strings.Repeat("x", 40) + "/" + strings.Repeat("x", 40) + "/*"},
	{"http://shop.example/product/7?x", "/product/:id"},
	{"https://shop.example", "/"},
	{"/go?to=http://x/y", "/go"},
	{"\x16\x03\x01\x02", ":bad"},
	{"product/5", ":bad"},
}

func TestRoute(t *testing.T) {
	for _, c := range routes {
		t.Run(c.path, func(t *testing.T) {
			if got := Route(c.path); got != c.want {
				t.Errorf("Route(%q) = %q, want %q", c.path, got, c.want)
			}
			if again := Route(c.want); again != c.want {
				t.Errorf("the route %q has the route %q", c.want, again)
			}
		})
	}
}

func TestAppendRouteAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 2*maxRouteBytes)
	path := []byte("/api/v1/users/0b9c2f4e-3d1a-4c7b-9f00-1c2d3e4f5a6b/orders/12345?page=2")
	if n := testing.AllocsPerRun(100, func() { dst = AppendRoute(dst[:0], path) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPatterns(t *testing.T) {
	p, err := NewPatterns([]string{"/shop/:country/cart", "/files/*", "/:a/fixed/:b"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{"/shop/de/cart", "/shop/:country/cart"},
		{"/shop/de/cart/?x=1", "/shop/:country/cart"},
		{"/shop/de/cart/5", "/shop/de/cart/:id"},
		{"/shop//cart", "/shop/cart"},
		{"/files/a/b/c/7", "/files/*"},
		{"/files", "/files"},
		{"/files/", "/files"},
		{"/x/fixed/y", "/:a/fixed/:b"},
		{"/other/5", "/other/:id"},
		{"https://host/shop/fr/cart", "/shop/:country/cart"},
	} {
		if got := string(p.AppendRoute(nil, []byte(c.path))); got != c.want {
			t.Errorf("%q: got %q, want %q", c.path, got, c.want)
		}
	}
	for _, bad := range []string{"", "shop", "/a//b", "/*/a", "/a?b", "/" + strings.Repeat("x", maxRouteBytes)} {
		if _, err := NewPatterns([]string{bad}); err == nil {
			t.Errorf("pattern %q was accepted", bad)
		}
	}
}

func FuzzRoute(f *testing.F) {
	for _, c := range routes {
		f.Add(c.path)
	}
	p, err := NewPatterns([]string{"/shop/:country/cart", "/files/*"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		once := Route(path)
		if len(once) > maxRouteBytes {
			t.Fatalf("%d bytes: %q", len(once), once)
		}
		for _, c := range []byte(once) {
			if c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '%' {
				t.Fatalf("byte %#x in %q", c, once)
			}
		}
		if twice := Route(once); twice != once {
			t.Fatalf("%q: %q, then %q", path, once, twice)
		}
		named := p.AppendRoute(nil, []byte(path))
		if again := p.AppendRoute(nil, named); string(again) != string(named) {
			t.Fatalf("with patterns: %q: %q, then %q", path, named, again)
		}
	})
}

func BenchmarkRoute(b *testing.B) {
	paths := [][]byte{
		[]byte("/"), []byte("/cart"), []byte("/product/1234"), []byte("/static/app.3f2a9c1b.js?v=3"),
		[]byte("/api/v1/users/0b9c2f4e-3d1a-4c7b-9f00-1c2d3e4f5a6b/orders/12345?page=2"), []byte("/blog/how-to-fix-a-leaking-tap"),
	}
	var n int64
	for _, p := range paths {
		n += int64(len(p))
	}
	b.SetBytes(n)
	b.ReportAllocs()
	dst := make([]byte, 0, 2*maxRouteBytes)
	for b.Loop() {
		for _, p := range paths {
			dst = AppendRoute(dst[:0], p)
		}
	}
}
