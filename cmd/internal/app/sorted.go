package app

import (
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

// sortStream drains s into a sorter.
func sortStream(s *stream) (*sortedStream, error) {
	out := &sortedStream{sorter: newSorter()}
	var enc []byte
	for {
		items, err := s.Next()
		if err != nil {
			return nil, err
		}
		if len(items) == 0 {
			break
		}
		for i := range items {
			enc = correlate.AppendRecord(enc[:0], items[i].Record)
			if err := out.sorter.add(sortKey{int64(items[i].Logged), items[i].ID}, enc); err != nil {
				return nil, err
			}
		}
	}
	var err error
	out.runs, err = out.sorter.sorted()
	return out, err
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
		it := merge.Item{Record: new(parse.Record), ID: k.id, Logged: parse.Time(k.time)}
		if _, err := correlate.DecodeRecord(append([]byte(nil), payload...), it.Record); err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	return items, nil
}

func (s *sortedStream) Close() { s.sorter.Close() }
