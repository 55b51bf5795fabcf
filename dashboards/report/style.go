package report

// A style is one of the few ways in which text may stand out. Each only
// repeats what a word says, so a report without styles loses nothing.
type style uint8

const (
	plain   style = iota
	bold          // the sentence, gutter words, deciding words of a quoted line
	dim           // zeros, units, places in files
	red           // failed requests of people
	green         // over, recovered
	yellow        // what weakens the answer, and escaped bytes
	magenta       // the cause's slug, once an incident
	cyan          // what can be pasted
)

// sgr holds the sequences that begin each style; all are of the 16 colours, so
// that the user's theme decides how they look.
var sgr = [...]string{"", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[35m", "\x1b[36m"}

const sgrReset = "\x1b[0m"

// glyphs are the signs beyond ASCII that reports use, none wider than a cell.
type glyphs struct {
	bars                                            []rune // one part of a maximum up to all of it
	bar, because, dot, uncovered, cut, event, wait  string
	from, to, flow                                  rune // a state from, to, and between
	take, hand, lane, wrote, gaveUp, back, end, top rune // of the ladder
	turn, fold                                      rune
}

var (
	unicodeGlyphs = glyphs{
		bars: []rune("▁▂▃▄▅▆▇█"),
		bar:  "│", because: "←", dot: " · ", uncovered: "·", cut: "…", event: "▲", wait: "░",
		from: '├', to: '┤', flow: '─',
		take: '├', hand: '▶', lane: '│', wrote: '◆', gaveUp: '✕', back: '◀', end: '┤', top: '┐',
		turn: '┘', fold: '⋮',
	}
	asciiGlyphs = glyphs{
		bars: []rune("123456789"),
		bar:  "|", because: "<-", dot: ", ", uncovered: ",", cut: "...", event: "^", wait: ":",
		from: '|', to: '|', flow: '-',
		take: '|', hand: '>', lane: '|', wrote: '*', gaveUp: 'x', back: '<', end: '|', top: '+',
		turn: '+', fold: ':',
	}
)
