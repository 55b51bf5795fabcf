// Loggen writes generated logs for benchmarks, and measures what reads them.
//
//	loggen FORMAT [flags]    one log to stdout
//	loggen set DIR [flags]   linked logs of the same requests
//	loggen measure COMMAND   runs a command; says time and memory on stderr
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"why503/cmd/internal/loggen"
)

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		fmt.Fprintf(os.Stderr, "usage: loggen %s [flags]\n       loggen set DIR [flags]\n       loggen measure COMMAND [ARGUMENT...]\n", strings.Join(loggen.Formats(), "|"))
		return 2
	}
	what, args := args[0], args[1:]
	if what == "measure" {
		return measure(args)
	}
	dir := ""
	if what == "set" {
		if len(args) == 0 || strings.HasPrefix(args[0], "-") {
			fmt.Fprintln(os.Stderr, "loggen set: names no folder")
			return 2
		}
		dir, args = args[0], args[1:]
	}
	c, err := parseFlags(what, args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = c.Validate()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "loggen:", err)
		return 2
	}
	var n loggen.Count
	if what == "set" {
		n, err = loggen.WriteSet(dir, c)
	} else {
		n, err = loggen.Write(os.Stdout, what, c)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "loggen:", err)
		return 1
	}
	fmt.Fprintf(os.Stderr, "%d bytes, %d lines, %d requests, %d failed\n", n.Bytes, n.Lines, n.Requests, n.Failures)
	return 0
}

func parseFlags(name string, args []string) (loggen.Config, error) {
	c := loggen.Defaults()
	f := flag.NewFlagSet("loggen "+name, flag.ContinueOnError)
	f.Uint64Var(&c.Seed, "seed", c.Seed, "the same seed gives the same bytes")
	f.Float64Var(&c.Rate, "rate", c.Rate, "requests a second")
	f.Float64Var(&c.Failures, "failures", c.Failures, "share of requests that fail")
	f.BoolVar(&c.Bursts, "bursts", false, "failures come in bursts, one a minute")
	f.Int64Var(&c.Requests, "requests", 0, "stop after so many requests")
	f.StringVar(&c.Site, "site", c.Site, "host name of the site")
	f.Func("bytes", "stop after so many bytes: 100MB, 1GB, 4GiB", func(s string) (err error) {
		c.Bytes, err = size(s)
		return err
	})
	f.Func("start", "time of the first request, RFC 3339 (default "+c.Start.Format(time.RFC3339)+")", func(s string) (err error) {
		c.Start, err = time.Parse(time.RFC3339, s)
		return err
	})
	if err := f.Parse(args); err != nil {
		return c, err
	}
	if f.NArg() > 0 {
		return c, fmt.Errorf("what is %q?", f.Arg(0))
	}
	return c, nil
}

// size reads a number of bytes with a unit.
func size(s string) (int64, error) {
	digits := strings.TrimRight(s, "BKMGTi")
	factor, ok := map[string]int64{
		"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
	}[s[len(digits):]]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !ok || n <= 0 || n > 1<<62/factor {
		return 0, fmt.Errorf("size %q: a number and B, KB, MB, GB, TB, KiB, MiB or GiB", s)
	}
	return n * factor, nil
}

// measure runs a command with our streams and says what it took.
func measure(args []string) int {
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "loggen measure: names no command")
		return 2
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	begin := time.Now()
	err := cmd.Run()
	took := time.Since(begin)
	if cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "loggen measure:", err)
		return 1
	}
	peak := ""
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		peak = fmt.Sprintf("  peak %d MB", u.Maxrss/1024) // kB on Linux
	}
	fmt.Fprintf(os.Stderr, "%-40.40s  wall %.2f s  cpu %.2f s%s\n", strings.Join(args, " "), took.Seconds(),
		(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), peak)
	return cmd.ProcessState.ExitCode()
}
