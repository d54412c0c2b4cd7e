package boottest

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The test's eyes in the machine: a unit that the image does not have. The
// firmware hands it to systemd, and our copy of grub.cfg asks for it. It takes a
// line of shell on the second serial port and answers what came of it.
const (
	eyesUnit = "boottest-eyes.service"
	eyesText = `[Unit]
Description=the eyes of the boot test
[Service]
ExecStart=/bin/bash -c 'stty -F /dev/ttyS1 raw -echo 115200; exec </dev/ttyS1 >/dev/ttyS1; echo ready; while read -r l; do { echo "$$l" | base64 -d | timeout 120 bash 2>&1; echo "=$$?"; } | base64 -w0; echo; done'
Restart=always
`
)

// credential is the file with which the firmware hands the unit over.
func (m *machine) credential() string {
	m.t.Helper()
	path := filepath.Join(m.dir, "credential")
	text := "io.systemd.credential.binary:systemd.extra-unit." + eyesUnit + "=" + base64.StdEncoding.EncodeToString([]byte(eyesText))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return path
}

// eyes asks them.
type eyes struct {
	t     *testing.T
	line  net.Conn
	in    *bufio.Reader
	ready bool
}

func newEyes(t *testing.T, path string) *eyes {
	t.Helper()
	line, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { line.Close() })
	return &eyes{t: t, line: line, in: bufio.NewReader(line)}
}

// patienceOfEyes is for one look on a machine whose processor is computed.
const patienceOfEyes = 3 * time.Minute

func (e *eyes) read() string {
	e.t.Helper()
	return e.readIn(patienceOfEyes)
}

func (e *eyes) readIn(patience time.Duration) string {
	e.t.Helper()
	e.line.SetReadDeadline(time.Now().Add(patience))
	text, err := e.in.ReadString('\n')
	if err != nil {
		e.t.Fatalf("the test's eyes in the machine: %v (%q)", err, text)
	}
	return strings.TrimSpace(text)
}

// try runs a line of shell in the machine, as root, and says what it printed
// and how it ended.
func (e *eyes) try(line string) (said string, code string) {
	e.t.Helper()
	for !e.ready {
		e.ready = strings.HasSuffix(e.readIn(patience), "ready")
	}
	if _, err := fmt.Fprintln(e.line, base64.StdEncoding.EncodeToString([]byte(line))); err != nil {
		e.t.Fatal(err)
	}
	text, err := base64.StdEncoding.DecodeString(e.read())
	if err != nil {
		e.t.Fatalf("%s: %v", line, err)
	}
	at := strings.LastIndex(string(text), "=")
	return strings.TrimSpace(string(text[:at])), strings.TrimSpace(string(text[at+1:]))
}

// see runs a line that must succeed.
func (e *eyes) see(line string) string {
	e.t.Helper()
	said, code := e.try(line)
	if code != "0" {
		e.t.Fatalf("%s ended with %s: %s", line, code, said)
	}
	return said
}

// state is the kiosk's, as it says itself.
func (e *eyes) state() string {
	e.t.Helper()
	said, _ := e.try("kiosk status --json")
	var s struct{ State string }
	if err := json.Unmarshal([]byte(said), &s); err != nil {
		return said
	}
	return s.State
}
