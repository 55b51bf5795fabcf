package syslog

import "sync/atomic"

// Stats are counters since Open, other than Connections and Streams. Lost means
// that coverage of the streams is not whole.
type Stats struct {
	Messages, Bytes int64
	Bare            int64 // messages without a header
	Cut             int64 // messages longer than the bound
	Connections     int64 // now
	Accepted        int64
	Streams         int   // now
	Overflow        int64 // messages that went to the stream of all others
	Lost            Lost
}

// Lost counts by reason.
type Lost struct {
	Kernel   int64 // datagrams that the kernel dropped since its buffer was full
	Refused  int64 // connections above the bound
	Idle     int64 // connections closed since nothing came
	Framing  int64 // connections closed since the messages on them cannot be told apart
	HalfSent int64 // messages that a connection ended amid
	NoStream int64 // messages whose stream could not be made or written
}

// Any tells whether anything was lost.
func (l Lost) Any() bool { return l != Lost{} }

type counts struct {
	messages, bytes, bare, cut, conns, accepted         atomic.Int64
	kernel, refused, idle, framing, halfSent, noStreams atomic.Int64
}

// Stats returns a copy.
func (s *Server) Stats() Stats {
	c := &s.counts
	other, _ := s.set.Overflow()
	return Stats{
		Messages: c.messages.Load(), Bytes: c.bytes.Load(), Bare: c.bare.Load(), Cut: c.cut.Load(),
		Connections: c.conns.Load(), Accepted: c.accepted.Load(), Streams: len(s.set.Streams()), Overflow: other,
		Lost: Lost{
			Kernel: c.kernel.Load(), Refused: c.refused.Load(), Idle: c.idle.Load(), Framing: c.framing.Load(),
			HalfSent: c.halfSent.Load(), NoStream: c.noStreams.Load(),
		},
	}
}
