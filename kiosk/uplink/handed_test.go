package uplink

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// Which proof was the last one to be put into the outbox is known after any
// stop: from what waits, and from a note of what was acknowledged.
func TestHandedProofs(t *testing.T) {
	dir := t.TempDir()
	open := func() *outbox {
		box, err := openOutbox(dir)
		if err != nil {
			t.Fatal(err)
		}
		return box
	}
	says := func(what string, box *outbox, want uint64, wantKnown bool) {
		t.Helper()
		if got, known, err := box.handed(); err != nil || got != want || known != wantKnown {
			t.Errorf("%s: %d, known %v, %v", what, got, known, err)
		}
	}
	put := func(box *outbox, proof uint64) (seq uint64) {
		t.Helper()
		seq, err := box.put(func(seq uint64) wire.Message {
			if proof == 0 {
				return wire.Help{Seq: seq, Call: "0123456789abcdef"}
			}
			return wire.Proof{Seq: seq, Proof: wire.ProofOf(fleet.WipeProof{Kiosk: "kabcdefghij23", Seq: proof, At: time.Unix(1e9, 0).UTC(), Prev: make([]byte, 32),
				Looks: []fleet.Look{{At: "files", Looked: 1}}, Signature: make([]byte, 64)})}
		})
		if err != nil {
			t.Fatal(err)
		}
		return seq
	}
	box := open()
	says("a fresh one", box, 0, true)
	put(box, 0)
	first := put(box, 1)
	second := put(box, 2)
	says("two wait", open(), 2, true)
	box = open()
	if err := box.ack(first); err != nil {
		t.Fatal(err)
	}
	says("one waits", open(), 2, true)
	if err := box.ack(second); err != nil {
		t.Fatal(err)
	}
	says("none waits, in the same run", box, 2, true)
	put(box, 0)
	says("none waits", open(), 2, true)
	if err := os.Remove(filepath.Join(dir, proofName)); err != nil { // a program of before kept none
		t.Fatal(err)
	}
	says("nobody knows", open(), 0, false)
	put(open(), 3)
	says("one waits after that", open(), 3, true)
	if err := os.WriteFile(filepath.Join(dir, proofName), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openOutbox(dir); err == nil {
		t.Error("a damaged note is taken")
	}
}
