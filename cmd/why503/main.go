// Command why503 finds out from logs why requests failed.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"why503/cmd/internal/cli"
)

// version is set by the linker (-X main.version=v1.2.3).
var version string

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A first signal ends reading and prints what was found; with the handler
	// gone, a second one ends the program.
	context.AfterFunc(ctx, stop)
	return cli.Run(ctx, os.Args[1:], cli.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Version: version, Reload: hangups(ctx)})
}

// hangups tells of each SIGHUP until ctx ends.
func hangups(ctx context.Context) <-chan struct{} {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	out := make(chan struct{})
	go func() {
		defer signal.Stop(signals)
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
			}
			select {
			case out <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}
