// Package child runs programs whose output is a source: varnishlog, and what
// other packages build on Supervise (journalctl).
//
// It promises that the program is started again, after a time that grows while
// it fails and that is short again once it ran well; that each end is logged
// once a reason, with what a person can do; that what it says on standard error
// is counted; and that nothing is left behind: at the end of a Run the program,
// its process group and all goroutines are gone. When this process is killed
// the program ends with its next write to a pipe that nobody reads.
//
// It leaves out what the lines mean. It needs a system with process groups.
package child
