package recognise

import "testing"

func BenchmarkBuild(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		events, err := readEvents()
		if err != nil {
			b.Fatal(err)
		}
		newSet(events)
	}
}
