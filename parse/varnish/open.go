package varnish

import "why503/parse"

// An openSet holds the transactions that have begun and not ended, in the
// order in which they began.
type openSet struct {
	byID           map[uint64]*transaction
	oldest, newest *transaction
	bytes          int // held by their texts
}

func (s *openSet) len() int { return len(s.byID) }

func (s *openSet) find(id uint64) *transaction { return s.byID[id] }

func (s *openSet) insert(t *transaction) {
	if s.byID == nil {
		s.byID = make(map[uint64]*transaction)
	}
	s.byID[t.rec.VXID] = t
	s.bytes += t.held()
	t.older = s.newest
	if s.newest != nil {
		s.newest.newer = t
	} else {
		s.oldest = t
	}
	s.newest = t
}

func (s *openSet) remove(t *transaction) {
	delete(s.byID, t.rec.VXID)
	s.bytes -= t.held()
	if t.older != nil {
		t.older.newer = t.newer
	} else {
		s.oldest = t.newer
	}
	if t.newer != nil {
		t.newer.older = t.older
	} else {
		s.newest = t.older
	}
	t.older, t.newer = nil, nil
}

// Free transactions kept for reuse, and the size above which one is not.
const (
	maxFree      = 512
	maxFreeBytes = 32 << 10
)

// take returns an empty transaction that begins in line.
func (p *Log) take(id uint64, line parse.Line) *transaction {
	var t *transaction
	if n := len(p.free); n > 0 {
		t, p.free = p.free[n-1], p.free[:n-1]
	} else {
		t = new(transaction)
	}
	t.reset()
	t.rec.VXID = id
	t.rec.Offset, t.rec.Line = line.Offset, line.Number
	t.rec.Raw = t.keep(line.Text)
	return t
}

func (p *Log) give(t *transaction) {
	if len(p.free) < maxFree && t.held() <= maxFreeBytes {
		p.free = append(p.free, t)
	}
}

// held is about how much memory the transaction holds.
func (t *transaction) held() int {
	const note, stamp, link, conn, own = 112, 32, 16, 144, 1024
	return own + cap(t.buf) + note*cap(t.rec.Notes) + stamp*cap(t.tx.Stamps) + link*cap(t.tx.Links) + conn*cap(t.tx.Opens)
}
