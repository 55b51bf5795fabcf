package fact

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/zeebo/xxh3"

	"why503/parse"
)

// A Version orders the states of one fact by completeness: a final one first,
// for what was taken for a part of it in between may have turned out to belong
// to another; then one of a later rules epoch, then of more Records, then of
// more signals. Evidence tells apart states that are equally complete.
type Version struct {
	Final    bool
	Epoch    uint32
	Records  uint32
	Signals  uint32
	Evidence uint64
}

// VersionOf computes the version of q under the given rules epoch. It does not
// depend on the order of q's Parts or Signals.
func VersionOf(q *parse.Request, epoch uint32) Version {
	return Version{
		Final:    q.Final,
		Epoch:    epoch,
		Records:  uint32(len(q.Parts)),
		Signals:  uint32(len(q.Signals)),
		Evidence: evidence(q.Parts) ^ evidence(q.Signals)<<1,
	}
}

// Less reports whether v is poorer than w, so that w may replace it.
func (v Version) Less(w Version) bool {
	switch {
	case v.Final != w.Final:
		return w.Final
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
// numbers is the order of Less, up to 2^14 epochs and 2^16 records and signals.
// It leaves the highest bit to those who keep it as a signed number.
func (v Version) Uint64() uint64 {
	sat := func(n uint32) uint64 { return uint64(min(n, 1<<16-1)) }
	var final uint64
	if v.Final {
		final = 1 << 62
	}
	return final | min(uint64(v.Epoch), 1<<14-1)<<48 | sat(v.Records)<<32 | sat(v.Signals)<<16 | v.Evidence>>48
}

func evidence(parts []parse.Part) uint64 {
	var h uint64
	for i := range parts {
		h += xxh3.Hash(parts[i].ID[:])
	}
	return h
}

// Unite adds to q what other has and q lacks, and reports whether q grew. Both
// must have the same uid. Whichever is added to which, and however often, the
// result is the same: where the two disagree how a Record was joined, the surer
// join stands; what a source covers is what both copies of it covered.
func Unite(q, other *parse.Request) bool {
	place := make(map[parse.RecordID]int, len(q.Parts))
	for i := range q.Parts {
		place[q.Parts[i].ID] = i
	}
	grew := false
	var from []int // of the Parts of q that are other's now, where they are in other
	var at []int
	for i, p := range other.Parts {
		k, ok := place[p.ID]
		if !ok {
			k = len(q.Parts)
			place[p.ID] = k
			q.Parts = append(q.Parts, p)
			grew = true
		} else if k == 0 || i == 0 || !surer(&p, parentID(other, i), &q.Parts[k], parentID(q, k)) {
			continue
		} else {
			p.Record = q.Parts[k].Record
			q.Parts[k] = p
		}
		from, at = append(from, i), append(at, k)
	}
	for n, i := range from {
		if p := other.Parts[i].Parent; p >= 0 {
			q.Parts[at[n]].Parent = place[other.Parts[p].ID]
		}
	}
	untangle(q)
	for _, s := range other.Signals {
		k := slices.IndexFunc(q.Signals, func(t parse.Part) bool { return t.ID == s.ID })
		switch {
		case k < 0:
			q.Signals = append(q.Signals, s)
			grew = true
		case s.Join.Score > q.Signals[k].Join.Score:
			q.Signals[k].Join = s.Join
		}
	}
	uniteCoverage(q, other)
	uniteNeighbours(q, other)
	q.Final = q.Final || other.Final
	q.Revision = max(q.Revision, other.Revision)
	Order(q)
	return grew
}

// untangle hangs Parts that two copies placed under each other under the root.
func untangle(q *parse.Request) {
	var loose []int
	for i := range q.Parts {
		at, steps := i, 0
		for at > 0 && steps <= len(q.Parts) {
			at, steps = q.Parts[at].Parent, steps+1
			if at == i {
				loose = append(loose, i)
				break
			}
		}
	}
	for _, i := range loose {
		q.Parts[i].Parent = 0
	}
}

func parentID(q *parse.Request, i int) parse.RecordID {
	if p := q.Parts[i].Parent; p >= 0 {
		return q.Parts[p].ID
	}
	return parse.RecordID{}
}

// surer reports whether p, under the Record of the given id, is known better
// than q to belong where it is.
func surer(p *parse.Part, under parse.RecordID, q *parse.Part, than parse.RecordID) bool {
	c := cmp.Or(
		cmp.Compare(p.Join.How, q.Join.How), cmp.Compare(q.Join.Score, p.Join.Score), cmp.Compare(p.Join.RunnerUp, q.Join.RunnerUp),
		cmp.Compare(q.Depth, p.Depth), bytes.Compare(under[:], than[:]), cmp.Compare(p.Offset, q.Offset),
	)
	return c < 0
}

func uniteCoverage(q, other *parse.Request) {
	for _, c := range other.Coverage {
		k := slices.IndexFunc(q.Coverage, func(d parse.Coverage) bool {
			return c.Source == d.Source && c.Kind == d.Kind && c.Host == d.Host
		})
		if k < 0 {
			q.Coverage = append(q.Coverage, c)
			continue
		}
		d := &q.Coverage[k]
		d.From, d.To = min(d.From, c.From), max(d.To, c.To)
		d.Lossless, d.Front = d.Lossless && c.Lossless, d.Front || c.Front
	}
}

// uniteNeighbours keeps of two counts of the same traffic the one that had seen
// more when it was taken.
func uniteNeighbours(q, other *parse.Request) {
	for _, n := range other.Neighbours {
		k := slices.IndexFunc(q.Neighbours, func(m parse.Neighbours) bool {
			return n.Source == m.Source && n.Of == m.Of && n.Name == m.Name
		})
		if k < 0 {
			q.Neighbours = append(q.Neighbours, n)
		} else if compareCounts(q.Neighbours[k], n) < 0 {
			q.Neighbours[k] = n
		}
	}
}

func compareCounts(a, b parse.Neighbours) int {
	return cmp.Or(
		cmp.Compare(a.Good, b.Good), cmp.Compare(a.Minutes, b.Minutes), cmp.Compare(a.Since, b.Since), cmp.Compare(a.Usual, b.Usual),
		cmp.Compare(a.InFlight, b.InFlight),
		slices.CompareFunc(a.Walls, b.Walls, func(v, w parse.Wall) int {
			return cmp.Or(cmp.Compare(v.N, w.N), cmp.Compare(v.Of, w.Of), cmp.Compare(v.End, w.End), cmp.Compare(v.Value, w.Value))
		}),
		slices.CompareFunc(a.Held, b.Held, func(v, w parse.Held) int {
			return cmp.Or(cmp.Compare(v.InFlight, w.InFlight), cmp.Compare(v.Route, w.Route))
		}),
	)
}

// Order sorts the Parts behind the root by (depth, time), the Signals by time,
// the Coverage by kind and host, and the Neighbours by source and name, so that equal facts are equal whatever
// order they grew in. Of one time, the Records of one source stay in the order
// of that source.
func Order(q *parse.Request) {
	if len(q.Parts) > 1 {
		old := slices.Clone(q.Parts)
		slices.SortFunc(q.Parts[1:], compare)
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
	slices.SortStableFunc(q.Coverage, func(a, b parse.Coverage) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Source, b.Source))
	})
	slices.SortStableFunc(q.Neighbours, func(a, b parse.Neighbours) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Of, b.Of), cmp.Compare(a.Name, b.Name))
	})
}

func compare(a, b parse.Part) int {
	return cmp.Or(
		cmp.Compare(a.Depth, b.Depth),
		cmp.Compare(a.Record.Time+parse.Time(a.Offset), b.Record.Time+parse.Time(b.Offset)),
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Host, b.Host),
		cmp.Compare(a.Record.Source, b.Record.Source), cmp.Compare(a.Record.Offset, b.Record.Offset),
		bytes.Compare(a.ID[:], b.ID[:]),
	)
}
