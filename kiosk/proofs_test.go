package main

import (
	"bytes"
	"crypto/ed25519"
	"os"
	"path/filepath"
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
