package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"why503/parse"
	"why503/parse/fact"
	"why503/parse/frame"
)

// Lines reads the source from its beginning, part after part. Offsets and
// numbers run on over the parts; Place tells which file they mean.
type Lines struct {
	parts partReader
	lines *frame.Lines
	opt   Options
	cuts  [2]int64 // of the parts before
}

// Blocks is Lines for who parses pieces side by side. A Block lies in one part.
type Blocks struct {
	parts  partReader
	blocks *frame.Blocks
	opt    Options
	cuts   [2]int64
}

// Options of reading. The zero value is good for a few files.
type Options struct {
	MaxLine int // longer lines are cut; 0 means frame.DefaultMaxLine
	Buffer  int // bytes at the beginning, per source; 0 means frame's own
}

// Lines begins at the start. A stream can be read once.
func (s *Source) Lines(opt Options) *Lines { return &Lines{parts: partReader{src: s}, opt: opt} }

// Blocks begins at the start. A stream can be read once.
func (s *Source) Blocks(opt Options) *Blocks { return &Blocks{parts: partReader{src: s}, opt: opt} }

// Next returns the next line, whose Text is valid until the next call. An error
// other than io.EOF is a *PathError and ends one part: the next call goes on
// behind it. Damage returns it again.
func (l *Lines) Next() (parse.Line, error) {
	for {
		if l.lines == nil {
			r, err := l.parts.next()
			if err != nil {
				return parse.Line{}, err
			}
			size := l.opt.Buffer
			if size <= 0 {
				size = defaultBuffer
			}
			l.lines = frame.NewLinesSize(r, l.opt.MaxLine, size)
		}
		line, err := l.lines.Next()
		if err == nil {
			line.Offset += l.parts.offset
			line.Number += l.parts.number
			l.parts.lines = line.Number
			return line, nil
		}
		add(&l.cuts, l.lines)
		l.lines = nil
		if err := l.parts.end(err); err != nil {
			return parse.Line{}, err
		}
	}
}

// Skipped returns how many lines were longer than the bound, and how many
// bytes of them were skipped.
func (l *Lines) Skipped() (lines, bytes int64) {
	total := l.cuts
	if l.lines != nil {
		add(&total, l.lines)
	}
	return total[0], total[1]
}

// Close ends reading before the end of the source.
func (l *Lines) Close() error { return l.parts.close() }

// Next fills buf as frame.Blocks does; errors are those of Lines.Next.
func (b *Blocks) Next(buf []byte) (frame.Block, error) {
	for {
		if b.blocks == nil {
			r, err := b.parts.next()
			if err != nil {
				return frame.Block{}, err
			}
			b.blocks = frame.NewBlocks(r, b.opt.MaxLine)
		}
		block, err := b.blocks.Next(buf)
		if err == nil {
			block.Offset += b.parts.offset
			block.Number += b.parts.number
			b.parts.lines = block.Number + block.Count() - 1
			return block, nil
		}
		add(&b.cuts, b.blocks)
		b.blocks = nil
		if err := b.parts.end(err); err != nil {
			return frame.Block{}, err
		}
	}
}

// Skipped returns how many lines were longer than the bound, and how many
// bytes of them were skipped.
func (b *Blocks) Skipped() (lines, bytes int64) {
	total := b.cuts
	if b.blocks != nil {
		add(&total, b.blocks)
	}
	return total[0], total[1]
}

// Close ends reading before the end of the source.
func (b *Blocks) Close() error { return b.parts.close() }

func add(total *[2]int64, s interface{ Skipped() (lines, bytes int64) }) {
	lines, bytes := s.Skipped()
	total[0] += lines
	total[1] += bytes
}

const defaultBuffer = 256 << 10

// A Place is a line of one file.
type Place struct {
	Path        string
	Fingerprint fact.Fingerprint // of that file
	Offset      int64            // in its uncompressed content
	Number      int64            // of the line, from 1
}

// Place returns where the line that Lines or Blocks gave with that offset and
// number stands. It is right for what was read already, and may be asked while
// another goroutine reads on.
func (s *Source) Place(offset, number int64) Place {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.partOf(offset, number)
	return Place{Path: p.path, Fingerprint: p.fingerprint, Offset: offset - p.offset, Number: number - p.number}
}

// partOf is the part that a line is in. s.mu is held.
func (s *Source) partOf(offset, number int64) *part {
	i := len(s.parts) - 1
	for i > 0 && (s.parts[i].number < 0 || s.parts[i].offset > offset || s.parts[i].number >= number) {
		i--
	}
	return &s.parts[i]
}

// LineID names the line that Lines or Blocks gave with that offset and number, by
// the file that it is in. A line within what a fingerprint is made of is named
// by what stands up to its end, since the file may have ended there when
// somebody else read it. Package tail names lines alike.
func (s *Source) LineID(offset, number int64) parse.RecordID {
	p := &s.parts[0]
	if len(s.parts) > 1 {
		s.mu.RLock()
		p = s.partOf(offset, number)
		offset -= p.offset
		s.mu.RUnlock()
	}
	if offset >= int64(len(p.head)) {
		return fact.LineID(p.fingerprint, offset)
	}
	end := len(p.head)
	if n := bytes.IndexByte(p.head[offset:], '\n'); n >= 0 {
		end = int(offset) + n + 1
	}
	return fact.LineID(fingerprint(p.head[:end]), offset)
}

// partReader opens one part after the other and counts what it read.
type partReader struct {
	src            *Source
	at             int // parts begun
	offset, number int64
	lines          int64 // number of the last line that was handed out
	open           io.Reader
	raw            io.Closer
	count          counter
}

// next opens the next part. It returns io.EOF behind the last.
func (p *partReader) next() (io.Reader, error) {
	if p.at == len(p.src.parts) {
		return nil, io.EOF
	}
	at := &p.src.parts[p.at]
	p.at++
	p.src.mu.Lock()
	at.offset, at.number = p.offset, p.number
	p.src.mu.Unlock()
	if at.stream != nil {
		p.count = counter{r: at.stream}
		return &p.count, nil
	}
	h := p.src.files.handle(at)
	h.taken = &p.src.taken
	r, _, err := frame.Open(h, at.size)
	if err != nil {
		h.Close()
		return nil, p.src.damaged(at, err, 0)
	}
	p.open, p.raw, p.count = r, h, counter{r: r}
	return &p.count, nil
}

// end closes the part whose reading ended with err. It returns what the caller
// is to be told, nil at the end of a part.
func (p *partReader) end(err error) error {
	read := p.lines - p.number
	_ = p.close()
	p.offset += p.count.n
	p.number = p.lines
	if errors.Is(err, io.EOF) {
		return nil
	}
	return p.src.damaged(&p.src.parts[p.at-1], err, read)
}

func (p *partReader) close() error {
	if p.open != nil {
		closeReader(p.open)
		p.open = nil
	}
	if p.raw == nil {
		return nil
	}
	raw := p.raw
	p.raw = nil
	return raw.Close()
}

// damaged keeps and returns err as one of part p, of which lines were read.
func (s *Source) damaged(p *part, err error, lines int64) error {
	pe := pathError(p.path, err)
	if lines > 0 {
		pe.Lines = lines
		pe.Hint = fmt.Sprintf("Read %s lines up to there and went on", thousands(lines))
	}
	s.damage = append(s.damage, pe)
	return pe
}

// counter counts the uncompressed bytes of a part.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
