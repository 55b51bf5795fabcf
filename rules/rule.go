package rules

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"why503/parse"
	"why503/parse/recognise"
)

type stage uint8

const (
	stageFinding stage = iota // what a line says
	stageSymptom              // what the failing hop saw
)

// A place is a set of places where the event of a rule must stand, seen from
// the failing hop.
type place uint16

const (
	inDeciding place = 1 << iota // the fetch that made the client's answer
	inFirst                      // the first fetch
	inEarlier                    // any fetch before the deciding one
	inRequest                    // the hop's own request Record
	inHop                        // a line of the hop's program about this request
	inDeeper                     // joined, of a hop behind it
	inSignal                     // of no request
	inKnown                      // a signal that is known to be of the failing backend
	inHealthy                    // a fetch in which nothing failed
)

var placeNames = map[string]place{
	"deciding": inDeciding, "first": inFirst, "earlier": inEarlier, "any": inDeciding | inFirst | inEarlier, "request": inRequest, "hop": inHop,
	"deeper": inDeeper, "signals": inSignal, "joined": inDeciding | inFirst | inEarlier | inRequest | inHop | inDeeper,
	"everywhere": 0xffff,
}

// A rule is one entry of a rule file, compiled.
type rule struct {
	name  string
	file  string
	line  int
	stage stage

	programs   uint32 // of the failing hop; 0 for any
	events     *eventSet
	in         place
	when       []cond
	cause      string // empty: that of the event's row
	level      string // empty: that of the cause
	confidence float64
	tells      *eventSet // a line of the same record that is quoted in its place
	setting    string    // that the link quotes where a configuration gives it
	reached    Reached
	knows      bool // reached is given
	words      []template
	advice     []string
	quote      []parse.Field
	hypothesis bool // the text is the program's own guess
	generic    bool // says less than any other finding of the same place
	ignore     bool // the event means nothing bad here
	joined     bool // counts only where it is joined to the request
	off        bool
	beats      []string

	// Of a signal: it counts when it was written from before the failure until
	// after it, and none of until came in between.
	before, after int64
	until         *eventSet
}

// A ruleFile is a parsed file.
type ruleFile struct {
	used  eventSet // events that the file names
	rules []*rule
	signs []sign
	edges []edge
	wants []want
}

func parseFile(name string, data []byte) (*ruleFile, error) {
	var f ruleFile
	r := reader{file: name, used: &f.used}
	root, err := r.document(data)
	if err != nil || root == nil {
		return &f, err
	}
	err = r.fields(root, "a rule file", map[string]taker{
		"rules": func(n *yaml.Node) error {
			return r.list(n, func(c *yaml.Node) error {
				rule, err := r.rule(c)
				f.rules = append(f.rules, rule)
				return err
			})
		},
		"edges": func(n *yaml.Node) error {
			return r.list(n, func(c *yaml.Node) error { return r.edges(c, &f.edges) })
		},
		"missing": func(n *yaml.Node) error {
			return r.list(n, func(c *yaml.Node) error { return r.wants(c, &f.wants) })
		},
		"triggers": func(n *yaml.Node) error {
			return r.list(n, func(c *yaml.Node) error { return r.sign(c, &f.signs) })
		},
	})
	return &f, err
}

