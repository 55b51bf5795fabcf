//go:build integration && linux

package livetest

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// An answer is what a client knows of one request.
type answer struct {
	id, path string
	got      time.Time // when it had the whole answer, or knew that there is none
	status   int       // 0 where there was none
	cut      bool      // the answer broke off
	left     bool      // the client did not wait for it
}

// clients send requests with names of their own, and note every answer.
type clients struct {
	addr, host string
	prefix     string
	rng        *rand.Rand
	http       *http.Client
	work       sync.WaitGroup

	mu      sync.Mutex
	sent    int
	answers map[string]answer
}

func newClients(addr, host, prefix string) *clients {
	return &clients{
		addr: addr, host: host, prefix: prefix, rng: rand.New(rand.NewPCG(1, 2)), answers: make(map[string]answer),
		// A connection for each request: over one that is kept open a request may be
		// sent again, behind the back of who counts.
		http: &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		}},
	}
}

// A kind of request, with how many of a hundred are of it.
type share struct {
	path string
	of   int
	wait time.Duration // after which the client leaves; 0 for patience
}

// run sends rate requests a second for some time.
func (c *clients) run(t *testing.T, rate int, d time.Duration, mix ...share) {
	t.Helper()
	every := time.NewTicker(time.Second / time.Duration(rate))
	defer every.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); <-every.C {
		n, pick := c.rng.IntN(100), share{path: "/shop/cart"}
		for _, s := range mix {
			if n -= s.of; n < 0 {
				pick = s
				break
			}
		}
		c.send(pick)
	}
}

// send sends one request and waits for nothing.
func (c *clients) send(s share) string {
	c.mu.Lock()
	c.sent++
	n := c.sent
	c.mu.Unlock()
	id := fmt.Sprintf("%s-%06d", c.prefix, n)
	c.work.Go(func() {
		a := c.ask(id, s)
		c.mu.Lock()
		c.answers[id] = a
		c.mu.Unlock()
	})
	return id
}

func (c *clients) ask(id string, s share) answer {
	a := answer{id: id, path: s.path}
	wait := s.wait
	if wait == 0 {
		wait = time.Minute
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	defer func() { a.left = ctx.Err() != nil }()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.addr+s.path+"?n="+id, nil)
	if err != nil {
		panic(err) // the paths are constants
	}
	req.Host = c.host
	req.Header.Set("X-Request-ID", id)
	resp, err := c.http.Do(req)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		a.status, a.cut = resp.StatusCode, err != nil
	}
	a.got, a.left = time.Now(), ctx.Err() != nil
	return a
}

// all waits for the last answer.
func (c *clients) all() map[string]answer {
	c.work.Wait()
	return c.answers
}
