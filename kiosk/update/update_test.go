package update_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
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

const slotSize = 64 << 10

func kernelOf(version string) string { return strings.Repeat("kernel "+version+" ", 200) }
func initrdOf(version string) string { return strings.Repeat("initrd "+version+" ", 300) }

// made is a release in memory, and a Source of it.
type made struct {
	release.Signed
	files  map[string][]byte
	opened []string
	open   func(name string, from int64, body io.Reader) (io.Reader, error) // nil for the ordinary way
}

func rootOf(version string) []byte {
	root := make([]byte, 20_000)
	seed := sha256.Sum256([]byte(version))
	src := rand.NewChaCha8(seed)
	src.Read(root)
	return root
}

func slotOf(version string, root []byte) []byte {
	sum := sha256.Sum256(root)
	return fmt.Appendf(nil, "set version=%s\nset roothash=%s\nset hashoffset=%d\n", version, hex.EncodeToString(sum[:]), len(root))
}

func make1(t *testing.T, key release.SecretKey, version, least string) *made {
	t.Helper()
	root := rootOf(version)
	r := &made{files: map[string][]byte{release.Root: root, release.Kernel: []byte(kernelOf(version)),
		release.Initrd: []byte(initrdOf(version)), release.SlotConfig: slotOf(version, root)}}
	dir := t.TempDir()
	for name, text := range r.files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if r.Manifest, err = release.Describe(dir, least); err != nil {
		t.Fatal(err)
	}
	if r.Text, err = r.Manifest.Encode(); err != nil {
		t.Fatal(err)
	}
	if r.Signature, err = key.Sign(r.Text, "test"); err != nil {
		t.Fatal(err)
	}
	r.files[release.ManifestName], r.files[release.SignatureName] = r.Text, r.Signature
	return r
}

func (r *made) offer() fleet.ImageOffer {
	return fleet.ImageOffer{Version: r.Version, Manifest: r.Sum()}
}

func (r *made) Open(_ context.Context, name string, from int64) (io.ReadCloser, error) {
	r.opened = append(r.opened, fmt.Sprintf("%s from %d", name, from))
	text, ok := r.files[name]
	if !ok {
		return nil, update.ErrRefused
	}
	var body io.Reader = bytes.NewReader(text[from:])
	if r.open != nil {
		var err error
		if body, err = r.open(name, from, body); err != nil {
			return nil, err
		}
	}
	return io.NopCloser(body), nil
}

// installed is a disk with version 1.0 in A, and nothing in B.
func installed() *disk {
	d := newDisk()
	root := rootOf("1.0")
	for name, text := range map[string][]byte{"slot/A": append(bytes.Clone(root), make([]byte, slotSize-len(root))...), "slot/B": make([]byte, slotSize),
		"A/vmlinuz": []byte(kernelOf("1.0")), "A/initrd.img": []byte(initrdOf("1.0")), "A/slot.cfg": slotOf("1.0", root),
		"grubenv": grubenv("active=A\ntrial=\ntrial_left=0\n")} {
		f := d.open(name, 0)
		f.kept, f.cached = text, bytes.Clone(text)
	}
	return d
}

func grubenv(vars string) []byte {
	head := "# GRUB Environment Block\n" + vars
	return []byte(head + strings.Repeat("#", 1024-len(head)))
}

// machine is an Updater on a disk, started as GRUB would.
func machine(d *disk, booted string, key release.SecretKey, source update.Source) *update.Updater {
	u := update.New(update.Config{Disk: d, Booted: booted, Key: key.Public(), Source: func(fleet.ImageOffer) update.Source { return source },
		Idle: func() bool { return true }, Good: func() bool { return true }, Reboot: func() error { return nil }, Log: slog.New(slog.DiscardHandler)})
	u.SetChunk(4 << 10)
	return u
}

func started(t *testing.T, d *disk, fails ...string) (slot, version string) {
	t.Helper()
	d.on()
	slot, version = grub(d, fails...)
	if slot == "" {
		t.Fatal("the machine does not start any more")
	}
	return slot, version
}

// From one release to the next and to the one after it: each is tried and kept.
func TestUpdate(t *testing.T) {
	d, key := installed(), release.NewKey()
	slot, version := started(t, d)
	for _, next := range []string{"1.1", "1.2", "2.0"} {
		r := make1(t, key, next, "")
		u := machine(d, slot, key, r)
		if err := u.Apply(t.Context(), r.offer()); err != nil {
			t.Fatalf("%s to %s: %v", version, next, err)
		}
		if !u.Armed() {
			t.Error("the machine is not to start anew")
		}
		was := slot
		if slot, version = started(t, d); version != next || slot == was {
			t.Fatalf("%s runs from %s", version, slot)
		}
		u = machine(d, slot, key, nil)
		if err := u.MarkGood(); err != nil {
			t.Fatal(err)
		}
		for range 5 { // it stays
			if s, v := started(t, d); s != slot || v != next {
				t.Fatalf("%s runs from %s", v, s)
			}
		}
		if f := u.Faults(); len(f) > 0 {
			t.Errorf("faults %v", f)
		}
	}
}

