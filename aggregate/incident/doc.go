// Package incident finds the times in which a site failed more than it does.
//
// It promises that its answer is a function of the seconds that it was given:
// no clock, no randomness, and the same incidents however the seconds are cut
// into batches, so a stored series can be replayed. Memory is bounded by the
// number of sites and incidents, not by time or traffic.
//
// The test is Page's cumulative sum of log-likelihood ratios (Biometrika 41,
// 1954): each failed request adds to the sum, each good one takes a little
// away, and the sum never falls below zero. It passes its threshold when the
// seconds since it was last zero are far likelier under failure odds twenty
// times the site's own than under the site's own. That point of zero is also
// the likeliest begin of the change, so a short burst and a slow rise are both
// dated well without a window to choose. The end is found by the same sum in
// reverse.
//
// A Detector takes each second once, in order. A Live takes seconds that are
// corrected later and replays what they touch with the same test, so that what
// is shown as it happens and what is found in the logs afterwards agree.
//
// It leaves out what a failure is, and why: it is given counts by cause and
// only uses them to tell two neighbouring incidents apart.
package incident
