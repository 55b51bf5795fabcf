package applog

import "why503/parse"

// passenger knows "[ E 2026-11-22 21:35:16.7261 77/T1 age/Cor/x.cpp:1 ]: ...".
func passenger(b []byte) bool {
	return len(b) > 6 && b[0] == '[' && b[1] == ' ' && letter(b[2]) && b[3] == ' ' && digit(b[4])
}

// klog knows the head of https://github.com/kubernetes/klog: Lmmdd hh:mm:ss.uuuuuu.
func klog(b []byte) bool {
	return len(b) > 14 && (b[0] == 'I' || b[0] == 'W' || b[0] == 'E' || b[0] == 'F') &&
		digit(b[1]) && digit(b[2]) && digit(b[3]) && digit(b[4]) && b[5] == ' ' && digit(b[6]) && b[8] == ':'
}

// letterLevel reads the letter that Passenger and klog write for a level.
func letterLevel(c byte) parse.Level {
	switch c {
	case 'C', 'F':
		return parse.LevelFatal
	case 'E':
		return parse.LevelError
	case 'W':
		return parse.LevelWarn
	case 'N':
		return parse.LevelNotice
	case 'I':
		return parse.LevelInfo
	}
	return parse.LevelDebug
}

func readKlog(b []byte) (c civil, n int) {
	s := stampReader{b: b, i: 1}
	s.month, s.day = s.number(2), s.number(2)
	s.i++
	if !s.clockTime() || s.month < 1 || s.month > 12 || s.day < 1 || s.hour > 23 || s.min > 59 {
		return civil{}, min(6, len(b))
	}
	n = s.i
	for n < len(b) && (b[n] == ' ' || digit(b[n])) { // thread id
		n++
	}
	return s.civil, n
}
