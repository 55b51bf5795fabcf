package detect

import (
	"bytes"

	"why503/parse/frame"
)

// binary names what is no text: known files by how they begin, all else by its
// control characters. NUL bytes in a text are no proof: a log that was
// truncated while it was written has a hole of them.
func binary(sample []byte) (Format, bool) {
	for _, m := range binaries {
		if bytes.HasPrefix(sample, []byte(m.magic)) {
			return m.as, true
		}
	}
	if frame.Sniff(sample) != frame.Plain {
		return Format{}, true
	}
	control, text := 0, 0
	for _, c := range sample {
		switch {
		case c == 0:
		case c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != 0x1b, c == 0x7f:
			control++
		case c < 0x80:
			text++
		}
	}
	// Bytes of 128 and more may be any alphabet; they count on neither side.
	return Format{}, control*20 > text
}

var binaries = []struct {
	magic string
	as    Format
}{
	{"VSL\x00", Format{"varnishlog-binary", "binary varnishlog (varnishlog -w; print it with varnishlog -r FILE)", true}},
	{"LPKSHHRH", Format{"journal", "systemd journal (print it with journalctl --file FILE)", true}},
	{"\xff\xfe", Format{"utf-16", "UTF-16 text (turn it into UTF-8 with iconv)", true}},
	{"\xfe\xff", Format{"utf-16", "UTF-16 text (turn it into UTF-8 with iconv)", true}},
	{"\x7fELF", Format{}},
}
