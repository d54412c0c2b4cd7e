package release

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/blake2b"
)

// What minisign writes before a key or a signature.
const (
	algorithm = "Ed" // of keys, and of signatures over the text itself
	hashed    = "ED" // of signatures over the text's BLAKE2b
	checksum  = "B2"
	idSize    = 8
)

// strict is base64 in which every bit counts, those that fill up the last letter
// too.
var strict = base64.StdEncoding.Strict()

// comments begin the lines that are for people.
const (
	comment = "untrusted comment: "
	trusted = "trusted comment: "
)

// PublicKey is who may sign releases.
type PublicKey struct {
	id  [idSize]byte
	key ed25519.PublicKey
}

// SecretKey signs releases.
type SecretKey struct {
	id  [idSize]byte
	key ed25519.PrivateKey
}

// NewKey makes a key.
func NewKey() SecretKey {
	var k SecretKey
	_, k.key, _ = ed25519.GenerateKey(nil) // never fails, by its documentation
	rand.Read(k.id[:])
	return k
}

// Public is the key that checks what k signs.
func (k SecretKey) Public() PublicKey { return PublicKey{k.id, k.key.Public().(ed25519.PublicKey)} }

// ID is the key's number as minisign shows it.
func (k PublicKey) ID() string { return fmt.Sprintf("%016X", binary.LittleEndian.Uint64(k.id[:])) }

// Encode writes the key as minisign's public key file.
func (k PublicKey) Encode() []byte {
	raw := append(append([]byte(algorithm), k.id[:]...), k.key...)
	return lines(comment+"minisign public key "+k.ID(), base64.StdEncoding.EncodeToString(raw))
}

// Words are what people compare.
func (k PublicKey) Words() string { return Words(append(k.id[:], k.key...)) }

// ParsePublicKey reads a public key file of minisign, or its second line alone.
func ParsePublicKey(text []byte) (PublicKey, error) {
	var k PublicKey
	raw, err := keyLine(text, "public", len(algorithm)+idSize+ed25519.PublicKeySize)
	if err != nil {
		return k, err
	}
	copy(k.id[:], raw[2:])
	k.key = raw[2+idSize:]
	return k, nil
}

// Encode writes the key as minisign's secret key file without a passphrase:
// its file's mode is what keeps it.
func (k SecretKey) Encode() []byte {
	raw := append([]byte(algorithm), 0, 0)
	raw = append(raw, checksum...)
	raw = append(raw, make([]byte, 32+8+8)...) // salt and costs of a passphrase that is not there
	raw = append(raw, k.id[:]...)
	raw = append(raw, k.key...)
	raw = append(raw, make([]byte, 32)...)
	return lines(comment+"minisign secret key, without a passphrase: keep it secret", base64.StdEncoding.EncodeToString(raw))
}

// ParseSecretKey reads a secret key file of minisign that has no passphrase.
func ParseSecretKey(text []byte) (SecretKey, error) {
	var k SecretKey
	const head = 2 + 2 + 2 + 32 + 8 + 8
	raw, err := keyLine(text, "secret", head+idSize+ed25519.PrivateKeySize+32)
	if err != nil {
		return k, err
	}
	if raw[2] != 0 || raw[3] != 0 {
		return k, errors.New("the secret key has a passphrase; use one without, from provision key new or minisign -G -W")
	}
	copy(k.id[:], raw[head:])
	k.key = raw[head+idSize : head+idSize+ed25519.PrivateKeySize]
	if !bytes.Equal(ed25519.NewKeyFromSeed(k.key.Seed()), k.key) {
		return SecretKey{}, errors.New("the secret key is damaged: its halves do not belong together")
	}
	return k, nil
}

// keyLine reads the one line of a key file that is no comment.
func keyLine(text []byte, kind string, size int) ([]byte, error) {
	if len(text) > SignatureLimit {
		return nil, fmt.Errorf("the %s key is too long", kind)
	}
	all := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")), "\n")
	if strings.HasPrefix(all[0], comment) {
		all = all[1:]
	}
	if len(all) != 1 {
		return nil, fmt.Errorf("the %s key is not a comment and one line", kind)
	}
	raw, err := strict.DecodeString(all[0])
	if err != nil || len(raw) != size || string(raw[:2]) != algorithm {
		return nil, fmt.Errorf("the %s key is not one of minisign", kind)
	}
	return raw, nil
}

