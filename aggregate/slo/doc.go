// Package slo says when a site spends its error budget too fast.
//
// The burn rate is the share of bad requests divided by the share that the
// objective allows: at 1 the budget of thirty days lasts thirty days, at 14.4
// it lasts two. An alert needs a long window, which says that it matters, and a
// short one, which says that it still goes on: the method of chapter 5 of the
// Site Reliability Workbook,
// https://sre.google/workbook/alerting-on-slos/#6-multiwindow-multi-burn-rate-alerts
//
// It promises that its answer is a function of the counts of minutes that it
// was given and the minute it is asked for: no clock, and minutes may be
// corrected. Memory is bounded by sites and the longest window. What a bad
// request is, its caller decides; clients that left are none.
package slo
