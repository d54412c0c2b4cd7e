package proof

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"time"

	"yhteiskone/internal/fleet"
)

// CanonicalSheet returns the bytes of an acceptance sheet that are signed. They
// are, one after the other:
//
//	the 18 bytes "yhteiskone sheet 1"
//	kiosk, command     each as 4 bytes of length, then its UTF-8 bytes
//	time               8 bytes, seconds since 1970 in UTC
//	build, image, hardware  as kiosk
//	proof: number      8 bytes; 0 if there is none, and so are the next two
//	proof: time        8 bytes, seconds since 1970 in UTC
//	proof: clean       1 byte, 1 or 0
//	how many rows      4 bytes
//	for each row, in the order in which they were sent:
//	code, mark, value  as kiosk
//
// Numbers are unsigned and big-endian.
func CanonicalSheet(s fleet.Sheet) []byte {
	b := []byte("yhteiskone sheet 1")
	str := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	str(string(s.Kiosk))
	str(s.Command)
	b = binary.BigEndian.AppendUint64(b, uint64(s.At.Unix()))
	str(s.Build)
	str(s.Image)
	str(s.Hardware)
	seq, at, clean := uint64(0), uint64(0), byte(0)
	if s.Proof != nil {
		seq, at = s.Proof.Seq, uint64(s.Proof.At.Unix())
		if s.Proof.Clean {
			clean = 1
		}
	}
	b = binary.BigEndian.AppendUint64(b, seq)
	b = binary.BigEndian.AppendUint64(b, at)
	b = append(b, clean)
	b = binary.BigEndian.AppendUint32(b, uint32(len(s.Rows)))
	for _, r := range s.Rows {
		str(r.Code)
		str(string(r.Mark))
		str(r.Value)
	}
	return b
}

// SignSheet completes a sheet: its time is cut to the second in UTC, and it
// carries the kiosk's signature.
func SignSheet(key ed25519.PrivateKey, s fleet.Sheet) fleet.Sheet {
	s.At = s.At.UTC().Truncate(time.Second)
	s.Signature = ed25519.Sign(key, CanonicalSheet(s))
	return s
}

// VerifySheet checks the signature of a sheet.
func VerifySheet(key ed25519.PublicKey, s fleet.Sheet) error {
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, CanonicalSheet(s), s.Signature) {
		return fmt.Errorf("sheet: %w", ErrSignature)
	}
	return nil
}
