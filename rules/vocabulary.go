package rules

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"go.yaml.in/yaml/v3"

	"why503/parse"
)

// A cond is a condition of a rule, compiled. It sees the evidence and, in a
// finding, the line that the rule is asked about; at is nil in a symptom that
// is told from structure alone.
type cond func(e *evidence, at *item) bool

// conditions takes a list of conditions that must all hold. Each is a mapping
// of one key, a word of the vocabulary.
func (r reader) conditions(n *yaml.Node) ([]cond, error) {
	if n.Kind == yaml.MappingNode {
		n = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{n}, Line: n.Line, Column: n.Column}
	}
	var all []cond
	err := r.list(n, func(c *yaml.Node) error {
		if c.Kind != yaml.MappingNode || len(c.Content) == 0 {
			return r.errorf(c, "want a condition")
		}
		for i := 0; i+1 < len(c.Content); i += 2 {
			f, err := r.condition(c.Content[i], c.Content[i+1])
			if err != nil {
				return err
			}
			all = append(all, f)
		}
		return nil
	})
	return all, err
}

func (r reader) condition(key, n *yaml.Node) (cond, error) {
	if value, ok := numbers[key.Value]; ok {
		return r.number(n, value)
	}
	if read, ok := vocabulary[key.Value]; ok {
		return read(r, n)
	}
	return nil, r.errorf(key, "no such condition %q.%s", key.Value, didYouMean(key.Value, append(keysOf(numbers), vocabularyNames...)))
}

var vocabularyNames = []string{
	"all", "any", "not", "expr", "is", "handling", "says", "event", "wall", "order", "near", "absent", "given", "version",
}

var vocabulary map[string]func(reader, *yaml.Node) (cond, error)

func init() { // breaks the cycle: conditions hold conditions
	vocabulary = map[string]func(reader, *yaml.Node) (cond, error){
		"all": func(r reader, n *yaml.Node) (cond, error) {
			cs, err := r.conditions(n)
			return func(e *evidence, at *item) bool { return holdAll(cs, e, at) }, err
		},
		"any": func(r reader, n *yaml.Node) (cond, error) {
			cs, err := r.conditions(n)
			return func(e *evidence, at *item) bool {
				return slices.ContainsFunc(cs, func(c cond) bool { return c(e, at) })
			}, err
		},
		"not": func(r reader, n *yaml.Node) (cond, error) {
			cs, err := r.conditions(n)
			return func(e *evidence, at *item) bool { return !holdAll(cs, e, at) }, err
		},
		"expr":     reader.free,
		"is":       reader.flagged,
		"handling": reader.handled,
		"says":     reader.says,
		"event":    reader.stands,
		"wall":     reader.atWall,
		"order":    reader.ordered,
		"near":     reader.nearby,
		"absent":   reader.lacks,
		"given":    reader.hasKind,
		"version":  reader.versioned,
	}
}

func holdAll(cs []cond, e *evidence, at *item) bool {
	for _, c := range cs {
		if !c(e, at) {
			return false
		}
	}
	return true
}

// number takes a comparison of a fact: 503, ">= 500", "< 0.05", "!= 0". A
// duration may have a unit: "< 50ms".
func (r reader) number(n *yaml.Node, value func(*Facts) float64) (cond, error) {
	holds, err := r.compare(n)
	return func(e *evidence, _ *item) bool { return holds(value(&e.facts)) }, err
}

func (r reader) compare(n *yaml.Node) (func(float64) bool, error) {
	s, err := r.text(n)
	if err != nil {
		return nil, err
	}
	op := strings.TrimSpace(s[:len(s)-len(strings.TrimLeft(s, "<>=! "))])
	rest := strings.TrimSpace(strings.TrimLeft(s, "<>=! "))
	x, err := strconv.ParseFloat(rest, 64)
	if err != nil {
		d, derr := time.ParseDuration(rest)
		if derr != nil {
			return nil, r.errorf(n, "want a comparison like \">= 500\" or \"< 50ms\", not %q", s)
		}
		x = d.Seconds()
	}
	switch op {
	case "", "=", "==":
		return func(v float64) bool { return v == x }, nil
	case "!=":
		return func(v float64) bool { return v != x }, nil
	case "<":
		return func(v float64) bool { return v < x }, nil
	case "<=":
		return func(v float64) bool { return v <= x }, nil
	case ">":
		return func(v float64) bool { return v > x }, nil
	case ">=":
		return func(v float64) bool { return v >= x }, nil
	}
	return nil, r.errorf(n, "no such comparison %q", op)
}

