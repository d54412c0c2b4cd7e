// Command soak runs a real agent for hours with simulated kiosks that use the
// real kiosk's line, while everything goes wrong that can: the agent is killed,
// its disk is full, lines break or go deaf, all kiosks come back at once,
// strangers send rubbish, one kiosk says everything twice.
//
// At the end nothing that was acknowledged may be lost and nothing may count
// twice: proofs and help calls are counted at both ends. The agent's memory and
// its goroutines must be back where they were before the faults of the second
// half, in which it is not killed.
//
// It uses the built agent and needs no rights. What goes wrong and when follows
// from the seed; how the two ends meet does not.
//
// Caveats: the agent's own clock and a disk that takes data and then says that
// it did not are not tried here, because a program has no seam for them from
// outside: the tests of agent/store do the second. The kiosks' clocks do jump.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	c := config{}
	flag.DurationVar(&c.length, "for", 2*time.Hour, "how long things go wrong")
	flag.IntVar(&c.kiosks, "kiosks", 20, "how many kiosks")
	flag.Uint64Var(&c.seed, "seed", uint64(time.Now().UnixNano()), "what goes wrong when")
	flag.StringVar(&c.bin, "bin", "bin", "folder of the built programs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if flag.NArg() > 0 || c.length < 10*time.Second || c.kiosks < 1 || c.kiosks > 500 {
		fmt.Fprintln(os.Stderr, "soak: --for must be 10s or more, --kiosks 1 to 500, and there is nothing else")
		os.Exit(2)
	}
	if err := run(ctx, c, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "soak: FAIL:", err)
		os.Exit(1)
	}
}
