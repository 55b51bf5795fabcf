package parse

// Integer reads b, digits and nothing else, as a number that fits an int64.
func Integer(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	for _, c := range b {
		c -= '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	return n, n >= 0 // 19 digits overflow at most once
}

// IsHex reports whether b consists of hexadecimal digits, of either case.
func IsHex(b []byte) bool {
	for _, c := range b {
		if hexDigit(c) < 0 {
			return false
		}
	}
	return len(b) > 0
}

// Hex returns the value of a few hexadecimal digits; IsHex must hold of b.
func Hex(b []byte) (n int) {
	for _, c := range b {
		n = n<<4 | hexDigit(c)
	}
	return n
}

func hexDigit(c byte) int {
	switch {
	case c-'0' <= 9:
		return int(c - '0')
	case c|0x20-'a' < 6:
		return int(c|0x20-'a') + 10
	}
	return -1
}
