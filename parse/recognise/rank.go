package recognise

import "strings"

// A class divides rows by how much they tell of a text that several match.
type class uint8

const (
	// lastResort rows match nearly any text of their place.
	lastResort class = iota
	// generic rows name the wrapper that a cause came in (an unhandled
	// exception, a line of stderr), so that any row for its content is better.
	generic
	// wording rows go by common words of programs that are not known.
	wording
	// telling rows say what happened.
	telling
)

// classes of the rows that are not telling.
var classes = map[string]class{
	"varnish.vclerr.other":            lastResort,
	"varnish.bogo.other":              lastResort,
	"varnish.lost_header":             lastResort,
	"varnish.httpgarbage_b":           lastResort,
	"varnish.ncsa.fetcherror":         lastResort,
	"varnish.beresp.status_503_synth": lastResort, // needs the Timestamp before it; a lone status is the origin's
	"varnish.own.bclose_other":        lastResort,
	"nginx.conn.other":                generic,
	"nginx.acc.upstream_name":         lastResort,
	"nginx.fcgi.stderr":               generic,
	"haproxy.c1.C":                    lastResort,
	"haproxy.c1.lc":                   lastResort,
	"haproxy.c1.S":                    lastResort,
	"haproxy.c1.ls":                   lastResort,
	"haproxy.c1.P":                    lastResort,
	"haproxy.c1.L":                    lastResort,
	"haproxy.c1.R":                    lastResort,
	"haproxy.c1.I":                    lastResort,
	"haproxy.c1.D":                    lastResort,
	"haproxy.c1.U":                    lastResort,
	"haproxy.c1.K":                    lastResort,
	"haproxy.c2.R":                    lastResort,
	"haproxy.c2.Q":                    lastResort,
	"haproxy.c2.C":                    lastResort,
	"haproxy.c2.H":                    lastResort,
	"haproxy.c2.D":                    lastResort,
	"haproxy.c2.L":                    lastResort,
	"haproxy.c2.T":                    lastResort,
	"haproxy.c3.D":                    lastResort,
	"envoy.flag.URX":                  generic, // the flag beside it tells why each try failed
	"apache.AH01071":                  generic,
	"apache.AH01215":                  generic,
	"apache.AH00899":                  generic,
	"app.php.uncaught":                generic,
	"app.py.traceback":                generic,
	"app.py.django_500":               generic,
	"app.gunicorn.handling":           generic,
	"app.node.uncaught":               generic,
	"app.go.panic_http":               generic,
	"app.go.fatal":                    generic,
	"app.go.revproxy":                 generic,
	"app.own.exception":               lastResort,
	"app.own.unhandled":               generic,
	"app.own.php_fatal":               generic,
	"app.own.go_panic":                generic,
	"app.own.rust_panic":              generic,
	"app.own.init_failed":             generic,
	"app.own.dep_failed":              generic,
	"sys.systemd_failed":              generic, // rows of ours tell its code and status apart
	"varnish.probe.line":              generic, // the change of state, where there is one, tells more
	"db.pg.53100":                     generic, // has an alternative that any process can print
	"app.own.conn_reset":              generic, // what was being done when it was reset tells more
	"sys.k8s.exit137":                 generic, // a reason beside the code tells more
	"sys.k8s.exit139":                 generic,
	"sys.k8s.exit143":                 generic,
	"manager.exit_137":                generic,
	"manager.exit_139":                generic,
	"manager.exit_143":                generic,
	"varnish.own.resp_status":         lastResort,
	"systemd.failed":                  generic,
}

func classOf(e *Event) class {
	if c, ok := classes[e.Name]; ok {
		return c
	}
	if e.where == "application" && strings.HasPrefix(e.Name, "app.own.") {
		return wording
	}
	return telling
}

// Specificity is class first, then whether the expression spans the whole
// text, then how much of it is fixed.
const (
	perClass = 100_000
	perFull  = 10_000
)

func (e *Event) rank() {
	e.class = classOf(e)
	e.sample = e.example()
	e.Specificity = int(e.class)*perClass + min(e.fixed, perFull-1)*4
	// A response flag is a whole token, though several can stand in one text.
	e.full = e.full || e.place.where == flagsPlace
	if e.full {
		e.Specificity += perFull
	}
	if strings.HasPrefix(e.Name, "haproxy.c1.") || strings.HasPrefix(e.Name, "haproxy.c3.") {
		e.Specificity += 100 // what ended the session tells more than when
	}
}

// lift raises rows above those of their own class that also match their
// literal while they themselves do not match the other's: the longer text is
// the more special one, however short the fixed part of its expression is.
func lift(x *index) {
	if x == nil {
		return
	}
	for range 4 { // chains of special cases are short
		changed := false
		for _, e := range x.rows {
			text := e.sample
			if text == nil {
				continue
			}
			for _, other := range x.all(nil, text, e.class) {
				if other == e || other.class != e.class || e.Specificity > other.Specificity {
					continue
				}
				if t := other.sample; t != nil && !e.expr.Match(t) {
					e.Specificity = other.Specificity + 1
					changed = true
				}
			}
		}
		if !changed {
			return
		}
	}
}

// example returns the row's literal with its holes filled so that the row's
// own expression matches, nil when no simple filling does.
func (e *Event) example() []byte {
	for _, v := range [...]string{"1", "a", "GET", "0.5", "a.b/c", "1.1.1.1:80"} {
		if t := fillHoles(e.Literal, func(string) string { return v }); e.expr.MatchString(t) {
			return []byte(t)
		}
	}
	return nil
}

// fillHoles replaces each <hole> of a literal by what fill makes of its name.
func fillHoles(literal string, fill func(hole string) string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(literal, "<")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		hole, after, ok := strings.Cut(rest, ">")
		if !ok || !isHole(hole) {
			b.WriteByte('<')
			literal = rest
			continue
		}
		b.WriteString(fill(hole))
		literal = after
	}
}

func isHole(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && c != '_' && (c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
