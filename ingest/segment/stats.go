package segment

// Why lines were lost.
const (
	LostSize  = "size"  // dropped unread to keep the stream in its bound
	LostAge   = "age"   // dropped unread since it was too old
	LostWrite = "write" // the disk did not take it
	LostTorn  = "torn"  // a line cut off by a crash, dropped at the next Open
)

// A Loss is lines and their bytes.
type Loss struct{ Lines, Bytes int64 }

// Stats are counters since Open, other than Segments, Size and Unread.
type Stats struct {
	Lines, Bytes int64           // taken
	CutLines     int64           // lines longer than the bound
	CutBytes     int64           // what was left out of them
	Lost         map[string]Loss // by reason
	Syncs        int64
	Segments     int   // on disk now
	Size         int64 // bytes on disk now
	Unread       int64 // bytes behind what was released
}

// Stats returns a copy.
func (w *Writer) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.Lost = make(map[string]Loss, len(w.lost))
	for reason, n := range w.lost {
		s.Lost[reason] = n
	}
	s.Segments = len(w.segments)
	for _, g := range w.segments {
		s.Size += g.size
		switch {
		case g.seq > w.released.Seq:
			s.Unread += g.size
		case g.seq == w.released.Seq:
			s.Unread += max(0, g.size-w.released.Offset)
		}
	}
	return s
}

func (w *Writer) lose(reason string, lines, bytes int64) {
	if lines == 0 && bytes == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.lost[reason]
	w.lost[reason] = Loss{l.Lines + lines, l.Bytes + bytes}
}
