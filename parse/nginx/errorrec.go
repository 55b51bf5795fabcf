package nginx

import (
	"bytes"
	"time"

	"why503/parse"
)

// finish makes a Record of a whole message; lines says where its physical
// lines begin.
func (e *Error) finish(text []byte, lines []physical, emit parse.Emit) {
	at, level, rest, _ := e.readHead(text)
	pid, conn, rest, _ := readIDs(rest)
	message, tail := cutTail(rest)
	if len(message) == 0 || level < parse.LevelWarn && !matters(level, message) {
		return
	}

	r := &e.rec
	r.Reset()
	r.Kind, r.Program, r.Level = parse.KindSignal, parse.Nginx, level
	r.Time, r.Ended, r.Precision = at, at, int64(time.Second)
	r.Offset, r.Line, r.Raw = lines[0].offset, lines[0].number, lineAt(text, lines, 0)
	r.PID, r.ConnID, r.Message = pid, conn, message
	r.Incomplete = len(text)+1 >= maxErrorLine
	for i := range lines {
		r.Incomplete = r.Incomplete || lines[i].cut
	}
	if tail != nil && !readTail(tail, r) {
		r.Incomplete = true
	}
	if conn != 0 || r.Client != nil || r.Method != nil {
		r.Kind = parse.KindLog
	}
	r.Cut = breaksBody(message)
	r.Notes = append(r.Notes, parse.Note{
		Field: parse.FieldNginxError, Text: message, Line: quoteLine(r.Raw), Offset: r.Offset, LineNo: r.Line,
	})
	addStderr(r, text, len(text)-len(rest), lines)
	emit(r)
}

// lineAt is the physical line number i of a message.
func lineAt(text []byte, lines []physical, i int) []byte {
	end := len(text)
	if i+1 < len(lines) {
		end = lines[i+1].at - 1
	}
	return text[lines[i].at:end:end]
}

func quoteLine(b []byte) []byte { return b[:min(len(b), maxErrorLine)] }

// breaksBody says that an answer broke off after its head had gone to the
// client: the access line of the request may say 200.
func breaksBody(m []byte) bool {
	return bytes.Contains(m, []byte(" while reading upstream")) &&
		(bytes.Contains(m, []byte("prematurely closed")) || bytes.Contains(m, []byte("reset by peer")) || bytes.Contains(m, []byte("timed out")))
}

// matters says whether a message below warn may explain a failure: clients
// that left, limits, signals that stop or reload, and the start that ends what
// they began. Idle connections close all day.
func matters(level parse.Level, m []byte) bool {
	if level < parse.LevelInfo {
		return false
	}
	for _, s := range routine {
		if bytes.Contains(m, s) {
			return false
		}
	}
	for _, s := range telling {
		if bytes.Contains(m, s) {
			return true
		}
	}
	return false
}

var (
	routine = [][]byte{
		[]byte("while waiting for request"), []byte("closed keepalive connection"), []byte("while keepalive"),
		[]byte("(SIGCHLD) received"), []byte("(SIGIO) received"), []byte("(SIGUSR1) received"), []byte("(SIGALRM) received"),
		[]byte("exited with code 0"),
	}
	telling = [][]byte{
		[]byte("prematurely closed"), []byte("client closed connection"), []byte("client timed out"), []byte("client sent"),
		[]byte("client intended"), []byte("to client"), []byte("limiting "), []byte("delaying "), []byte("upstream"),
		[]byte("could not be resolved"), []byte(") received"), []byte("exited "), []byte("reconfiguring"), []byte("cache loader"),
		[]byte("start worker processes"),
	}
)

// addStderr adds a Note for each message of PHP in what FastCGI wrote to its
// standard error. A message may go over several physical lines: its Line is
// the first of them. The message begins at text[start].
//
//	FastCGI sent in stderr: "PHP message: a; PHP message: b" while reading ...
func addStderr(r *parse.Record, text []byte, start int, lines []physical) {
	end := start + len(r.Message)
	if !bytes.HasPrefix(r.Message, stderrMark) {
		return
	}
	if i := bytes.LastIndex(r.Message, stderrEnd); i >= 0 {
		end = start + i
	}
	k := 0
	for from := start; len(r.Notes) <= maxAttempts; {
		i := bytes.Index(text[from:end], phpMark)
		if i < 0 {
			return
		}
		from += i + len(phpMark)
		said := text[from:end]
		if i := bytes.Index(said, phpMark); i >= 0 {
			said = said[:i]
		}
		if said = bytes.TrimRight(said, "; \t\r\n"); len(said) == 0 {
			continue
		}
		blank := len(said) - len(bytes.TrimLeft(said, " \t\r\n")) // the message may begin on the next line
		said, from = said[blank:], from+blank
		for k+1 < len(lines) && lines[k+1].at <= from {
			k++
		}
		line := lineAt(text, lines, k)
		if len(line) > maxErrorLine {
			line = line[from-lines[k].at:]
		}
		r.Notes = append(r.Notes, parse.Note{
			Field: parse.FieldAppText, Text: said, Line: quoteLine(line), Offset: lines[k].offset, LineNo: lines[k].number,
		})
	}
}

var (
	stderrMark = []byte(`FastCGI sent in stderr: "`)
	stderrEnd  = []byte(`" while `)
	phpMark    = []byte("PHP message: ")
)
