package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yhteiskone/agent/simulate"
	"yhteiskone/internal/identity"
)

// public is an authority that browsers know and kiosks do not.
type public struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	root *x509.Certificate
	dir  string
}

func newPublic(t *testing.T) *public {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, root, root, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if root, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &public{t, key, root, t.TempDir()}
}

// issue writes a certificate for a name into the files.
func (p *public) issue(serial int64, name string) {
	p.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, leaf, p.root, &key.PublicKey, p.key)
	if err != nil {
		p.t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		p.t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(filepath.Join(p.dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *public) config(name string) string {
	path := filepath.Join(p.dir, name+".toml")
	text := fmt.Sprintf("names = [%q]\n[tls]\ncertificate = %q\nkey = %q\n", name, filepath.Join(p.dir, "cert.pem"), filepath.Join(p.dir, "key.pem"))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// browse asks for a page as a browser that knows the authority does.
func (p *public) browse(at, name string) (serial int64, head http.Header, err error) {
	text, head, err := p.see(at, name)
	fmt.Sscan(text, &serial)
	return serial, head, err
}

// see is browse for numbers of any length.
func (p *public) see(at, name string) (serial string, head http.Header, err error) {
	pool := x509.NewCertPool()
	pool.AddCert(p.root)
	c := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{RootCAs: pool},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, at)
		}}}
	resp, err := c.Get("https://" + name + "/sign-in")
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close()
	return resp.TLS.PeerCertificates[0].SerialNumber.String(), resp.Header, nil
}

// Browsers see the public certificate, also the renewed one without a restart;
// kiosks do not notice it, nor that the name changes, nor that it is one that
// they could never check.
func TestPublicCertificate(t *testing.T) {
	pub := newPublic(t)
	pub.issue(100, "agent.example")
	dir := filepath.Join(t.TempDir(), "data")
	p := startAgent(t, dir, "--config", pub.config("agent.example"))
	at := p.url[strings.Index(p.url, "//")+2:]
	serial, head, err := pub.browse(at, "agent.example")
	if err != nil || serial != 100 || head.Get("Strict-Transport-Security") == "" {
		t.Fatalf("%d %v %v", serial, head, err)
	}
	e := p.enrolment(2)
	kiosks := twoKiosks(t, p.url, e.Pin, e.Code)
	kiosks.hear("2 kiosks connected")
	pub.issue(200, "agent.example")
	eventually(t, "the renewed certificate", func() bool {
		serial, _, err := pub.browse(at, "agent.example")
		return err == nil && serial == 200
	})
	if _, text := p.get("/metrics", ""); !strings.Contains(string(text), "yhteiskone_certificate_expiry_timestamp_seconds 1") {
		t.Error("the numbers do not know when it ends")
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	pub.issue(300, "new.example") // another name, and the kiosks know only the old address
	startAgent(t, dir, "--config", pub.config("new.example"), "--listen", at)
	kiosks.hear("2 kiosks connected again")
	if serial, _, err := pub.browse(at, "new.example"); err != nil || serial != 300 {
		t.Errorf("under the new name: %d %v", serial, err)
	}
	if _, _, err := pub.browse(at, "agent.example"); err == nil {
		t.Error("under the old name a browser takes a certificate of another")
	}
}

// pair are two simulated kiosks at an agent, and what was told of them.
type pair struct {
	t     *testing.T
	heard chan string
}

func twoKiosks(t *testing.T, agent, pin, code string) pair {
	s := pair{t, make(chan string, 64)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	t.Cleanup(func() { cancel(); <-ended })
	go func() {
		defer close(ended)
		simulate.Run(ctx, simulate.Config{Agent: agent, Pin: identity.Pin(pin), Codes: []string{code}, Kiosks: 2, Steady: true,
			Told: func(line string) { s.heard <- line }})
	}()
	return s
}

// hear waits until something is told of them.
func (s pair) hear(want string) {
	s.t.Helper()
	for {
		select {
		case line := <-s.heard:
			if line == want {
				return
			}
		case <-time.After(30 * time.Second):
			s.t.Fatal("never heard: ", want)
		}
	}
}
