package recognise

import (
	"testing"

	"why503/parse"
)

func TestTaxonomyIsSound(t *testing.T) {
	seen := make(map[string]bool)
	for i := range Default().Events() {
		e := &Default().Events()[i]
		if seen[e.Name] {
			t.Errorf("%s: id is not unique", e.Name)
		}
		seen[e.Name] = true
		if CauseOf(e.Cause) == nil {
			t.Errorf("%s: unknown cause %q", e.Name, e.Cause)
		}
		if Default().Event(e.ID) != e || Default().ByName(e.Name) != e {
			t.Errorf("%s: not found by its id or name", e.Name)
		}
		if len(e.needs) == 0 && e.class != lastResort && e.place.kind == placed && e.Field == parse.FieldAppText {
			t.Errorf("%s: no required literal, so that it would be tried on every text", e.Name)
		}
		for _, n := range e.needs {
			if len(n) < 3 && e.place.kind != states && (e.Field == parse.FieldAppText || e.Field == parse.FieldDatabase) {
				t.Errorf("%s: required literal %q is too short", e.Name, n)
			}
		}
	}
	for name := range classes {
		if Default().ByName(name) == nil {
			t.Errorf("class of %s, which is no row", name)
		}
	}
	for name := range serverOnly {
		if Default().ByName(name) == nil {
			t.Errorf("%s is no row", name)
		}
	}
}

func TestCauses(t *testing.T) {
	for _, c := range Causes() {
		if c.Parent != "" && CauseOf(c.Parent) == nil {
			t.Errorf("%s: unknown parent %q", c.Slug, c.Parent)
		}
		for _, next := range c.CheckNext {
			if CauseOf(next) == nil {
				t.Errorf("%s: unknown cause to check %q", c.Slug, next)
			}
		}
		switch c.Level {
		case "symptom", "root", "info", "parent":
		default:
			t.Errorf("%s: level %q", c.Slug, c.Level)
		}
	}
	for slug := range proofs {
		if CauseOf(slug) == nil {
			t.Errorf("proof of %q, which is no cause", slug)
		}
	}
}

// Every row is recognised from its own text, in its own field.
func TestOwnLiteral(t *testing.T) {
	for i := range Default().Events() {
		e := &Default().Events()[i]
		text := filled(e)
		if !e.expr.MatchString(text) {
			t.Errorf("%s: its expression does not match its literal %q", e.Name, text)
			continue
		}
		var got *Event
		if e.place.kind == narrow || e.Field == parse.FieldNone {
			got = Default().wheres()[e.place].best([]byte(text))
		} else {
			r := parse.Record{Notes: []parse.Note{{Field: e.Field, Text: []byte(text)}}}
			Default().Annotate(&r)
			got = Default().Event(r.Notes[0].Event)
		}
		switch {
		case got == nil:
			t.Errorf("%s: %q is not recognised", e.Name, text)
		case got != e && exceptions[e.Name] != got.Name:
			t.Errorf("%s: %q is recognised as %s (%s, not %s)", e.Name, text, got.Name, got.Cause, e.Cause)
		}
	}
}

func TestEveryFieldHasRows(t *testing.T) {
	for f := parse.FieldNone + 1; int(f) < numFields; f++ {
		if Default().fields[f] == nil && f != parse.FieldVCLLog { // written by the site's own VCL
			t.Errorf("field %d has no rows", f)
		}
	}
}
