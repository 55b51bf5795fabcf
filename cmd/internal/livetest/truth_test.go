//go:build integration && linux

package livetest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A line is what varnishncsa wrote of one request.
type line struct {
	id     string
	status int
	vxid   uint64
	target string
}

// truth stops varnishncsa and reads what it wrote: every client's request in
// Varnish's own words.
func (s *site) truth(t *testing.T, prefix string) map[string]line {
	t.Helper()
	s.ncsa.stop(syscall.SIGTERM)
	all := make(map[string]line)
	for _, text := range lines(read(t, s.file("truth.txt"))) {
		f := strings.Fields(text)
		if len(f) != 5 || !strings.HasPrefix(f[0], prefix) {
			continue
		}
		status, err1 := strconv.Atoi(f[1])
		vxid, err2 := strconv.ParseUint(f[2], 10, 64)
		if err1 != nil || err2 != nil {
			t.Fatalf("varnishncsa wrote %q", text)
		}
		if _, twice := all[f[0]]; twice {
			t.Fatalf("two requests are called %s", f[0])
		}
		all[f[0]] = line{f[0], status, vxid, f[4]}
	}
	return all
}

// compare holds the list against what the proxy and the clients say.
func compare(t *testing.T, rows []row, truth map[string]line, answers map[string]answer) {
	t.Helper()
	list := make(map[string]row)
	var problems []string
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for _, r := range rows {
		if _, mine := truth[r.RequestID]; !mine {
			if _, mine = answers[r.RequestID]; mine || r.RequestID == "" {
				wrong("listed and not Varnish's: %s", r.words())
			}
			continue
		}
		if old, twice := list[r.RequestID]; twice {
			wrong("listed twice: %s and %s", old.words(), r.words())
		}
		list[r.RequestID] = r
	}
	failed, cut := 0, 0
	for id, l := range truth {
		r, listed := list[id]
		a := answers[id]
		switch broken := a.cut && !a.left; {
		case l.status >= 500:
			failed++
			if !listed || r.Status != l.status || r.VXID != l.vxid || r.Class == "saved" {
				wrong("Varnish answered %d as %d (%s), listed: %v %s", l.vxid, l.status, l.target, listed, r.words())
			}
		case broken:
			cut++
			if !listed || !r.Cut || r.Class != "failure" {
				wrong("the answer of %d to %s broke off, listed: %v %s", l.vxid, l.target, listed, r.words())
			}
		case listed && r.Class == "failure":
			wrong("listed as failed, and Varnish answered %d, and the client %+v: %s", l.status, a, r.words())
		}
		if !a.left && a.status != l.status {
			wrong("Varnish says it answered %d as %d, and the client got %d", l.vxid, l.status, a.status)
		}
	}
	clients := 0
	for id, a := range answers {
		if _, known := truth[id]; !known && a.status != 0 {
			wrong("Varnish does not say that it answered %s", id)
		}
		if a.status >= 500 {
			clients++
			if r := list[id]; r.Status != a.status {
				wrong("a client got %d for %s, listed: %s", a.status, a.path, r.words())
			}
		}
	}
	t.Logf("%d requests: %d failed in Varnish's own words, %d of them seen by clients, and %d broke off; listed: %d", len(truth), failed, clients, cut, len(list))
	if failed == 0 || clients == 0 {
		t.Error("nothing failed")
	}
	slices.Sort(problems)
	for i, p := range problems {
		if i == 20 {
			t.Errorf("and %d more", len(problems)-i)
			break
		}
		t.Error(p)
	}
}

func (r *row) words() string {
	if r.UID == "" {
		return "nothing"
	}
	return fmt.Sprintf("[%s %s %s status %d vxid %d %s cut %v %s/%s final %v]", r.RequestID, r.Proxy, r.Path, r.Status, r.VXID, r.Class, r.Cut, r.Symptom, r.Cause, r.Final)
}

// causes counts what the list says, for the record.
func causes(rows []row) string {
	n := make(map[string]int)
	for i := range rows {
		n[rows[i].Class+" "+rows[i].Symptom+" > "+rows[i].Cause+" ("+rows[i].Reached+")"]++
	}
	var out []string
	for name, k := range n {
		out = append(out, fmt.Sprintf("%6d %s", k, name))
	}
	slices.Sort(out)
	slices.Reverse(out)
	return strings.Join(out, "\n")
}
