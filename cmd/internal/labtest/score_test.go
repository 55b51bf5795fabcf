package labtest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"why503/parse/recognise"
)

// A row is what the program lists of one request.
type row struct {
	Class     string     `json:"class"`
	Time      time.Time  `json:"time"`
	Method    string     `json:"method"`
	Path      string     `json:"path"`
	RequestID string     `json:"request_id"`
	VXID      uint64     `json:"vxid"`
	Cut       bool       `json:"cut"`
	Symptom   string     `json:"symptom"`
	Cause     string     `json:"cause"`
	Reached   string     `json:"reached"`
	Decidable bool       `json:"decidable"`
	Missing   []struct{} `json:"missing"`
	Chain     []struct {
		Cause, File, Line string
	} `json:"chain"`

	used bool
}

// A share is how many of how many are right.
type share struct{ ok, of int }

func (s *share) add(ok bool) {
	s.of++
	if ok {
		s.ok++
	}
}

func (s share) percent() float64 {
	if s.of == 0 {
		return 100
	}
	return 100 * float64(s.ok) / float64(s.of)
}

// A score is how well one run told the truth.
type score struct {
	found, symptom, cause, reached, decidable, chain, cut share
	extra, overclaims                                     int
	wrong                                                 []string // what was said in place of what
}

// compare lays what was listed beside what happened.
func compare(in *incident, p profile, listed []row) score {
	var s score
	for i := range in.truths {
		t := &in.truths[i]
		if p.name == proxy.name && (t.VXID == 0 || t.Status < 500) {
			continue // that log shows nothing of it
		}
		g := pick(t, listed)
		s.found.add(g != nil)
		if g != nil && t.Lab != "unexpected" {
			s.judge(in, p, t, g)
		} else if g == nil {
			s.wrong = append(s.wrong, "not found: "+t.Method+" "+t.URL)
		}
	}
	cut := make(map[string]bool)
	for _, t := range in.traps {
		if t.RequestID != "" && slices.Contains(t.Why, "truncated_after_200") {
			cut[t.RequestID] = false
		}
	}
	for i := range listed {
		g := &listed[i]
		if _, ok := cut[g.RequestID]; ok && g.Cut {
			cut[g.RequestID] = true
		} else if !g.used && counted(g) && g.Class != "client" {
			s.extra++
			s.wrong = append(s.wrong, "extra: "+g.Method+" "+g.Path+" "+g.Cause)
		}
	}
	for _, ok := range cut {
		s.cut.add(ok)
	}
	return s
}

// counted reports whether a row stands for a failed request of a client: not
// for one that was saved, or is part of one.
func counted(g *row) bool { return g.Class != "saved" && g.Class != "partial" }

// pick returns the row of t: by its id, which an ESI child, a background fetch
// or a client that sends it twice may share, else by transaction, else, where
// it has neither, by request line and time.
func pick(t *truth, listed []row) *row {
	away := func(g *row) float64 { return math.Abs(float64(g.Time.UnixNano())/1e9 - t.Start) }
	var found []*row
	collect := func(same func(*row) bool) {
		for i := range listed {
			if g := &listed[i]; len(found) == 0 || !listed[i].used {
				if !g.used && same(g) {
					found = append(found, g)
				}
			}
		}
	}
	if t.RequestID != "" {
		collect(func(g *row) bool { return g.RequestID == t.RequestID })
	}
	if len(found) == 0 && t.VXID != 0 {
		collect(func(g *row) bool { return g.VXID == t.VXID })
	}
	if len(found) == 0 && t.RequestID == "" && t.VXID == 0 {
		path, _, _ := strings.Cut(t.URL, "?")
		collect(func(g *row) bool { return g.Method == t.Method && g.Path == path && away(g) < 1.5 })
	}
	if len(found) == 0 {
		return nil
	}
	rank := func(g *row) int {
		n := 0
		if !counted(g) {
			n += 2
		}
		if t.VXID != 0 && g.VXID != t.VXID {
			n++
		}
		return n
	}
	g := slices.MinFunc(found, func(a, b *row) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(away(a), away(b))) })
	if !counted(g) {
		return nil
	}
	g.used = true
	return g
}

func (s *score) judge(in *incident, p profile, t *truth, g *row) {
	causes := append([]string{t.Cause}, t.AlsoAccept...)
	family, _, _ := strings.Cut(t.Proximate, ".")
	symptoms := []string{t.Proximate}
	for _, c := range t.AlsoAccept {
		if f, _, _ := strings.Cut(c, "."); f == family {
			symptoms = append(symptoms, c)
		}
	}
	seen := symptoms
	if family == "unknown" && t.Status < 500 { // made in front of Varnish: the symptom is what the hop in front saw
		seen = append(slices.Clone(symptoms), causes...)
	}
	s.symptom.add(slices.Contains(seen, g.Symptom))
	deeper := !slices.Contains(symptoms, t.Cause) // than the proxy's log shows
	var right bool
	if p.name == proxy.name {
		right = slices.Contains(symptoms, g.Cause) || strings.HasPrefix(g.Cause, "unknown.")
		if !right && deeper {
			s.overclaims++
		}
		if deeper {
			s.decidable.add(!g.Decidable && len(g.Missing) > 0)
		}
	} else {
		right = slices.Contains(causes, g.Cause)
		if c := recognise.CauseOf(t.Cause); c != nil && c.Level == "root" {
			s.decidable.add(g.Decidable)
		}
		if len(t.reached) > 0 && p.name != plain.name {
			s.reached.add(slices.Contains(t.reached, g.Reached))
		}
	}
	s.cause.add(right)
	if !right {
		s.wrong = append(s.wrong, fmt.Sprintf("%s %s: %s, not %s", t.Method, t.URL, g.Cause, t.Cause))
	}
	if g.Class == "failure" {
		s.chain.add(len(g.Chain) > 0 && g.Chain[len(g.Chain)-1].Cause == g.Cause)
	}
	for _, l := range g.Chain {
		s.chain.add(in.quotes(l.File, l.Line))
	}
}

// quotes reports whether line stands in the file, blanks aside. Bytes that are
// no UTF-8 are written as \xNN in the list.
func (in *incident) quotes(file, line string) bool {
	line, _, _ = strings.Cut(line, "\n")
	if in.plain[file] == "" {
		if in.plain == nil {
			in.plain = make(map[string]string)
		}
		in.plain[file] = oneBlank(printable(in.files[file]))
	}
	want := oneBlank(line)
	return want != "" && strings.Contains(in.plain[file], want)
}

// oneBlank makes one blank of each run of them; a file becomes one line.
func oneBlank(s string) string { return strings.Join(strings.Fields(s), " ") }

func printable(s string) string {
	var b strings.Builder
	for i, r := range s {
		if r == '\uFFFD' && s[i] != 0xEF {
			b.WriteString(`\x` + strconv.FormatUint(uint64(s[i]), 16))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
