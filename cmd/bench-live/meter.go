package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"why503/cmd/internal/loggen"
)

// A meter looks at programs every few seconds.
type meter struct {
	length time.Duration
	begin  time.Time
	rows   []*row
	load   []float64 // of the machine, over a minute
}

// A row is what was seen of one program.
type row struct {
	program
	name    string
	samples []sample
}

type sample struct {
	at time.Duration
	use
	lag float64
}

const every = 2 * time.Second

func newMeter(length time.Duration) *meter { return &meter{length: length} }

func (m *meter) follow(p program, version string) {
	m.rows = append(m.rows, &row{program: p, name: version})
}

// run looks until ctx ends.
func (m *meter) run(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	m.begin = time.Now()
	for {
		for _, r := range m.rows {
			u, err := r.process().use()
			if err != nil {
				return err
			}
			_, lag := r.read()
			r.samples = append(r.samples, sample{time.Since(m.begin), u, lag})
		}
		var one float64
		if text, err := os.ReadFile("/proc/loadavg"); err == nil {
			if _, err := fmt.Sscan(string(text), &one); err == nil {
				m.load = append(m.load, one)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// cpu is the share of a core from one sample to another.
func (r *row) cpu(from, to int) float64 {
	a, b := &r.samples[from], &r.samples[to]
	return float64(b.cpu-a.cpu) / float64(max(1, b.at-a.at))
}

// busiest is the largest share in ten seconds.
func (r *row) busiest() (most float64) {
	const span = int(10 * time.Second / every)
	for i := span; i < len(r.samples); i++ {
		most = max(most, r.cpu(i-span, i))
	}
	return most
}

// during returns the samples of a part of the time: the most memory, the most
// lag.
func (r *row) during(from, to time.Duration) (resident int64, lag float64) {
	lag = -1
	for _, s := range r.samples {
		if s.at >= from && s.at <= to {
			resident, lag = max(resident, s.resident), max(lag, s.lag)
		}
	}
	return resident, lag
}

func (m *meter) print(w io.Writer, s *scenario, n loggen.Count, late time.Duration, own *serve) {
	end := time.Since(m.begin) - catchUp
	seconds := end.Seconds()
	fmt.Fprintf(w, "%s: %.0f lines/s, %.1f MB/s for %.0f s; %d requests, %d of them failed\n",
		s.title, float64(n.Lines)/seconds, float64(n.Bytes)/1e6/seconds, seconds, n.Requests, n.Failures)
	if late > 2*time.Second {
		fmt.Fprintf(w, "the writer was kept from writing: it was done %.0f s late\n", late.Seconds())
	}
	if len(m.load) > 0 {
		fmt.Fprintf(w, "load of the machine: %.1f at first, %.1f at the end, with all of this in it\n", m.load[0], m.load[len(m.load)-1])
	}
	line := func(a ...any) { fmt.Fprintf(w, "%-44s %10s %10s %9s %9s %9s %8s %8s %12s\n", a...) }
	line("", "CPU", "CPU", "RSS MB", "RSS MB", "RSS MB", "lag s", "lag s", "")
	line("", "mean", "10 s most", "1st min", "last min", "most", "1st min", "last min", "lines read")
	const mb = 1 << 20
	for _, r := range m.rows {
		if len(r.samples) < 2 {
			continue
		}
		minute := min(time.Minute, end/2)
		first, lag1 := r.during(0, minute)
		last, lag2 := r.during(end-minute, end)
		most, _ := r.during(0, end)
		lines, _ := r.read()
		line(r.name, share(r.cpu(0, len(r.samples)-1)), share(r.busiest()), number(first/mb), number(last/mb), number(most/mb),
			secs(lag1), secs(lag2), share(float64(lines)/float64(n.Lines)))
		if r.program == program(own) {
			for _, p := range own.shares {
				line(p.name, share(p.share), "", "", "", "", "", "", "")
			}
		}
	}
	fmt.Fprintln(w, strings.Repeat("-", 40))
	for _, r := range m.rows {
		if r.program == program(own) {
			r.course(w, end)
		}
	}
	fmt.Fprintln(w)
}

// course shows how CPU, memory and lag went, minute by minute.
func (r *row) course(w io.Writer, end time.Duration) {
	fmt.Fprintf(w, "%s by minute:", r.name)
	for from := time.Duration(0); from < end; from += time.Minute {
		a, b := -1, 0
		for i := range r.samples {
			if at := r.samples[i].at; at >= from && at < from+time.Minute {
				if a < 0 {
					a = i
				}
				b = i
			}
		}
		if a < 0 || a == b {
			continue
		}
		resident, lag := r.during(from, from+time.Minute)
		fmt.Fprintf(w, " %s/%d MB/%s s", share(r.cpu(a, b)), resident>>20, secs(lag))
	}
	fmt.Fprintln(w)
}

func number(n int64) string { return fmt.Sprint(n) }

func secs(x float64) string {
	if x < 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", x)
}
