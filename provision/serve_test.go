package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"yhteiskone/internal/release"
	"yhteiskone/provision/write"
	"yhteiskone/provision/write/writetest"
)

// loopback opens no port that a test may not.
type loopback struct{}

func (loopback) TCP(netip.AddrPort) (net.Listener, error) { return net.Listen("tcp4", "127.0.0.1:0") }
func (loopback) UDP(netip.AddrPort) (net.PacketConn, error) {
	return net.ListenPacket("udp4", "127.0.0.1:0")
}
func (loopback) Cable(string, int, bool) (net.PacketConn, error) {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	return deaf{c}, err
}

// deaf is a network in which nobody hears.
type deaf struct{ net.PacketConn }

func (deaf) WriteTo(p []byte, _ net.Addr) (int, error) { return len(p), nil }

// untilSaid ends ctx once a line says so.
type untilSaid struct {
	text string
	stop context.CancelFunc
	mu   sync.Mutex
	all  strings.Builder
}

func (u *untilSaid) Write(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.all.Write(p)
	if strings.Contains(u.all.String(), u.text) {
		u.stop()
	}
	return len(p), nil
}

// servedFor runs "provision serve" up to the moment in which it listens, on
// this machine's loopback in place of what the guide names, and with an image
// that has what a network needs.
func servedFor(t *testing.T, private release.SecretKey, args []string) error {
	t.Helper()
	image := writetest.Startable(t, writetest.Start())
	text, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := private.Sign(text, "yhteiskone")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(write.SignatureOf(image), signature, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"undionly.kpxe", "snponly.efi"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("iPXE"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args = append([]string{"--ipxe", dir}, args...)
	for i, word := range args {
		args[i] = strings.NewReplacer("yhteiskone-1.img", image, "192.168.77.1", "127.0.0.1", "192.168.77.100", "127.0.0.100").Replace(word)
		if strings.HasPrefix(word, "192.168.77.100-") {
			args[i] = "127.0.0.100-150"
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	out := &untilSaid{text: "Listening on http://127.0.0.1:8080", stop: stop}
	err = runServe(ctx, args, loopback{}, 10*time.Millisecond, out, out)
	if err == nil && !errors.Is(ctx.Err(), context.Canceled) {
		err = errors.New("it never listened: " + out.all.String())
	}
	if err == nil && strings.Contains(strings.Join(args, " "), "--hands-off") != strings.Contains(out.all.String(), "ERASES") {
		err = errors.New("it says wrongly whether it erases without asking: " + out.all.String())
	}
	return err
}

// What does not do is a sentence, and exit code 2.
func TestServeRefuses(t *testing.T) {
	image := writetest.Startable(t, writetest.Start())
	join, _ := joinFile(t, time.Now().Add(time.Hour))
	old, _ := joinFile(t, time.Now().Add(-time.Hour))
	for line, want := range map[string]string{
		"serve":                                  "name one image",
		"serve " + image + " --listen 127.0.0.1": "need a join file",
		"serve " + image + " --join " + join:     "none is chosen for you",
		"serve " + image + " --join " + join + " --listen 192.0.2.1":                   "no address of this machine",
		"serve " + image + " --join " + join + " --listen 127.0.0.1 --dhcp 10.0.0.1-9": "not in the network",
		"serve " + image + " --join " + join + " --listen 127.0.0.1 --dhcp all":        "is no range",
		"serve " + image + " --join " + join + " --listen 127.0.0.1 --lang de":         "does not speak",
		"serve " + image + " --join " + image + " --listen 127.0.0.1":                  "is not a join file",
		"serve " + image + ".gone --join " + join + " --listen 127.0.0.1":              "cannot be opened",
		"serve " + image + " --join " + join + " --listen 127.0.0.1 --ipxe /nowhere":   "apt install ipxe",
		"serve " + image + " --join " + old + " --listen 127.0.0.1":                    "too old",
		"serve " + image + " --join " + join + " --listen 127.0.0.1 --key " + join:     "key",
	} {
		if _, code, err := provision(t, strings.Fields(line)...); code != 2 || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, exit %d", line, err, code)
		}
	}
	if _, code, err := provision(t, "early"); code != 2 || err == nil {
		t.Errorf("this machine was not started over a network: %v", err)
	}
}
