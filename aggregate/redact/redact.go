// Package redact takes out of text what says who a client is, or lets somebody
// act as one: addresses, query strings, cookies, passwords, tokens, mailboxes.
//
// It promises less than a person who reads the text: names and ids in paths and
// messages stay. What leaves a host goes through it by default.
package redact

import (
	"net/netip"
	"regexp"
	"slices"
)

// Line redacts a line of a log.
func Line(s string) string { return withoutAddresses(withoutSecrets(s), true) }

// Words redacts our own sentences, in which an address is a backend's unless it
// is called a client.
func Words(s string) string { return withoutAddresses(withoutSecrets(s), false) }

// Client shortens the address of a client to its network; what is none is left
// out.
func Client(s string) string {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return ""
	}
	return network(a.Unmap())
}

// network is the /24 or /48 of an address.
func network(a netip.Addr) string {
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

var (
	// query is what follows a path's question mark, up to what ends a URL.
	query = regexp.MustCompile(`(/[^\s?"'<>]*)\?[^\s"'<>]+`)
	// headers are those that say who somebody is, up to the end of their value:
	// as a header of its own line, or quoted among others.
	headers = regexp.MustCompile(`(?i)\b((?:proxy-)?authorization|(?:set-)?cookie2?|x-api-key|x-auth-token|x-csrf-token)("?\s*[:=]\s*"?)[^"\n]+`)
	// named are values whose name says what they are.
	named = regexp.MustCompile(`(?i)\b([a-z_-]*(?:password|passwd|pwd|secret|token|api_?key|session_?id|sessid))(["']?\s*[:=]\s*["']?)[^\s"',;&)}\]]+`)
	// bearer is a token of a scheme, wherever it stands.
	bearer = regexp.MustCompile(`(?i)\b(bearer|basic)(\s+)[a-z0-9+/._~=-]{8,}`)
	// userinfo is the password of a URL.
	userinfo = regexp.MustCompile(`(://[^\s/:@]*):[^\s/@]+@`)
	// mailbox is an address of a person. A host of one word is a machine.
	mailbox = regexp.MustCompile(`\b[\w.+-]+@([\w-]+\.)+[a-zA-Z]{2,}\b`)
	address = regexp.MustCompile(`[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-fA-F]*(?::[0-9a-fA-F]*){2,7}`)
	// client is where programs write the address of a client, also a private
	// one; in a line of an access log, that is its begin.
	client = regexp.MustCompile(`(?i)(?:\bclient:? |\bremote_addr"?[:=]"?|\bx-forwarded-for"?[:=] ?"?|\bReqStart +|\bX-Real-IP"?[:=] ?"?)$`)
)

func withoutSecrets(s string) string {
	s = query.ReplaceAllString(s, "$1?…")
	s = headers.ReplaceAllString(s, "$1$2…")
	s = named.ReplaceAllString(s, "$1$2…")
	s = bearer.ReplaceAllString(s, "$1$2…")
	s = userinfo.ReplaceAllString(s, "$1:…@")
	return mailbox.ReplaceAllString(s, "…")
}

// withoutAddresses shortens addresses to their network: those that stand where
// programs write the client's, and in lines of logs public ones everywhere.
func withoutAddresses(s string, public bool) string {
	at := address.FindAllStringIndex(s, -1)
	for _, x := range slices.Backward(at) {
		a, err := netip.ParseAddr(s[x[0]:x[1]])
		if err != nil {
			continue
		}
		a = a.Unmap()
		own := a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified()
		if (own || !public) && !(public && x[0] == 0) && !client.MatchString(s[max(0, x[0]-24):x[0]]) {
			continue
		}
		s = s[:x[0]] + network(a) + s[x[1]:]
	}
	return s
}
