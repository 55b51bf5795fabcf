package loggen

import (
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// A fault is what was wrong with a request.
type fault uint8

const (
	none     fault = iota
	refused        // Varnish could not connect to nginx; in front of nginx alone, nginx to the application
	timeout        // the application answered after Varnish had given up
	appError       // the application answered 500, with a stack trace
	appDown        // nginx could not connect to the application
	closed         // the application's worker was killed while it answered
	numFaults
)

// How Varnish handled a request.
type handling uint8

const (
	hit handling = iota
	miss
	pass
)

// Times that the proxies of the site are set to.
const (
	firstByteTimeout = int64(2 * time.Second)  // Varnish
	readTimeout      = int64(10 * time.Second) // nginx
)

// A request is one request and all that anybody wrote of it.
type request struct {
	number   int64 // of a Stream
	start    int64 // ns since the epoch
	total    int64 // ns until the client had its answer from Varnish
	app      int64 // ns that the application took
	fault    fault
	handling handling
	post     bool

	path    []byte
	agent   string
	referer string
	client  [15]byte // dotted address
	clientN int

	status int // of the application, when it answered
	size   int64

	id      [2]uint64 // of X-Request-ID
	nginxID [2]uint64 // of nginx's own $request_id
	session uint64    // VXIDs
	vxid    uint64
	bereq   uint64
	stored  uint64 // VXID of the fetch that stored what was hit
	conn    uint64 // number that the nginx behind Varnish gave to Varnish's connection
	onConn  uint64 // number of the request on it
	port    int64  // of the client
	pid     int64  // of the application's worker
	dice    uint64 // for details of a line
}

func (r *request) method() string {
	if r.post {
		return "POST"
	}
	return "GET"
}

// A generator makes requests one after another.
type generator struct {
	c     Config
	rng   *rand.PCG
	begin float64 // ns since the epoch
	now   float64 // ns since begin
	vxid  uint64
	conn  uint64
	lanes []lane
}

// A lane is a connection of Varnish to nginx, which serves one request at a
// time.
type lane struct {
	free   int64 // ns; when its last request was done
	conn   uint64
	served uint64
}

// connect gives a connection to a request: an idle one that is found in a few
// tries, or a new one.
func (g *generator) connect(r *request, x *uint64) {
	const tries, most = 4, 100
	var l *lane
	for range min(tries, len(g.lanes)) {
		if try := &g.lanes[below(x, uint64(len(g.lanes)))]; try.free <= r.start {
			l = try
			break
		}
	}
	if l == nil {
		g.lanes = append(g.lanes, lane{served: most})
		l = &g.lanes[len(g.lanes)-1]
	}
	if l.served >= most {
		g.conn++
		l.conn, l.served = g.conn, 0
	}
	l.served++
	l.free = r.start + r.total
	r.conn, r.onConn = l.conn, l.served
	if r.fault == timeout {
		l.served = most // Varnish closes it
	}
}

func newGenerator(c Config) *generator {
	begin := float64(c.Start.UnixNano())
	return &generator{c: c, rng: rand.NewPCG(c.Seed, 0x9e3779b97f4a7c15), begin: begin, vxid: 1}
}

// below returns a number below n, from bits of x that later calls do not use.
func below(x *uint64, n uint64) uint64 {
	v := (*x >> 32) * n >> 32
	*x = *x*0x9e3779b97f4a7c15 + 0x632be59bd9b4e019
	return v
}

// share returns a number from 0 to below 1.
func (g *generator) share() float64 { return float64(g.rng.Uint64()>>11) / (1 << 53) }

func (g *generator) next(r *request) {
	g.now += -math.Log(1-g.share()) / g.c.Rate * 1e9
	x := g.rng.Uint64()
	*r = request{path: r.path[:0], start: int64(g.begin) + int64(g.now)/1000*1000}

	g.route(r, &x)
	r.agent = agents[below(&x, uint64(len(agents)))]
	r.referer = referers[below(&x, uint64(len(referers)))]
	r.setClient(uint32(below(&x, 20_000)))
	r.port = 1024 + int64(below(&x, 64_000))
	r.pid = 4000 + int64(below(&x, 16))
	r.app = int64(time.Millisecond) + int64(below(&x, uint64(8*time.Millisecond)))
	if below(&x, 50) == 0 {
		r.app *= 20 // some are slow, and work
	}
	r.size = 200 + int64(below(&x, 30_000))
	r.status = 200
	switch below(&x, 100) {
	case 0, 1, 2:
		r.status, r.size = 404, 146
	case 3, 4, 5, 6:
		r.status, r.size = 304, 0
	case 7:
		r.status, r.size = 301, 169
	}
	r.fault = g.fault(&x)
	g.settle(r, &x)

	r.id = [...]uint64{g.rng.Uint64(), g.rng.Uint64()}
	r.nginxID = [...]uint64{x * 0xbf58476d1ce4e5b9, x ^ uint64(r.start)}
	r.session, r.vxid, r.bereq = g.vxid, g.vxid+1, g.vxid+2
	r.stored = max(g.vxid-min(g.vxid-1, below(&x, 3000)), 2)
	g.vxid += 3
	if r.handling != hit && r.fault != refused {
		g.connect(r, &x)
	}
	r.dice = x
}

// fault decides whether a request fails, and how.
func (g *generator) fault(x *uint64) fault {
	p := g.c.Failures
	if g.c.Bursts {
		// In the first seconds of each minute half of the requests fail.
		every := float64(60e9)
		if g.c.Every > 0 {
			every = float64(g.c.Every)
		}
		in := max(0.5, p)
		if math.Mod(g.now, every) >= every*p/in {
			return none
		}
		p = in
	}
	if s := &g.c.Storm; g.now >= float64(s.After) && g.now < float64(s.After+s.For) {
		p = s.Failures
	}
	if g.share() >= p {
		return none
	}
	return 1 + fault(below(x, uint64(numFaults)-1))
}

// settle makes what follows of the fault: how long it took, what was answered.
func (g *generator) settle(r *request, x *uint64) {
	switch {
	case r.fault == none && !r.post && below(x, 100) < 60:
		r.handling = hit
		r.total = 80_000 + int64(below(x, 200_000))
		return
	case r.post || below(x, 3) == 0:
		r.handling = pass
	default:
		r.handling = miss
	}
	switch r.fault {
	case refused:
		r.total, r.size = 2*hop, 157
		return
	case timeout:
		r.app = firstByteTimeout + 100_000_000 + int64(below(x, uint64(4*time.Second)))
		r.total = firstByteTimeout + 2*hop
		r.status, r.size = 200, 167
		return
	case appError:
		r.status, r.size = 500, 97
	case appDown:
		r.status, r.size, r.app = 502, 157, 0
	case closed:
		r.status, r.size = 502, 157
	}
	r.total = r.app + 4*hop
}

// answer returns the status that the client got from Varnish.
func (r *request) answer() int {
	if r.fault == refused || r.fault == timeout {
		return 503
	}
	return r.status
}

// frontAnswer returns the status that the client got of an nginx that has the
// application right behind it.
func (r *request) frontAnswer() int {
	switch r.fault {
	case refused:
		return 502
	case timeout:
		return 504
	}
	return r.status
}

// route makes the path of a request.
func (g *generator) route(r *request, x *uint64) {
	b := r.path
	num := func(n uint64) { b = strconv.AppendUint(b, below(x, n), 10) }
	switch k := below(x, 100); {
	case k < 25:
		b = append(b, "/product/"...)
		num(50_000)
	case k < 40:
		b = append(b, "/category/"...)
		num(300)
		b = append(b, "?page="...)
		num(20)
	case k < 50:
		b = append(append(b, "/static/"...), assets[below(x, uint64(len(assets)))]...)
	case k < 60:
		b = append(b, "/img/"...)
		num(90_000)
		b = append(b, "_large.jpg"...)
	case k < 70:
		b = append(append(b, "/api/search?q="...), words[below(x, uint64(len(words)))]...)
		b = append(b, "&limit="...)
		num(50)
	case k < 80:
		r.post = true
		b = append(b, "/api/cart/"...)
		num(900_000)
		b = append(b, "/items"...)
	case k < 85:
		b = append(append(b, "/blog/how-to-choose-the-right-"...), words[below(x, uint64(len(words)))]...)
	case k < 90:
		b = append(b, "/account/orders/"...)
		num(1_000_000)
	default:
		b = append(b, '/')
	}
	r.path = b
}

func (r *request) setClient(n uint32) {
	b := append(r.client[:0], "10."...)
	for i, x := range [...]uint32{n >> 8 & 0xff, n & 0xff, 1 + n%250} {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendUint(b, uint64(x), 10)
	}
	r.clientN = len(b)
}

var (
	agents = []string{
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
		"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
		"curl/8.7.1", "okhttp/4.12.0", "python-requests/2.32.3", "-",
	}
	referers = []string{
		"-", "-", "-", "-", "https://www.google.com/", "https://shop.example/", "https://shop.example/category/17?page=2",
		"https://news.example/2026/01/02/a-story-with-a-long-name",
	}
	assets = []string{"js/app.3f2a9c1b.js", "js/vendor.77ab01de.js", "css/main.0c4d11aa.css", "fonts/inter-var.woff2", "favicon.ico"}
	words  = []string{"bicycle", "lamp", "tent", "kettle", "boots", "drill", "carpet", "mirror", "saddle", "rucksack"}
)
