package browser

import "testing"

func TestShares(t *testing.T) {
	for total, want := range map[int64]shares{
		1 << 30:  {128 * mib, 64 * mib, 64 * mib, 16 * mib},
		2 << 30:  {256 * mib, 128 * mib, 128 * mib, 16 * mib},
		4 << 30:  {512 * mib, 256 * mib, 256 * mib, 16 * mib},
		8 << 30:  {1024 * mib, 512 * mib, 512 * mib, 16 * mib},
		64 << 30: {1024 * mib, 512 * mib, 512 * mib, 16 * mib},
	} {
		got := sharesOf(total)
		if got != want {
			t.Errorf("%d MiB: %+v, want %+v", total/mib, got, want)
		}
		if sum := got.home + got.tmp + got.shm + 2*got.small; sum > total/3 {
			t.Errorf("%d MiB: the folders may take %d MiB", total/mib, sum/mib)
		}
		// The kiosk, its shell and the X server take about 500 MiB.
		if b := boundsOf(total); total >= 2<<30 && (total-b.Memory < 768*mib || b.Memory < 1<<30) {
			t.Errorf("%d MiB: the session may take %d MiB", total/mib, b.Memory/mib)
		}
	}
	if b := boundsOf(1 << 30); b.Memory < 512*mib || b.Tasks < 1024 {
		t.Errorf("a small machine's session may take %+v", b)
	}
}

func TestParseTotal(t *testing.T) {
	if n, err := parseTotal("MemFree: 1 kB\nMemTotal:        2048000 kB\n"); n != 2048000<<10 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for _, bad := range []string{"", "MemTotal: x kB\n", "MemTotal: 1\n", "MemTotal: -1 kB\n", "MemTotal: 99999999999999999 kB\n"} {
		if n, err := parseTotal(bad); err == nil {
			t.Errorf("%q became %d", bad, n)
		}
	}
	if n, err := memoryTotal(); err != nil || n < 64*mib {
		t.Errorf("this machine: %d, %v", n, err)
	}
}
