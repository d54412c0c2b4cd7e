package store_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
)

// busy fills a store so that it has every kind of page: branches, values over
// several pages, freed pages.
func busy(t *testing.T, dir string) {
	t.Helper()
	s := open(t, dir)
	lived(t, s)
	for n := range 90 {
		o := gate.Order{Kiosk: one, Command: fleet.Command{ID: orderName(uint64(n)), Name: fleet.ShowMessage, Text: strings.Repeat("x", 50+n%7*1500)}, Expires: noon}
		must(t, s.PutOrder("satu", o, "ranta", noon.Add(time.Duration(n)*time.Hour)))
	}
	must(t, s.Tidy(noon.Add(time.Hour)))
	for n := range 60 {
		o := gate.Order{Kiosk: one, Command: fleet.Command{ID: orderName(uint64(n)), Name: fleet.ShowMessage, Text: strings.Repeat("y", 300)}, Expires: noon}
		must(t, s.PutOrder("satu", o, "ranta", noon.Add(time.Duration(n)*time.Hour)))
	}
	must(t, s.Close())
}

// A copy that is made while others write holds everything up to one moment and
// nothing that lets somebody in, not even in the room that was free.
func TestSnapshot(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	lived(t, s)
	var all sync.WaitGroup
	stop := make(chan struct{})
	all.Go(func() {
		for n := uint64(4); ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := s.ApplyCounts("kzzzzzzzzzzzz", n, fleet.Counts{Day: "2026-11-23", Sessions: uint32(n)}, time.Now()); err != nil {
				t.Error(err)
			}
		}
	})
	copied := t.TempDir()
	h, err := s.Snapshot(filepath.Join(copied, store.FileName))
	close(stop)
	all.Wait()
	must(t, err)
	if h.Kiosks != 3 || h.People != 2 || h.Sites != 2 || h.Tokens != 1 || h.Schema != store.Schema() || h.Nothing() {
		t.Errorf("%+v", h)
	}
	raw, err := os.ReadFile(filepath.Join(copied, store.FileName))
	must(t, err)
	for _, secret := range []string{"hash of a session token", "who is signed in", "aGFzaCBvZiBhIG9uZS10aW1lIGNvZGU"} {
		if bytes.Contains(raw, []byte(secret)) {
			t.Errorf("the copy holds %q", secret)
		}
	}
	original, err := os.ReadFile(filepath.Join(dir, store.FileName))
	must(t, err)
	if !bytes.Contains(original, []byte("aGFzaCBvZiBhIG9uZS10aW1lIGNvZGU")) {
		t.Error("the store does not hold it either: the test looks for the wrong thing")
	}
	if _, err := store.CheckFile(filepath.Join(copied, store.FileName)); err != nil {
		t.Error(err)
	}
	recalled(t, open(t, copied), true)
	if left, _ := filepath.Glob(filepath.Join(copied, "*.raw")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestInspect(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, store.FileName)
	busy(t, dir)
	if whole, err := store.Inspect(path, time.Now().Add(time.Minute)); !whole || err != nil {
		t.Fatalf("a sound store: %v %v", whole, err)
	}
	if whole, err := store.Inspect(path, time.Now().Add(-time.Minute)); whole || err != nil {
		t.Errorf("without time: %v %v", whole, err)
	}
	sound, err := os.ReadFile(path)
	must(t, err)
	for name, c := range map[string]func([]byte) []byte{
		"empty":       func(b []byte) []byte { return nil },
		"cut off":     func(b []byte) []byte { return b[:len(b)/4096*2048] },
		"one page":    func(b []byte) []byte { return b[:4096] },
		"no metas":    func(b []byte) []byte { clear(b[:8192]); return b },
		"text":        func(b []byte) []byte { return bytes.Repeat([]byte("no"), len(b)/2) },
		"half zeroed": func(b []byte) []byte { clear(b[8192 : len(b)-4096]); return b }, // a smaller hole may be where nothing is
	} {
		must(t, os.WriteFile(path, c(bytes.Clone(sound)), 0o600))
		if _, err := store.Inspect(path, time.Now().Add(time.Minute)); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// One meta page may be half written: bbolt then takes the other.
	torn := bytes.Clone(sound)
	clear(torn[4096+16 : 4096+80])
	must(t, os.WriteFile(path, torn, 0o600))
	if _, err := store.Inspect(path, time.Now().Add(time.Minute)); err != nil {
		t.Errorf("a torn meta page: %v", err)
	}
}

// Whatever is wrong with a file, looking at it ends, and what passes does not
// bring down bbolt's own check, which follows pages wherever they point.
func TestInspectRandomDamage(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, store.FileName)
	full := t.TempDir()
	busy(t, full)
	s := open(t, full)
	_, err := s.Snapshot(path) // has few pages that nobody uses
	must(t, err)
	sound, err := os.ReadFile(path)
	must(t, err)
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	found := 0
	const tries = 300
	for range tries {
		b := bytes.Clone(sound)
		page := r.IntN(len(b)/4096) * 4096
		switch r.IntN(4) {
		case 0: // a header
			b[page+r.IntN(16)] ^= byte(1 + r.IntN(255))
		case 1: // an element
			b[page+16+r.IntN(64)] ^= byte(1 + r.IntN(255))
		case 2: // a page in another's place
			copy(b[page:page+4096], sound[r.IntN(len(b)/4096)*4096:])
		case 3: // a page that points anywhere
			binary.LittleEndian.PutUint64(b[page+16+8:], r.Uint64N(1<<20))
		}
		must(t, os.WriteFile(path, b, 0o600))
		if _, err := store.CheckFile(path); err != nil {
			if !errors.Is(err, store.ErrDamaged) && !errors.Is(err, store.ErrNewer) {
				t.Errorf("seed %d: %v", seed, err)
			}
			found++
		}
	}
	if found < tries/4 {
		t.Errorf("seed %d: only %d of %d damages were found", seed, found, tries)
	}
}

func FuzzInspect(f *testing.F) {
	dir := f.TempDir()
	s, err := store.Open(dir, time.Second)
	if err != nil {
		f.Fatal(err)
	}
	s.Close()
	small, err := os.ReadFile(filepath.Join(dir, store.FileName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(small)
	f.Add(small[:9000])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), store.FileName)
		must(t, os.WriteFile(path, b, 0o600))
		store.CheckFile(path)
	})
}

func TestMended(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, ok, err := s.Mended(); ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
	want := store.Mended{At: noon, Why: "why", Part: "agent.db", Made: noon, Kept: "kept"}
	must(t, s.PutMended(want))
	s.Close()
	if got, ok, err := open(t, dir).Mended(); !ok || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v %v", got, err)
	}
}
