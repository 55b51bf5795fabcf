// Package rollup counts failures: by cause in minutes of their end, and in
// time series for plots whose bins widen with the span. Package traffic has
// the parts that counting healthy requests shares.
//
// It promises exact counts, bounded memory, and results that do not depend on
// the order of what was added, as long as no bound was met. It has no clock and
// starts nothing; a Series belongs to one goroutine.
package rollup