// A release that does not start is tried three times; then what ran before
// runs, says so, and takes the next release.
func TestFallsBack(t *testing.T) {
	d, key := installed(), release.NewKey()
	bad := make1(t, key, "1.1", "")
	u := machine(d, "A", key, bad)
	if err := u.Apply(t.Context(), bad.offer()); err != nil {
		t.Fatal(err)
	}
	if len(u.Faults()) > 0 {
		t.Error("it fell back before it was tried")
	}
	if slot, version := started(t, d, "1.1"); slot != "A" || version != "1.0" {
		t.Fatalf("%s runs from %s", version, slot)
	}
	good := make1(t, key, "1.2", "")
	u = machine(d, "A", key, good)
	if f := u.Faults(); len(f) != 1 || f[0] != fleet.ImageFellBack {
		t.Errorf("faults %v", f)
	}
	if err := u.MarkGood(); err != nil { // it is not on trial: nothing changes
		t.Fatal(err)
	}
	if f := machine(d, "A", key, good).Faults(); len(f) != 1 {
		t.Errorf("after another start faults %v", f)
	}
	if err := u.Apply(t.Context(), good.offer()); err != nil {
		t.Fatal(err)
	}
	if slot, version := started(t, d, "1.1"); slot != "B" || version != "1.2" {
		t.Fatalf("%s runs from %s", version, slot)
	}
}

// Power goes at every write, cut and sync of an update and of the marking that
// follows it, with eight fates of what was on its way: the machine always
// starts, with the old release or the new one, and takes the update when it is
// offered again.
func TestPowerCuts(t *testing.T) {
	key := release.NewKey()
	first, second := make1(t, key, "1.1", ""), make1(t, key, "1.2", "")
	// way goes from 1.0 by 1.1 to 1.2, until power goes.
	way := func(d *disk) error {
		slot, version := restarted(d)
		for _, r := range []*made{first, second} {
			if err := machine(d, slot, key, r).Apply(t.Context(), r.offer()); err != nil {
				return fmt.Errorf("from %s: %w", version, err)
			}
			if slot, version = restarted(d); version != r.Version {
				return fmt.Errorf("%s runs, not %s", version, r.Version)
			}
			if err := machine(d, slot, key, r).MarkGood(); err != nil {
				return err
			}
		}
		return nil
	}
	whole := installed()
	if err := way(whole); err != nil {
		t.Fatal(err)
	}
	cuts, torn := 0, map[string]int{}
	for at := 1; at <= whole.ops; at++ {
		for fate := range uint64(8) {
			d := installed()
			d.cutAt, d.luck = at, rand.New(rand.NewPCG(uint64(at), fate))
			if err := way(d); !errors.Is(err, errPower) {
				t.Fatalf("cut %d of %d: %v", at, whole.ops, err)
			}
			cuts++
			d.on()
			slot, version := grub(d)
			if slot == "" {
				t.Fatalf("cut %d of %d, fate %d: the machine does not start any more\n%q", at, whole.ops, fate, d.open("grubenv", 0).cached[:80])
			}
			torn[version]++
			// What starts is offered the newest again.
			u := machine(d, slot, key, second)
			if err := u.MarkGood(); err != nil {
				t.Fatalf("cut %d, fate %d: %v", at, fate, err)
			}
			if err := u.Apply(t.Context(), second.offer()); err != nil {
				t.Fatalf("cut %d, fate %d, after it: %v", at, fate, err)
			}
			d.on()
			if _, version = grub(d); version != "1.2" {
				t.Fatalf("cut %d, fate %d: %s runs after all", at, fate, version)
			}
		}
	}
	if cuts < 50 || torn["1.0"] == 0 || torn["1.1"] == 0 || torn["1.2"] == 0 {
		t.Errorf("%d cuts, after which ran %v", cuts, torn)
	}
	t.Logf("%d cuts at %d points; after them ran %v", cuts, whole.ops, torn)
}

// restarted is a restart in which nothing is lost that was synced.
func restarted(d *disk) (slot, version string) {
	if !d.dark {
		cutAt := d.cutAt
		d.on()
		d.cutAt = cutAt
	}
	return grub(d)
}

