//go:build integration

package journal

import (
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"why503/ingest/segment"
)

// TestRealJournalctl follows a journal file that systemd-journal-remote 252
// made of entries in the export format.
func TestRealJournalctl(t *testing.T) {
	path, err := exec.LookPath("journalctl")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("journalctl is not installed")
		}
		t.Skip("SKIPPED: journalctl is not installed")
	}
	dir := t.TempDir()
	in, err := os.Open("testdata/system.journal.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(dir, "system.journal"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, z); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	segments := segment.Config{Dir: t.TempDir()}
	c := Config{Path: path, Directory: dir, From: FromStart, Segments: segments, MaxMessage: 1024, Identifiers: []string{"systemd", "nginx"}}
	run(t, c, func(j *Journal) bool { return j.Stats().Entries == 2 })
	// The rest, from where it ended.
	c.Identifiers = nil
	j := run(t, c, func(j *Journal) bool { return j.Stats().Entries == usable-2 })
	golden(t, "entries.golden", content(t, j.Streams()))
	if st := j.Stats(); st.LostCursor != 0 || st.Exits != 0 || st.Starts != 1 {
		t.Errorf("%+v", st)
	}
	// A cursor of another journal is one that it does not know.
	c.Segments.Dir, c.After = t.TempDir(), "junk"
	j = run(t, c, func(j *Journal) bool { return j.Stats().LostCursor > 0 })
	if j.Cursor() == "junk" {
		t.Error("the cursor was kept")
	}
}
