package nginx

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"why503/parse"
)

const (
	extended = combinedFormat + ` rid=$http_x_request_id rt=$request_time uct="$upstream_connect_time" ` +
		`uht="$upstream_header_time" urt="$upstream_response_time" ua="$upstream_addr" us="$upstream_status" conn=$connection msec=$msec`
	jsonFormat = `{"time":"$time_iso8601","msec":"$msec","remote_addr":"$remote_addr","request":"$request","status":"$status",` +
		`"bytes":"$body_bytes_sent","request_time":"$request_time","upstream_addr":"$upstream_addr","upstream_status":"$upstream_status",` +
		`"upstream_response_time":"$upstream_response_time","x_request_id":"$http_x_request_id","agent":"$http_user_agent"}`
)

// variety returns lines as a busy site writes them, in three formats: combined,
// extended and JSON.
func variety(n int) (combined, ext, json [][]byte) {
	rnd := rand.New(rand.NewPCG(5, 3))
	pick := func(s ...string) string { return s[rnd.IntN(len(s))] }
	for i := range n {
		at := fmt.Sprintf("%02d:%02d:%02d", 10+i/36000%10, i/600%60, i/10%60)
		addr := fmt.Sprintf("%d.%d.%d.%d", 1+rnd.IntN(220), rnd.IntN(256), rnd.IntN(256), rnd.IntN(256))
		if rnd.IntN(10) == 0 {
			addr = fmt.Sprintf("2001:db8:%x::%x", rnd.IntN(1<<16), rnd.IntN(1<<16))
		}
		req := pick("GET", "GET", "GET", "POST", "HEAD") + " " + pick(
			fmt.Sprintf("/product/%d", rnd.IntN(1e6)), "/", fmt.Sprintf("/search?q=%x&page=%d&sort=price", rnd.Uint64(), rnd.IntN(9)),
			fmt.Sprintf("/static/js/app.%x.js", rnd.Uint32()), fmt.Sprintf("/api/v2/carts/%x-%x/items?expand=price,stock", rnd.Uint64(), rnd.Uint64()),
		) + pick(" HTTP/1.1", " HTTP/2.0")
		if rnd.IntN(500) == 0 {
			req = `\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03`
		}
		status, sent := pick("200", "200", "200", "200", "304", "301", "404", "503"), rnd.IntN(200000)
		ref := pick("-", "-", fmt.Sprintf("https://shop.example/category/%d?page=2", rnd.IntN(500)), "https://www.search.example/")
		agent := pick("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
			"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
			"curl/8.5.0", "Mozilla/5.0 (compatible; bot/2.1; +http://crawler.example/bot.html)")
		c := fmt.Sprintf(`%s - - [22/Nov/2026:%s +0000] "%s" %s %d "%s" "%s"`, addr, at, req, status, sent, ref, agent)
		up, ust, rt := "10.1.2.3:8080", status, fmt.Sprintf("0.%03d", rnd.IntN(1000))
		urt := rt
		if rnd.IntN(20) == 0 {
			up, ust, urt = "10.1.2.4:8080, 10.1.2.3:8080", "502, "+status, "0.001, "+rt
		}
		id := fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", rnd.Uint32(), rnd.IntN(1<<16), rnd.IntN(1<<12), rnd.IntN(1<<12), rnd.Uint64N(1<<48))
		msec := fmt.Sprintf("%d.%03d", 1795341600+i/10, rnd.IntN(1000))
		e := c + fmt.Sprintf(` rid=%s rt=%s uct="%s" uht="%s" urt="%s" ua="%s" us="%s" conn=%d msec=%s`, id, rt, urt, urt, urt, up, ust, i/5, msec)
		j := fmt.Sprintf(`{"time":"2026-11-22T%s+00:00","msec":"%s","remote_addr":"%s","request":"%s","status":"%s","bytes":"%d",`+
			`"request_time":"%s","upstream_addr":"%s","upstream_status":"%s","upstream_response_time":"%s","x_request_id":"%s","agent":"%s"}`,
			at, msec, addr, req, status, sent, rt, up, ust, urt, id, agent)
		combined, ext, json = append(combined, []byte(c)), append(ext, []byte(e)), append(json, []byte(j))
	}
	return combined, ext, json
}

func BenchmarkAccess(b *testing.B) {
	combined, ext, json := variety(5000)
	for _, c := range []struct {
		name  string
		p     parse.Parser
		lines [][]byte
	}{
		{"combined", Combined(), combined},
		{"combined_guessed_tail", Combined(), ext},
		{"extended_compiled", mustCompile(b, extended, EscapeDefault), ext},
		{"json_guessed", JSON(), json},
		{"json_compiled", mustCompile(b, jsonFormat, EscapeJSON), json},
	} {
		b.Run(c.name, func(b *testing.B) {
			sum := 0
			emit := func(r *parse.Record) { sum += r.Status }
			b.SetBytes(int64(len(bytes.Join(c.lines, []byte("\n"))) + 1))
			b.ReportAllocs()
			for b.Loop() {
				for _, l := range c.lines {
					if err := c.p.Parse(parse.Line{Text: l}, emit); err != nil {
						b.Fatalf("%s: %v", l, err)
					}
				}
			}
			if sum == 0 {
				b.Fatal("no record")
			}
		})
	}
}

func BenchmarkError(b *testing.B) {
	var lines [][]byte
	size := 0
	for i := range 1000 {
		l := fmt.Appendf(nil, `2026/11/22 21:%02d:%02d [error] 6#6: *%d connect() failed (111: Connection refused) while connecting to upstream, `+
			`client: 10.0.0.%d, server: a.example, request: "GET /product/%d HTTP/1.1", upstream: "http://10.1.2.3:8080/product/%d", host: "a.example"`,
			i/60, i%60, i, i%250, i, i)
		lines, size = append(lines, l), size+len(l)+1
	}
	e, n := NewError(), 0
	emit := func(*parse.Record) { n++ }
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, l := range lines {
			if err := e.Parse(parse.Line{Text: l}, emit); err != nil {
				b.Fatal(err)
			}
		}
	}
	if n == 0 {
		b.Fatal("no record")
	}
}

func TestAccessAllocatesNothing(t *testing.T) {
	combined, ext, json := variety(400)
	for _, c := range []struct {
		name  string
		p     parse.Parser
		lines [][]byte
	}{
		{"combined", Combined(), combined},
		{"combined guessed tail", Combined(), ext},
		{"extended compiled", mustCompile(t, extended, EscapeDefault), ext},
		{"json guessed", JSON(), json},
		{"json compiled", mustCompile(t, jsonFormat, EscapeJSON), json},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 0
			emit := func(*parse.Record) { n++ }
			all := func() {
				for _, l := range c.lines {
					if err := c.p.Parse(parse.Line{Text: l}, emit); err != nil {
						t.Fatalf("%s: %v", l, err)
					}
				}
			}
			all() // grows the buffers that are reused
			if got := testing.AllocsPerRun(5, all); got != 0 {
				t.Errorf("%v allocations for %d lines, want none", got, len(c.lines))
			}
			if n != 7*len(c.lines) {
				t.Errorf("%d records of %d lines", n, 7*len(c.lines))
			}
		})
	}
}

func mustCompile(t testing.TB, format string, e Escape) *Access {
	t.Helper()
	a, err := CompileAccess(format, e)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
