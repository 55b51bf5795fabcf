package app

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"why503/aggregate"
	"why503/parse"
	"why503/rules"
)

// TestAClockIsCorrectedByWhatComesLater gives two compressed logs whose heads
// tell of different hours, so that only lines far behind the survey's sample
// show that the application's clock is 40 s ahead.
func TestAClockIsCorrectedByWhatComesLater(t *testing.T) {
	dir := t.TempDir()
	begin := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	var access, app bytes.Buffer
	// The application ran for hours before the proxy's log begins.
	for i := range 9000 {
		at := begin.Add(-3*time.Hour + time.Duration(i)*time.Second)
		fmt.Fprintf(&app, `{"time":%q,"level":"info","msg":"served","method":"GET","path":"/warm/%d","status":200,"duration_ms":3,"request_id":"warm-%08d"}`+"\n", at.Format(time.RFC3339Nano), i, i)
	}
	for i := range 1200 {
		at := begin.Add(time.Duration(i) * time.Second)
		id, status := fmt.Sprintf("b7e1-%08d", i), 200
		if i%100 == 50 {
			status = 500
		}
		fmt.Fprintf(&access, `203.0.113.9 - - [%s] "GET /depot/%d HTTP/1.1" %d 12 "-" "curl/8" rid=%s rt=0.010 ua="10.9.8.7:7000" us="%d" msec=%d.%03d`+"\n",
			at.Format("02/Jan/2006:15:04:05 +0000"), i, status, id, status, at.Unix(), at.Nanosecond()/1e6)
		ahead := at.Add(40 * time.Second)
		extra := ""
		if status == 500 {
			extra = `,"error":"KeyError: 'weight'"`
		}
		fmt.Fprintf(&app, `{"time":%q,"level":"info","msg":"served","method":"GET","path":"/depot/%d","status":%d,"duration_ms":3,"request_id":%q%s}`+"\n",
			ahead.Format(time.RFC3339Nano), i, status, id, extra)
	}
	paths := []string{zipped(t, dir, "access.log.gz", access.Bytes()), zipped(t, dir, "depot.log.gz", app.Bytes())}

	var rows *aggregate.Describer
	var got []aggregate.Failure
	run, s, err := Analyze(t.Context(), AnalyzeConfig{
		Paths: paths, Rules: rules.Builtin(),
		Started: func(d *aggregate.Describer) { rows, got = d, nil },
		Request: func(q *parse.Request, v *rules.Verdict) { got = append(got, rows.Row(q, v)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 12 || s.Failures != 12 {
		t.Fatalf("%d rows, %d failures, want 12", len(got), s.Failures)
	}
	for _, f := range got {
		if f.Cause != "app_error.exception" || f.Join.How != "id" {
			t.Errorf("%s: %s, joined by %s", f.Path, f.Cause, f.Join.How)
		}
	}
	for _, in := range run.inputs {
		if in.kind == parse.SourceApp && (in.clock.Skew < int64(39*time.Second) || in.clock.Skew > int64(41*time.Second)) {
			t.Errorf("the application's clock is told to be %v ahead, want 40 s", time.Duration(in.clock.Skew))
		}
	}
}

func zipped(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPairedRecordsAreBoundedAndPair(t *testing.T) {
	var p pairing
	for i := range 40_000 {
		id := fmt.Appendf(nil, "id-%d", i/2) // each id twice
		p.take(&parse.Record{Kind: parse.KindRequest, RequestID: id, Source: parse.SourceID(i % 2)})
	}
	if len(p.kept) > maxPaired || len(p.kept) < maxPaired/8 {
		t.Fatalf("%d kept", len(p.kept))
	}
	count := make(map[string]int)
	for _, r := range p.kept {
		count[string(r.RequestID)]++
	}
	for id, n := range count {
		if n != 2 {
			t.Fatalf("%s was kept %d times of 2", id, n)
		}
	}
}
