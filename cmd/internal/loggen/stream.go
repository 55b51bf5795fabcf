package loggen

import "bytes"

// A Stream hands out the lines of a linked set one by one, in the order in
// which their programs write them, for who writes them as time goes by.
type Stream struct {
	g      *generator
	queue  queue
	prints []printer
	next   int32 // slot of the request that was made and not begun
	made   int64
	most   int64
	text   []byte
}

// An Entry is what one program wrote of a request at once.
type Entry struct {
	At   int64 // ns since the epoch
	File int   // of Files
	// Text is one line or more; it is valid until the next call of Next.
	Text []byte
	// Status is that of the request as this program tells of it; 0 where it tells
	// of no request.
	Status int
	Of     Fate
}

// A Fate is what became of a request.
type Fate struct {
	Number int64 // of the request, from 1
	ID     string
	VXID   uint64
	Ended  int64 // ns since the epoch, as the proxy in front tells
	Status int   // that the client got
	Fault  string
}

// Failed reports whether the client did not get what it asked for.
func (f *Fate) Failed() bool { return f.Fault != "" }

var faultNames = [numFaults]string{none: "", refused: "refused", timeout: "timeout", appError: "app error", appDown: "app down", closed: "closed"}

// Files are the names of the files of a set.
func Files() (names []string) {
	for _, f := range linked {
		names = append(names, f.file)
	}
	return names
}

// NewStream returns a Stream of as many requests as c.Requests says; c.Bytes
// does not bound it.
func NewStream(c Config) (*Stream, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &Stream{g: newGenerator(c), prints: make([]printer, len(linked)), next: -1, most: c.Requests}
	for i := range s.prints {
		s.prints[i].site = c.Site
	}
	return s, nil
}

// Next returns the next entry. It reports false when there is none any more.
func (s *Stream) Next() (Entry, bool) {
	for {
		if s.next < 0 && (s.most <= 0 || s.made < s.most) {
			s.next = s.queue.slot()
			r := &s.queue.slots[s.next]
			s.g.next(r)
			s.made++
			r.number = s.made
		}
		switch {
		case s.next < 0 && s.queue.empty():
			return Entry{}, false
		case s.next < 0, !s.queue.empty() && s.queue.events[0].at < s.queue.slots[s.next].start:
			return s.entry(s.queue.pop()), true
		}
		slot := s.next
		for i := range linked {
			if at, ok := linked[i].ended(&s.queue.slots[slot]); ok {
				s.queue.push(event{at, slot, int32(i)})
			}
		}
		s.queue.release(slot)
		s.next = -1
	}
}

func (s *Stream) entry(e event) Entry {
	r := &s.queue.slots[e.slot]
	s.text = linked[e.format].append(&s.prints[e.format], s.text[:0], r)
	ended, _ := varnishEnded(r)
	out := Entry{At: e.at, File: int(e.format), Text: s.text, Of: Fate{
		Number: r.number, ID: string(uuid(nil, r.id)), VXID: r.vxid, Ended: ended, Status: r.answer(), Fault: faultNames[r.fault],
	}}
	switch linked[e.format].file {
	case "varnishlog.log":
		out.Status = r.answer()
	case "nginx-access.log":
		out.Status = r.innerAnswer()
	case "app.json.log":
		if !bytes.Contains(s.text, []byte(`"signal":`)) {
			out.Status = r.status
		}
	}
	s.queue.release(e.slot)
	return out
}
