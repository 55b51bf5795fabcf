// Package dashboards is the parent of everything that a person looks at. It
// holds no code of its own: package report writes for terminals, tickets and
// other programs.
package dashboards
