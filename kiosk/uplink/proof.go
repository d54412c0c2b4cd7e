package uplink

import (
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// Proof keeps a proof and sends it.
func (u *Uplink) Proof(p fleet.WipeProof) error {
	_, err := u.put(func(seq uint64) wire.Message { return wire.Proof{Seq: seq, Proof: wire.ProofOf(p)} })
	return err
}

// Handed is the number of the newest proof that was given to Proof and kept, in
// this run or one before; known is false if nobody can say, because a program of
// before kept no note of it.
func (u *Uplink) Handed() (seq uint64, known bool, err error) { return u.box.handed() }
