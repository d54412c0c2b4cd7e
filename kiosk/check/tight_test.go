package check

import "testing"

func TestTight(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		free, size uint64
		want       bool
	}{
		{111 * mib, 114 * mib, false}, // the image's partition, new
		{28 * mib, 114 * mib, true},
		{199 * mib, 100_000 * mib, true},
		{200 * mib, 100_000 * mib, false},
		{0, 114 * mib, true},
	} {
		if got := tight(c.free, c.size); got != c.want {
			t.Errorf("%d of %d MiB: %v", c.free/mib, c.size/mib, got)
		}
	}
}
