// Package rules says why a request failed. A Set of rules, read from YAML,
// turns the events in a parse.Request into findings, and the findings into a
// Verdict: what the proxy saw (symptom), the deepest cause that evidence
// supports, and the lines that lead from one to the other.
//
// Diagnose is a pure function of the Request, its signals and the rule set. It
// reads no clock and no other request, so a replay gives the same Verdict.
package rules
