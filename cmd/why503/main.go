// Command why503 finds out from logs why requests failed.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"why503/cmd/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A first signal ends reading and prints what was found; with the handler
	// gone, a second one ends the program.
	context.AfterFunc(ctx, stop)
	code := cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
