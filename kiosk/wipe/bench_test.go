package wipe

import (
	"context"
	"testing"
)

// BenchmarkLooks measures each look on this machine as it is.
func BenchmarkLooks(b *testing.B) {
	w, err := New(Config{StateDir: b.TempDir(), Places: DefaultPlaces("", "", true), SharedUser: true,
		Selections: func() (int, error) { return 0, nil }, ClearSelections: func() error { return nil }})
	if err != nil {
		b.Fatal(err)
	}
	mark, err := w.Begin()
	if err != nil {
		b.Fatal(err)
	}
	for _, l := range []struct {
		name string
		look func(context.Context, hunt) (tally, error)
	}{{LookProcesses, w.processes}, {LookFiles, w.files}, {LookMounts, w.mounts}, {LookSharedMemory, w.sharedMemory}, {LookPrintJobs, w.printJobs}} {
		b.Run(l.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := l.look(b.Context(), w.hunt(mark)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
