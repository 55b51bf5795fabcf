package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A reader takes the nodes of one YAML document apart. Every error begins with
// file:line:col, and an unknown key with what was probably meant.
type reader struct {
	file string
	used *eventSet // every event that the document names
}

// maxRuleFile bounds a rule file: one is written by hand.
const maxRuleFile = 1 << 20

func (r reader) document(data []byte) (*yaml.Node, error) {
	if len(data) > maxRuleFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", r.file, maxRuleFile)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s: %s", r.file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(doc.Content) == 0 {
		return nil, nil // an empty file
	}
	return doc.Content[0], nil
}

func (r reader) errorf(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: %s", r.file, n.Line, n.Column, fmt.Sprintf(format, args...))
}

// A taker reads the value of one key.
type taker func(*yaml.Node) error

// fields gives each value of a mapping to the taker of its key.
func (r reader) fields(n *yaml.Node, what string, take map[string]taker) error {
	if n.Kind != yaml.MappingNode {
		return r.errorf(n, "%s must be a mapping", what)
	}
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		f := take[key.Value]
		if f == nil || key.Kind != yaml.ScalarNode {
			return r.errorf(key, "no such key %q in %s.%s", key.Value, what, didYouMean(key.Value, keysOf(take)))
		}
		if seen[key.Value] {
			return r.errorf(key, "key %q stands twice", key.Value)
		}
		seen[key.Value] = true
		if err := f(value); err != nil {
			return err
		}
	}
	return nil
}

func (r reader) list(n *yaml.Node, take taker) error {
	if n.Kind != yaml.SequenceNode {
		return r.errorf(n, "want a list")
	}
	for _, c := range n.Content {
		if err := take(c); err != nil {
			return err
		}
	}
	return nil
}

func (r reader) text(n *yaml.Node) (string, error) {
	if n.Kind != yaml.ScalarNode {
		return "", r.errorf(n, "want a text")
	}
	return n.Value, nil
}

// texts takes one text or a list of them.
func (r reader) texts(n *yaml.Node) ([]string, error) {
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}, nil
	}
	var all []string
	err := r.list(n, func(c *yaml.Node) error {
		s, err := r.text(c)
		all = append(all, s)
		return err
	})
	return all, err
}

func (r reader) setText(p *string) taker {
	return func(n *yaml.Node) (err error) { *p, err = r.text(n); return err }
}

func (r reader) setTexts(p *[]string) taker {
	return func(n *yaml.Node) (err error) { *p, err = r.texts(n); return err }
}

func (r reader) setBool(p *bool) taker {
	return func(n *yaml.Node) error {
		switch n.Value {
		case "true":
			*p = true
		case "false":
			*p = false
		default:
			return r.errorf(n, "want true or false, not %q", n.Value)
		}
		return nil
	}
}

func (r reader) setShare(p *float64) taker {
	return func(n *yaml.Node) error {
		x, err := strconv.ParseFloat(n.Value, 64)
		if err != nil || !(x >= 0 && x <= 1) {
			return r.errorf(n, "want a number from 0 to 1, not %q", n.Value)
		}
		*p = x
		return nil
	}
}

func (r reader) setSpan(p *int64) taker {
	return func(n *yaml.Node) error {
		d, err := time.ParseDuration(n.Value)
		if err != nil || d < 0 {
			return r.errorf(n, "want a duration like 30s or 5m, not %q", n.Value)
		}
		*p = int64(d)
		return nil
	}
}

// oneOf takes one of the names.
func (r reader) oneOf(n *yaml.Node, what string, names []string) (int, error) {
	s, err := r.text(n)
	if err != nil {
		return 0, err
	}
	if i := slices.Index(names, s); i >= 0 {
		return i, nil
	}
	return 0, r.errorf(n, "no such %s %q.%s", what, s, didYouMean(s, names))
}

func keysOf[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// didYouMean names the candidate that is nearest to s, when one is near.
func didYouMean(s string, names []string) string {
	if len(s) > 64 {
		return ""
	}
	best, at := len(s)/3+2, ""
	for _, n := range names {
		if d := distance(s, n); d < best {
			best, at = d, n
		}
	}
	if at == "" {
		return ""
	}
	return fmt.Sprintf(" Did you mean %q?", at)
}

// distance counts the letters to change, add or leave out (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := diagonal
			if a[i-1] != b[j-1] {
				change++
			}
			diagonal = row[j]
			row[j] = min(change, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