func (r reader) rule(n *yaml.Node) (*rule, error) {
	u := &rule{file: r.file, line: n.Line, before: -1, after: -1}
	var words string
	var quote []string
	err := r.fields(n, "a rule", map[string]taker{
		"rule": r.setText(&u.name),
		"stage": func(n *yaml.Node) error {
			i, err := r.oneOf(n, "stage", []string{"finding", "symptom"})
			u.stage = stage(i)
			return err
		},
		"hop": func(n *yaml.Node) error { return r.programs(n, &u.programs) },
		"events": func(n *yaml.Node) (err error) {
			u.events, err = r.events(n)
			return err
		},
		"in":         func(n *yaml.Node) error { return r.places(n, &u.in) },
		"when":       func(n *yaml.Node) (err error) { u.when, err = r.conditions(n); return err },
		"cause":      func(n *yaml.Node) error { return r.cause(n, &u.cause) },
		"level":      func(n *yaml.Node) error { i, err := r.oneOf(n, "level", levels); u.level = levels[i]; return err },
		"confidence": r.setShare(&u.confidence),
		"reached": func(n *yaml.Node) error {
			i, err := r.oneOf(n, "answer", reachedNames)
			u.reached, u.knows = Reached(i), true
			return err
		},
		"words":      r.setText(&words),
		"advice":     r.setTexts(&u.advice),
		"quote":      r.setTexts(&quote),
		"setting":    r.setText(&u.setting),
		"tells":      func(n *yaml.Node) (err error) { u.tells, err = r.events(n); return err },
		"hypothesis": r.setBool(&u.hypothesis),
		"generic":    r.setBool(&u.generic),
		"ignore":     r.setBool(&u.ignore),
		"joined":     r.setBool(&u.joined),
		"off":        r.setBool(&u.off),
		"beats":      r.setTexts(&u.beats),
		"before":     r.setSpan(&u.before),
		"after":      r.setSpan(&u.after),
		"until":      func(n *yaml.Node) (err error) { u.until, err = r.events(n); return err },
	})
	if err != nil {
		return nil, err
	}
	switch {
	case u.name == "":
		return nil, r.errorf(n, "a rule needs a name: rule: ...")
	case len(u.name) > 128:
		return nil, r.errorf(n, "the name of a rule has 128 letters at most")
	case u.stage == stageSymptom && u.cause == "" && u.events == nil && !u.off:
		return nil, r.errorf(n, "rule %q needs a cause or events", u.name)
	case u.events.has(eventLateAnswer) && u.cause == "" && !u.ignore && !u.off:
		return nil, r.errorf(n, "rule %q needs a cause: %s has none of its own", u.name, nameLateAnswer)
	case u.stage == stageFinding && u.events == nil && !u.off:
		return nil, r.errorf(n, "rule %q needs events", u.name)
	}
	if u.in == 0 {
		u.in = placeNames["everywhere"]
		if u.stage == stageSymptom {
			u.in = inDeciding
		}
	}
	if u.words, err = templates(words); err != nil {
		return nil, r.errorf(n, "rule %q: %v", u.name, err)
	}
	for _, q := range quote {
		f, ok := fieldNames[q]
		if !ok {
			return nil, r.errorf(n, "no such field %q.%s", q, didYouMean(q, keysOf(fieldNames)))
		}
		u.quote = append(u.quote, f)
	}
	return u, nil
}

var levels = []string{"symptom", "root", "info"}

var reachedNames = []string{"unknown", "not_sent", "never", "origin_5xx", "lost", "late"}

var fieldNames = map[string]parse.Field{
	"FetchError": parse.FieldFetchError, "VCL_Error": parse.FieldVCLError, "Error": parse.FieldError,
	"BerespStatus": parse.FieldBerespStatus, "BerespReason": parse.FieldBerespReason, "RespStatus": parse.FieldRespStatus,
	"RespReason": parse.FieldRespReason, "BogoHeader": parse.FieldBogoHeader, "HttpGarbage": parse.FieldHTTPGarbage,
	"LostHeader": parse.FieldLostHeader, "Hit": parse.FieldHit, "VCL_call": parse.FieldVCLCall, "VCL_return": parse.FieldVCLReturn,
	"Timestamp": parse.FieldTimestamp, "SessClose": parse.FieldSessClose, "status": parse.FieldNginxStatus,
	"upstream_status": parse.FieldNginxUpstreamStatus, "error": parse.FieldNginxError, "handling": parse.FieldNCSAHandling,
	"Begin": parse.FieldBegin,
}

func (r reader) programs(n *yaml.Node, set *uint32) error {
	names, err := r.texts(n)
	if err != nil {
		return err
	}
	for _, s := range names {
		i := slices.Index(programNames[:], s)
		if i <= 0 {
			return r.errorf(n, "no such program %q.%s", s, didYouMean(s, programNames[1:]))
		}
		*set |= 1 << i
	}
	return nil
}

func (r reader) places(n *yaml.Node, set *place) error {
	names, err := r.texts(n)
	if err != nil {
		return err
	}
	for _, s := range names {
		p, ok := placeNames[s]
		if !ok {
			return r.errorf(n, "no such place %q.%s", s, didYouMean(s, keysOf(placeNames)))
		}
		*set |= p
	}
	return nil
}

func (r reader) cause(n *yaml.Node, slug *string) error {
	s, err := r.text(n)
	if err != nil {
		return err
	}
	if recognise.CauseOf(s) == nil {
		return r.errorf(n, "no such cause %q.%s", s, didYouMean(s, causeSlugs()))
	}
	*slug = s
	return nil
}

func causeSlugs() []string {
	var all []string
	for _, c := range recognise.Causes() {
		all = append(all, c.Slug)
	}
	return all
}

// events takes names of events, * standing for any letters.
func (r reader) events(n *yaml.Node) (*eventSet, error) {
	names, err := r.texts(n)
	if err != nil {
		return nil, err
	}
	set := new(eventSet)
	for _, s := range names {
		if set.add(s) {
			continue
		}
		if strings.ContainsAny(s, "*?[") {
			return nil, r.errorf(n, "no event meets %q", s)
		}
		return nil, r.errorf(n, "no such event %q.%s", s, didYouMean(s, eventNames()))
	}
	r.used.join(set)
	return set, nil
}

func (u *rule) String() string { return fmt.Sprintf("%s:%d: %s", u.file, u.line, u.name) }
