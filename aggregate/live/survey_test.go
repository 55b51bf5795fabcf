package live

import (
	"testing"

	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/fact"
)

func TestOfTooManySourcesTheBusiestAreCompared(t *testing.T) {
	c := &Core{}
	const n = 4 * surveySources
	for i := range n {
		s := &source{reading: true, seen: i, join: correlate.NewSource(parse.SourceID(i), parse.SourceNginxAccess, parse.Nginx, "", fact.Fingerprint{})}
		for k := range 200 {
			s.samples = append(s.samples, sample{parse.RecordID{byte(i), byte(i >> 8), byte(k)}, &parse.Record{Ended: parse.Time(k + 1)}})
		}
		c.sources = append(c.sources, s)
	}
	got := c.samples()
	if len(got) != surveySources {
		t.Fatalf("%d sources are compared", len(got))
	}
	records := 0
	for i, x := range got {
		if want := parse.SourceID(n - surveySources + i); x.Source.ID != want {
			t.Fatalf("source %d stands where %d should", x.Source.ID, want)
		}
		if last := x.Records[len(x.Records)-1]; last.Ended != 200 {
			t.Fatalf("the newest sample is missing, the last is of %d", last.Ended)
		}
		records += len(x.Records)
	}
	if records*surveySources > surveyWork {
		t.Errorf("%d sources and %d records are too much work", len(got), records)
	}
	c.sources = c.sources[:4]
	for _, x := range c.samples() {
		if len(x.Records) != 200 {
			t.Errorf("of few sources only %d samples are compared", len(x.Records))
		}
	}
}
