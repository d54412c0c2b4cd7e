package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"strings"

	"yhteiskone/internal/fleet"
)

// Crockford's base32: no I, L, O or U, so that a code read aloud or copied by
// hand comes out right.
const codeLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewCode makes a one-time code of 60 random bits in three groups of four.
func NewCode() string {
	raw := make([]byte, 12)
	rand.Read(raw) // never fails, by its documentation
	var b strings.Builder
	for i, r := range raw {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(codeLetters[r%32])
	}
	return b.String()
}

// ParseCode brings a code as people type it (lower case, spaces, O for 0, I
// or L for 1) into the form of NewCode.
func ParseCode(s string) (string, error) {
	s = strings.ToUpper(s)
	s = strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(s)
	if len(s) != 12 {
		return "", errors.New("the code does not have 12 letters and digits")
	}
	for _, c := range s {
		if !strings.ContainsRune(codeLetters, c) {
			return "", errors.New("the code holds a character that no code has")
		}
	}
	return s[:4] + "-" + s[4:8] + "-" + s[8:], nil
}

// HashCode is what is stored of a code that ParseCode returned. A plain hash
// is enough for 60 random bits that live for minutes.
func HashCode(code string) []byte {
	sum := sha256.Sum256([]byte("yhteiskone code " + code))
	return sum[:]
}

// NewKioskID makes a fresh identifier.
func NewKioskID() fleet.KioskID {
	raw := make([]byte, 12)
	rand.Read(raw)
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	for i, r := range raw {
		raw[i] = letters[r%32]
	}
	return fleet.KioskID("k" + string(raw))
}
