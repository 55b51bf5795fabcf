package recognise

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"why503/parse"
)

//go:embed taxonomy/*.tsv
var taxonomy embed.FS

// tables are read in this order, which is that of the event ids. Rows of ours
// come last.
var tables = [...]string{
	"varnish", "nginx", "haproxy", "apache", "envoy", "origin_apps", "databases", "kernel_k8s", "cdn", "own",
}

// An Event is one row of the taxonomy: a thing that a program can say.
// Events are shared and must not be changed.
type Event struct {
	ID      parse.EventID
	Name    string // the row's id, for example varnish.fe.first_byte
	Program parse.Program
	Field   parse.Field
	// Literal is the text as the program prints it, with holes in angle
	// brackets.
	Literal string
	Meaning string
	Cause   string // slug of causes.tsv
	// Specificity orders rows that match the same text: higher is told first.
	Specificity int

	where  string // the column of that name: finer than Field
	place  *place
	expr   expression
	fixed  int // bytes that stand in every match
	full   bool
	class  class
	sample []byte   // what a program would print; nil when the literal does not tell
	needs  []string // one of these stands in every match; nil when nothing does
	folded bool     // needs are lower case and to be found without regard to case
}

// readTable returns the rows below the header of a table.
func readTable(fsys fs.FS, name string, columns int) ([][]string, error) {
	data, err := fs.ReadFile(fsys, "taxonomy/"+name+".tsv")
	if err != nil {
		return nil, fmt.Errorf("reading taxonomy %s: %w", name, err)
	}
	var rows [][]string
	for i, line := range strings.Split(strings.TrimRight(string(data), "\n"), "\n") {
		if i == 0 || line == "" {
			continue
		}
		cells := strings.Split(line, "\t")
		if len(cells) != columns {
			return nil, fmt.Errorf("taxonomy %s, line %d: %d columns, want %d", name, i+1, len(cells), columns)
		}
		rows = append(rows, cells)
	}
	return rows, nil
}

// readEvents returns all rows of all tables, numbered.
func readEvents() ([]Event, error) {
	var events []Event
	for _, table := range tables {
		rows, err := readTable(taxonomy, table, 7)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			p := placeOf(row[1])
			if p == nil {
				return nil, fmt.Errorf("taxonomy %s: %s stands in an unknown place %q", table, row[0], row[1])
			}
			e := Event{
				ID: parse.EventID(len(events) + 1), Name: row[0], Program: p.program, Field: p.field,
				Literal: row[2], Meaning: row[4], Cause: row[5], where: row[1], place: p,
			}
			if err := e.compile(row[3]); err != nil {
				return nil, fmt.Errorf("taxonomy %s: %s: %w", table, row[0], err)
			}
			events = append(events, e)
		}
	}
	return events, nil
}
