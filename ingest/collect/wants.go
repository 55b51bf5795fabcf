package collect

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"why503/parse"
	"why503/parse/correlate"
	"why503/parse/frame"
	"why503/parse/recognise"
	"why503/parse/wire"
)

// Bounds on what one want may cost.
const (
	maxAnswer = 64      // Records of one source
	maxBlocks = 48      // blocks of one source that are read again
	maxWants  = 1 << 17 // that stand open
)

// A want is a question that stands open.
type want struct {
	*wire.Want
	since time.Time // when it was asked
	found []found   // what was read again for it, of one source
	cut   bool
}

type found struct {
	item wire.Item
	away parse.Time // from Near
}

// wants are the questions that stand open, by key. They are dropped when they
// are withdrawn, by the clock of the lines that come.
type wants struct {
	byKey map[correlate.Key][]*want
	n     int
	lost  int64 // that found no room
}

// add lets w stand open.
func (ws *wants) add(w *want) {
	if ws.n >= maxWants {
		ws.lost++
		return
	}
	ws.n++
	for _, k := range w.Keys {
		ws.byKey[k] = append(ws.byKey[k], w)
	}
}

// standing is how long a want stands open at least, however old the logs are
// that it asks about: some of them may be found, and their format told, later
// than others. Who asks waits half as long.
const standing = 10 * time.Second

// expire drops the wants that were withdrawn before now, in the time of the
// logs, and had their time by the wall clock.
func (ws *wants) expire(now parse.Time, wall time.Time) {
	for k, list := range ws.byKey {
		list = slices.DeleteFunc(list, func(w *want) bool { return w.Until < now && wall.Sub(w.since) > standing })
		if len(list) == 0 {
			delete(ws.byKey, k)
			continue
		}
		ws.byKey[k] = list
	}
	ws.n = 0
	for _, list := range ws.byKey {
		ws.n += len(list)
	}
}

// asks reports whether somebody waits for r, which was read just now.
func (ws *wants) asks(s *source, r *parse.Record, keys []correlate.Key) bool {
	if ws.n == 0 {
		return false
	}
	from, to := s.span(r)
	for _, k := range keys {
		for _, w := range ws.byKey[k] {
			if from <= w.To && w.From <= to {
				return true
			}
		}
	}
	return false
}

// span is when r happened, on the reference clock.
func (s *source) span(r *parse.Record) (from, to parse.Time) {
	off := parse.Time(s.clock.Offset)
	from, to = r.Time+off, max(r.Time, r.Ended)+off
	if r.Precision > 1e6 {
		to += parse.Time(r.Precision)
	}
	return from, to
}

// answer looks up all questions in one source. Each block is read once, however
// many ask for it.
func (s *source) answer(asked []*want) {
	off := parse.Time(s.clock.Offset)
	readers := make(map[*block][]*want)
	var order []*block
	for _, w := range asked {
		w.found, w.cut = w.found[:0], false
		blocks := s.ring.find(w.Keys, w.From-off, w.To-off, w.Near-off)
		if len(blocks) > maxBlocks {
			blocks, w.cut = blocks[:maxBlocks], true
		}
		for _, b := range blocks {
			if readers[b] == nil {
				order = append(order, b)
			}
			readers[b] = append(readers[b], w)
		}
	}
	for _, b := range order {
		s.readAgain(b, readers[b])
	}
	oldest, known := s.oldest()
	for _, w := range asked {
		s.reply(w, known && !s.lossy && oldest <= w.From-off && s.latest >= w.To-off)
	}
}

// readAgain parses a block and gives each want what it asked for.
func (s *source) readAgain(b *block, asked []*want) {
	text := s.c.scratch(int(b.end - b.off))
	n, err := s.from.readAt(b.inc, text, b.off)
	if n < len(text) && err != nil {
		s.count("gone before it was asked for", 1)
	}
	p := s.newParser()
	dated := b.dated
	var keys []correlate.Key
	emit := func(r *parse.Record) {
		if s.ring.exact && !b.holds(r.Offset) {
			return // a piece of a Record that began before the block
		}
		s.set.Annotate(r)
		r.Source = s.id
		s.calendar.Date(r, &dated)
		recognise.MarkCut(r)
		if s.clock.Promotes {
			recognise.Promote(r)
		}
		if !correlate.Useful(r) {
			return
		}
		keys = append(correlate.AppendKeys(keys[:0], r), correlate.Every)
		from, to := s.span(r)
		var item wire.Item
		for _, w := range asked {
			if from > w.To || to < w.From || !meet(keys, w.Keys) || len(w.Keys) == 1 && w.Keys[0] == correlate.Every && r.Kind != parse.KindRequest {
				continue
			}
			if item.Record == nil {
				item = wire.Item{ID: s.identityAt(r, b.inc), Record: r.Clone()}
			}
			w.found = append(w.found, found{item, max(w.Near-to, to-w.Near)})
		}
	}
	each(text[:n], b, func(l parse.Line) {
		_ = p.Parse(l, emit) // lines that do not fit were counted when they came
	})
	p.Flush(emit)
}

// each hands out the lines of a block that was read again. Blocks are read so
// often that no buffer is made where no line can be too long.
func each(text []byte, b *block, fn func(parse.Line)) {
	if len(text) < frame.DefaultMaxLine {
		lines := frame.Block{Data: text, Offset: b.off, Number: b.line + 1}.Lines()
		for l, ok := lines.Next(); ok; l, ok = lines.Next() {
			fn(l)
		}
		return
	}
	lines := frame.NewLines(bytes.NewReader(text), 0)
	for {
		l, err := lines.Next()
		if err != nil {
			return
		}
		l.Offset += b.off
		l.Number += b.line
		fn(l)
	}
}

func meet(a, b []correlate.Key) bool {
	return slices.ContainsFunc(a, func(k correlate.Key) bool { return slices.Contains(b, k) })
}

// holds reports whether a Record begins at off.
func (b *block) holds(off int64) bool {
	return slices.Contains(b.starts, uint32(off-b.off))
}

// reply sends what was found for w: of too many those that ended nearest to
// what asks.
func (s *source) reply(w *want, covered bool) {
	if len(w.found) > maxAnswer {
		slices.SortStableFunc(w.found, func(a, b found) int { return cmp.Compare(a.away, b.away) })
		w.found, w.cut = w.found[:maxAnswer], true
	}
	for i := range w.found {
		s.items = append(s.items, w.found[i].item)
	}
	n := len(w.found)
	w.found = nil
	if n > 0 {
		again := s.again
		s.again = false // whoever asks wants it
		s.flush()
		s.again = again
	}
	s.c.send(&wire.Answer{Source: s.id, Number: w.Number, Count: n, Covered: covered && !w.cut, Cut: w.cut})
}
