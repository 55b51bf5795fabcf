package collect

import (
	"bytes"
	"errors"
	"time"

	"why503/parse"
	"why503/parse/detect"
	"why503/parse/wire"
)

// Lines that wait for a format are few and short-lived.
const (
	detectLines = 64
	detectBytes = 256 << 10
	detectWait  = 2 * time.Second
	// Lines of which the format cannot be told may be a program's greeting, and
	// its log follows. So the next ones are asked, ever more seldom.
	pauseFirst, pauseMost = 100 * time.Millisecond, 10 * time.Second
	// heldBack is how long a parser may hold back the last lines of a quiet
	// source: a stack trace that nothing follows is done.
	heldBack = time.Second
)

// wait keeps a line until the format can be told.
func (s *source) wait(now time.Time, l line) {
	if now.Before(s.untold) {
		s.pass(l)
		return
	}
	if len(s.waits) == 0 {
		s.first = now
	}
	l.Text = bytes.Clone(l.Text)
	s.waits = append(s.waits, l)
	size := 0
	for i := range s.waits {
		size += len(s.waits[i].Text)
	}
	if len(s.waits) >= detectLines || size >= detectBytes || now.Sub(s.first) > detectWait {
		s.detect()
	}
}

// pass counts a line that nobody can read.
func (s *source) pass(l line) {
	s.catchUp(l.inc, l.Offset)
	if !s.again {
		s.bytes += int64(len(l.Text)) + 1
		s.lines++
		s.unparsed++
	}
}

// detect tells the format from the lines that wait, and reads them.
func (s *source) detect() {
	var sample []byte
	for i := range s.waits {
		sample = append(append(sample, s.waits[i].Text...), '\n')
	}
	s.use(s.c.cfg.Detect(s.cfg, sample))
	waits := s.waits
	s.waits = nil
	if s.parser == nil {
		s.pause = min(max(2*s.pause, pauseFirst), pauseMost)
		s.untold = s.c.now.Add(s.pause)
		for _, l := range waits {
			s.pass(l)
		}
		return
	}
	for _, l := range waits {
		s.take(l)
	}
}

// use sets what the source is, and introduces it.
func (s *source) use(res detect.Result) {
	kind, prog, ok := detect.Kind(res.Format.Name)
	s.format = res.Format
	if !ok || res.New == nil {
		told := s.note != ""
		s.note = whyNot(res, s.cfg.Name)
		if !told { // it is tried again and again, on other lines
			s.c.log.Warn("a source is not read", "source", s.cfg.Name, "reason", s.note)
		}
		return
	}
	if s.note != "" {
		s.note = ""
		s.c.log.Info("the format of a source can be told now, and it is read", "source", s.cfg.Name, "format", res.Format.Name)
	}
	s.kind, s.prog, s.mk = kind, prog, res.New
	s.parser = s.newParser()
	_, stateless := s.parser.(parse.Stateless)
	s.ring.exact = !stateless
	s.introduce()
	s.c.sample(sampleSoon)
}

func whyNot(res detect.Result, name string) string {
	err := res.Err(name)
	var of *detect.FormatError
	switch {
	case errors.As(err, &of) && of.Why != "":
		return of.Why + ". If you know it, give it as format of a path under sources in the configuration (names: why503 analyze --format list)"
	case err != nil:
		return err.Error()
	}
	return "no known log format"
}

func (s *source) introduce() {
	s.c.send(&wire.Source{
		ID: s.id, Name: s.cfg.Name, Format: s.format.Name, Kind: s.kind, Program: s.prog, Host: s.host, Site: s.site,
		Zoned: detect.PrintsZone(s.format.Name) || s.c.cfg.Zone != nil,
	})
}

func (s *source) newParser() parse.Parser {
	p := s.mk()
	if z := s.cfg.Zone; z != nil {
		detect.SetZone(p, z)
	} else if s.c.cfg.Zone != nil {
		detect.SetZone(p, s.c.cfg.Zone)
	}
	detect.SetBase(p, s.c.now)
	return p
}
