package wire

import (
	"os"
	"testing"
)

// BenchmarkDecode decodes a report, of which one comes every fifteen seconds
// from every kiosk.
func BenchmarkDecode(b *testing.B) {
	frame, err := os.ReadFile("testdata/report_3.json")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(frame); err != nil {
			b.Fatal(err)
		}
	}
}
