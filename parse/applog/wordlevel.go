package applog

import "why503/parse"

// juliLevel reads the level on the second line of java.util.logging's default
// format.
func juliLevel(b []byte) parse.Level {
	n := 0
	for n < len(b) && b[n] >= 'A' && b[n] <= 'Z' {
		n++
	}
	if n < 4 || !has(b[n:], ": ") {
		return parse.LevelNone
	}
	return levelOf(b[:n])
}

// phpLevel reads the words of PHP's own error lines.
// https://www.php.net/manual/en/errorfunc.constants.php
func phpLevel(b []byte) parse.Level {
	if !has(b, "PHP ") {
		return parse.LevelNone
	}
	b = b[4:]
	switch {
	case has(b, "Fatal error:"), has(b, "Parse error:"), has(b, "Recoverable fatal error:"), has(b, "Catchable fatal error:"), has(b, "Core error:"), has(b, "Compile error:"):
		return parse.LevelError
	case has(b, "Warning:"), has(b, "User warning:"), has(b, "Core warning:"):
		return parse.LevelWarn
	case has(b, "Notice:"), has(b, "Deprecated:"), has(b, "Strict Standards:"):
		return parse.LevelNotice
	}
	return parse.LevelNone
}
