package health

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shirou/gopsutil/v3/common"

	"yhteiskone/internal/fleet"
)

// roots makes gopsutil read proc and sys from other folders than the machine's.
func roots(ctx context.Context, proc, sys string) context.Context {
	return context.WithValue(ctx, common.EnvKey, common.EnvMap{
		common.HostProcEnvKey: proc, common.HostSysEnvKey: sys})
}

// copyTo puts the fixtures where a test may change them.
func copyTo(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

func cabled() ([]card, error) {
	return []card{{Loopback: true, Running: true, Address: true},
		{Running: true, Address: true, Wired: "52:54:00:12:34:56"}}, nil
}

func TestCollectReadsTheMachine(t *testing.T) {
	proc, sys := copyTo(t, "proc"), copyTo(t, "sys")
	ctx := roots(t.Context(), proc, sys)
	s := New(Config{State: t.TempDir(), Runtime: t.TempDir(), Own: func() Own {
		return Own{ShellPaints: new(true), BrowserAlive: new(false), Screens: new(1), Resolution: new("1366x768")}
	}})
	s.interfaces, s.clock = cabled, func() *bool { return new(true) }
	s.proc, s.sys, s.run = proc, sys, tree(t, map[string]string{"yhteiskone/updates": "0"})
	plant(t, proc, map[string]string{"bus/input/devices": ps2Keyboard + usbMouse, "sys/kernel/random/boot_id": "boot-1\n", "uptime": "600.12 900.00\n"})
	plant(t, sys, port("1-2", "3", "046d", "c077", "03/01/02"))
	first := s.Collect(ctx)
	if first.Health.CPUPercent != nil {
		t.Errorf("the first collection says %v %% of the processor, with nothing to compare with", *first.Health.CPUPercent)
	}
	second, err := os.ReadFile("testdata/proc2/stat")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(proc, "stat"), second, 0o600); err != nil {
		t.Fatal(err)
	}
	r := s.Collect(ctx)
	if r.Health.DiskTotal == nil || r.Health.DiskFree == nil || *r.Health.DiskFree > *r.Health.DiskTotal {
		t.Errorf("the disk has %v free of %v bytes", r.Health.DiskFree, r.Health.DiskTotal)
	}
	if r.Uptime <= 0 || time.Since(r.At).Abs() > time.Minute {
		t.Errorf("uptime %v at %v", r.Uptime, r.At)
	}
	r.Health.DiskTotal, r.Health.DiskFree = nil, nil
	want := fleet.Health{
		CPUPercent:  new(20.0), // 200 of 1000 ticks; waiting for the disk is not work
		MemoryTotal: new(uint64(4000000 << 10)), MemoryFree: new(uint64(2500000 << 10)),
		Load1: new(0.42), TemperatureC: new(61.0), NetworkUp: new(true),
		BytesIn: new(uint64(12000345)), BytesOut: new(uint64(3000678)),
		ShellPaints: new(true), BrowserAlive: new(false), Screens: new(1), Resolution: new("1366x768"),
		Keyboards: new(1), Pointers: new(1), Touch: new(false), USBChanges: new(0), NewKeyboards: new(0), CardReader: new(false), WiredMAC: new("52:54:00:12:34:56"),
		ClockSet: new(true), Updates: new(0),
	}
	if d := cmp.Diff(want, r.Health); d != "" {
		t.Errorf("readings differ (-want +got):\n%s", d)
	}
}

// What cannot be read is nil, whatever the reason.
func TestNothingReadIsNothingSaid(t *testing.T) {
	empty := t.TempDir()
	broken := t.TempDir()
	for _, f := range []string{"stat", "meminfo", "loadavg", "net/dev"} {
		path := filepath.Join(broken, f)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, proc := range map[string]string{"no files": empty, "broken files": broken} {
		s := New(Config{State: filepath.Join(empty, "absent")})
		s.proc, s.sys, s.run, s.clock = proc, empty, empty, func() *bool { return nil }
		s.interfaces = func() ([]card, error) { return nil, errors.New("no netlink") }
		ctx := roots(t.Context(), proc, empty)
		s.Collect(ctx)
		got := s.Collect(ctx).Health
		got.Load1 = nil // the kernel tells it without any file
		if d := cmp.Diff(fleet.Health{}, got); d != "" {
			t.Errorf("%s: readings from nowhere (-want +got):\n%s", name, d)
		}
	}
}

func TestNetworkUp(t *testing.T) {
	for _, c := range []struct {
		name string
		all  []card
		want bool
	}{
		{"nothing", nil, false},
		{"loopback alone", []card{{Loopback: true, Running: true, Address: true}}, false},
		{"no cable", []card{{Address: true}}, false},
		{"no address", []card{{Running: true}}, false},
		{"parts of two", []card{{Running: true}, {Address: true}}, false},
		{"the second", []card{{}, {Running: true, Address: true}}, true},
	} {
		s := New(Config{State: "/"})
		s.interfaces = func() ([]card, error) { return c.all, nil }
		if got, _ := s.network(); got == nil || *got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// Of several wired cards the one in use is woken.
func TestWiredMAC(t *testing.T) {
	const one, two = "52:54:00:12:34:56", "52:54:00:12:34:57"
	for want, all := range map[string][]card{
		"":  {{Running: true, Address: true}},
		one: {{Loopback: true, Running: true, Address: true}, {Wired: one}, {Running: true, Wired: two}},
		two: {{Running: true, Address: true}, {Wired: one}, {Running: true, Address: true, Wired: two}},
	} {
		s := New(Config{State: "/"})
		s.interfaces = func() ([]card, error) { return all, nil }
		if _, got := s.network(); got == nil && want != "" || got != nil && *got != want {
			t.Errorf("want %q, got %v", want, got)
		}
	}
}

func TestHardware(t *testing.T) {
	ctx := roots(t.Context(), "testdata/proc", "testdata/sys")
	want := "Hewlett-Packard HP Compaq Elite 8300 SFF, Intel(R) Core(TM) i5-3470 CPU @ 3.20GHz (2), 3.8 GiB"
	if got := hardware(ctx, "testdata/dmi"); got != want {
		t.Errorf("hardware %q, want %q", got, want)
	}
	if got := hardware(roots(t.Context(), t.TempDir(), t.TempDir()), t.TempDir()); got != "" {
		t.Errorf("hardware of nothing %q", got)
	}
	if real := Hardware(t.Context()); len(real) > hardwareLimit {
		t.Errorf("this machine needs %d bytes", len(real))
	}
}

// BenchmarkCollect says what one collection costs in processor time, on a
// machine with much plugged in: the promise is less than 10 ms.
func BenchmarkCollect(b *testing.B) {
	s := New(Config{State: b.TempDir(), Runtime: b.TempDir()})
	s.sys = b.TempDir()
	for i := range 16 {
		name := "1-" + string(rune('a'+i))
		plant(b, s.sys, port(name, "2", "413c", "2113", "03/01/01", "03/00/00"))
		plant(b, s.sys, map[string]string{"class/power_supply/" + name + "/type": "Mains\n"})
	}
	s.proc = tree(b, map[string]string{"bus/input/devices": strings.Repeat(usbKeyboard+usbMouse, 8), "sys/kernel/random/boot_id": "b"})
	s.Collect(b.Context()) // what is cached for good
	before := spent(b)
	n := 0
	for b.Loop() {
		s.Collect(b.Context())
		n++
	}
	b.ReportMetric(float64((spent(b)-before).Microseconds())/float64(n), "cpu-µs/op")
}

func spent(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
