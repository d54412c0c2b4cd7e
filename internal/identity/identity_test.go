package identity

import (
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func agent(t testing.TB) *Agent {
	t.Helper()
	a, err := NewAgent()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestPin(t *testing.T) {
	for range 20 { // both signs of the point come up
		a := agent(t)
		pin, pub, err := ParsePin(string(a.Pin()))
		if err != nil || pin != a.Pin() || !pub.Equal(&a.key.PublicKey) {
			t.Fatalf("%s does not come back: %v", a.Pin(), err)
		}
	}
	for _, bad := range []string{"", "A", strings.Repeat("A", 44), strings.Repeat("_", 44), string(agent(t).Pin()) + "="} {
		if _, _, err := ParsePin(bad); err == nil {
			t.Errorf("%q is taken for a pin", bad)
		}
	}
}

func TestSignatures(t *testing.T) {
	a, b := agent(t), agent(t)
	message := Transcript("agent", "k", []byte("1"), []byte("2"), "host", 1)
	sig, err := a.Sign(message)
	if err != nil {
		t.Fatal(err)
	}
	if !VerifyAgent(a.Pin(), message, sig) {
		t.Error("its own signature is refused")
	}
	if VerifyAgent(b.Pin(), message, sig) || VerifyAgent(a.Pin(), append(message, 0), sig) || VerifyAgent("", message, sig) {
		t.Error("a wrong agent, message or pin is taken")
	}
}

func TestTranscriptKeepsFieldsApart(t *testing.T) {
	type in struct{ side, kiosk, a, k, host string }
	rapid.Check(t, func(t *rapid.T) {
		gen := rapid.Custom(func(t *rapid.T) in {
			s := func(n string) string { return rapid.StringOfN(rapid.RuneFrom([]rune("ab")), 0, 2, -1).Draw(t, n) }
			return in{s("side"), s("kiosk"), s("a"), s("k"), s("host")}
		})
		bytes := func(i in) string { return string(Transcript(i.side, i.kiosk, []byte(i.a), []byte(i.k), i.host, 1)) }
		x, y := gen.Draw(t, "x"), gen.Draw(t, "y")
		if (bytes(x) == bytes(y)) != (x == y) {
			t.Fatalf("%+v and %+v", x, y)
		}
	})
}

func TestKeyFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.pem")
	a, err := LoadAgent(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadAgent(path)
	if err != nil || again.Pin() != a.Pin() {
		t.Fatalf("the identity changed: %v", err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if _, err := LoadKiosk(path); err == nil {
		t.Error("an agent's key is taken for a kiosk's")
	}
	kpath := filepath.Join(t.TempDir(), "key.pem")
	k, err := LoadKiosk(kpath)
	if err != nil {
		t.Fatal(err)
	}
	if k2, err := LoadKiosk(kpath); err != nil || !k2.Equal(k) || len(k) != ed25519.PrivateKeySize {
		t.Errorf("the kiosk's key changed: %v", err)
	}
	text, _ := os.ReadFile(path)
	for name, damaged := range map[string][]byte{"empty": nil, "half": text[:len(text)/2], "no PEM": []byte("hello\n")} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadAgent(path); err == nil {
			t.Errorf("%s: a damaged identity is taken or replaced", name)
		}
		if now, _ := os.ReadFile(path); string(now) != string(damaged) {
			t.Errorf("%s: the damaged file was changed", name)
		}
	}
}

// TestTLS: a client that knows only the pin checks an ordinary chain, on any
// name and on an address, and refuses another agent.
func TestTLS(t *testing.T) {
	a := agent(t)
	server, err := tls.Listen("tcp", "127.0.0.1:0", a.Certificates("kiosks.example.org").Config())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			conn.(*tls.Conn).Handshake()
			conn.Close()
		}
	}()
	get := func(pin Pin, host string) error {
		conf, err := ClientTLS(pin)
		if err != nil {
			t.Fatal(err)
		}
		conf.ServerName = host
		conn, err := tls.Dial("tcp", server.Addr().String(), conf)
		if err == nil {
			conn.Close()
		}
		return err
	}
	for _, host := range []string{"", "localhost", "kiosks.example.org", "anything.else"} {
		if err := get(a.Pin(), host); err != nil {
			t.Errorf("host %q: %v", host, err)
		}
		err := get(agent(t).Pin(), host)
		var cert *tls.CertificateVerificationError
		if !errors.As(err, &cert) {
			t.Errorf("host %q: another agent's certificate gave %v", host, err)
		}
	}
}

func TestCertificatesAreBounded(t *testing.T) {
	c := agent(t).Certificates()
	for i := range 200 {
		if _, err := c.Get(&tls.ClientHelloInfo{ServerName: strings.Repeat("a", i%100+1) + ".example"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.made) > 64 || len(c.order) != len(c.made) {
		t.Errorf("%d certificates are kept, %d names", len(c.made), len(c.order))
	}
	left, right := net.Pipe()
	defer left.Close()
	defer right.Close()
	if _, err := c.Get(&tls.ClientHelloInfo{Conn: left}); err != nil {
		t.Errorf("a connection without a name or an address: %v", err)
	}
}

func TestCodes(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		code := NewCode()
		back, err := ParseCode(strings.ToLower(strings.ReplaceAll(code, "-", " ")))
		if err != nil || back != code || seen[code] {
			t.Fatalf("%s came back as %s, %v", code, back, err)
		}
		seen[code] = true
		if id := NewKioskID(); !id.Valid() {
			t.Fatalf("%q is not an identifier", id)
		}
	}
	if code, err := ParseCode("oO0i-lL1I-abcd"); err != nil || code != "0001-1111-ABCD" {
		t.Errorf("letters that look like digits: %s, %v", code, err)
	}
	for _, bad := range []string{"", "ABCD", "ABCD-EFGH-JKM", "ABCD-EFGH-JKMNP", "ABCU-EFGH-JKMN", "ääää-ääää-ääää"} {
		if _, err := ParseCode(bad); err == nil {
			t.Errorf("%q is taken for a code", bad)
		}
	}
}
