package incident

import (
	"cmp"
	"slices"
	"strings"

	"why503/parse"
)

// A Feed collects single requests into the seconds that a Detector takes.
// Requests come in any order until their second is released, which is when
// the caller knows that nothing older will come: the join has closed it. It
// keeps only seconds that are not released, and belongs to one goroutine.
type Feed struct {
	d        *Detector
	streams  map[string]*Stream
	released int64
	any      bool // something has been released
	late     int64
}

// A Stream is the open seconds of one site.
type Stream struct {
	f       *Feed
	site    string
	seconds []Second // sorted
	last    int      // where the last request went
}

// maxOpenSeconds bounds the seconds of a site that wait. Beyond it the oldest
// go to the detector as they are.
const maxOpenSeconds = 1 << 14

// NewFeed returns a Feed of d.
func NewFeed(d *Detector) *Feed {
	return &Feed{d: d, streams: make(map[string]*Stream)}
}

// Site returns the stream of a site. It may be kept as long as the Feed.
func (f *Feed) Site(name []byte) *Stream {
	if s := f.streams[string(name)]; s != nil {
		return s
	}
	if len(f.streams) >= f.d.cfg.MaxSites-1 {
		name = []byte(otherSite)
		if s := f.streams[otherSite]; s != nil {
			return s
		}
	}
	s := &Stream{f: f, site: strings.Clone(string(name))}
	f.streams[s.site] = s
	return s
}

// Requests counts n requests, good or failed, that ended at t.
func (s *Stream) Requests(t parse.Time, n int64) {
	if sec := s.second(t); sec != nil {
		sec.Requests += n
	}
}

// Failures counts n failed requests that ended at t. They are of those that
// Requests was told of; where more failed than were counted, as of a hop whose
// own log does not stand in front, the failed ones are all that is known.
func (s *Stream) Failures(t parse.Time, cause string, n int64) {
	sec := s.second(t)
	if sec == nil {
		return
	}
	if sec.Failures == 0 {
		sec.First, sec.Last = t, t
	}
	sec.First, sec.Last = min(sec.First, t), max(sec.Last, t)
	sec.Failures += n
	sec.Causes = addCounts(sec.Causes, []Count{{cause, n}})
}

// second returns the second of t, nil when it has been released.
func (s *Stream) second(t parse.Time) *Second {
	at := floorSecond(t)
	if s.last < len(s.seconds) && s.seconds[s.last].At == at {
		return &s.seconds[s.last]
	}
	if s.f.any && at < s.f.released {
		s.f.late++
		return nil
	}
	i, found := slices.BinarySearchFunc(s.seconds, at, func(x Second, at int64) int { return cmp.Compare(x.At, at) })
	if !found {
		if len(s.seconds) >= maxOpenSeconds {
			s.pass(maxOpenSeconds / 2)
			i = max(0, i-maxOpenSeconds/2)
		}
		s.seconds = slices.Insert(s.seconds, i, Second{At: at})
	}
	s.last = i
	return &s.seconds[i]
}

// pass gives the first n seconds to the detector.
func (s *Stream) pass(n int) {
	for _, sec := range s.seconds[:n] {
		sec.Requests = max(sec.Requests, sec.Failures)
		if !s.f.d.Add(s.site, sec) {
			s.f.late += sec.Requests
		}
	}
	s.seconds = slices.Delete(s.seconds, 0, n)
	s.last = 0
}

// Release says that no request that ended before t will come any more.
func (f *Feed) Release(t parse.Time) {
	f.release(floorSecond(t))
	f.d.Advance(f.released)
}

// Flush gives all that is left to the detector, up to its last second.
func (f *Feed) Flush() {
	last := f.released
	for _, s := range f.streams {
		if n := len(s.seconds); n > 0 {
			last = max(last, s.seconds[n-1].At+1)
		}
	}
	f.release(last)
	f.d.Advance(last)
}

func (f *Feed) release(before int64) {
	if f.any && before <= f.released {
		return
	}
	f.released, f.any = before, true
	for _, s := range f.streams {
		n := 0
		for n < len(s.seconds) && s.seconds[n].At < before {
			n++
		}
		s.pass(n)
	}
}

// Late returns how many requests came after their second had been released.
func (f *Feed) Late() int64 { return f.late }

func floorSecond(t parse.Time) int64 {
	s := int64(t) / nsPerSecond
	if int64(t)%nsPerSecond < 0 {
		s--
	}
	return s
}
