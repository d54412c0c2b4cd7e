package boottest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// TestCard has a client go to a site that asks for the certificate on her card:
// QEMU's reader with a card that it makes up, our card service, OpenSC and the
// session's browser, up to the question for the card's PIN (the picture "asked").
// Past it this card signs nothing, so no more is known than that. The site's own
// certificate is trusted, and the client's chosen, by two more policies of the
// test's. Only with YHTEISKONE_BOOT_CARD=1, and with certutil (Debian's
// libnss3-tools).
func TestCard(t *testing.T) {
	image, programs, shots := given(t)
	if os.Getenv("YHTEISKONE_BOOT_CARD") == "" {
		t.Skip("takes four minutes; say: YHTEISKONE_BOOT_CARD=1 make boot-test BOOT='-run TestCard'")
	}
	m := newMachine(t, image, programs, filepath.Join(shots, "card"))
	desk := newDesk(t)
	m.tls = desk.address
	m.plugged = []string{"-device", "ich9-usb-uhci1,id=slow", "-device", "usb-ccid,bus=slow.0", "-device",
		"ccid-card-emulated,backend=certificates,cert1=one,cert2=two,cert3=three,db=sql:" + cards(t, "123456")}
	m.start(bios(), 2048)
	m.free()
	m.introduce()
	m.open("holder")
	before := m.proof()
	m.eyes.see(`f=$(ls /run/yhteiskone/policy-*/yhteiskone.json); sed -i '1s|{|{"CACertificates":["` + desk.authority +
		`"],"AutoSelectCertificateForUrls":["{\\"pattern\\":\\"https://` + webAt + `\\",\\"filter\\":{}}"],|' $f; sleep 20`)
	m.until("the way to the desk", "/card", "card")
	until(t, patienceOfEyes, "the browser at the card service, for the desk's question", func() (bool, string) {
		// The service runs while somebody is connected, and nobody else is there to.
		said, _ := m.eyes.try("systemctl is-active pcscd.service")
		return desk.asked() && said == "active", said
	})
	m.eyes.see("sleep 10")
	m.picture("asked")
	m.eyes.see("kiosk end")
	until(t, patience, "the end of the session", func() (bool, string) { s := m.eyes.state(); return s == "ready", s })
	m.wiped(before)
}

// cards makes a database of certificates, from which QEMU makes a card.
func cards(t *testing.T, pin string) string {
	t.Helper()
	dir := t.TempDir()
	secret, noise := filepath.Join(dir, "pin"), filepath.Join(dir, "noise")
	more := make([]byte, 512)
	rand.Read(more)
	for path, text := range map[string][]byte{secret: []byte(pin + "\n"), noise: more} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("certutil", append(args, "-d", "sql:"+dir, "-f", secret)...).CombinedOutput(); err != nil {
			t.Fatalf("certutil %v: %v\n%s", args, err, out)
		}
	}
	run("-N")
	for i, name := range []string{"one", "two", "three"} {
		run("-S", "-n", name, "-s", "CN=Asiakas", "-x", "-t", "TCu,Cu,Cu", "-k", "rsa", "-g", "2048", "-m", fmt.Sprint(100+i), "-z", noise,
			"--keyUsage", "digitalSignature,keyEncipherment", "--extKeyUsage", "clientAuth")
	}
	return dir
}

// desk is a site that asks who comes for a certificate.
type desk struct {
	address   string
	authority string // its certificate's, DER in base64
	heard     atomic.Bool
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Koe"}, NotBefore: time.Now().Add(-24 * time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	authority, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Kortti"}, NotBefore: template.NotBefore, NotAfter: template.NotAfter,
		IPAddresses: []net.IP{net.ParseIP(webAt)}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, &leaf, &template, &own.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{authority: base64.StdEncoding.EncodeToString(authority)}
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: own}},
		ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12} // as the card's real desk
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { d.heard.Store(true); return nil, nil }
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	d.address = l.Addr().String()
	server := &http.Server{Handler: http.NotFoundHandler(), ErrorLog: log.New(io.Discard, "", 0)}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return d
}

// asked reports whether somebody came.
func (d *desk) asked() bool { return d.heard.Load() }
