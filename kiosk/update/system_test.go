package update_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/release"
	"yhteiskone/kiosk/update"
)

func TestDamagedEnvironment(t *testing.T) {
	key := release.NewKey()
	for _, bad := range [][]byte{nil, bytes.Repeat([]byte{0}, 1024), grubenv("active=C\n"), grubenv("active=A\ntrial_left=x\n")} {
		d, r := installed(), make1(t, key, "1.1", "")
		f := d.open("grubenv", 0)
		f.kept, f.cached = bytes.Clone(bad), bytes.Clone(bad)
		if err := machine(d, "A", key, r).Apply(t.Context(), r.offer()); err != nil {
			t.Errorf("%.40q: %v", bad, err)
		}
		if _, version := started(t, d); version != "1.1" {
			t.Errorf("%.40q: %s runs", bad, version)
		}
	}
}

// What GRUB's own tool made is read, and what is written the tool reads and
// changes.
func TestRealGrubenv(t *testing.T) {
	block, err := os.ReadFile("testdata/grubenv") // grub-editenv create, set active=A trial= trial_left=0
	if err != nil {
		t.Fatal(err)
	}
	d, key := installed(), release.NewKey()
	r := make1(t, key, "1.1", "")
	f := d.open("grubenv", 0)
	f.kept, f.cached = bytes.Clone(block), bytes.Clone(block)
	if err := machine(d, "A", key, r).Apply(t.Context(), r.offer()); err != nil {
		t.Fatal(err)
	}
	tool, err := exec.LookPath("grub-editenv")
	if err != nil {
		t.Skip("grub-editenv is not installed (apt-get install grub-common); what it made before was read")
	}
	path := filepath.Join(t.TempDir(), "grubenv")
	if err := os.WriteFile(path, f.kept, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(tool, path, "list").CombinedOutput(); err != nil || string(out) != "active=A\ntrial=B\ntrial_left=3\n" {
		t.Errorf("%v: %q", err, out)
	}
	if out, err := exec.Command(tool, path, "set", "trial_left=0").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if f.cached, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if faults := machine(d, "A", key, r).Faults(); len(faults) != 1 {
		t.Errorf("faults %v", faults)
	}
}

// A line that breaks is taken up where it was, and what is there is not fetched
// again.
func TestGoesOnAfterABreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, key := installed(), release.NewKey()
		r := make1(t, key, "1.1", "")
		r.open = func(name string, _ int64, body io.Reader) (io.Reader, error) {
			switch {
			case name == release.Root:
				return io.MultiReader(io.LimitReader(body, 9000), broken{}), nil
			case name == release.ManifestName && len(r.opened) < 5:
				return nil, errors.New("no network")
			}
			return body, nil
		}
		if err := machine(d, "A", key, r).Apply(t.Context(), r.offer()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(r.opened, ", "); !strings.Contains(got, "root.squashfs from 0, root.squashfs from 9000, root.squashfs from 18000, vmlinuz") {
			t.Error(got)
		}
		if _, version := started(t, d); version != "1.1" {
			t.Errorf("%s runs", version)
		}
		// It does not try for ever.
		r.open = func(string, int64, io.Reader) (io.Reader, error) { return nil, errors.New("no network") }
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := machine(installed(), "A", key, r).Apply(ctx, r.offer()); update.Why(err) != "expired" {
			t.Error(err)
		}
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the line broke") }

// Nothing is written while somebody is at the machine, and it does not start
// anew; both are made up for when they have left.
func TestNeverDuringASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, key := installed(), release.NewKey()
		r := make1(t, key, "1.1", "")
		var idle, good atomic.Bool
		var reboots atomic.Int32
		u := update.New(update.Config{Disk: d, Booted: "A", Key: key.Public(), Source: func(fleet.ImageOffer) update.Source { return r },
			Idle: idle.Load, Good: good.Load, Reboot: func() error { reboots.Add(1); return nil }, Log: slog.New(slog.DiscardHandler)})
		u.SetChunk(4 << 10)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go u.Run(ctx)
		var answers []fleet.Result
		order := fleet.Command{ID: "0123456789abcdef", Name: fleet.UpdateImage, TTL: 24 * time.Hour, Image: r.offer()}
		give := func() {
			u.Command(ctx, order, func(r fleet.Result) { answers = append(answers, r) })
			synctest.Wait()
		}
		give()
		give() // the agent says it again
		time.Sleep(time.Hour)
		synctest.Wait()
		if d.ops != 0 || len(answers) != 0 {
			t.Fatalf("%d writes, answers %v, while somebody was there", d.ops, answers)
		}
		idle.Store(true)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(answers) != 1 || !answers[0].OK {
			t.Fatalf("answers %v", answers)
		}
		give() // it did not hear the answer
		if len(answers) != 2 || !answers[1].OK {
			t.Errorf("answers %v", answers)
		}
		if reboots.Load() != 1 {
			t.Errorf("started anew %d times", reboots.Load())
		}
		time.Sleep(time.Hour)
		if reboots.Load() != 1 {
			t.Errorf("started anew %d times", reboots.Load())
		}
		cancel()
		// On trial: good only once it is.
		slot, _ := started(t, d)
		ctx, cancel = context.WithCancel(t.Context())
		defer cancel()
		u = update.New(update.Config{Disk: d, Booted: slot, Key: key.Public(), Idle: idle.Load, Good: good.Load,
			Reboot: func() error { reboots.Add(1); return nil }, Log: slog.New(slog.DiscardHandler)})
		go u.Run(ctx)
		time.Sleep(time.Hour)
		synctest.Wait()
		if env := string(d.open("grubenv", 0).kept); !strings.Contains(env, "active=A\ntrial=B\ntrial_left=2\n") {
			t.Errorf("before it was good: %.80q", env)
		}
		good.Store(true)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if env := string(d.open("grubenv", 0).kept); !strings.Contains(env, "active=B\ntrial=\ntrial_left=0\n") {
			t.Errorf("after it was good: %.80q", env)
		}
	})
}

