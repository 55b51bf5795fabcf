package applog

import "why503/parse"

// levelOf knows the level words of the usual libraries, in any case. Words are
// at most nine bytes, so that no text needs a copy on the heap.
func levelOf(b []byte) parse.Level {
	var buf [11]byte
	w, ok := lower(buf[:], b)
	if !ok {
		return parse.LevelNone
	}
	switch string(w) {
	case "trace", "trc", "debug", "dbg", "debg", "verbose", "vrb", "fine", "finer", "finest", "blat", "trac", "config", "debug5", "debug1":
		return parse.LevelDebug
	case "info", "inf", "information", "log":
		return parse.LevelInfo
	case "notice":
		return parse.LevelNotice
	case "warn", "warning", "wrn":
		return parse.LevelWarn
	case "error", "err", "erro", "eror", "severe", "fail", "exception":
		return parse.LevelError
	case "fatal", "ftl", "critical", "crit", "crt", "alert", "emerg", "emergency", "panic", "dpanic", "fatl":
		return parse.LevelFatal
	}
	return parse.LevelNone
}

// levelNumber reads the numbers of syslog and GELF (0 to 7, down), bunyan and
// pino (10 to 60), Python (10 to 50), Monolog (100 to 600) and logback
// (10000 to 40000). Python's 30 is a warning and bunyan's is info: bunyan's
// reading is taken, since Python writes names.
func levelNumber(n int64) parse.Level {
	switch {
	case n >= 10000:
		return [...]parse.Level{parse.LevelDebug, parse.LevelInfo, parse.LevelWarn, parse.LevelError}[min(max(n/10000-1, 0), 3)]
	case n >= 100:
		switch {
		case n < 200:
			return parse.LevelDebug
		case n < 250:
			return parse.LevelInfo
		case n < 300:
			return parse.LevelNotice
		case n < 400:
			return parse.LevelWarn
		case n < 500:
			return parse.LevelError
		}
		return parse.LevelFatal
	case n >= 10:
		return [...]parse.Level{parse.LevelDebug, parse.LevelDebug, parse.LevelInfo, parse.LevelWarn, parse.LevelError, parse.LevelFatal}[min(n/10-1, 5)]
	case n >= 0 && n <= 7:
		return syslogLevel(int(n))
	}
	return parse.LevelNone
}

// syslogLevel reads a severity of RFC 5424, section 6.2.1.
func syslogLevel(n int) parse.Level {
	return [8]parse.Level{
		parse.LevelFatal, parse.LevelFatal, parse.LevelFatal, parse.LevelError,
		parse.LevelWarn, parse.LevelNotice, parse.LevelInfo, parse.LevelDebug,
	}[n&7]
}

// severityNumber reads OpenTelemetry's 1 to 24.
// https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
func severityNumber(n int64) parse.Level {
	switch {
	case n < 1 || n > 24:
		return parse.LevelNone
	case n < 9:
		return parse.LevelDebug
	case n < 13:
		return parse.LevelInfo
	case n < 17:
		return parse.LevelWarn
	case n < 21:
		return parse.LevelError
	}
	return parse.LevelFatal
}

// lower writes b in lower case to buf; false when b does not fit.
func lower(buf, b []byte) ([]byte, bool) {
	if len(b) > len(buf) {
		return nil, false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		buf[i] = c
	}
	return buf[:len(b)], true
}
