package boottest

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// How much longer a machine takes until it is free than the same kernel takes
// that has nothing else: no first stage, no disk, no program. With nothing to
// start, it gives up and restarts at once, and QEMU ends. Only
// YHTEISKONE_BOOT_RATIO has it measured: it is a figure for the README, and says
// something on a quiet machine alone.
func TestRatio(t *testing.T) {
	if os.Getenv("YHTEISKONE_BOOT_RATIO") == "" {
		t.Skip("say: YHTEISKONE_BOOT_RATIO=1 make boot-test BOOT='-run TestRatio'")
	}
	image, programs, shots := given(t)
	var bare, whole []time.Duration
	for range 3 {
		m := newMachine(t, image, programs, filepath.Join(shots, "ratio"))
		bare = append(bare, m.bareKernel())
		began := time.Now()
		m.start(bios(), 2048)
		m.free()
		whole = append(whole, time.Since(began))
		m.stop()
	}
	slices.SortFunc(bare, cmp.Compare)
	slices.SortFunc(whole, cmp.Compare)
	t.Logf("the kernel alone takes %v, the machine is free after %v: %.1f times as long", bare, whole, whole[1].Seconds()/bare[1].Seconds())
}

// bareKernel starts the image's kernel alone, as the image starts it, and says
// how long it takes to where the first program would start.
func (m *machine) bareKernel() time.Duration {
	m.t.Helper()
	kernel, log := filepath.Join(m.dir, "vmlinuz"), filepath.Join(m.dir, "bare.log")
	m.run("mcopy", "-o", "-i", m.partition("kiosk-esp"), "::EFI/kiosk/A/vmlinuz", kernel)
	config, err := m.get("kiosk-esp", "EFI/debian/grub.cfg")
	if err != nil {
		m.t.Fatal(err)
	}
	var line []string
	for _, word := range strings.Fields(config[strings.Index(config, "linux $kiosk"):strings.Index(config, "initrd $kiosk")]) {
		if strings.HasPrefix(word, "init_on_") || slices.Contains([]string{"slab_nomerge", "page_alloc.shuffle=1", "randomize_kstack_offset=on", "vsyscall=none", "lockdown=integrity"}, word) {
			line = append(line, word)
		}
	}
	if len(line) != 7 {
		m.t.Fatalf("of what makes the kernel slower, the image has only %v", line)
	}
	began := time.Now()
	out, err := exec.CommandContext(m.t.Context(), "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-machine", "q35", "-m", "2048", "-smp", "2",
		"-display", "none", "-nodefaults", "-no-reboot", "-serial", "file:"+log, "-kernel", kernel,
		"-append", "console=ttyS0,115200 loglevel=4 panic=-1 "+strings.Join(line, " ")).CombinedOutput()
	took := time.Since(began)
	if said, _ := os.ReadFile(log); err != nil || !strings.Contains(string(said), "Unable to mount root fs") {
		m.t.Fatalf("the kernel alone: %v: %s%s", err, out, said)
	}
	return took
}
