// Chaos kills `why503 serve` while it reads logs that are written and rotated,
// and compares what it stored with the truth. The last line says `exact`, or
// what differs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"why503/cmd/internal/chaos"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	f := flag.NewFlagSet("chaos", flag.ContinueOnError)
	var c chaos.Config
	var mode, binary, keep string
	var seconds float64
	f.Uint64Var(&c.Seed, "seed", 1, "the same seed gives the same requests, rotations and kills")
	f.Float64Var(&seconds, "seconds", 60, "how long logs are written; kills go on for a minute, and facts are final a minute and a half after the last line")
	f.Float64Var(&c.Rate, "rate", 5000, "lines a second, of all logs together")
	f.StringVar(&mode, "mode", string(chaos.Rename), "of rotation: rename, copytruncate or mixed")
	f.IntVar(&c.Kills, "kills", 100, "how often serve is killed")
	f.StringVar(&binary, "binary", "bin/why503", "`FILE` of why503")
	f.StringVar(&keep, "dir", "", "`FOLDER` in which logs and stores are made and kept; a temporary one, removed when all is exact, where it is empty")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	c.Duration, c.Mode = time.Duration(seconds*float64(time.Second)), chaos.Mode(mode)
	path, err := filepath.Abs(binary)
	if err == nil {
		c.Serve = []string{path}
		err = c.Validate()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 2
	}
	if c.Dir, err = folder(keep); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	rep, err := chaos.Run(ctx, c)
	if err == nil {
		err = rep.Write(os.Stdout)
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "chaos:", err)
	case len(rep.Differs) == 0 && keep == "":
		if err := os.RemoveAll(c.Dir); err != nil {
			fmt.Fprintln(os.Stderr, "chaos:", err)
		}
		return 0
	case len(rep.Differs) == 0:
		return 0
	}
	fmt.Fprintln(os.Stderr, "chaos: logs and stores are in", c.Dir)
	return 1
}

func folder(keep string) (string, error) {
	if keep == "" {
		return os.MkdirTemp("", "why503-chaos-")
	}
	dir, err := filepath.Abs(keep)
	if err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o755)
}
