package main

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
)

func TestProofFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "proofs.jsonl")
	_, key, _ := ed25519.GenerateKey(nil)
	open := func() *prover {
		p, err := openProver(path, key, "kabcdefghij23", func() time.Time { return time.Date(2026, 11, 21, 10, 41, 3, 0, time.UTC) })
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := open()
	if p.Last() != nil {
		t.Fatal("a proof before the first")
	}
	for i := range 100 { // over several cuts of the file
		if i%7 == 0 {
			p = open()
		}
		made, err := p.Prove([]fleet.Look{{At: "files", Looked: 3}}, 80*time.Millisecond)
		if err != nil || made.Seq != uint64(i+1) {
			t.Fatalf("proof %d is %d, %v", i+1, made.Seq, err)
		}
	}
	if p = open(); p.Last().Seq != 100 || len(p.proofs) > proofsMost {
		t.Errorf("kept up to %d, %d of them", p.Last().Seq, len(p.proofs))
	}
	var out bytes.Buffer
	if err := verifyProofs(path, &out); err != nil || !strings.Contains(out.String(), "unbroken chain, 0 of them not clean") {
		t.Errorf("%v: %s", err, out.String())
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(whole, []byte(`{"seq":101,"at":"20`)...), 0o600); err != nil {
		t.Fatal(err)
	}
	p = open() // power was cut in the middle of a line
	if _, err := p.Prove([]fleet.Look{{At: "files", Looked: 3, Found: 1}}, time.Second); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := verifyProofs(path, &out); err == nil || !strings.Contains(out.String(), "proof 101, 2026-11-21T10:41:00Z: NOT clean") {
		t.Errorf("an unclean proof verifies as clean: %v\n%s", err, out.String())
	}
	lines := strings.SplitAfter(string(whole), "\n")
	for name, text := range map[string]string{
		"one taken out":  strings.Join(append(append([]string{}, lines[:5]...), lines[6:]...), ""),
		"one changed":    strings.Replace(string(whole), `"looked":3`, `"looked":4`, 1),
		"another kiosk":  strings.Replace(string(whole), "kabcdefghij23", "kabcdefghij24", 1),
		"empty":          "",
		"no proofs file": "hello\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := verifyProofs(path, &out); err == nil || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewEnrolmentBeginsANewChain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "proofs.jsonl")
	_, key, _ := ed25519.GenerateKey(nil)
	for i, kiosk := range []fleet.KioskID{"kabcdefghij23", "kabcdefghij24"} {
		p, err := openProver(path, key, kiosk, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		made, err := p.Prove([]fleet.Look{{At: "files"}}, 0)
		if err != nil || made.Seq != 1 {
			t.Errorf("kiosk %d: proof %d, %v", i, made.Seq, err)
		}
	}
}

func FuzzProofs(f *testing.F) {
	f.Add([]byte(`{"kiosk":"kabcdefghij23","public_key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}` + "\n{}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, proofs, err := readProofs("file", bytes.NewReader(text)); err == nil && len(proofs) > 0 {
			t.Fatal("proofs that nobody signed were taken")
		}
	})
}

// A proof that was kept and could not be handed over, because the disk was full
// or the power went, is handed over first of all: the agent must find no gap.
func TestProofsAreHandedOverInOrder(t *testing.T) {
	dir := t.TempDir()
	_, key, _ := ed25519.GenerateKey(nil)
	const id = fleet.KioskID("kabcdefghij23")
	var got []uint64
	full := false
	send := func(p fleet.WipeProof) error {
		if full {
			return errors.New("no room")
		}
		got = append(got, p.Seq)
		return nil
	}
	open := func(kiosk fleet.KioskID, handed uint64, known bool) *prover {
		p, err := openProver(filepath.Join(dir, "proofs.jsonl"), key, kiosk, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.sendsTo(send, handed, known); (err != nil) != (full && known && p.last() != nil && handed < p.last().Seq) {
			t.Errorf("beginning with %d, %v: %v", handed, known, err)
		}
		return p
	}
	prove := func(p *prover, ok bool) {
		t.Helper()
		if _, err := p.Prove([]fleet.Look{{At: "files", Looked: 3}}, time.Second); (err == nil) != ok {
			t.Fatalf("with a full disk %v: %v", full, err)
		}
	}
	p := open(id, 0, true)
	prove(p, true)
	full = true
	prove(p, false) // kept, and not handed over
	prove(p, false) // and nothing is proved on top of it
	if p.Last().Seq != 2 {
		t.Fatalf("the newest is %d", p.Last().Seq)
	}
	open(id, 1, true) // still full
	full = false
	p = open(id, 1, true)
	prove(p, true)
	open(id, 2, true) // what was not acknowledged comes twice, which is no harm
	prove(open(id, 0, false), true)
	if want := []uint64{1, 2, 3, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("handed over %v, want %v", got, want)
	}
	got = nil
	prove(open("kzzzzzzzzzzzz", 40, true), true) // another chain begins
	if !slices.Equal(got, []uint64{1}) {
		t.Errorf("of a new chain %v were handed over", got)
	}
}
