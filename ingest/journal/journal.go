package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"why503/ingest/child"
	"why503/ingest/segment"
	"why503/parse"
)

// Stats are counters since Open, other than Streams.
type Stats struct {
	child.Stats
	Entries    int64 // read and written
	Cut        int64 // messages longer than the bound
	Empty      int64 // entries without a message, which say nothing
	Batches    int64 // writes
	Damaged    int64 // times that journalctl's output could not be read on
	LostCursor int64 // times that the journal did not know where it was left: entries may be missing
	Retries    int64 // times that the disk did not take a write, and it was read again
	Streams    int
	Overflow   int64 // entries that went to the stream of all others, or runs of them
}

// A Journal keeps journalctl running and writes what it prints to streams.
type Journal struct {
	cfg    Config
	log    *slog.Logger
	set    *segment.Set
	counts child.Counts

	mu   sync.Mutex
	last mark // of the last entry that was written

	entries, cut, empty, batches, damaged, lostCursor, retries atomic.Int64
}

// Open opens the streams of earlier runs and finds where they end. opened is
// told of each stream; see segment.OpenSet.
func Open(c Config, opened func(*segment.Writer), log *slog.Logger) (*Journal, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	j := &Journal{cfg: c.withDefaults(), log: log}
	set, err := segment.OpenSet(j.cfg.Segments, j.cfg.MaxStreams, opened, log)
	if err != nil {
		return nil, err
	}
	j.set = set
	j.last.cursor = c.After
	for _, w := range set.Streams() {
		line, err := w.LastLine()
		if err != nil {
			return nil, errors.Join(err, set.Close())
		}
		if m, ok := readMark(line); ok && m.number > j.last.number {
			j.last = m
		}
	}
	return j, nil
}

// Cursor returns that of the last entry that was written.
func (j *Journal) Cursor() string { return j.mark().cursor }

// Streams is the set that entries are written to.
func (j *Journal) Streams() *segment.Set { return j.set }

// Stats returns a copy.
func (j *Journal) Stats() Stats {
	other, _ := j.set.Overflow()
	return Stats{
		Stats: j.counts.Stats(), Entries: j.entries.Load(), Cut: j.cut.Load(), Empty: j.empty.Load(), Batches: j.batches.Load(), Damaged: j.damaged.Load(),
		LostCursor: j.lostCursor.Load(), Retries: j.retries.Load(), Streams: len(j.set.Streams()), Overflow: other,
	}
}

// Run reads until ctx ends, and closes the streams.
func (j *Journal) Run(ctx context.Context) error {
	child.Supervise(ctx, child.Program{Command: j.command, Backoff: j.cfg.Backoff, Mend: mend}, &j.counts, j.log)
	return j.set.Close()
}

func (j *Journal) mark() mark {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

func (j *Journal) command() child.Command {
	return child.Command{Path: j.cfg.Path, Args: j.args(), Env: []string{"SYSTEMD_COLORS=0", "LC_ALL=C"}, Stdout: j.read, Stderr: j.says}
}

func (j *Journal) args() []string {
	args := []string{"--output=export", "--follow", "--no-pager", "--quiet"}
	last := j.mark()
	switch {
	case last.cursor != "":
		args = append(args, "--after-cursor="+last.cursor, "--no-tail")
	case last.realtime > 0:
		args = append(args, fmt.Sprintf("--since=@%d", last.realtime/1_000_000), "--no-tail")
	case j.cfg.From == FromBoot:
		args = append(args, "--boot", "--no-tail")
	case j.cfg.From == FromStart:
		args = append(args, "--no-tail")
	default:
		args = append(args, "--lines=0")
	}
	if j.cfg.Directory != "" {
		args = append(args, "--directory="+j.cfg.Directory)
	}
	for _, u := range j.cfg.Units {
		args = append(args, "--unit="+u)
	}
	for _, i := range j.cfg.Identifiers {
		args = append(args, "--identifier="+i)
	}
	return append(args, j.cfg.Matches...)
}

// says hears that a cursor is not taken. The time of the last entry has to do
// then, which may give some entries again.
func (j *Journal) says(line []byte) {
	if !bytes.Contains(line, []byte("seek to cursor")) && !bytes.Contains(line, []byte("parse cursor")) {
		return
	}
	j.lostCursor.Add(1)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last.cursor = ""
}

func mend(err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "ermission denied"), strings.Contains(text, "No journal files were opened"):
		return "This user may not read the journal. Join the group systemd-journal"
	case strings.Contains(text, "No journal files were found"):
		return "There is no journal here. Storage= in journald.conf(5) says whether and where it is kept"
	case errors.Is(err, errExport):
		return "Let it be run as: journalctl --output=export --follow"
	}
	return ""
}

// read writes entries until the output ends. An entry that the disk does not
// take ends it too: the next run begins behind the last one that was written.
func (j *Journal) read(r io.Reader) error {
	x := newExport(r, j.cfg.MaxMessage)
	b := batch{journal: j, last: j.mark()}
	for {
		e, err := x.next()
		if err != nil {
			ferr := b.flush()
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return ferr
			}
			if errors.Is(err, errExport) {
				j.damaged.Add(1)
			}
			return errors.Join(ferr, err)
		}
		if err := b.add(e); err != nil {
			return err
		}
		if x.r.Buffered() == 0 || len(b.buf) > 64<<10 {
			if err := b.flush(); err != nil {
				return err
			}
		}
	}
}

// A batch is a run of entries of one stream, in the order of the journal.
type batch struct {
	journal       *Journal
	to            *segment.Writer
	program, host []byte
	buf           []byte
	entries       int64
	last          mark // of the entry that was added last
}

func (b *batch) add(e *entry) error {
	j := b.journal
	if !e.usable() {
		j.damaged.Add(1)
		return nil
	}
	if len(bytes.TrimRight(e.message, "\n\r\x00")) == 0 {
		j.empty.Add(1)
		return nil
	}
	if e.cut {
		j.cut.Add(1)
	}
	if b.to == nil || !bytes.Equal(b.program, e.program()) || !bytes.Equal(b.host, e.host) {
		if err := b.flush(); err != nil {
			return err
		}
		w, err := j.set.Of(e.program(), e.host)
		if err != nil {
			return err
		}
		b.to, b.program, b.host = w, append(b.program[:0], e.program()...), append(b.host[:0], e.host...)
	}
	at, _ := parse.Integer(e.realtime) // usable says that it is one
	b.last = mark{number: b.last.number + 1, cursor: string(e.cursor), realtime: at}
	b.buf = e.appendLine(b.buf, b.last.number)
	b.entries++
	return nil
}

func (b *batch) flush() error {
	if b.entries == 0 {
		return nil
	}
	j := b.journal
	if _, err := b.to.Append(b.buf); err != nil {
		j.retries.Add(1)
		return err
	}
	j.entries.Add(b.entries)
	j.batches.Add(1)
	b.entries, b.buf = 0, b.buf[:0]
	j.mu.Lock()
	j.last = b.last
	j.mu.Unlock()
	if j.cfg.Batch != nil {
		j.cfg.Batch(b.last.cursor)
	}
	return nil
}
