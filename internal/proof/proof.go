// Package proof makes a fleet.WipeProof worth something: its canonical bytes,
// its signature by the kiosk's key, its chain to the proof before. It does the
// same for a fleet.Sheet, which has no chain: the command that it answers tells
// one from another.
//
// It never looks for left-overs itself (kiosk/wipe does) and never stores a
// proof.
//
// Caveat: a chain shows that no proof was changed, removed from the middle or
// put in between. That the newest ones were not cut off is known only to
// somebody who has seen a later one, which is why the agent keeps the last.
package proof

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"yhteiskone/internal/fleet"
)

// Errors of Verify and Follows; errors.Is tells them apart.
var (
	ErrSignature = errors.New("the signature is not this kiosk's")
	ErrChain     = errors.New("it does not follow the proof before it")
)

// Canonical returns the bytes that are signed: every field but the signature,
// each with its length before it.
func Canonical(p fleet.WipeProof) []byte {
	b := []byte("yhteiskone proof 1")
	str := func(s []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	str([]byte(p.Kiosk))
	b = binary.BigEndian.AppendUint64(b, p.Seq)
	b = binary.BigEndian.AppendUint64(b, uint64(p.At.Unix()))
	str(p.Prev)
	b = binary.BigEndian.AppendUint32(b, uint32(len(p.Looks)))
	for _, l := range p.Looks {
		str([]byte(l.At))
		b = binary.BigEndian.AppendUint32(b, l.Looked)
		b = binary.BigEndian.AppendUint32(b, l.Found)
		failed := byte(0)
		if l.Failed {
			failed = 1
		}
		b = append(b, failed)
	}
	return binary.BigEndian.AppendUint32(b, p.TookMS)
}

// Hash is what the next proof names as Prev: SHA-256 over the canonical bytes
// and the signature.
func Hash(p fleet.WipeProof) []byte {
	sum := sha256.Sum256(append(Canonical(p), p.Signature...))
	return sum[:]
}

// Sign completes a proof: it follows last (nil for the first of a chain), its
// time is cut to the minute in UTC, and it carries the kiosk's signature.
func Sign(key ed25519.PrivateKey, last *fleet.WipeProof, p fleet.WipeProof) fleet.WipeProof {
	p.Seq, p.Prev = 1, make([]byte, sha256.Size)
	if last != nil {
		p.Seq, p.Prev = last.Seq+1, Hash(*last)
	}
	p.At = p.At.UTC().Truncate(time.Minute)
	p.Signature = ed25519.Sign(key, Canonical(p))
	return p
}

// Verify checks the signature alone.
func Verify(key ed25519.PublicKey, p fleet.WipeProof) error {
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, Canonical(p), p.Signature) {
		return fmt.Errorf("proof %d: %w", p.Seq, ErrSignature)
	}
	return nil
}

// Follows checks that p comes directly after last; last nil means that p must
// be the first.
func Follows(last *fleet.WipeProof, p fleet.WipeProof) error {
	seq, prev := uint64(1), make([]byte, sha256.Size)
	if last != nil {
		seq, prev = last.Seq+1, Hash(*last)
	}
	if p.Seq != seq || !bytes.Equal(p.Prev, prev) {
		return fmt.Errorf("proof %d: %w", p.Seq, ErrChain)
	}
	return nil
}
