package wipe

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// BenchmarkLooks measures the groups of looks on this machine as it is.
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
	for i, g := range w.groups() {
		said := survey{}
		g(b.Context(), w.hunt(b.Context(), mark), said)
		b.Run(fmt.Sprint(i, slices.Sorted(maps.Keys(said))), func(b *testing.B) {
			for b.Loop() {
				said := survey{}
				g(b.Context(), w.hunt(b.Context(), mark), said)
				for name, s := range said {
					if s.err != nil {
						b.Fatal(name, s.err)
					}
				}
			}
		})
	}
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			w.Wipe(b.Context(), mark)
		}
	})
}
