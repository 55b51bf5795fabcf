package rollup

import (
	"cmp"
	"strings"

	"why503/parse/traffic"
)

// A FailureKey is a row of failures in a minute (rollup_1m).
type FailureKey struct {
	Site                           string
	Minute                         traffic.Minute
	Class, Cause, Symptom, Reached string
	Proxy, Backend, Route, Version string
}

// When returns the minute of the row.
func (k FailureKey) When() traffic.Minute { return k.Minute }

// Fold makes the key coarser. Class, cause, symptom and reached are words of
// ours and stay.
func (k FailureKey) Fold(step int) FailureKey {
	k.Route, k.Version = traffic.Other, traffic.Other
	if step > 1 {
		k.Site, k.Proxy, k.Backend = traffic.Other, traffic.Other, traffic.Other
	}
	return k
}

// Order compares two keys, by minute first.
func (k FailureKey) Order(o FailureKey) int {
	return cmp.Or(
		cmp.Compare(k.Minute, o.Minute), strings.Compare(k.Site, o.Site), strings.Compare(k.Class, o.Class),
		strings.Compare(k.Cause, o.Cause), strings.Compare(k.Symptom, o.Symptom), strings.Compare(k.Reached, o.Reached),
		strings.Compare(k.Proxy, o.Proxy), strings.Compare(k.Backend, o.Backend), strings.Compare(k.Route, o.Route),
		strings.Compare(k.Version, o.Version),
	)
}
