package front

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/identity"
)

// pair writes a certificate for a name and its key.
func pair(t *testing.T, dir, name string, serial int64, ends time.Time) {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	leaf := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{name}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: ends}
	der := must(x509.CreateCertificate(rand.Reader, leaf, leaf, &key.PublicKey, key))
	raw := must(x509.MarshalPKCS8PrivateKey(key))
	for file, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A renewed certificate is taken without a restart, a broken one never.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	if _, err := OpenFiles(cert, key, logger); err == nil || !strings.Contains(err.Error(), "cert.pem") {
		t.Errorf("without files: %v", err)
	}
	ends := time.Now().Add(30 * 24 * time.Hour).Truncate(time.Second)
	pair(t, dir, "agent.example", 1, ends)
	f := must(OpenFiles(cert, key, logger))
	now := time.Now()
	f.now = func() time.Time { return now }
	shown := func() int64 { now = now.Add(filesEvery); return f.Certificate("").Leaf.SerialNumber.Int64() }
	if shown() != 1 || !f.Expires().Equal(ends) {
		t.Errorf("%d until %v", shown(), f.Expires())
	}
	pair(t, dir, "agent.example", 22, ends)
	if f.Certificate("").Leaf.SerialNumber.Int64() != 1 {
		t.Error("the files are looked at for every greeting")
	}
	if shown() != 22 {
		t.Error("the renewed one is not shown")
	}
	old := must(os.ReadFile(key))
	pair(t, dir, "agent.example", 333, ends)
	for range 3 {
		if err := os.WriteFile(key, append(old, '\n'), 0o600); err != nil { // half of the renewal is there
			t.Fatal(err)
		}
		if shown() != 22 {
			t.Error("a certificate without its key is shown")
		}
	}
	if n := strings.Count(log.String(), "do not fit"); n < 1 || n > 3 {
		t.Errorf("told %d times", n)
	}
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	if shown() != 22 {
		t.Error("files that are gone took the certificate along")
	}
	pair(t, dir, "agent.example", 4444, ends)
	if shown() != 4444 {
		t.Error("it does not recover")
	}
}

// one is a single public certificate.
type one struct{ cert *tls.Certificate }

func (o one) Certificate(string) *tls.Certificate { return o.cert }
func (o one) Expires() time.Time                  { return time.Time{} }

func TestChoose(t *testing.T) {
	mark := func(serial int64, name string, from, to time.Duration) *tls.Certificate {
		return &tls.Certificate{Leaf: &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{name},
			NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(to)}}
	}
	own := mark(7, "any", -time.Hour, time.Hour)
	for name, c := range map[string]struct {
		public *tls.Certificate
		hello  tls.ClientHelloInfo
		own    bool
	}{
		"a browser":            {mark(1, "agent.example", -time.Hour, time.Hour), tls.ClientHelloInfo{ServerName: "agent.example", SupportedProtos: []string{"h2", "http/1.1"}}, false},
		"a kiosk":              {mark(1, "agent.example", -time.Hour, time.Hour), tls.ClientHelloInfo{ServerName: "agent.example", SupportedProtos: []string{identity.KioskProtocol, "http/1.1"}}, true},
		"an older name":        {mark(1, "agent.example", -time.Hour, time.Hour), tls.ClientHelloInfo{ServerName: "old.example"}, true},
		"by address":           {mark(1, "agent.example", -time.Hour, time.Hour), tls.ClientHelloInfo{}, true},
		"after its end":        {mark(1, "agent.example", -2*time.Hour, -time.Hour), tls.ClientHelloInfo{ServerName: "agent.example"}, true},
		"none yet":             {nil, tls.ClientHelloInfo{ServerName: "agent.example"}, true},
		"before its beginning": {mark(1, "agent.example", time.Hour, 2*time.Hour), tls.ClientHelloInfo{ServerName: "agent.example"}, true},
	} {
		choose := Choose(one{c.public}, func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return own, nil })
		if got := must(choose(&c.hello)); (got == own) != c.own {
			t.Errorf("%s: own is %v", name, got == own)
		}
	}
}
