package staff

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Problem is why somebody could not sign in or set a password, as a fixed
// word; a page finds the sentence for it in its catalogue.
type Problem string

// The problems.
const (
	WrongPassword  Problem = "wrong_password"  // or the name; which of the two is not said
	WrongCode      Problem = "wrong_code"      // or the name, or too late
	TooManyTries   Problem = "too_many_tries"  // wait
	TooBusy        Problem = "too_busy"        // the agent is hashing for others
	PasswordShort  Problem = "password_short"  //
	PasswordLong   Problem = "password_long"   //
	PasswordCommon Problem = "password_common" // on the list, or the person's own name
	PasswordDiffer Problem = "password_differ" // the second one is not like the first
	PasswordSame   Problem = "password_same"   // the new one is the old one
	WrongOwn       Problem = "wrong_own"       // the password of who is signed in
	WrongSecond    Problem = "wrong_second"    // or used already
	SecondLate     Problem = "second_late"     // begin anew
	FactorNeeded   Problem = "factor_needed"   // a rule asks for it
	WrongFirst     Problem = "wrong_first"     // the code for the first admin, or too late
	NameBad        Problem = "name_bad"        // empty, too long, or the agent's own
	ProviderFailed Problem = "provider_failed" // or the person went back
	// ProviderUnknown: the provider knows them and we do not.
	ProviderUnknown Problem = "provider_unknown"
)

// Problems lists every one of them.
func Problems() []Problem {
	return []Problem{WrongPassword, WrongCode, TooManyTries, TooBusy, PasswordShort, PasswordLong, PasswordCommon, PasswordDiffer,
		PasswordSame, WrongOwn, WrongSecond, SecondLate, FactorNeeded, WrongFirst, NameBad, ProviderFailed, ProviderUnknown}
}

// Error says the problem in a plain English sentence.
func (p Problem) Error() string {
	switch p {
	case WrongPassword:
		return "The name or the password is not right."
	case WrongCode:
		return "The name or the code is not right, or the code is too old. Ask for a new code."
	case TooManyTries:
		return "Too many tries. Wait a minute and try again."
	case TooBusy:
		return "Many people are signing in just now. Try again in a moment."
	case PasswordShort:
		return fmt.Sprintf("The password is too short. Use at least %d characters.", PasswordMin)
	case PasswordLong:
		return fmt.Sprintf("The password is too long. Use at most %d characters.", PasswordMax)
	case PasswordCommon:
		return "That password is easy to guess. Choose another, for example three words."
	case PasswordDiffer:
		return "The two passwords are not alike. Write the same one twice."
	case PasswordSame:
		return "That is the password you have. Choose another."
	case WrongOwn:
		return "The password is not right."
	case WrongSecond:
		return "The code is not right, or was used already. Wait for the next one."
	case SecondLate:
		return "That took too long. Sign in again."
	case FactorNeeded:
		return "Your role needs a second step. It cannot be switched off."
	case WrongFirst:
		return "The code is not right or too old. Start the agent again for a new one."
	case NameBad:
		return "That name cannot be used. Write another."
	case ProviderFailed:
		return "Signing in at the other service did not work. Try again."
	case ProviderUnknown:
		return "You have no account here. Ask an admin to invite you with this mail address."
	}
	return string(p)
}

// Bounds of a password in characters. NIST SP 800-63B asks for a length (15
// where the password may be the only factor) and a list of bad ones, and
// against rules about kinds of characters and changes by the calendar.
const (
	PasswordMin = 15
	PasswordMax = 128
)

//go:embed common.txt
var commonText string

// checkPassword tells whether a person may choose this password.
func checkPassword(password, name string) error {
	password = norm.NFKC.String(password)
	n := utf8.RuneCountInString(password)
	switch {
	case n < PasswordMin:
		return PasswordShort
	case n > PasswordMax:
		return PasswordLong
	}
	if guessable(squeeze(password), name) {
		return PasswordCommon
	}
	return nil
}

// ownWord is how much somebody must have added to words that everybody tries.
const ownWord = 4