func TestRefuses(t *testing.T) {
	key, other := release.NewKey(), release.NewKey()
	good := make1(t, key, "1.1", "")
	for _, c := range []struct {
		name   string
		source *made
		change func(*made, *fleet.ImageOffer)
		want   error
		why    string
	}{
		{"older", make1(t, key, "0.9", ""), nil, update.ErrOlder, "older"},
		{"too old for it", make1(t, key, "2.0", "1.5"), nil, update.ErrTooOld, "too_old"},
		{"signed by somebody else", make1(t, other, "1.1", ""), nil, update.ErrUntrusted, "untrusted"},
		{"another manifest than was offered", make1(t, key, "1.1", "0.1"), func(_ *made, o *fleet.ImageOffer) { o.Manifest = good.Sum() }, update.ErrUntrusted, "untrusted"},
		{"another version than was offered", make1(t, key, "1.1", ""), func(_ *made, o *fleet.ImageOffer) { o.Version = "1.3" }, update.ErrUntrusted, "untrusted"},
		{"a kernel that was changed", make1(t, key, "1.1", ""), func(m *made, _ *fleet.ImageOffer) { m.files[release.Kernel][5] ^= 1 }, update.ErrUntrusted, "untrusted"},
		{"a root that was changed", make1(t, key, "1.1", ""), func(m *made, _ *fleet.ImageOffer) { m.files[release.Root][5] ^= 1 }, update.ErrUntrusted, "untrusted"},
		{"what the agent does not give", make1(t, key, "1.1", ""), func(m *made, _ *fleet.ImageOffer) { delete(m.files, release.Initrd) }, update.ErrRefused, "failed"},
	} {
		d, offer := installed(), c.source.offer()
		if c.change != nil {
			c.change(c.source, &offer)
		}
		err := machine(d, "A", key, c.source).Apply(t.Context(), offer)
		if !errors.Is(err, c.want) || update.Why(err) != c.why {
			t.Errorf("%s: %v (%s)", c.name, err, update.Why(err))
		}
		if slot, version := started(t, d); slot != "A" || version != "1.0" {
			t.Errorf("%s: %s runs from %s", c.name, version, slot)
		}
	}
	// Older, when somebody asks for it.
	older, d := make1(t, key, "0.9", ""), installed()
	offer := older.offer()
	offer.Older = true
	if err := machine(d, "A", key, older).Apply(t.Context(), offer); err != nil {
		t.Error(err)
	}
	if _, version := started(t, d); version != "0.9" {
		t.Errorf("%s runs", version)
	}
	// What runs already.
	same := make1(t, key, "0.9", "")
	if err := machine(d, "B", key, same).Apply(t.Context(), same.offer()); err != nil || len(same.opened) > 0 {
		t.Errorf("%v, fetched %q", err, same.opened)
	}
}

// While the running slot is on trial the other one is the only good one.
func TestNotWhileOnTrial(t *testing.T) {
	d, key := installed(), release.NewKey()
	first, second := make1(t, key, "1.1", ""), make1(t, key, "1.2", "")
	if err := machine(d, "A", key, first).Apply(t.Context(), first.offer()); err != nil {
		t.Fatal(err)
	}
	slot, _ := started(t, d)
	u := machine(d, slot, key, second)
	if err := u.Apply(t.Context(), second.offer()); !errors.Is(err, update.ErrOnTrial) || update.Why(err) != "on_trial" {
		t.Fatal(err)
	}
	if err := u.MarkGood(); err != nil {
		t.Fatal(err)
	}
	if err := u.Apply(t.Context(), second.offer()); err != nil {
		t.Fatal(err)
	}
}

// A release that waits for the next start is not tried any more once another
// one is written over it.
func TestTakesBackATrial(t *testing.T) {
	d, key := installed(), release.NewKey()
	first, second := make1(t, key, "1.1", ""), make1(t, key, "1.2", "")
	u := machine(d, "A", key, first)
	if err := u.Apply(t.Context(), first.offer()); err != nil {
		t.Fatal(err)
	}
	u = machine(d, "A", key, second)
	delete(second.files, release.Initrd)
	if err := u.Apply(t.Context(), second.offer()); !errors.Is(err, update.ErrRefused) {
		t.Fatal(err)
	}
	if _, version := started(t, d); version != "1.0" || len(machine(d, "A", key, second).Faults()) > 0 {
		t.Errorf("%s runs, and half of a release was tried", version)
	}
}

// A disk that keeps something else than it was given is found out before GRUB
// is told.
func TestReadsBack(t *testing.T) {
	key := release.NewKey()
	for _, name := range []string{"slot/B", "B/vmlinuz", "B/initrd.img", "B/slot.cfg"} {
		d, r := installed(), make1(t, key, "1.1", "")
		d.rot = name
		if err := machine(d, "A", key, r).Apply(t.Context(), r.offer()); !errors.Is(err, update.ErrUntrusted) {
			t.Errorf("%s is garbled: %v", name, err)
		}
		if _, version := started(t, d); version != "1.0" {
			t.Errorf("%s is garbled: %s runs", name, version)
		}
	}
}

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