// A machine that somebody set up by hand has no slots.
func TestNoImage(t *testing.T) {
	u := update.New(update.Config{Log: slog.New(slog.DiscardHandler)})
	if err := u.Apply(t.Context(), fleet.ImageOffer{}); update.Why(err) != "no_image" || err.Error() != "this kiosk is not run from an image" {
		t.Error(err)
	}
	u.Run(t.Context()) // returns
	if len(u.Faults()) > 0 {
		t.Error("a fault")
	}
	dir := t.TempDir()
	m := update.Machine{Slots: filepath.Join(dir, "kiosk-"), ESP: dir}
	line := filepath.Join(dir, "cmdline")
	for text, want := range map[string]string{"quiet kiosk.slot=B x": "B", "quiet": "", "kiosk.slot=C": ""} {
		if err := os.WriteFile(line, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Booted(line); !errors.Is(err, update.ErrNoImage) {
			t.Errorf("without slots: %v", err)
		}
		if want == "" {
			continue
		}
		if err := os.WriteFile(m.Slots+"A", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if slot, err := m.Booted(line); slot != want || err != nil {
			t.Errorf("%q: %q, %v", text, slot, err)
		}
		if err := os.Remove(m.Slots + "A"); err != nil {
			t.Fatal(err)
		}
	}
}

// The same on real files, as on a real machine.
func TestRealFiles(t *testing.T) {
	dir, key := t.TempDir(), release.NewKey()
	m := update.Machine{Slots: filepath.Join(dir, "kiosk-"), ESP: filepath.Join(dir, "esp")}
	d := installed()
	for name, f := range d.files {
		path := filepath.Join(m.ESP, name)
		if slot, ok := strings.CutPrefix(name, "slot/"); ok {
			path = m.Slots + slot
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.kept, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inode := func() os.FileInfo {
		info, err := os.Stat(filepath.Join(m.ESP, "grubenv"))
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	before := inode()
	r := make1(t, key, "1.1", "")
	// Longer ones lie there from before.
	if err := os.MkdirAll(filepath.Join(m.ESP, "B"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{release.Kernel, release.SlotConfig} {
		if err := os.WriteFile(filepath.Join(m.ESP, "B", name), make([]byte, 10_000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	u := update.New(update.Config{Disk: m, Booted: "A", Key: key.Public(), Source: func(fleet.ImageOffer) update.Source { return r },
		Idle: func() bool { return true }, Log: slog.New(slog.DiscardHandler)})
	if err := u.Apply(t.Context(), r.offer()); err != nil {
		t.Fatal(err)
	}
	for _, name := range release.Names() {
		path := filepath.Join(m.ESP, "B", name)
		if name == release.Root {
			path = m.Slots + "B"
		}
		got, err := os.ReadFile(path)
		if name == release.Root {
			if len(got) != slotSize {
				t.Errorf("the slot has %d bytes now", len(got))
			}
			got = got[:len(r.files[name])]
		}
		if err != nil || !bytes.Equal(got, r.files[name]) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	if after := inode(); !os.SameFile(before, after) || after.Size() != 1024 {
		t.Error("GRUB's environment was made anew")
	}
	if err := os.Remove(filepath.Join(m.ESP, "grubenv")); err != nil {
		t.Fatal(err)
	}
	if err := u.MarkGood(); err == nil {
		t.Error("a missing environment is not told")
	}
}
