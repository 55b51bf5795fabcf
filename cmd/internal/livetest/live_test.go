//go:build integration && linux

package livetest

import (
	"fmt"
	"html"
	"strings"
	"testing"
	"time"
)

const shop = "shop.example"

// warm sends requests until one that failed stands in the list: then everything
// is attached.
func warm(t *testing.T, c *clients, s *server, path string) {
	t.Helper()
	from := time.Now().Add(-time.Second)
	eventually(t, "the first request in the list", time.Minute, func() error {
		c.send(share{path: path})
		c.send(share{path: "/shop/cart"})
		time.Sleep(100 * time.Millisecond)
		rows, err := s.list(from, time.Now().Add(time.Second))
		for i := range rows {
			if strings.HasPrefix(rows[i].RequestID, "warm") && strings.HasPrefix(rows[i].Proxy, "varnish") {
				return err
			}
		}
		return errNotYet
	})
}

// One thing after another breaks under load. Every request that failed stands in
// the list in time, none that did not, and the page tells of it.
func TestServeTellsOfEveryFailedRequestInTime(t *testing.T) {
	site := newSite(t)
	s := serve(t, site.dir, "--config", site.config())
	warm(t, newClients(site.front, shop, "warm"), s, "/shop/error")

	begin := time.Now()
	c := newClients(site.front, shop, "req")
	w, stop := watch(s, "req")
	defer stop()
	planned := 0.0
	during := func(d time.Duration, fault func() func(), mix ...share) {
		planned += 100 * d.Seconds()
		mend := fault()
		c.run(t, 100, d, mix...)
		mend()
	}
	const s2, s3, s4 = 2 * time.Second, 3 * time.Second, 4 * time.Second
	during(s3, nothing)
	during(s4, nothing, share{path: "/shop/error", of: 20})
	during(s4, nothing, share{path: "/shop/slow", of: 2}, share{path: "/shop/slow", of: 1, wait: 500 * time.Millisecond})
	during(s4, nothing)
	during(s4, nothing, share{path: "/shop/crash", of: 3}, share{path: "/shop/cut", of: 2})
	during(s3, site.phpGone)
	during(s2, nothing)
	// Only now anything stands in the log of the second program, which has no ids.
	during(s4, nothing, share{path: "/api/error", of: 10}, share{path: "/api/cart", of: 20})
	during(s3, nothing, share{path: "/api/hang", of: 1}, share{path: "/api/cart", of: 5})
	during(s3, site.pythonKilled, share{path: "/api/cart", of: 40})
	during(s2, nothing, share{path: "/api/cart", of: 40})
	during(s3, site.nginxGone)
	during(s4, nothing, share{path: "/shop/slow", of: 10}) // more than there are processes
	during(s4, nothing)
	answers := c.all()

	seen := s.incidents(t)
	rows := w.allFinal(t, begin, hold+30*time.Second)
	stop()
	truth := site.truth(t, "req")
	compare(t, rows, truth, answers)
	t.Logf("what the list says\n%s", causes(rows))

	first, final := w.since(w.first, answers), w.since(w.final, answers)
	t.Logf("in the list after %s; final after %s; looking took at most %s", first, final, w.worst.Round(time.Millisecond))
	t.Run("in time", func(t *testing.T) {
		// What cannot send cannot measure: the rest of the machine took the time.
		if sent := float64(len(answers)); sent < 0.75*planned {
			missing(t, fmt.Sprintf("the machine is too busy to measure times: it sent %.0f requests of %.0f", sent, planned))
		}
		if first.at(0.99) >= 5*time.Second {
			t.Errorf("a request was in the list after %s", first)
		}
		for i, n := 0, 0; i < len(rows) && n < 10; i++ {
			r := &rows[i]
			if at, ok := w.first[r.RequestID]; ok && at.Sub(r.Ended) >= 5*time.Second {
				n++
				t.Logf("in the list after %s: %s", at.Sub(r.Ended).Round(time.Millisecond), r.words())
			}
		}
		if final.at(1) > hold+5*time.Second {
			t.Errorf("a request was final after %s", final)
		}
	})
	if len(first) < len(rows) {
		t.Errorf("%d requests were seen while they failed, of %d", len(first), len(rows))
	}

	if len(seen) == 0 {
		t.Error("there was no incident while everything failed")
	}
	told(t, s)
	sourcesHold(t, s)
}

// told holds that people see each incident, and the newest first of all.
func told(t *testing.T, s *server) {
	t.Helper()
	list := s.incidents(t)
	if len(list) == 0 {
		t.Error("no incident is left")
	}
	for i, in := range list {
		t.Logf("%s: %s", in.ID, in.Sentence)
		pages := []string{"/incidents/" + in.ID}
		if i == 0 {
			pages = append(pages, "/")
		}
		for _, path := range pages {
			page, err := s.fetch(path)
			if err != nil {
				t.Error(err)
			}
			if in.Sentence == "" || !strings.Contains(words(page), in.Sentence) {
				t.Errorf("%s does not say %q", path, in.Sentence)
			}
		}
		page, err := s.fetch("/incidents")
		if err != nil || !strings.Contains(page, "/incidents/"+in.ID) {
			t.Errorf("/incidents does not list %s: %v", in.ID, err)
		}
	}
}

// words is text without tags, with single blanks.
func words(page string) string {
	var b strings.Builder
	for len(page) > 0 {
		text, rest, tag := strings.Cut(page, "<")
		b.WriteString(text)
		if page = ""; tag {
			_, page, _ = strings.Cut(rest, ">")
		}
	}
	return strings.Join(strings.Fields(html.UnescapeString(b.String())), " ")
}

// sourcesHold holds that everything was read and nothing lost.
func sourcesHold(t *testing.T, s *server) {
	t.Helper()
	var got struct {
		Sources []struct {
			Path     string  `json:"path"`
			Format   string  `json:"format"`
			Lines    int64   `json:"lines"`
			Skipped  int64   `json:"skipped"`
			Lossless bool    `json:"lossless"`
			LagS     float64 `json:"lag_s"`
		} `json:"sources"`
	}
	if err := s.get("/api/v1/sources", &got); err != nil {
		t.Fatal(err)
	}
	for _, x := range got.Sources {
		t.Logf("%-60s %-20s %7d lines, %d not understood, lag %.1f s", x.Path, x.Format, x.Lines, x.Skipped, x.LagS)
		if !x.Lossless || x.LagS > 5 {
			t.Errorf("something of %s is lost or late: %+v", x.Path, x)
		}
	}
}
