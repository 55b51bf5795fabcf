package fact

import (
	"bytes"
	"slices"

	"github.com/zeebo/xxh3"

	"why503/parse"
)

// A Version orders the states of one fact by completeness: a later rules
// epoch first, then more Records, then more signals. Evidence tells apart
// states that are equally complete.
type Version struct {
	Epoch    uint32
	Records  uint32
	Signals  uint32
	Evidence uint64
}

// VersionOf computes the version of q under the given rules epoch. It does not
// depend on the order of q's Parts or Signals.
func VersionOf(q *parse.Request, epoch uint32) Version {
	return Version{
		Epoch:    epoch,
		Records:  uint32(len(q.Parts)),
		Signals:  uint32(len(q.Signals)),
		Evidence: evidence(q.Parts) ^ evidence(q.Signals)<<1,
	}
}

// Less reports whether v is poorer than w, so that w may replace it.
func (v Version) Less(w Version) bool {
	switch {
	case v.Epoch != w.Epoch:
		return v.Epoch < w.Epoch
	case v.Records != w.Records:
		return v.Records < w.Records
	case v.Signals != w.Signals:
		return v.Signals < w.Signals
	}
	return v.Evidence < w.Evidence
}

// Uint64 packs v for a ReplacingMergeTree's version column: the order of the
// numbers is the order of Less, up to 2^16 records and signals.
func (v Version) Uint64() uint64 {
	sat := func(n uint32) uint64 { return uint64(min(n, 1<<16-1)) }
	return sat(v.Epoch)<<48 | sat(v.Records)<<32 | sat(v.Signals)<<16 | v.Evidence>>48
}

func evidence(parts []parse.Part) uint64 {
	var h uint64
	for i := range parts {
		h += xxh3.Hash(parts[i].ID[:])
	}
	return h
}

// Unite adds to q the Parts of other that it lacks, each under the same parent
// Record, and reports whether q grew. Both must have the same uid.
func Unite(q, other *parse.Request) bool {
	place := make(map[parse.RecordID]int, len(q.Parts))
	for i := range q.Parts {
		place[q.Parts[i].ID] = i
	}
	grew := false
	for _, p := range other.Parts {
		if _, ok := place[p.ID]; ok {
			continue
		}
		if p.Parent >= 0 {
			p.Parent = place[other.Parts[p.Parent].ID]
		}
		place[p.ID] = len(q.Parts)
		q.Parts = append(q.Parts, p)
		grew = true
	}
	for _, s := range other.Signals {
		if !slices.ContainsFunc(q.Signals, func(t parse.Part) bool { return t.ID == s.ID }) {
			q.Signals = append(q.Signals, s)
			grew = true
		}
	}
	return grew
}

// Order sorts the Parts behind the root by (depth, time, id), and the Signals
// by (time, id), so that equal facts are equal whatever order they grew in.
func Order(q *parse.Request) {
	if len(q.Parts) > 1 {
		old := slices.Clone(q.Parts)
		slices.SortStableFunc(q.Parts[1:], compare)
		place := make(map[parse.RecordID]int, len(old))
		for i := range q.Parts {
			place[q.Parts[i].ID] = i
		}
		for i := range q.Parts {
			if p := q.Parts[i].Parent; p >= 0 {
				q.Parts[i].Parent = place[old[p].ID]
			}
		}
	}
	slices.SortFunc(q.Signals, compare)
}

func compare(a, b parse.Part) int {
	if a.Depth != b.Depth {
		return a.Depth - b.Depth
	}
	if at, bt := a.Record.Time+parse.Time(a.Offset), b.Record.Time+parse.Time(b.Offset); at != bt {
		if at < bt {
			return -1
		}
		return 1
	}
	return bytes.Compare(a.ID[:], b.ID[:])
}
