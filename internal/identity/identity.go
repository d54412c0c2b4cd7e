// Package identity holds who is who: the key of a kiosk, the identity of the
// agent, the one-time code that brings the two together, and what both sign
// when they meet.
//
// A kiosk has an Ed25519 key that it made itself and that never leaves it. An
// agent has one long-lived P-256 key: it signs every Welcome and is the
// authority over the TLS certificates that the agent makes for itself.
// (P-256, because browsers refuse Ed25519 certificates.)
//
// It never opens a connection and never stores anything but the key files it
// is asked for.
//
// Caveat: a Pin is the agent's whole public key, not a hash of it. It is as
// short as a hash, and lets a kiosk build the authority by itself, so that TLS
// is checked in the ordinary way from the first byte on.
package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/google/renameio/v2"
)

// Pin is the agent's public key as it travels beside the enrolment code:
// the compressed P-256 point in unpadded base64url, 44 characters.
type Pin string

// ParsePin reads a pin and returns the key in it.
func ParsePin(s string) (Pin, *ecdsa.PublicKey, error) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(raw) != 33 {
		return "", nil, errors.New("the pin is not 44 characters of base64url")
	}
	x, y := elliptic.UnmarshalCompressed(elliptic.P256(), raw)
	if x == nil {
		return "", nil, errors.New("the pin is not a P-256 key")
	}
	point := make([]byte, 65)
	point[0] = 4 // uncompressed, SEC 1 section 2.3.3
	x.FillBytes(point[1:33])
	y.FillBytes(point[33:])
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return "", nil, errors.New("the pin is not a P-256 key")
	}
	return Pin(s), pub, nil
}

// compressed returns the key as SEC 1 section 2.3.3 has it, in 33 bytes.
func compressed(pub *ecdsa.PublicKey) ([]byte, error) {
	point, err := pub.Bytes()
	if err != nil {
		return nil, err
	}
	return append([]byte{2 + point[64]&1}, point[1:33]...), nil
}

// Fingerprint is the SHA-256 of a certificate or key in DER, as people compare
// it: hexadecimal in groups of four.
func Fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	text := hex.EncodeToString(sum[:])
	var out []byte
	for i := 0; i < len(text); i += 4 {
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(out, text[i:i+4]...)
	}
	return string(out)
}

// Transcript is what both ends sign: the agent's nonce, the kiosk's nonce, who
// the kiosk is, the host it asked for and the version. side is "kiosk" or
// "agent", so that neither signature can stand for the other.
func Transcript(side, kiosk string, agentNonce, kioskNonce []byte, host string, version int) []byte {
	b := []byte("yhteiskone link 1")
	for _, part := range [][]byte{[]byte(side), []byte(kiosk), agentNonce, kioskNonce, []byte(host)} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	return binary.BigEndian.AppendUint32(b, uint32(version))
}

// Agent is the agent's identity.
type Agent struct {
	key *ecdsa.PrivateKey
	pin Pin
}

func agentOf(key *ecdsa.PrivateKey) (*Agent, error) {
	point, err := compressed(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("read the agent's identity: %w", err)
	}
	return &Agent{key, Pin(base64.RawURLEncoding.EncodeToString(point))}, nil
}

// NewAgent makes an identity.
func NewAgent() (*Agent, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the agent's identity: %w", err)
	}
	return agentOf(key)
}

// Pin is what kiosks know the agent by.
func (a *Agent) Pin() Pin { return a.pin }

// Sign signs a message as the agent: ECDSA over its SHA-256, in ASN.1.
func (a *Agent) Sign(message []byte) ([]byte, error) {
	sum := sha256.Sum256(message)
	return ecdsa.SignASN1(rand.Reader, a.key, sum[:])
}

// VerifyAgent reports whether the agent of this pin signed the message.
func VerifyAgent(pin Pin, message, signature []byte) bool {
	_, pub, err := ParsePin(string(pin))
	if err != nil {
		return false
	}
	sum := sha256.Sum256(message)
	return ecdsa.VerifyASN1(pub, sum[:], signature)
}

// ErrKeyFile says that a file holds no key that it should hold.
var ErrKeyFile = errors.New("the key file is damaged")

// LoadAgent reads the identity from a file, or makes one and writes it there
// (mode 0600) if there is no such file. A damaged file is an error, never
// replaced: every kiosk knows the agent by this key.
func LoadAgent(path string) (*Agent, error) {
	key, err := loadKey(path, func() (crypto.Signer, error) {
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	})
	if err != nil {
		return nil, fmt.Errorf("load the agent's identity: %w", err)
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok || ec.Curve != elliptic.P256() {
		return nil, fmt.Errorf("load the agent's identity: %w: %s does not hold a P-256 key", ErrKeyFile, path)
	}
	return agentOf(ec)
}

// LoadKiosk reads a kiosk's key from a file, or makes one and writes it there
// (mode 0600) if there is no such file.
func LoadKiosk(path string) (ed25519.PrivateKey, error) {
	key, err := loadKey(path, func() (crypto.Signer, error) {
		_, k, err := ed25519.GenerateKey(rand.Reader)
		return k, err
	})
	if err != nil {
		return nil, fmt.Errorf("load the kiosk's key: %w", err)
	}
	ed, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("load the kiosk's key: %s does not hold an Ed25519 key", path)
	}
	return ed, nil
}

func loadKey(path string, make func() (crypto.Signer, error)) (crypto.Signer, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path, make)
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("%w: %s does not hold a private key in PEM", ErrKeyFile, path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrKeyFile, path, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s holds a key that cannot sign", path)
	}
	return signer, nil
}

func makeKey(path string, make func() (crypto.Signer, error)) (crypto.Signer, error) {
	key, err := make()
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := renameio.WriteFile(path, text, 0o600); err != nil {
		return nil, err
	}
	return key, nil
}
