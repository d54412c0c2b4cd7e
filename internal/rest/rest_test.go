package rest

import (
	"context"
	"fmt"
	"os"
	"runtime/metrics"
	"strings"
	"testing"
	"time"
)

// What was used once and is free again goes back to the system.
func TestGiveBack(t *testing.T) {
	released := func() uint64 {
		s := []metrics.Sample{{Name: "/memory/classes/heap/released:bytes"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	large := make([]byte, 64<<20)
	for i := range large {
		large[i] = 1
	}
	before := released()
	large = nil
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- GiveBack(ctx) }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		if released() > before+60<<20 {
			break
		}
		<-tick.C
	}
	if got := released(); got <= before+60<<20 {
		t.Errorf("%d MiB were given back of 64", (got-before)>>20)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// What the program file held in memory for its start goes, and the program
// runs on.
func TestDropCode(t *testing.T) {
	resident := func() (kb int) {
		text, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"RssFile:", "RssShmem:"} { // the other one where programs lie in memory
			var n int
			_, after, _ := strings.Cut(string(text), name)
			fmt.Sscan(after, &n)
			kb += n
		}
		return kb
	}
	self, err := os.ReadFile("/proc/self/exe") // so that the cache has it
	if err != nil || len(self) == 0 {
		t.Fatal(err)
	}
	before := resident()
	dropPages()
	if after := resident(); after > before*9/10 {
		t.Errorf("%d KiB of the file were resident, %d are", before, after)
	}
}
