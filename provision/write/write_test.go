package write

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"yhteiskone/provision/disk"
	"yhteiskone/provision/write/writetest"
)

func TestItIsWrittenAndTheFirstSectorLast(t *testing.T) {
	image := writetest.Image(t, writetest.Parts())
	text, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	for name, from := range map[string]string{"plain": image, "zstd": packed(t, image)} {
		to, f := stick(t, room), &faulty{}
		o := options(t, from, to, f)
		var last map[string]Event = map[string]Event{}
		o.Tell = func(e Event) { last[e.Phase] = e }
		r, err := Run(t.Context(), o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if r.SHA256 != hex.EncodeToString(sum[:]) || r.Bytes != int64(len(text)) || r.Ejected {
			t.Errorf("%s: %+v", name, r)
		}
		alike(t, image, to)
		if !bootable(t, to) {
			t.Errorf("%s: it does not start a machine", name)
		}
		if n := len(f.wrote); f.wrote[0] != 0 || f.wrote[n-1] != 0 {
			t.Errorf("%s: written in the order %v", name, f.wrote)
		}
		for _, phase := range []string{Writing, Reading} {
			if e := last[phase]; e.Done != r.Bytes || e.Total != r.Bytes {
				t.Errorf("%s: the last word of %s was %+v", name, phase, e)
			}
		}
		back, err := getFile(f, o.Image.conf(), "join.json")
		f.Close()
		if err == nil {
			t.Errorf("the disk was left open: %s", back)
		}
		dev, err := open(disk.This(), o.Disk)
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close()
		if back, err := getFile(dev, o.Image.conf(), "join.json"); err != nil || string(back) != `{"name":"Kone ä"}` {
			t.Errorf("%s: join.json holds %q, %v", name, back, err)
		}
		mtools(t, to)
	}
}

// mtools must be able to read what we wrote, as other systems will.
func mtools(t *testing.T, to string) {
	t.Helper()
	if _, err := exec.LookPath("mtype"); err != nil {
		return
	}
	out, err := exec.Command("mtype", "-i", to+"@@23068672", "::join.json").CombinedOutput()
	if err != nil || string(out) != `{"name":"Kone ä"}` {
		t.Errorf("mtype says %q, %v", out, err)
	}
}

// A second writing replaces the file, and does not add one.
func TestAgainReplacesTheJoinFile(t *testing.T) {
	image, to := writetest.Image(t, writetest.Parts()), stick(t, room)
	o := options(t, image, to, nil)
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	d, err := open(disk.This(), o.Disk)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	at := o.Image.conf()
	for _, text := range []string{strings.Repeat("long ", 3000), "short"} {
		if err := putFile(d, at, "join.json", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if back, err := getFile(d, at, "join.json"); err != nil || string(back) != text {
			t.Errorf("%d bytes came back as %d, %v", len(text), len(back), err)
		}
	}
}

// Whatever fails: one sentence that says so, one thing to do, and a disk that
// starts no machine.
func TestFailuresLeaveNothingThatStarts(t *testing.T) {
	image := writetest.Image(t, writetest.Parts())
	at := func(from int64, err error) func([]byte, int64) error {
		return func(_ []byte, off int64) error {
			if off >= from {
				return err
			}
			return nil
		}
	}
	conf := int64(22) << 20
	for name, c := range map[string]struct {
		f    faulty
		code string
		says string
	}{
		"full":       {faulty{write: at(8<<20, syscall.ENOSPC)}, "no_space", "full before the image's end"},
		"read-only":  {faulty{write: at(0, syscall.EROFS)}, "read_only", "read-only"},
		"pulled out": {faulty{write: at(4<<20, syscall.ENODEV)}, "pulled_out", "was pulled out"},
		"broken":     {faulty{write: at(12<<20, syscall.EIO)}, "write_failed", "input/output error"},
		"in join file": {faulty{write: func(p []byte, off int64) error {
			if off >= conf && len(p) < stretch && bytes.Contains(p, []byte("Kone")) {
				return syscall.EIO
			}
			return nil
		}}, "write_failed", "join.json"},
		"read back": {faulty{read: at(8<<20, syscall.EIO)}, "read_back", "cannot be read back"},
		"lies": {faulty{read: func(p []byte, off int64) error {
			if off == 4<<20 {
				p[77] ^= 1
			}
			return nil
		}}, "differs", "near byte 4194304"},
		"sync": {faulty{sync: func() error { return syscall.EIO }}, "write_failed", "input/output error"},
	} {
		to := stick(t, room)
		o := options(t, image, to, &c.f)
		_, err := Run(t.Context(), o)
		var p *disk.Problem
		if !errors.As(err, &p) || p.Code != c.code || p.Exit != disk.ExitFailed || p.Todo == "" ||
			!strings.Contains(p.Text, c.says) || !strings.Contains(p.Text, "NOT USABLE") {
			t.Errorf("%s: %v", name, err)
		}
		if name != "read-only" && bootable(t, to) {
			t.Errorf("%s: the disk still starts a machine", name)
		}
	}
}

// Stopped at any moment, up to the last: it does not start.
func TestStoppedAtEveryMoment(t *testing.T) {
	image := writetest.Image(t, writetest.Small())
	moments, to := 0, stick(t, room)
	for stop := 1; ; stop++ {
		ctx, cancel := context.WithCancel(t.Context())
		o := options(t, image, to, nil)
		o.Files = nil
		n := 0
		o.Tell = func(Event) {
			if n++; n == stop {
				cancel()
			}
		}
		_, err := Run(ctx, o)
		cancel()
		if err == nil && n < stop {
			break
		}
		var p *disk.Problem
		if !errors.As(err, &p) || p.Code != "stopped" || bootable(t, to) {
			t.Fatalf("stopped at %d: %v", stop, err)
		}
		moments++
		if err := again(to); err != nil {
			t.Fatal(err)
		}
	}
	if moments < 8 {
		t.Errorf("only %d moments were tried", moments)
	}
}

// again makes a stick startable, as it was before.
func again(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte("older data"), 0)
	return errors.Join(err, f.Close())
}

// Another disk in its place, between the yes and the writing: nothing is
// touched.
func TestAnotherDiskIsNotTouched(t *testing.T) {
	image := writetest.Image(t, writetest.Parts())
	for says, look := range map[string]func(*disk.Disk){
		"serial number was": func(d *disk.Disk) { d.Serial = "OTHER" },
		"size was":          func(d *disk.Disk) { d.Size++ },
		"pulled out":        func(d *disk.Disk) { d.Sequence = "9:9" },
		"not be erased":     func(d *disk.Disk) { d.Refused = "it is mounted at /media" },
	} {
		to := stick(t, room)
		f := &faulty{look: look}
		_, err := Run(t.Context(), options(t, image, to, f))
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "NOT USABLE") {
			t.Errorf("%q: %v", says, err)
		}
		if len(f.wrote) > 0 {
			t.Errorf("%q: the disk was changed", says)
		}
	}
}

