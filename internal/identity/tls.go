package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"time"
)

// authorityName is the subject of every agent's authority. Kiosks tell the
// authorities apart by key, not by name.
var authorityName = pkix.Name{CommonName: "Yhteiskone agent"}

// leafLife is how long a certificate that the agent made for itself is valid;
// it begins two days in the past so that a kiosk whose clock is wrong by hours
// still connects and can say so.
const (
	leafLife  = 90 * 24 * time.Hour
	leafSlack = 48 * time.Hour
)

// Certificates makes TLS certificates under the agent's identity, one for each
// name that somebody asks for. Names in a client's greeting are free to choose
// for anybody, so only the last 64 are kept.
type Certificates struct {
	agent *Agent
	names []string
	mu    sync.Mutex
	made  map[string]*tls.Certificate
	order []string
}

// Certificates returns a maker; names are put into every certificate.
func (a *Agent) Certificates(names ...string) *Certificates {
	return &Certificates{agent: a, names: names, made: map[string]*tls.Certificate{}}
}

// Config returns a server's TLS configuration (TLS 1.2 and newer).
func (c *Certificates) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.Get}
}

// Get returns a certificate for the name that a client asks for.
func (c *Certificates) Get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.ToLower(hello.ServerName)
	if name == "" && hello.Conn != nil { // addresses are not sent as names
		if host, _, err := net.SplitHostPort(hello.Conn.LocalAddr().String()); err == nil {
			name = host
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if cert, ok := c.made[name]; ok && time.Until(cert.Leaf.NotAfter) > leafLife/3 {
		return cert, nil
	}
	cert, err := c.agent.leaf(append([]string{name}, c.names...))
	if err != nil {
		return nil, err
	}
	if _, ok := c.made[name]; !ok {
		c.order = append(c.order, name)
		if len(c.order) > 64 {
			delete(c.made, c.order[0])
			c.order = c.order[1:]
		}
	}
	c.made[name] = cert
	return cert, nil
}

func (a *Agent) leaf(names []string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	now := time.Now()
	leaf := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Yhteiskone"},
		NotBefore: now.Add(-leafSlack), NotAfter: now.Add(leafLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else if n != "" {
			leaf.DNSNames = append(leaf.DNSNames, n)
		}
	}
	authority, err := a.Authority()
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, authority, &key.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	// Without the authority: whoever trusts it has it, and every signing of it
	// gives other bytes.
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: parsed}, nil
}

// Authority is the certificate that staff may install in their browsers.
func (a *Agent) Authority() (*x509.Certificate, error) {
	return authority(&a.key.PublicKey, a.key)
}

// authority builds the authority's certificate around the public key. A kiosk
// has no private key of the agent and signs it with a throw-away one: nobody
// checks the signature of a root that one put into the pool oneself.
func authority(pub *ecdsa.PublicKey, signer *ecdsa.PrivateKey) (*x509.Certificate, error) {
	point, err := compressed(pub)
	if err != nil {
		return nil, fmt.Errorf("make the authority's certificate: %w", err)
	}
	id := sha256.Sum256(point)
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: authorityName, SubjectKeyId: id[:20],
		NotBefore: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, pub, signer)
	if err != nil {
		return nil, fmt.Errorf("make the authority's certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

// KioskProtocol is what a client of ClientTLS says in its TLS greeting (ALPN):
// an agent with a public certificate then shows one of its own all the same.
// It is never spoken: both go on with http/1.1.
const KioskProtocol = "yhteiskone"

// ClientTLS is the configuration with which a kiosk, or a tool beside it,
// connects to the agent of this pin: certificates are checked against the
// system's roots or the agent's own authority.
func ClientTLS(pin Pin) (*tls.Config, error) {
	_, pub, err := ParsePin(string(pin))
	if err != nil {
		return nil, err
	}
	throwAway, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	root, err := authority(pub, throwAway)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a machine without roots still has the authority
	}
	pool.AddCert(root)
	// No hybrid with ML-KEM: it makes a hello of 1.8 KB, which the agent's end keeps
	// the room of for as long as the line is up, 3 KB for each kiosk. What a kiosk
	// tells is of no use to who could read today's lines in decades; browsers, with
	// passwords in them, do use it.
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, NextProtos: []string{KioskProtocol, "http/1.1"},
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256}}, nil
}
