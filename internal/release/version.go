package release

import (
	"cmp"
	"errors"
	"strings"
)

// VersionLimit is how many characters a version may have.
const VersionLimit = 40

// CheckVersion says what is wrong with a version, as the rest of a sentence
// that names it, or returns nil. A version is also the name of a folder.
func CheckVersion(v string) error {
	if len(v) == 0 || len(v) > VersionLimit {
		return errors.New("does not have 1 to 40 characters")
	}
	if !digit(v[0]) {
		return errors.New("does not begin with a digit")
	}
	for _, piece := range pieces(v) {
		if piece == "" {
			return errors.New("has a separator at its end, or two beside each other")
		}
		for _, c := range []byte(piece) {
			if !digit(c) && (c < 'a' || c > 'z') {
				return errors.New("holds something else than a-z, 0-9, '.', '-' and '+'")
			}
		}
	}
	return nil
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// pieces are what stands between the separators.
func pieces(v string) []string {
	return strings.Split(strings.NewReplacer("-", ".", "+", ".").Replace(v), ".")
}

// Compare returns -1, 0 or 1 for an older, the same or a newer version. Pieces
// are compared from the left, numbers as numbers: 1.10 is newer than 1.9. Where
// one version ends, a number makes the other newer (1.2.1, or 1.2-3 after 1.2)
// and a word makes it older (1.2-rc1 before 1.2).
func Compare(a, b string) int {
	as, bs := pieces(a), pieces(b)
	for i := 0; i < len(as) || i < len(bs); i++ {
		if n := comparePiece(at(as, i), at(bs, i)); n != 0 {
			return n
		}
	}
	return 0
}

// at is the empty piece behind the end.
func at(all []string, i int) string {
	if i < len(all) {
		return all[i]
	}
	return ""
}

// comparePiece puts a word before the end, and the end before a number.
func comparePiece(a, b string) int {
	rank := func(s string) int {
		switch {
		case s == "":
			return 1
		case strings.Trim(s, "0123456789") == "":
			return 2
		}
		return 0
	}
	ra, rb := rank(a), rank(b)
	if ra != rb || ra == 1 {
		return cmp.Compare(ra, rb)
	}
	if ra == 2 {
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		if n := cmp.Compare(len(a), len(b)); n != 0 {
			return n
		}
	}
	return cmp.Compare(a, b)
}