// Sign returns the signature of a text in minisign's format. note is signed as
// well, and shown by minisign -V.
func (k SecretKey) Sign(text []byte, note string) ([]byte, error) {
	if strings.ContainsFunc(note, func(r rune) bool { return r < ' ' }) || len(note) > 200 {
		return nil, errors.New("sign: the note is not one line of at most 200 bytes")
	}
	sum := blake2b.Sum512(text)
	signature := ed25519.Sign(k.key, sum[:])
	raw := append(append([]byte(hashed), k.id[:]...), signature...)
	all := ed25519.Sign(k.key, append(signature, note...))
	return lines(comment+"signature of a Yhteiskone release, for minisign", base64.StdEncoding.EncodeToString(raw),
		trusted+note, base64.StdEncoding.EncodeToString(all)), nil
}

// Errors of Verify that are told apart by errors.Is.
var (
	ErrSignature = errors.New("the signature is not right: the manifest was changed, or is not from who it says")
	ErrOtherKey  = errors.New("the release is signed with another key")
)

// Verify checks a signature that minisign or Sign made, and returns its note.
func (k PublicKey) Verify(text, signature []byte) (note string, err error) {
	g, err := k.parse(signature)
	if err != nil {
		return "", err
	}
	if g.kind == hashed {
		sum := blake2b.Sum512(text)
		text = sum[:]
	}
	if err := k.check(g, text); err != nil {
		return "", err
	}
	return g.note, nil
}

// VerifyFrom is Verify of what a reader holds, however much that is. It refuses
// minisign's old kind of signature, for which all must be in memory.
func (k PublicKey) VerifyFrom(r io.Reader, signature []byte) (note string, err error) {
	g, err := k.parse(signature)
	if err != nil {
		return "", err
	}
	if g.kind != hashed {
		return "", errors.New("the signature is of minisign's old kind; sign anew without -l")
	}
	h, _ := blake2b.New512(nil) // never fails without a key
	if _, err := io.Copy(h, r); err != nil {
		return "", fmt.Errorf("read what was signed: %w", err)
	}
	if err := k.check(g, h.Sum(nil)); err != nil {
		return "", err
	}
	return g.note, nil
}

// signature is a signature's file, taken apart.
type signature struct {
	kind       string // algorithm or hashed
	own, whole []byte // over what was signed; over own and the note
	note       string
}

// parse takes a signature apart that says that it is by k.
func (k PublicKey) parse(text []byte) (g signature, err error) {
	if len(k.key) != ed25519.PublicKeySize { // Ed25519 would panic
		return g, errors.New("there is no key to check the signature with")
	}
	if len(text) > SignatureLimit {
		return g, errors.New("the signature is too long")
	}
	all := strings.Split(strings.TrimRight(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"), "\n")
	if len(all) != 4 || !strings.HasPrefix(all[0], comment) || !strings.HasPrefix(all[2], trusted) {
		return g, errors.New("the signature is not one of minisign")
	}
	raw, err1 := strict.DecodeString(all[1])
	whole, err2 := strict.DecodeString(all[3])
	if err1 != nil || err2 != nil || len(raw) != 2+idSize+ed25519.SignatureSize || len(whole) != ed25519.SignatureSize {
		return g, errors.New("the signature is not one of minisign")
	}
	if !bytes.Equal(raw[2:2+idSize], k.id[:]) {
		return g, fmt.Errorf("%w: %016X, not %s", ErrOtherKey, binary.LittleEndian.Uint64(raw[2:]), k.ID())
	}
	g = signature{string(raw[:2]), raw[2+idSize:], whole, strings.TrimPrefix(all[2], trusted)}
	if g.kind != hashed && g.kind != algorithm {
		return g, errors.New("the signature is of a kind that is not known")
	}
	return g, nil
}

// check says whether k signed these bytes, and the note.
func (k PublicKey) check(g signature, said []byte) error {
	if !ed25519.Verify(k.key, said, g.own) || !ed25519.Verify(k.key, append(bytes.Clone(g.own), g.note...), g.whole) {
		return ErrSignature
	}
	return nil
}

func lines(all ...string) []byte { return []byte(strings.Join(all, "\n") + "\n") }

// Hash writes a sum as the manifest does.
func Hash(sum []byte) string { return hex.EncodeToString(sum) }
