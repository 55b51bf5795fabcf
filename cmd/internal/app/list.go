package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"why503/aggregate"
	"why503/dashboards/report"
	"why503/parse"
)

// A List holds the rows of a run, sorted by (time, uid), in bounded memory:
// rows are kept as the NDJSON that they become.
type List struct {
	sorter *sorter
	line   bytes.Buffer
	enc    *report.NDJSON
}

// NewList returns an empty List.
func NewList() *List {
	l := &List{sorter: newSorter()}
	l.enc = report.NewNDJSON(&l.line)
	return l
}

// Add puts the row of q into the list.
func (l *List) Add(q *parse.Request, row *aggregate.Failure) error {
	l.line.Reset()
	if err := l.enc.Write(row); err != nil {
		return err
	}
	if err := l.enc.Flush(); err != nil {
		return err
	}
	return l.sorter.add(sortKey{int64(q.Root().Time), q.UID}, l.line.Bytes())
}

// Reset empties the list, for a run that begins anew.
func (l *List) Reset() {
	l.sorter.Close()
	l.sorter = newSorter()
}

// WriteTo writes the list as NDJSON, one row a line.
func (l *List) WriteTo(w io.Writer) (int64, error) {
	runs, err := l.sorter.sorted()
	if err != nil {
		return 0, err
	}
	var n int64
	for {
		_, line, ok, err := runs.next()
		if err != nil || !ok {
			return n, err
		}
		m, err := w.Write(line)
		n += int64(m)
		if err != nil {
			return n, err
		}
	}
}

// Rows yields the rows in order. An error ends it and is set in *failed.
func (l *List) Rows(failed *error) func(yield func(*aggregate.Failure) bool) {
	return func(yield func(*aggregate.Failure) bool) {
		runs, err := l.sorter.sorted()
		for err == nil {
			var line []byte
			var ok bool
			if _, line, ok, err = runs.next(); err != nil || !ok {
				break
			}
			var row aggregate.Failure
			if err = json.Unmarshal(line, &row); err != nil {
				err = fmt.Errorf("reading a row back: %w", err)
				break
			}
			if !yield(&row) {
				return
			}
		}
		*failed = err
	}
}

// Close frees the temporary file.
func (l *List) Close() { l.sorter.Close() }
