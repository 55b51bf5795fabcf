package rules

import "why503/parse"

// answering returns which attempt of r made the answer that the client got, of
// a Record that has attempts. A server that fails hands on to the next, so the
// last one of a group answers; but an error_page that leads to other servers
// keeps the status of the group in front of the redirect, unless it names one.
//
// https://nginx.org/en/docs/http/ngx_http_core_module.html#error_page
func answering(r *parse.Record) int {
	last := len(r.Upstreams) - 1
	for i := last; i >= 0; i-- {
		ends := i == last || r.Upstreams[i+1].Redirect
		if ends && r.Upstreams[i].Status == r.Status {
			return i
		}
	}
	for i := last; i >= 0; i-- {
		if r.Upstreams[i].Status == r.Status {
			return i
		}
	}
	return last
}

// waitedIn returns the attempt whose span ended in the answer of attempt i. A
// proxy that timed out at one server may be out of time for the next: then the
// first that timed out was waited for.
func waitedIn(r *parse.Record, i int) int {
	if !timedOut(r, i) {
		return i
	}
	for k := i; k > 0 && !r.Upstreams[k].Redirect; k-- {
		if timedOut(r, k-1) && r.Upstreams[k-1].Response > 0 {
			i = k - 1
		}
	}
	return i
}

// timedOut reports whether attempt i ended in a 504 of the proxy's own. Where
// the log does not print what the attempts came to, the answer says it of the
// one that made it.
func timedOut(r *parse.Record, i int) bool {
	u := &r.Upstreams[i]
	return u.Header < 0 && (u.Status == 504 || u.Status == 0 && r.Status == 504)
}
