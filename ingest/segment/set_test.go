package segment

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestASetIsBoundedAndFindsItsStreamsAgain(t *testing.T) {
	c := Config{Dir: t.TempDir()}
	var opened []string
	note := func(w *Writer) { opened = append(opened, w.Name()) }
	s, err := OpenSet(c, 2, note, quiet)
	if err != nil {
		t.Fatal(err)
	}
	put := func(program, host, line string) {
		t.Helper()
		w, err := s.Of([]byte(program), []byte(host))
		if err != nil {
			t.Fatal(err)
		}
		add(t, w, line+"\n")
	}
	put("nginx", "web-1", "a")
	put("nginx", "web-2", "b")
	put("app", "web-1", "c")
	put("db", "web-1", "d")
	put("nginx", "web-1", "e")
	same(t, []string{"nginx@web-1", "nginx@web-2", "other"}, opened)
	if n, _ := s.Overflow(); n != 2 {
		t.Errorf("%d beyond the bound", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Of([]byte("x"), nil); err == nil {
		t.Error("a closed set gave a stream")
	}
	opened = nil
	if s, err = OpenSet(c, 2, note, quiet); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	put("nginx", "web-1", "f")
	same(t, []string{"nginx@web-1", "nginx@web-2", "other"}, opened)
	for i, want := range []string{"a e f", "b", "c d"} {
		r := s.Streams()[i].Reader(Position{})
		same(t, want, strings.Join(all(t, r), " "))
		r.Close()
	}
}

func TestStreamNamesAreFoldersOfTheirOwn(t *testing.T) {
	seen := make(map[string]string)
	dir := t.TempDir()
	for _, k := range [][2]string{
		{"nginx", "web-1"}, {"", ""}, {"", "h"}, {"..", "h"}, {"../../etc", "passwd"}, {"a/b", "h"}, {"a_b", "h"}, {"a\x00b", "h"}, {"ü", "h"}, {".hidden", ""},
		{strings.Repeat("a", 300), "h"}, {strings.Repeat("a", 300), "i"}, {"nginx", "2001:db8::1"}, {"nginx", "2001_db8__1"},
	} {
		name := StreamName(k[0], k[1])
		if other, ok := seen[name]; ok {
			t.Errorf("%q and %q are both %s", k, other, name)
		}
		seen[name] = fmt.Sprint(k)
		w, err := Open(Config{Dir: dir}, name, quiet)
		if err != nil {
			t.Errorf("%q: %v", k, err)
			continue
		}
		w.Close()
		if _, err := os.Stat(filepath.Join(dir, filepath.Base(name), headerName)); err != nil {
			t.Errorf("%q is not in its folder: %v", k, err)
		}
	}
}
