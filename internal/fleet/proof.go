package fleet

import "time"

// WipeProof says that a session was erased: what was looked at, what was
// found, how long the wipe took. It says nothing of the session itself: no
// start, no length, no reason for the end.
type WipeProof struct {
	Kiosk     KioskID
	Seq       uint64    // 1 for the first proof of this kiosk's key, then one more each time
	At        time.Time // when the look was finished, UTC, to the minute
	Prev      []byte    // SHA-256 of the proof before, 32 bytes; zeros for the first
	Looks     []Look    // in the order in which they were made
	TookMS    uint32    // from the kill to the end of the looking
	Signature []byte    // Ed25519 over proof.Canonical, 64 bytes
}

// Look is one thing that the verifier looked at.
type Look struct {
	At     string // a fixed name, for example "processes" or "files"; never a path of a session
	Looked uint32 // how many were looked at
	Found  uint32 // how many were left over; anything but zero makes the proof fail
	Failed bool   // the look itself could not be made; makes the proof fail
}

// Clean reports whether everything was looked at and nothing was found. A
// proof without looks is not clean.
func (p WipeProof) Clean() bool {
	for _, l := range p.Looks {
		if l.Found != 0 || l.Failed {
			return false
		}
	}
	return len(p.Looks) > 0
}
