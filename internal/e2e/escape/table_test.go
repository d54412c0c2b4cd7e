package escape

import (
	"flag"
	"os"
	"slices"
	"testing"

	"yhteiskone/internal/fleet"
)

var update = flag.Bool("update", false, "write kiosk/ESCAPES.md anew")

// No row is left out, and none passes by not being tried.
func TestTableIsWhole(t *testing.T) {
	all, bound := Table(), tries()
	if len(all) != 47 {
		t.Errorf("the table has %d rows", len(all))
	}
	for i, r := range all {
		if r.N != i+1 {
			t.Fatalf("row %d stands where %d should", r.N, i+1)
		}
		if r.Attempt == "" || r.Stops == "" {
			t.Errorf("row %d does not say what is tried or what stops it", r.N)
		}
		tried := bound[r.N] != nil
		delete(bound, r.N)
		switch r.Where {
		case TriedHere:
			if !tried || r.How != "" || r.Why != "" {
				t.Errorf("row %d is tried here, and nothing tries it, or it says why not", r.N)
			}
		case TriedImage, TriedHand:
			if tried || len(r.How) < 80 || r.Why == "" {
				t.Errorf("row %d is not tried here: it must say how it is tried, and why not here", r.N)
			}
		default:
			t.Errorf("row %d is tried %q", r.N, r.Where)
		}
	}
	for n := range bound {
		t.Errorf("a try is bound to %d, which is no row", n)
	}
}

// The acceptance sheet takes the same rows for those that a person tries, and
// for those that settings of the image stop.
func TestSheetKnowsTheTable(t *testing.T) {
	if len(Table()) != fleet.WaysCount {
		t.Errorf("the sheet has %d rows", fleet.WaysCount)
	}
	for _, r := range Table() {
		if (r.Where == TriedHand) != slices.Contains(fleet.WaysByHand(), r.N) || (r.Where == TriedImage) != slices.Contains(fleet.WaysOfImage(), r.N) {
			t.Errorf("row %d is tried %s, and the sheet does not know it", r.N, r.Where)
		}
	}
}

// The table that people read is the one that is tried.
func TestMarkdownIsFresh(t *testing.T) {
	const file = "../../../kiosk/ESCAPES.md"
	if *update {
		if err := os.WriteFile(file, []byte(Markdown()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != Markdown() {
		t.Errorf("%s is not as the table says: run this test with -update", file)
	}
}
