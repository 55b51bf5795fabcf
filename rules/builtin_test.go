package rules

import (
	"testing"

	"why503/parse/recognise"
)

func TestBuiltinRulesLoad(t *testing.T) {
	s, err := Load(builtin)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.Rules()); n < 60 {
		t.Fatalf("%d rules", n)
	}
	if n := len(recognise.Default().Events()); n >= len(eventSet{})*64 {
		t.Fatalf("%d events do not fit into an eventSet", n)
	}
}
