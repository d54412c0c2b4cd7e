package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/letsencrypt/challtestsrv"
	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"

	"yhteiskone/internal/identity"
)

// free is an address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// authority issues certificates that live for some seconds, to whoever proves
// at the agent's port that a name is theirs.
func authority(t *testing.T, agent string, seconds uint64) (directory, caFile string, root *x509.Certificate) {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "0")
	quiet := log.New(io.Discard, "", 0)
	names := free(t)
	dns, err := challtestsrv.New(challtestsrv.Config{Log: quiet, DNSAddrs: []string{names}})
	if err != nil {
		t.Fatal(err)
	}
	dns.SetDefaultDNSIPv4("127.0.0.1")
	dns.SetDefaultDNSIPv6("")
	go dns.Run()
	t.Cleanup(dns.Shutdown)
	port := agent[strings.LastIndex(agent, ":")+1:]
	var number int
	fmt.Sscan(port, &number)
	store := db.NewMemoryStore()
	issuer := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: seconds}})
	front := wfe.New(quiet, store, va.New(quiet, 0, number, true, names, store), issuer, []string{"authority.example"}, true, false, 1, 1)
	server := httptest.NewTLSServer(front.Handler())
	t.Cleanup(server.Close)
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if root, err = x509.ParseCertificate(issuer.GetRootCert(0).DER); err != nil {
		t.Fatal(err)
	}
	return server.URL + wfe.DirectoryPath, caFile, root
}

// The agent gets a certificate from an authority and renews it while it runs.
// Kiosks, which go by its own key, do not notice.
func TestACME(t *testing.T) {
	at, dir := free(t), filepath.Join(t.TempDir(), "data")
	directory, caFile, root := authority(t, at, 9)
	file := filepath.Join(t.TempDir(), "agent.toml")
	text := fmt.Sprintf("[acme]\ndomains = [\"agent.example\"]\nemail = \"help@agent.example\"\ndirectory = %q\nca_file = %q\n", directory, caFile)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startAgent(t, dir, "--config", file, "--listen", at)
	e := p.enrolment(2)
	kiosks := twoKiosks(t, p.url, e.Pin, e.Code)
	kiosks.hear("2 kiosks connected")
	browser := &public{t: t, root: root}
	shown := func(not string) (serial string) {
		t.Helper()
		eventually(t, "a certificate other than "+not, func() bool {
			number, head, err := browser.see(at, "agent.example")
			serial = number
			return err == nil && number != not && head.Get("Strict-Transport-Security") != ""
		})
		return serial
	}
	first := shown("")
	second := shown(first)
	select {
	case line := <-kiosks.heard:
		t.Error("the kiosks noticed: ", line)
	default:
	}
	// A kiosk that comes in by the public name is shown what it can check.
	conf, err := identity.ClientTLS(identity.Pin(e.Pin))
	if err != nil {
		t.Fatal(err)
	}
	conf.ServerName = "agent.example"
	if c, err := tls.Dial("tcp", at, conf); err != nil {
		t.Errorf("a kiosk by the public name: %v", err)
	} else {
		c.Close()
	}
	if _, text := p.get("/metrics", ""); !strings.Contains(string(text), "yhteiskone_certificate_expiry_timestamp_seconds 1") {
		t.Error("the numbers do not know when it ends")
	}
	kept, err := os.Stat(filepath.Join(dir, "acme"))
	if err != nil || kept.Mode().Perm() != 0o700 {
		t.Errorf("the keys are open to others: %v %v", kept, err)
	}
	if _, _, err := browser.see(at, "other.example"); err == nil {
		t.Error("a browser takes a certificate for another name")
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	startAgent(t, dir, "--config", file, "--listen", at)
	kiosks.hear("2 kiosks connected again")
	shown(second)
}

// An authority that is away keeps nobody out: the agent shows its own
// certificate, and stops when it is asked to.
func TestACMEAway(t *testing.T) {
	at, dir := free(t), filepath.Join(t.TempDir(), "data")
	file := filepath.Join(t.TempDir(), "agent.toml")
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never says anything
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	text := fmt.Sprintf("[acme]\ndomains = [\"agent.example\"]\ndirectory = \"https://%s/dir\"\n", silent.Addr())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startAgent(t, dir, "--config", file, "--listen", at)
	if status, _ := p.get("/healthz", ""); status != 200 {
		t.Errorf("status %d", status)
	}
	asked, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer asked.Close()
	from := time.Now()
	if err := p.stop(); err != nil || time.Since(from) > stopTime {
		t.Errorf("it stopped after %v: %v", time.Since(from), err)
	}
}
