package app

import (
	"why503/parse"
)

// promoteErrors lets the lines of nginx error logs stand for their requests
// where no log of requests was given at all: each such line names a request
// that nginx could not answer, though not how many it could.
func promoteErrors(ins []*input) {
	for _, in := range ins {
		switch in.kind {
		case parse.SourceVarnishlog, parse.SourceVarnishncsa, parse.SourceNginxAccess:
			return
		}
	}
	for _, in := range ins {
		if in.kind == parse.SourceNginxError {
			in.promotes = true
			in.join.Rank = 0
		}
	}
}
