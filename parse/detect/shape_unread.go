package detect

import "bytes"

// apacheErrorShape is "[Sun Nov 22 21:38:35.464724 2026] [ssl:info] [pid 7]".
func apacheErrorShape(l []byte) int {
	if len(l) < 30 || l[0] != '[' || l[4] != ' ' || l[8] != ' ' || l[11] != ' ' || l[14] != ':' || l[17] != ':' {
		return 0
	}
	i := bytes.Index(l, []byte("] ["))
	if i < 24 || i > 40 || number(l[i-4:i]) < 0 {
		return 0
	}
	return 96
}

// mysqlErrorShape is "2026-11-22 21:36:39 0 [Note] text", and with MySQL 8
// "2026-11-22T21:36:39.123456Z 0 [System] [MY-010116] [Server] text".
func mysqlErrorShape(l []byte) int {
	var rest []byte
	switch {
	case isoStamp(l):
		_, rest, _ = bytes.Cut(l[11:], space)
	case len(l) > 20 && l[4] == '-' && l[7] == '-' && l[10] == ' ' && l[11] == ' ' && l[13] == ':' && number(l[:4]) > 0: // an hour of one digit
		rest = l[19:]
	case len(l) > 16 && number(l[:6]) > 0 && l[6] == ' ' && l[9] == ':' && l[12] == ':': // 261122 21:36:39
		rest = l[15:]
		if bytes.HasPrefix(rest, []byte(" mysqld")) {
			return 95
		}
	default:
		return 0
	}
	rest = bytes.TrimLeft(rest, " ")
	if id, after, ok := bytes.Cut(rest, space); ok && (number(id) >= 0 || bytes.HasPrefix(id, []byte("0x"))) {
		rest = after
	}
	for _, level := range [...]string{"[Note] ", "[Warning] ", "[ERROR] ", "[System] ", "[Error] "} {
		if bytes.HasPrefix(rest, []byte(level)) && (len(rest) != len(l)) {
			return 95
		}
	}
	return 0
}

func mysqlSlowShape(l []byte) int {
	for _, s := range [...]string{"# Time: ", "# User@Host: ", "# Query_time: ", "# Thread_id: ", "# Rows_affected: ", "Tcp port: ", "SET timestamp="} {
		if bytes.HasPrefix(l, []byte(s)) {
			return 96
		}
	}
	if bytes.HasPrefix(l, []byte("Time")) && bytes.Contains(l, []byte("Id Command")) && bytes.Contains(l, []byte("Argument")) ||
		bytes.Contains(l, []byte(", Version: ")) && bytes.HasSuffix(bytes.TrimRight(l, " "), []byte("started with:")) {
		return 96
	}
	return 0
}

// redisShape is "123:M 22 Nov 2026 21:36:39.123 * text".
func redisShape(l []byte) int {
	pid, rest, ok := bytes.Cut(l, []byte{':'})
	if !ok || number(pid) < 0 || len(rest) < 28 || rest[1] != ' ' || bytes.IndexByte([]byte("MSCX"), rest[0]) < 0 || rest[4] != ' ' || rest[8] != ' ' || rest[13] != ' ' {
		return 0
	}
	return 95
}

// kernelShape is dmesg's "[12345.678901] text".
func kernelShape(l []byte) int {
	if len(l) < 16 || l[0] != '[' {
		if bytes.HasPrefix(l, []byte("<")) {
			if i := bytes.IndexByte(l[:min(len(l), 5)], '>'); i > 0 {
				return kernelShape(l[i+1:])
			}
		}
		return 0
	}
	b := bytes.TrimLeft(l[1:], " ")
	sec, rest, ok := bytes.Cut(b, []byte{'.'})
	if !ok || number(sec) < 0 || len(rest) < 8 || number(rest[:6]) < 0 || rest[6] != ']' || len(sec) > 9 {
		return 0
	}
	return 93
}

func varnishdShape(l []byte) int {
	for _, s := range [...]string{"Debug: Version: varnish-", "Debug: Platform: ", "Child launched OK", "Debug: Child (", "Info: Child (", "Error: Child (", "Child (", "Child cleanup complete", "Debug: Child cleanup"} {
		if bytes.HasPrefix(l, []byte(s)) {
			return 92
		}
	}
	return 0
}