// The file of that name was exchanged for another one meanwhile.
func TestAnExchangedFileIsNotTouched(t *testing.T) {
	image, to := writetest.Image(t, writetest.Parts()), stick(t, room)
	o := options(t, image, to, nil)
	o.Confirm = func(disk.Disk) error { return os.Rename(stick(t, room), to) }
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "another disk") || !bootable(t, to) {
		t.Errorf("%v", err)
	}
}

func TestWhatIsRefusedBefore(t *testing.T) {
	image := writetest.Image(t, writetest.Parts())
	yes := 0
	for name, c := range map[string]struct {
		change func(*Options)
		code   string
		exit   int
	}{
		"refused":   {func(o *Options) { o.Disk.Refused = "this machine runs from it" }, "refused", disk.ExitInput},
		"small":     {func(o *Options) { o.Disk.Size = o.Image.Size - 1 }, "no_space", disk.ExitInput},
		"switch":    {func(o *Options) { o.Disk.ReadOnly = true }, "read_only", disk.ExitFailed},
		"itself":    {func(o *Options) { o.Disk.Path = o.Image.Path }, "refused", disk.ExitInput},
		"busy":      {func(o *Options) { o.Open = fails(syscall.EBUSY) }, "in_use", disk.ExitNotNow},
		"no right":  {func(o *Options) { o.Open = fails(syscall.EACCES) }, "no_right", disk.ExitInput},
		"read-only": {func(o *Options) { o.Open = fails(syscall.EROFS) }, "read_only", disk.ExitFailed},
	} {
		to := stick(t, room)
		o := options(t, image, to, nil)
		o.Confirm = func(disk.Disk) error { yes++; return nil }
		c.change(&o)
		_, err := Run(t.Context(), o)
		var p *disk.Problem
		if !errors.As(err, &p) || p.Code != c.code || p.Exit != c.exit || p.Text == "" || p.Todo == "" {
			t.Errorf("%s: %v", name, err)
		}
		if !bootable(t, to) {
			t.Errorf("%s: the disk was changed", name)
		}
	}
	if yes != 3 {
		t.Errorf("the person was asked %d times; only who can be helped by a yes should be", yes)
	}
}

func fails(err error) func(disk.Machine, disk.Disk) (Device, error) {
	return func(disk.Machine, disk.Disk) (Device, error) { return nil, err }
}

func TestDryRunTouchesNothing(t *testing.T) {
	to := stick(t, room)
	o := options(t, writetest.Image(t, writetest.Parts()), to, nil)
	o.DryRun, o.Open = true, fails(errors.New("it was opened"))
	if _, err := Run(t.Context(), o); err != nil || !bootable(t, to) {
		t.Error(err)
	}
}

// Both files that stop short: one that shrinks while it is read, one that was
// packed and then cut.
func TestAnImageThatEndsEarly(t *testing.T) {
	image := writetest.Image(t, writetest.Parts())
	to := stick(t, room)
	o := options(t, image, to, nil)
	o.Tell = func(e Event) {
		if e.Done == stretch {
			if err := os.Truncate(image, 20<<20); err != nil {
				t.Error(err)
			}
		}
	}
	_, err := Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "ends after") || !strings.Contains(err.Error(), "NOT USABLE") || bootable(t, to) {
		t.Errorf("shrunk: %v", err)
	}
	zst := packed(t, writetest.Image(t, writetest.Parts()))
	info, _ := os.Stat(zst)
	if err := os.Truncate(zst, info.Size()-1000); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), options(t, zst, to, nil)); err == nil || !strings.Contains(err.Error(), "image cannot be read") {
		t.Errorf("cut: %v", err)
	}
}

// What writes the join file may touch its partition and nothing else.
func TestOnlyThePartitionIsTouched(t *testing.T) {
	to := stick(t, room)
	d, err := open(disk.This(), disk.Disk{Path: to, Bus: "file"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	v := &volume{Device: d, at: span{1 << 20, 1 << 20}}
	for off, ok := range map[int64]bool{0: false, 1<<20 - 1: false, 1 << 20: true, 2<<20 - 8: true, 2<<20 - 7: false} {
		_, w := v.WriteAt(make([]byte, 8), off)
		_, r := v.ReadAt(make([]byte, 8), off)
		if (w == nil) != ok || (r == nil) != ok {
			t.Errorf("at %d: %v, %v", off, w, r)
		}
	}
}
