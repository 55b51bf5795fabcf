package slo

// A Series is the counts of the minutes of one site, as far back as the
// longest window goes.
type Series struct {
	keep   int64 // minutes
	newest int64
	hours  map[int64]*hour
}

type hour [60]counts

type counts struct{ good, bad int64 }

// NewSeries returns a Series that keeps so many minutes.
func NewSeries(minutes int64) *Series {
	return &Series{keep: max(minutes, 1), hours: make(map[int64]*hour)}
}

// Set replaces the counts of a minute, which is counted from the epoch. One
// that is too old is left out, and false returned.
func (s *Series) Set(minute, good, bad int64) bool {
	good, bad = max(good, 0), max(bad, 0)
	if len(s.hours) > 0 && minute <= s.newest-s.keep {
		return false
	}
	h := s.hours[div(minute)]
	if h == nil {
		if good+bad == 0 {
			return true
		}
		h = new(hour)
		s.hours[div(minute)] = h
	}
	h[minute-div(minute)*60] = counts{good, bad}
	if len(s.hours) == 1 || minute > s.newest {
		s.newest = minute
		for at := range s.hours {
			if at*60+59 <= s.newest-s.keep {
				delete(s.hours, at)
			}
		}
	}
	return true
}

// Sum returns the counts of the n minutes that end before minute.
func (s *Series) Sum(before, n int64) (good, bad int64) {
	from := before - n
	for at := div(from); at <= div(before-1); at++ {
		h := s.hours[at]
		if h == nil {
			continue
		}
		for i := max(from-at*60, 0); i < min(before-at*60, 60); i++ {
			good, bad = good+h[i].good, bad+h[i].bad
		}
	}
	return good, bad
}

// div is the hour of a minute.
func div(minute int64) int64 {
	h := minute / 60
	if minute%60 < 0 {
		h--
	}
	return h
}