// guessable takes away what a guesser begins with: passwords that are common,
// the words of this place, the person's own name, and digits. What is left is
// what the person thought of.
func guessable(bare, name string) bool {
	if monotonous(bare) {
		return true
	}
	words := strings.Fields(commonText)
	for _, w := range strings.Fields(name) {
		if w = squeeze(w); utf8.RuneCountInString(w) >= 3 {
			words = append(words, w)
		}
	}
	if own := squeeze(name); own != "" {
		words = append(words, own)
	}
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	rest := bare
	for _, w := range words {
		if w = squeeze(w); w != "" {
			rest = strings.ReplaceAll(rest, w, "")
		}
	}
	rest = strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, rest)
	if len(rest) == len(bare) {
		return false // nothing of it is common
	}
	return utf8.RuneCountInString(rest) < ownWord || monotonous(rest)
}

// squeeze leaves of a word what a guesser tries: letters and digits, in lower
// case.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n-_.,!?+*#", r) {
			return -1
		}
		return r
	}, strings.ToLower(norm.NFKC.String(s)))
}

// monotonous finds "aaaaaaaaaaaa", "abcabcabcabc" and "123456789012".
func monotonous(s string) bool {
	runes := []rune(s)
	for period := 1; period <= 4 && period < len(runes); period++ {
		same := true
		for i := period; i < len(runes); i++ {
			same = same && runes[i] == runes[i-period]
		}
		if same {
			return true
		}
	}
	steps := 0
	for i := 1; i < len(runes); i++ {
		d := runes[i] - runes[i-1]
		if d == 1 || d == -1 || d == '0'-'9' {
			steps++
		}
	}
	return len(runes) > 0 && steps == len(runes)-1
}

// hashWait is how long a sign-in waits for its turn before it is sent away.
const hashWait = 5 * time.Second

// hasher hashes at most two passwords at a time, so that a crowd at the door
// costs neither the memory nor the processor that the kiosks' reports need.
type hasher struct {
	params *argon2id.Params
	turn   chan struct{}
	nobody string // the hash of a password that no account has
}

func newHasher() (*hasher, error) {
	// OWASP's choice for Argon2id: 19 MiB, two passes, one lane.
	p := &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	// Nobody's hash is of no password at all, random bytes in the form of one:
	// comparing with it costs the same, and the agent starts without hashing.
	bytes := make([]byte, p.SaltLength+p.KeyLength)
	if _, err := rand.Read(bytes); err != nil {
		return nil, err
	}
	text := base64.RawStdEncoding.EncodeToString
	nobody := fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.Memory, p.Iterations, p.Parallelism,
		text(bytes[:p.SaltLength]), text(bytes[p.SaltLength:]))
	return &hasher{turn: make(chan struct{}, 2), params: p, nobody: nobody}, nil
}

func (h *hasher) take(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	select {
	case h.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return TooBusy
	}
}

func (h *hasher) leave() { <-h.turn }

// make returns the hash of a password in PHC form.
func (h *hasher) make(ctx context.Context, password string) (string, error) {
	if err := h.take(ctx); err != nil {
		return "", err
	}
	defer h.leave()
	hash, err := argon2id.CreateHash(norm.NFKC.String(password), h.params)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return hash, nil
}

// stretch hashes a recovery code.
func (h *hasher) stretch(ctx context.Context, code string, salt []byte) ([]byte, error) {
	if err := h.take(ctx); err != nil {
		return nil, err
	}
	defer h.leave()
	return argon2.IDKey([]byte(code), salt, h.params.Iterations, h.params.Memory, h.params.Parallelism, h.params.KeyLength), nil
}

// check compares. An empty hash (nobody of that name, or no password yet) is
// never right, but costs the same.
func (h *hasher) check(ctx context.Context, password, hash string) (bool, error) {
	nobody := hash == ""
	if nobody {
		hash = h.nobody
	}
	if err := h.take(ctx); err != nil {
		return false, err
	}
	defer h.leave()
	ok, err := argon2id.ComparePasswordAndHash(norm.NFKC.String(password), hash)
	if err != nil {
		return false, fmt.Errorf("compare a password: %w", err)
	}
	return ok && !nobody, nil
}
