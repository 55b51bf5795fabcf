package traffic

import (
	"bytes"
	"fmt"
	"strings"
)

// Patterns are routes that a site has named itself, tried in order before the
// general rules. In a pattern, a segment that begins with a colon stands for
// one segment and a last segment "*" for all that follows:
//
//	/shop/:country/cart
//	/files/*
//
// The zero Patterns has none. Patterns may be used from many goroutines.
type Patterns struct {
	list []pattern
}

type pattern struct {
	text     []byte
	segments [][]byte
}

// NewPatterns compiles patterns.
func NewPatterns(texts []string) (Patterns, error) {
	var p Patterns
	for _, text := range texts {
		if len(text) == 0 || text[0] != '/' || len(text) > maxRouteBytes || strings.ContainsAny(text, "?# \t") {
			return Patterns{}, fmt.Errorf("route pattern %q: begins with a slash, has no query or space and at most %d bytes", text, maxRouteBytes)
		}
		c := pattern{text: []byte(text)}
		for rest := c.text; len(rest) > 0; {
			var seg []byte
			seg, rest = nextSegment(rest)
			if len(seg) == 0 || isWildcard(seg) && len(rest) > 0 {
				return Patterns{}, fmt.Errorf("route pattern %q: an empty segment, or * before the end", text)
			}
			c.segments = append(c.segments, seg)
		}
		p.list = append(p.list, c)
	}
	return p, nil
}

// AppendRoute appends the first pattern that path meets, else what AppendRoute
// without patterns gives.
func (p Patterns) AppendRoute(dst, path []byte) []byte {
	if len(p.list) > 0 {
		cut := cutPath(path)
		for i := range p.list {
			if p.list[i].match(cut) {
				return append(dst, p.list[i].text...)
			}
		}
	}
	return AppendRoute(dst, path)
}

func (p *pattern) match(path []byte) bool {
	for _, want := range p.segments {
		if isWildcard(want) {
			return len(path) > 1
		}
		if len(path) < 2 || path[0] != '/' {
			return false
		}
		var seg []byte
		seg, path = nextSegment(path)
		switch {
		case len(seg) == 0:
			return false
		case want[0] == ':':
			// The wildcard of another pattern is no segment, else the route
			// of a route could be another.
			if isWildcard(seg) {
				return false
			}
		case !bytes.Equal(seg, want):
			return false
		}
	}
	return len(path) == 0 || len(path) == 1 && path[0] == '/'
}
