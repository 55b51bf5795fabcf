package report

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// visible reports whether a rune may reach a terminal as it is. Not visible
// are control characters, all that has no shape of its own (bidirectional
// overrides, joiners, zero-width spaces) and variation selectors, which would
// change the width of the rune before them.
func visible(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= ' ' && r != 0x7f
	}
	return unicode.IsGraphic(r) && !unicode.Is(unicode.Variation_Selector, r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// escaped returns how a rune that is not visible is written.
func escaped(r rune) string {
	switch {
	case r < utf8.RuneSelf:
		return fmt.Sprintf(`\x%02x`, r)
	case r > 0xffff:
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// walk calls keep for each rune of s that can be shown and escape with the
// replacement of each that cannot. A tab is a space: it moves the cursor by
// nothing that can be known here.
func walk(s string, ascii bool, keep func(rune), escape func(string)) {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			escape(fmt.Sprintf(`\x%02x`, s[i]))
		case r == '\t':
			keep(' ')
		case !visible(r) || ascii && r >= utf8.RuneSelf:
			escape(escaped(r))
		case unicode.Is(unicode.Zs, r):
			keep(' ')
		default:
			keep(r)
		}
		i += n
	}
}

// Escape returns s with everything that must not reach a reader raw written as
// \xNN or \uNNNN.
func Escape(s string) string {
	clean := true
	for _, r := range s {
		if r == utf8.RuneError || r == '\t' || !visible(r) || unicode.Is(unicode.Zs, r) && r != ' ' {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	b := make([]byte, 0, len(s)+16)
	walk(s, false, func(r rune) { b = utf8.AppendRune(b, r) }, func(e string) { b = append(b, e...) })
	return string(b)
}