// free takes an expression over the Facts (https://expr-lang.org).
func (r reader) free(n *yaml.Node) (cond, error) {
	s, err := r.text(n)
	if err != nil {
		return nil, err
	}
	if len(s) > 1024 {
		return nil, r.errorf(n, "an expression has 1024 letters at most")
	}
	program, err := expr.Compile(s, expr.Env(&Facts{}), expr.AsBool())
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, r.errorf(n, "%s", first)
	}
	return func(e *evidence, _ *item) bool {
		v, err := expr.Run(program, &e.facts)
		yes, _ := v.(bool)
		return err == nil && yes
	}, nil
}

// flagged takes names of facts that must all be true.
func (r reader) flagged(n *yaml.Node) (cond, error) {
	names, err := r.texts(n)
	if err != nil {
		return nil, err
	}
	var fs []func(*Facts) bool
	for _, s := range names {
		f := flags[s]
		if f == nil {
			return nil, r.errorf(n, "no such fact %q.%s", s, didYouMean(s, keysOf(flags)))
		}
		fs = append(fs, f)
	}
	return func(e *evidence, _ *item) bool {
		for _, f := range fs {
			if !f(&e.facts) {
				return false
			}
		}
		return true
	}, nil
}

func (r reader) handled(n *yaml.Node) (cond, error) {
	names, err := r.texts(n)
	for _, s := range names {
		if !slices.Contains(handlingNames[1:], s) {
			return nil, r.errorf(n, "no such handling %q.%s", s, didYouMean(s, handlingNames[1:]))
		}
	}
	return func(e *evidence, _ *item) bool { return slices.Contains(names, e.facts.Handling) }, err
}

// says takes words of which one stands in the reason phrase, case ignored.
func (r reader) says(n *yaml.Node) (cond, error) {
	words, err := r.texts(n)
	for i, w := range words {
		words[i] = strings.ToLower(w)
	}
	return func(e *evidence, _ *item) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(e.facts.Reason, w) })
	}, err
}

// stands takes a set of events, where they must stand, and how many.
func (r reader) stands(n *yaml.Node) (cond, error) {
	set, in := new(eventSet), place(0)
	count := func(x float64) bool { return x >= 1 }
	if n.Kind != yaml.MappingNode {
		var err error
		if set, err = r.events(n); err != nil {
			return nil, err
		}
		in = placeNames["joined"]
	} else if err := r.fields(n, "event", map[string]taker{
		"name":  func(n *yaml.Node) (err error) { set, err = r.events(n); return err },
		"in":    func(n *yaml.Node) error { return r.places(n, &in) },
		"count": func(n *yaml.Node) (err error) { count, err = r.compare(n); return err },
	}); err != nil {
		return nil, err
	}
	if in == 0 {
		in = placeNames["joined"]
	}
	return func(e *evidence, _ *item) bool {
		k := 0
		for i := range e.items {
			if it := &e.items[i]; it.in&in != 0 && set.has(it.event) {
				k += int(it.times)
			}
		}
		return count(float64(k))
	}, nil
}

