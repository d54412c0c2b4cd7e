package release

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
)

// Words names a text by the SHA-256 of it in six words that can be read out on
// the telephone, in any language: consonant, vowel, consonant, vowel,
// consonant, sixteen bits each ("proquints"). Whoever wants a text with the
// same words has to try 2^96.
func Words(text []byte) string {
	const consonants, vowels = "bdfghjklmnprstvz", "aiou"
	sum := sha256.Sum256(text)
	var words []string
	for i := 0; i < 12; i += 2 {
		n := binary.BigEndian.Uint16(sum[i:])
		words = append(words, string([]byte{consonants[n>>12], vowels[n>>10&3], consonants[n>>6&15],
			vowels[n>>4&3], consonants[n&15]}))
	}
	return strings.Join(words, " ")
}
