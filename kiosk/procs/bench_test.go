package procs

import "testing"

func BenchmarkScan(b *testing.B) {
	for b.Loop() {
		if _, err := Scan(Root); err != nil {
			b.Fatal(err)
		}
	}
}
