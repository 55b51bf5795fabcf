package recognise

import (
	"strings"
	"sync"
)

// A Cause is a row of causes.tsv: a reason for which a request can fail.
type Cause struct {
	Slug       string
	Parent     string // slug of the family; empty for a family
	Title      string
	Definition string
	Owner      string // the layer that has to act
	Remedies   string
	Level      string   // symptom, root, info or parent
	CheckNext  []string // causes to test when another log is at hand
}

type causeTable struct {
	list   []Cause
	bySlug map[string]*Cause
}

var causes = sync.OnceValue(func() causeTable {
	rows, err := readTable(taxonomy, "causes", 8)
	if err != nil {
		panic(err) // embedded data; held by a test
	}
	t := causeTable{bySlug: make(map[string]*Cause, len(rows))}
	for _, row := range rows {
		c := Cause{
			Slug: row[0], Parent: row[1], Title: row[2], Definition: row[3], Owner: row[4],
			Remedies: row[5], Level: row[6],
		}
		if row[7] != "" {
			c.CheckNext = strings.Split(row[7], "|")
		}
		t.list = append(t.list, c)
	}
	for i := range t.list {
		t.bySlug[t.list[i].Slug] = &t.list[i]
	}
	return t
})

// Causes returns all causes in the order of the table. The slice is shared and
// must not be changed.
func Causes() []Cause { return causes().list }

// CauseOf returns the cause of that slug, nil when there is none.
func CauseOf(slug string) *Cause { return causes().bySlug[slug] }