// atWall asks whether the span that ended in the failure ended at a timeout of
// the proxy: one that is configured, or else a known default. What is observed
// is asked for without a timeout's name, since the data do not tell whose limit
// it is: whether the span, in a finding that of the line's own hop, ended where
// many did that ended alike, and at none of the limits that are known.
func (r reader) atWall(n *yaml.Node) (cond, error) {
	name, least := "", WallDefault
	err := r.fields(n, "wall", map[string]taker{
		"of": func(n *yaml.Node) error {
			i, err := r.oneOf(n, "timeout", timeoutNames[:])
			name = timeoutNames[i]
			return err
		},
		"from": func(n *yaml.Node) error {
			i, err := r.oneOf(n, "source of a wall", []string{"default", "observed", "configured"})
			least = WallDefault + WallSource(i)
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	if least == WallObserved {
		if name != "" {
			return nil, r.errorf(n, "a wall that is observed is of no timeout: leave out `of`")
		}
		return func(e *evidence, at *item) bool {
			if at != nil && at.in&inDeciding == 0 {
				return at.wall
			}
			return e.wall
		}, nil
	}
	i := slices.Index(timeoutNames[:], name)
	if i < 0 {
		return nil, r.errorf(n, "a wall needs the timeout that it is of")
	}
	return func(e *evidence, _ *item) bool { return e.walls[i] >= least }, nil
}

var timeoutNames = [...]string{"connect_timeout", "first_byte_timeout", "between_bytes_timeout", "total_timeout", "send_timeout", "keepalive_timeout"}

// ordered asks whether an event of one set came before one of another. Stamps
// that are nearer than the margin have no order and fail the condition.
func (r reader) ordered(n *yaml.Node) (cond, error) {
	first, then := new(eventSet), new(eventSet)
	var margin int64
	err := r.fields(n, "order", map[string]taker{
		"first":  func(n *yaml.Node) (err error) { first, err = r.events(n); return err },
		"then":   func(n *yaml.Node) (err error) { then, err = r.events(n); return err },
		"margin": r.setSpan(&margin),
	})
	return func(e *evidence, _ *item) bool {
		for i := range e.items {
			a := &e.items[i]
			if !first.has(a.event) {
				continue
			}
			for j := range e.items {
				if b := &e.items[j]; then.has(b.event) && a.ago-b.ago > margin {
					return true
				}
			}
		}
		return false
	}, err
}

// nearby asks for another event within a time of the line (or of the failure),
// on the same host, backend, service or process.
func (r reader) nearby(n *yaml.Node) (cond, error) {
	set, same := new(eventSet), ""
	before, after := int64(30*time.Second), int64(2*time.Second)
	err := r.fields(n, "near", map[string]taker{
		"event":  func(n *yaml.Node) (err error) { set, err = r.events(n); return err },
		"before": r.setSpan(&before),
		"after":  r.setSpan(&after),
		"same": func(n *yaml.Node) error {
			i, err := r.oneOf(n, "relation", sameNames)
			same = sameNames[i]
			return err
		},
	})
	return func(e *evidence, at *item) bool {
		for i := range e.items {
			it := &e.items[i]
			if it == at || !set.has(it.event) {
				continue
			}
			ago := it.ago
			if at != nil {
				ago -= at.ago
				if same == "host" && it.host != at.host || same == "service" && it.service != at.service ||
					same == "process" && (it.pid != at.pid || it.host != at.host) || same == "backend" && it.backend != at.backend {
					continue
				}
			}
			if ago <= before && ago >= -after {
				return true
			}
		}
		return false
	}, err
}

var sameNames = []string{"host", "backend", "service", "process"}

// lacks asks whether logs of these kinds cover the time without loss and yet
// hold no line of this request.
func (r reader) lacks(n *yaml.Node) (cond, error) {
	kinds, err := r.kinds(n)
	return func(e *evidence, _ *item) bool {
		for _, k := range kinds {
			if e.kinds[k] != coverFull || e.joined.Has(k) {
				return false
			}
		}
		return len(kinds) > 0
	}, err
}

// hasKind asks whether logs of one of these kinds cover the time.
func (r reader) hasKind(n *yaml.Node) (cond, error) {
	kinds, err := r.kinds(n)
	return func(e *evidence, _ *item) bool {
		return slices.ContainsFunc(kinds, func(k parse.SourceKind) bool { return e.kinds[k] == coverFull })
	}, err
}

func (r reader) kinds(n *yaml.Node) ([]parse.SourceKind, error) {
	names, err := r.texts(n)
	var kinds []parse.SourceKind
	for _, s := range names {
		k, ok := parse.SourceKindOf(s)
		if !ok {
			return nil, r.errorf(n, "no such kind of source %q.%s", s, didYouMean(s, kindNames()))
		}
		kinds = append(kinds, k)
	}
	return kinds, err
}

// versioned asks whether the joined lines are of one version or of several.
func (r reader) versioned(n *yaml.Node) (cond, error) {
	i, err := r.oneOf(n, "relation of versions", []string{"same", "other"})
	return func(e *evidence, _ *item) bool { return e.facts.VersionMoved == (i == 1) }, err
}

// round brings a span of time into few steps: halves and quarters of powers of
// two above a millisecond, so that the lines around a storm's requests look
// alike.
func round(ns int64) int64 {
	a := ns
	if a < 0 {
		a = -a
	}
	if a < int64(time.Millisecond) {
		return 0
	}
	step := int64(1) << (int(math.Log2(float64(a))) - 1)
	a -= a % step
	if ns < 0 {
		return -a
	}
	return a
}
