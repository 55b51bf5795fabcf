package labtest

import (
	"testing"
)

// bars are what a profile must reach, in percent as the mean over incidents.
type bars struct{ symptom, cause, reached, decidable float64 }

func TestProfilesTellTheTruth(t *testing.T) {
	for _, c := range []struct {
		profile profile
		bars    bars
	}{
		{full, bars{97, 97, 95, 90}},
		{plain, bars{90, 90, 0, 90}},
		{raw, bars{97, 97, 95, 90}},
		{proxy, bars{97, 97, 0, 90}},
		{whole, bars{97, 97, 95, 90}},
	} {
		t.Run(c.profile.name, func(t *testing.T) { c.bars.hold(t, c.profile, nil) })
	}
}

func TestMutantsTellTheTruth(t *testing.T) {
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) { bars{97, 97, 95, 90}.hold(t, full, m.change) })
	}
}

// hold scores every incident, changed by change.
func (b bars) hold(t *testing.T, p profile, change func(*incident)) {
	var symptom, cause, reached, decidable float64
	names := incidents(t)
	for _, name := range names {
		in := load(t, name)
		if change != nil {
			change(in)
		}
		in.write(t)
		s := compare(in, p, p.analyze(t, in))
		if s.found.ok < s.found.of || s.extra > 0 || s.overclaims > 0 || s.chain.ok < s.chain.of || s.cut.ok < s.cut.of {
			t.Errorf("%s: found %v, %d extra, %d overclaims, quoted and complete chains %v, cut responses %v", name, s.found, s.extra, s.overclaims, s.chain, s.cut)
		}
		for i, w := range s.wrong {
			if i == 3 {
				break
			}
			t.Logf("%s: %s", name, w)
		}
		symptom += s.symptom.percent()
		cause += s.cause.percent()
		reached += s.reached.percent()
		decidable += s.decidable.percent()
	}
	for _, v := range []struct {
		what      string
		sum, want float64
	}{{"symptom", symptom, b.symptom}, {"cause", cause, b.cause}, {"reached", reached, b.reached}, {"decidable", decidable, b.decidable}} {
		if got := v.sum / float64(len(names)); got < v.want {
			t.Errorf("%s right in %.1f %%, want %.0f %%", v.what, got, v.want)
		}
	}
}
