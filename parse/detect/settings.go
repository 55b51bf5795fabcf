package detect

import (
	"time"

	"why503/parse"
	"why503/parse/frame"
	"why503/parse/varnish"
)

// SetZone sets the zone of stamps that print none, for any parser of this
// package's making, also behind an envelope.
func SetZone(p parse.Parser, loc *time.Location) {
	each(p, func(p parse.Parser) {
		switch p := p.(type) {
		case *varnish.NCSA:
			p.Zone = loc
		case interface{ Zone(*time.Location) }:
			p.Zone(loc)
		}
	})
}

// SetBase sets a time near to when a log was written, for stamps that print no
// year.
func SetBase(p parse.Parser, t time.Time) {
	each(p, func(p parse.Parser) {
		if p, ok := p.(interface{ Base(time.Time) }); ok {
			p.Base(t)
		}
	})
}

// each calls do for the parsers that p gives its lines to.
func each(p parse.Parser, do func(parse.Parser)) {
	switch p := p.(type) {
	case nil:
	case *frame.Parser:
		stdout, stderr := p.Inner()
		each(stdout, do)
		each(stderr, do)
	case *mixed:
		each(p.parsers[0], do)
		each(p.parsers[1], do)
	default:
		do(p)
	}
}
