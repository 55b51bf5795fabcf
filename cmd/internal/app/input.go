package app

import (
	"path/filepath"
	"sync/atomic"
	"time"

	"why503/ingest"
	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/detect"
)

// An input is one source of a run: what it is, where it belongs, and what
// became of its lines.
type input struct {
	path   string
	source *ingest.Source
	format detect.Format
	make   func() parse.Parser
	kind   parse.SourceKind
	prog   parse.Program
	host   string
	site   string            // of requests whose line names no host
	join   *correlate.Source // nil when its lines are not read
	clock  correlate.Clock
	zoned  bool // its stamps print their zone
	sorted bool // its lines are not in order
	// sortedFrom is the line from which on a stream was sorted; 0 when it was
	// sorted whole.
	sortedFrom int64
	calendar   parse.Calendar
	promotes   bool // its error lines stand for their requests

	name  string // how rows and reports call it
	note  string // why it is not read
	bytes int64  // uncompressed

	// counted while reading, by the one goroutine that reads it
	lines, records, skipped, long int64
	first, last                   parse.Time // raw clock
	samples                       []string
	losses                        map[string]int64
	lossy                         bool         // something was lost, so absence proves nothing
	dated                         parse.Time   // raw clock; of the lines so far
	read                          atomic.Int64 // bytes so far, for the progress line
}

// newParser returns a parser for in, set to the run's zone and to the year that
// stamps without one are of.
func (in *input) newParser(zone *time.Location, base time.Time) parse.Parser {
	p := in.make()
	if zone != nil {
		detect.SetZone(p, zone)
	}
	detect.SetBase(p, base)
	return p
}

// meets reports whether a path meets GLOB as given, or by its last element.
func meets(glob, path string) bool {
	if ok, _ := filepath.Match(glob, path); ok {
		return true
	}
	ok, _ := filepath.Match(glob, filepath.Base(path))
	return ok
}

// nameInputs gives each input the shortest name that tells it from the others:
// the last element of its path, or the path as given.
func nameInputs(ins []*input) {
	count := make(map[string]int)
	for _, in := range ins {
		count[filepath.Base(in.path)]++
	}
	for _, in := range ins {
		in.name = filepath.Base(in.path)
		if count[in.name] > 1 {
			in.name = in.path
		}
		if in.path == ingest.Stdin {
			in.name = "stdin"
		}
	}
}

// hostsByFolder names the hosts of inputs that lie in different folders after
// their folders, where nothing else names them.
func hostsByFolder(ins []*input) {
	folders := make(map[string]bool)
	for _, in := range ins {
		if in.source.Size >= 0 { // a pipe lies where the shell puts it
			folders[filepath.Dir(in.path)] = true
		}
	}
	if len(folders) < 2 {
		return
	}
	for _, in := range ins {
		if in.host == "" && in.source.Size >= 0 {
			in.host = filepath.Base(absolute(filepath.Dir(in.path)))
		}
	}
}

// absolute gives the folder "." a name.
func absolute(folder string) string {
	if abs, err := filepath.Abs(folder); err == nil {
		return abs
	}
	return folder
}
