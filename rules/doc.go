// Package rules says why a request failed. A Set of rules, read from YAML,
// turns the events in a parse.Request into findings, and the findings into a
// Verdict: what the proxy saw (symptom), the deepest cause that evidence
// supports, and the lines that lead from one to the other.
//
// Diagnose is a pure function of the Request, its signals, what its hops counted
// of their own traffic (Request.Neighbours) and the rule set. It reads no clock
// and no other request, so a replay gives the same Verdict.
//
// # How a Verdict comes about
//
// The view finds the hop whose answer failed: the innermost Varnish that saw
// the request fail, else the outermost hop that did; and the attempt that made
// that answer. The evidence is what may be looked at from there: Facts (few
// scalars), the recognised lines with rounded times, and what is covered. A
// decision is a function of the evidence alone and is cached by it; lines,
// times and words are then filled in for the request at hand.
//
// The symptom is what the first symptom rule says that holds. Findings are
// what the rules say of every other line: the first rule for its event, else
// its row of the taxonomy. The chain is the best path from the symptom over
// findings, along check_next of the taxonomy and the edges of the files: one
// that ends in a root cause, with a strong weakest link, that begins with a
// line of this very request, whose end is specific, that is long, that is sure.
// A line of no request counts only from before the failure until after it, and
// only as long as the state that it began had not ended.
//
// # Rule files
//
//	rules:
//	  - rule: site.sleeping            # a later folder's rule replaces the one of that name
//	    stage: symptom                 # or finding (default)
//	    hop: [varnish]                 # programs of the failing hop
//	    events: [varnish.fe.*]         # rows of the taxonomy, * for any letters
//	    in: [deciding]                 # first, earlier, any, request, hop, deeper, signals, joined, everywhere
//	    when: [{status: ">= 500"}]     # conditions that must all hold
//	    cause: network.conn_refused    # default: that of the event's row
//	    level: symptom                 # default: that of the cause
//	    confidence: 0.95               # share that is right
//	    reached: never                 # the first split, where the symptom settles it
//	    words: "nothing listened at {addr} | {backend} refused"  # first that can be filled
//	    advice: ["now", "lasting"]
//	    quote: [BerespStatus]          # line to quote for a rule without events
//	    tells: [app.own.exception]     # line of the same record to quote in the event's place
//	    setting: keepalive_timeout     # line of a configuration to quote where one was given
//	    before: 30m                    # of a signal: how long before the failure, and after it
//	    after: 2s
//	    until: [systemd.started]       # ends the state that the event began
//	    beats: [other.rule]
//	    generic: true                  # anything more specific wins
//	    hypothesis: true               # the program's own guess
//	    joined: true                   # only where it is of this request
//	    ignore: true                   # means nothing bad
//	    off: true                      # takes a rule of that name away
//	edges:
//	  - {from: network.conn_refused, to: [app_error.crash], deeper: true, joined: true, when: [...]}
//	triggers:
//	  - {kind: deploy, events: [deploy.*]}
//	missing:
//	  - {causes: [origin_slow.*], in: [varnish], kind: app, unless: [php_fpm], with: [php_fpm_slow], source: "...", decides: "...", snippet: "..."}
//
// # Conditions
//
//	all, any, not     lists of conditions
//	status, first_status, origin_status, origin_answer, origin_end, attempts,
//	restarts, fetch_errors, idle, took, duration    a comparison: ">= 500", "< 50ms"
//	is                names of Facts that are true: reused, sent, opened, synth, cut, ...
//	handling          hit, miss, pass, hitmiss, hitpass, pipe, synth
//	says              words of which one stands in the reason phrase
//	event             {name, in, count}: such lines stand there, so often
//	order             {first, then, margin}: one came before the other
//	near              {event, before, after, same: host|backend|service|process}
//	wall              {of: first_byte_timeout, from: configured|default}: the span ended at that limit of the proxy;
//	                  {from: observed}: it ended at none that is known, and where many did that ended alike
//	absent, given     kinds of logs that cover the time and hold no line of it; that cover the time
//	version           same, other
//	expr              an expression over the Facts (https://expr-lang.org)
package rules
