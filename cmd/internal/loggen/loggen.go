// Package loggen writes access logs, varnishlog text, error logs and
// application logs of a site that does not exist, for benchmarks and for tests
// that need more than a sample.
//
// It promises that a seed always gives the same bytes, that all formats of one
// Config tell of the same requests with the same ids, that each line is true
// to its format's manual and stands where its program would have written it
// (by the end of the request), and that it is faster than what reads it.
//
// It leaves out hostile input, which fuzz tests bring, and what a real daemon
// does beyond the few faults below.
package loggen

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Config says what to write.
type Config struct {
	Seed     uint64
	Start    time.Time
	Rate     float64 // requests a second
	Failures float64 // share of requests that fail, 0 to 1
	// Bursts puts the failures into the begin of each minute, where half of
	// all requests fail, instead of spreading them evenly.
	Bursts bool
	Every  time.Duration // in place of a minute
	// Storm is a time in which another share of requests fails.
	Storm Storm
	// Bytes and Requests bound what is written, over all files of a set; the
	// one met first counts, and 0 is no bound. One of them must be set.
	Bytes    int64
	Requests int64
	Site     string // host name of the site
}

// A Storm begins some time after Start.
type Storm struct {
	After, For time.Duration
	Failures   float64
}

// Defaults returns a Config that lacks only a bound.
func Defaults() Config {
	return Config{
		Seed: 1, Start: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC), Rate: 2000, Failures: 0.02, Site: "shop.example",
	}
}

// Validate says what is wrong with c.
func (c Config) Validate() error {
	switch {
	case !(c.Rate > 0 && c.Rate <= 1e8):
		return fmt.Errorf("rate %v: must be above 0 and at most 1e8", c.Rate)
	case !(c.Failures >= 0 && c.Failures <= 1):
		return fmt.Errorf("failures %v: is a share, 0 to 1", c.Failures)
	case !(c.Storm.Failures >= 0 && c.Storm.Failures <= 1):
		return fmt.Errorf("failures %v in a storm: is a share, 0 to 1", c.Storm.Failures)
	case c.Bytes <= 0 && c.Requests <= 0:
		return errors.New("neither bytes nor requests is set: it would never end")
	case c.Site == "":
		return errors.New("site is empty")
	}
	return nil
}

// A Count is what was written.
type Count struct {
	Bytes, Lines, Requests, Failures int64
}

// A format is one kind of log: who writes it, and what of a request.
type format struct {
	name string
	file string // in a set
	// append appends what the program wrote of r; ended tells when, and
	// whether it wrote at all.
	append func(p *printer, b []byte, r *request) []byte
	ended  func(r *request) (ns int64, ok bool)
}

// alone are the formats of one file. Their nginx stands in front: each request
// has a line there.
var alone = []format{
	{"combined", "", (*printer).combined, frontEnded},
	{"combined-ext", "", (*printer).frontExt, frontEnded},
	{"varnishlog", "", (*printer).varnishlog, varnishEnded},
	{"nginx-error", "", (*printer).frontError, frontEnded},
	{"app-json", "", (*printer).appJSON, appAloneEnded},
}

// linked are the files of a set: Varnish, behind it nginx, behind that the
// application.
var linked = []format{
	{"varnishlog", "varnishlog.log", (*printer).varnishlog, varnishEnded},
	{"nginx-access", "nginx-access.log", (*printer).innerExt, innerEnded},
	{"nginx-error", "nginx-error.log", (*printer).innerError, innerErrorEnded},
	{"app-json", "app.json.log", (*printer).appJSON, appEnded},
}

// Formats returns the names that Write takes.
func Formats() (names []string) {
	for _, f := range alone {
		names = append(names, f.name)
	}
	return names
}

// Write writes one log to w.
func Write(w io.Writer, name string, c Config) (Count, error) {
	for _, f := range alone {
		if f.name == name {
			return write([]format{f}, []io.Writer{w}, c, nil)
		}
	}
	return Count{}, fmt.Errorf("format %q: known are %v", name, Formats())
}

// WriteSet writes the linked logs of the same requests into a folder, which it
// makes.
func WriteSet(dir string, c Config) (count Count, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Count{}, fmt.Errorf("making the folder of a set: %w", err)
	}
	var writers []io.Writer
	for _, f := range linked {
		file, err := os.Create(filepath.Join(dir, f.file))
		if err != nil {
			return Count{}, fmt.Errorf("making a log of a set: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		writers = append(writers, file)
	}
	return write(linked, writers, c, nil)
}

var newline = []byte{'\n'}

// write makes requests one by one and writes what each format says of them in
// the order of their ends. Of each it asks pace, which may wait for its time,
// and may call flush for what was written before.
func write(formats []format, writers []io.Writer, c Config, pace func(start int64, flush func() error) error) (Count, error) {
	if err := c.Validate(); err != nil {
		return Count{}, err
	}
	var (
		g      = newGenerator(c)
		queue  queue
		count  Count
		outs   = make([]*bufio.Writer, len(formats))
		prints = make([]printer, len(formats))
	)
	for i, w := range writers {
		outs[i] = bufio.NewWriterSize(w, 1<<18)
		prints[i].site = c.Site
	}
	// drain writes all that ended before a time.
	drain := func(before int64) error {
		for !queue.empty() && queue.events[0].at < before {
			e := queue.pop()
			out := outs[e.format]
			b := formats[e.format].append(&prints[e.format], out.AvailableBuffer(), &queue.slots[e.slot])
			queue.release(e.slot)
			count.Bytes += int64(len(b))
			count.Lines += int64(bytes.Count(b, newline))
			if _, err := out.Write(b); err != nil {
				return fmt.Errorf("writing %s: %w", formats[e.format].name, err)
			}
		}
		return nil
	}
	flush := func() error {
		for i, out := range outs {
			if err := out.Flush(); err != nil {
				return fmt.Errorf("writing %s: %w", formats[i].name, err)
			}
		}
		return nil
	}
	for (c.Requests <= 0 || count.Requests < c.Requests) && (c.Bytes <= 0 || count.Bytes < c.Bytes) {
		slot := queue.slot()
		r := &queue.slots[slot]
		g.next(r)
		count.Requests++
		if r.fault != none {
			count.Failures++
		}
		if pace != nil {
			if err := pace(r.start, flush); err != nil {
				return count, errors.Join(err, flush())
			}
		}
		if err := drain(r.start); err != nil {
			return count, err
		}
		for i := range formats {
			if at, ok := formats[i].ended(&queue.slots[slot]); ok {
				queue.push(event{at, slot, int32(i)})
			}
		}
		queue.release(slot)
	}
	if err := drain(1<<63 - 1); err != nil {
		return count, err
	}
	return count, flush()
}
