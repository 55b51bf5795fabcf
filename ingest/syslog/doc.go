// Package syslog takes log lines from the network and from local sockets, as
// nginx, HAProxy, Varnish, rsyslog and the C library send them: UDP and unix
// datagrams, TCP and unix streams with both framings of RFC 6587, headers of
// RFC 3164 and RFC 5424 in the shapes that these programs write.
//
// Each message becomes one line of the stream of its program and host
// (segment.Set), with its header, so that its format is detected as that of a
// file is. What a header lacks is filled in: the host of the peer, the time of
// arrival. A message never becomes two lines: a line end in it is written as
// #012, as rsyslog does. Lines without any header go in as they came.
//
// It promises that nothing a peer sends makes it panic or hold memory without
// bound: messages, connections and streams are bounded, and what is beyond is
// counted with its reason, as are datagrams that the kernel dropped. What UDP
// loses on its way here, and what a unix datagram's sender gave up on, cannot
// be seen from here.
//
// It leaves out who may send: listen on addresses that only they can reach. A
// sender may call itself any host.
package syslog
