// Command agent is the central service of Yhteiskone: it takes the kiosks'
// websockets, knows which machines work, and shows staff a dashboard.
//
// This package wires the parts together and is the command line. What the
// parts do is in the folders beside it: gate lets kiosks in, state holds now,
// watch decides what is wrong, store keeps what must last, staff knows people,
// dashboard shows.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	os.Exit(report(os.Stderr, err))
}
