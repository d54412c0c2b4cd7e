package rig

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"os"
	"testing"
)

// The search counts what is there, across the borders of its pieces, and
// nothing else.
func TestSearchMemoryFinds(t *testing.T) {
	half := make([]byte, 32)
	rand.Read(half)
	tag := []byte(hex.EncodeToString(half)) // 64 bytes, here and in the block only
	const times = 100_000
	block := bytes.Repeat(tag, times)
	other := make([]byte, 64)
	rand.Read(other)
	s, err := SearchMemory(os.Getpid(), tag, []byte(hex.EncodeToString(other)[:64]))
	if err != nil {
		t.Fatal(err)
	}
	// The needles themselves are in our memory as well, and so are the pieces
	// that the search reads.
	if s.Found[0] < times || s.Found[0] > times+2*(1<<20)/len(tag) || s.Found[1] > 20 || s.Read < int64(len(block)) {
		t.Errorf("%+v, want %d", s, times)
	}
	if block[0] != tag[0] {
		t.Error("the block is gone")
	}
	if _, err := SearchMemory(1<<22, tag); err == nil {
		t.Error("a process that is not there was searched")
	}
}
