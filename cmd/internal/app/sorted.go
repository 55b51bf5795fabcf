package app

import (
	"encoding/binary"

	"why503/ingest/merge"
	"why503/parse"
	"why503/parse/correlate"
)

// A sortedStream hands out the Items of a source whose lines are not in order,
// in order. It has read the source to its end.
type sortedStream struct {
	sorter *sorter
	runs   *sortedRuns
}

// sortStream drains s into a sorter, behind the Items that were read of it
// already. Lines of one time stay in the order of the source.
func sortStream(s *stream, read []merge.Item) (*sortedStream, error) {
	out := &sortedStream{sorter: newSorter()}
	err := out.take(s, read)
	if err == nil {
		out.runs, err = out.sorter.sorted()
	}
	if err != nil {
		out.Close()
		return nil, err
	}
	return out, nil
}

func (s *sortedStream) take(from *stream, items []merge.Item) error {
	var enc []byte
	for n := uint64(0); ; {
		for i := range items {
			k := sortKey{time: int64(items[i].Logged)}
			binary.BigEndian.PutUint64(k.id[:], n)
			n++
			enc = correlate.AppendRecord(enc[:0], items[i].Record)
			if err := s.sorter.add(k, enc); err != nil {
				return err
			}
		}
		var err error
		if items, err = from.Next(); err != nil || len(items) == 0 {
			return err
		}
	}
}

// Next implements merge.Stream.
func (s *sortedStream) Next() ([]merge.Item, error) {
	var items []merge.Item
	for len(items) < batchRecords {
		k, payload, ok, err := s.runs.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		it := merge.Item{Record: new(parse.Record), Logged: parse.Time(k.time)}
		if _, err := correlate.DecodeRecord(append([]byte(nil), payload...), it.Record); err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	return items, nil
}

func (s *sortedStream) Close() { s.sorter.Close() }
