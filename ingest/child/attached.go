package child

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// attached waits until varnishlog has got hold of the log. It reports false when
// there is no varnishlog, or when it does not get there: then it ends, and is
// started again.
func (v *Varnishlog) attached(ctx context.Context) bool {
	for end := time.Now().Add(attachWait); time.Now().Before(end) && ctx.Err() == nil; sleep(ctx, 20*time.Millisecond) {
		if pid := v.pid.Load(); pid != 0 && v.holds(pid) {
			return true
		}
	}
	return false
}

// holdsLog looks for the log among the files that a process has mapped: it is in
// _.vsm_child/ of the working directory, and was _.vsm before Varnish 6.0. Where
// that cannot be seen it is taken for granted.
func holdsLog(pid int64) bool {
	f, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		_, err := os.Stat("/proc/self/maps")
		return err != nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	return err == nil && (bytes.Contains(b, []byte("/_.vsm_child/")) || bytes.Contains(b, []byte("/_.vsm\n")))
}
