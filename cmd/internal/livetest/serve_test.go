//go:build integration && linux

package livetest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A server is a why503 serve.
type server struct {
	*daemon
	url string
}

var pageAt = regexp.MustCompile(`The page: (http://[^/\s]+)/`)

// serve starts why503 serve with these arguments, beside --listen and --store
// where they are not given.
func serve(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	all := append([]string{"serve"}, args...)
	if given := strings.Join(args, " "); !strings.Contains(given, "--listen") {
		all = append(all, "--listen", freeAddr(t))
	}
	s := &server{daemon: &daemon{t: t, name: os.Args[0], args: all, dir: dir, env: []string{asWhy503 + "=1"}}}
	s.start()
	t.Cleanup(func() {
		if said := s.out.String(); strings.Contains(said, "DATA RACE") || strings.Contains(said, "panic: ") || strings.Contains(said, "level=ERROR") {
			t.Errorf("serve said:\n%s", s.out.last(20_000))
		}
	})
	s.ready()
	return s
}

// ready waits until serve says where its page is.
func (s *server) ready() {
	s.t.Helper()
	eventually(s.t, "serve", time.Minute, func() error {
		select {
		case <-s.done:
			s.t.Fatalf("serve ended: %s", s.out.last(4000))
		default:
		}
		all := pageAt.FindAllStringSubmatch(s.out.String(), -1)
		if len(all) == 0 {
			return errNotYet
		}
		s.url = all[len(all)-1][1]
		resp, err := http.Get(s.url + "/healthz")
		if err != nil {
			return err
		}
		resp.Body.Close()
		return nil
	})
}

// A row is what these tests read of a request in the list.
type row struct {
	UID       string    `json:"uid"`
	Final     bool      `json:"final"`
	Class     string    `json:"class"`
	Site      string    `json:"site"`
	Time      time.Time `json:"time"`
	Ended     time.Time `json:"ended"`
	Status    int       `json:"status"`
	Cut       bool      `json:"cut"`
	Method    string    `json:"method"`
	Path      string    `json:"path"`
	RequestID string    `json:"request_id"`
	VXID      uint64    `json:"vxid"`
	Proxy     string    `json:"proxy"`
	Reached   string    `json:"reached"`
	Symptom   string    `json:"symptom"`
	Cause     string    `json:"cause"`
	Decidable bool      `json:"decidable"`
	Chain     []struct {
		Cause   string `json:"cause"`
		Program string `json:"program"`
		File    string `json:"file"`
		Line    string `json:"line"`
	} `json:"chain"`
}

// list returns all requests that ended between from and to.
func (s *server) list(from, to time.Time) ([]row, error) {
	q := url.Values{"class": {"all"}, "limit": {"250"}, "from": {from.UTC().Format(time.RFC3339Nano)}, "to": {to.UTC().Format(time.RFC3339Nano)}}
	var all []row
	for {
		var page struct {
			Failures []row  `json:"failures"`
			Next     string `json:"next"`
		}
		if err := s.get("/api/v1/failures?"+q.Encode(), &page); err != nil {
			return nil, err
		}
		all = append(all, page.Failures...)
		if page.Next == "" {
			return all, nil
		}
		q.Set("cursor", page.Next)
	}
}

var patient = &http.Client{Timeout: 20 * time.Second}

// get reads an answer of the API into v.
func (s *server) get(path string, v any) error {
	body, err := s.fetch(path)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(body), v)
}

// fetch returns what stands at path.
func (s *server) fetch(path string) (string, error) {
	resp, err := patient.Get(s.url + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.300s", path, resp.Status, body)
	}
	return string(body), err
}

// An incident is what these tests read of one.
type incident struct {
	ID       string `json:"id"`
	Sentence string `json:"sentence"`
	Failures int64  `json:"failures"`
}

func (s *server) incidents(t *testing.T) []incident {
	t.Helper()
	var page struct {
		Incidents []incident `json:"incidents"`
	}
	if err := s.get("/api/v1/incidents", &page); err != nil {
		t.Fatal(err)
	}
	return page.Incidents
}

func store(dir string) string { return filepath.Join(dir, "why503.db") }
