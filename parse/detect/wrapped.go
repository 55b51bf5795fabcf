package detect

import (
	"bytes"

	"why503/parse"
	"why503/parse/frame"
)

// envelope tells what most lines stand in.
func envelope(lines [][]byte) frame.Kind {
	for _, kind := range [...]frame.Kind{frame.CRI, frame.Docker, frame.Syslog} {
		fits, total := 0, 0
		for _, l := range lines {
			if len(bytes.TrimSpace(l)) == 0 {
				continue
			}
			total++
			if _, _, ok := frame.Unwrap(kind, l, nil); ok {
				fits++
			}
		}
		if fits > 0 && fits*10 >= total*6 {
			return kind
		}
	}
	return frame.None
}

// container detects each output stream of a container on its own: many write
// their access log to one and their errors to the other.
func container(kind frame.Kind, lines [][]byte, hints Hints) Result {
	var streams [2][][]byte
	var parts [2][]byte
	for _, l := range lines {
		in, _, ok := frame.Unwrap(kind, l, nil)
		if !ok {
			continue
		}
		i := 0
		if in.Stream == frame.Stderr {
			i = 1
		}
		parts[i] = append(parts[i], in.Text...)
		if in.Partial && len(parts[i]) < maxText {
			continue
		}
		streams[i] = append(streams[i], parts[i])
		parts[i] = nil
	}
	out, errs := text(streams[0], hints), text(streams[1], hints)
	r := out
	switch {
	case out.Empty, out.New == nil && errs.New != nil:
		r = errs
	case errs.Format.Name != out.Format.Name:
		r.Also = errs.Format
	}
	r.Wrapped = kind
	if r.New == nil {
		return r
	}
	newOut, newErr := out.New, errs.New
	if newOut == nil {
		newOut = newErr
	}
	if newErr == nil {
		newErr = newOut
	}
	r.New = func() parse.Parser { return frame.NewParser(kind, newOut(), newErr()) }
	r.Parser = r.New()
	return r
}

// text is Detect for lines out of an envelope.
func text(lines [][]byte, hints Hints) Result {
	switch envelope(lines) {
	case frame.Syslog:
		return inSyslog(lines, hints)
	default:
		return plain(lines, hints)
	}
}

// inSyslog detects lines with syslog headers. Where the lines inside have one
// structured format, that is it; else the programs' names decide.
func inSyslog(lines [][]byte, hints Hints) Result {
	var inner [][]byte
	var all, kernels, proxies int
	for _, l := range lines {
		in, _, ok := frame.Unwrap(frame.Syslog, l, nil)
		if !ok {
			continue
		}
		all++
		inner = append(inner, in.Text)
		switch {
		case string(in.Tag) == "kernel":
			kernels++
		case bytes.Contains(in.Tag, []byte("haproxy")):
			proxies++
		}
	}
	r := plain(inner, hints)
	if f := byName(r.Format.Name); f != nil && f.structured && (r.Also.Name != "" || most(r.Tried[0].Matched, all)) {
		if r.New == nil {
			r.Wrapped = frame.Syslog
			return r
		}
		newInner := r.New
		r.Wrapped = frame.Syslog
		r.New = func() parse.Parser { return frame.NewParser(frame.Syslog, newInner(), nil) }
		r.Parser = r.New()
		return r
	}
	name := "syslog"
	switch {
	case most(kernels, all):
		name = "kernel"
	case most(proxies, all):
		name = "haproxy"
	case most(accepted("systemd", lines), all):
		name = "systemd"
	case most(accepted("deploy", lines), all):
		name = "deploy"
	}
	f := byName(name)
	r.Format, r.New, r.Parser = f.Format, f.new, nil
	r.Confidence = float64(all) / float64(max(1, len(lines)))
	r.Tried = append([]Attempt{{Name: name, Matched: all, Lines: len(lines)}}, r.Tried...)
	if f.new != nil {
		r.Parser = f.new()
	}
	return r
}

func most(n, of int) bool { return n > 0 && n*10 >= of*7 }

// accepted counts the lines that the parser of a format takes.
func accepted(name string, lines [][]byte) (n int) {
	p := byName(name).new()
	for i, l := range lines {
		if len(bytes.TrimSpace(l)) > 0 && p.Parse(parse.Line{Text: l, Number: int64(i + 1)}, discard) == nil {
			n++
		}
	}
	return n
}
