// Package xserver starts X servers in memory for tests.
//
// Each takes the first display number that is free, by the server's own look:
// what killed servers left behind in /tmp is in nobody's way, and tests that
// run beside each other never meet. It is for tests and the project's tools
// only.
//
// Caveat: a server that is killed leaves its names in /tmp, as everywhere; the
// next one of the same user takes them over.
package xserver

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startTime is how long a server may take to say its number.
const startTime = 20 * time.Second

// Options are what tests vary.
type Options struct {
	Size   string   // such as "1366x768", that of most donated PCs, if empty
	Cookie []byte   // 16 bytes; random ones if empty
	Args   []string // more arguments of Xvfb
}

// Server is one that runs until its test ends.
type Server struct {
	Name    string // ":7"
	Number  int
	Cookies string // file of the cookie that lets in
	Process *os.Process
}

// Start starts a server, and fails the test if there is none to be had.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Size == "" {
		o.Size = "1366x768"
	}
	if len(o.Cookie) == 0 {
		o.Cookie = make([]byte, 16)
		rand.Read(o.Cookie)
	}
	s := &Server{Cookies: filepath.Join(t.TempDir(), "cookies")}
	// The number is not known yet, so the cookie is good for any.
	if err := os.WriteFile(s.Cookies, Authority("", o.Cookie), 0o600); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var said bytes.Buffer
	cmd := exec.Command("Xvfb", append([]string{"-displayfd", "3", "-screen", "0", o.Size + "x24", "-nolisten", "tcp", "-noreset", "-auth", s.Cookies}, o.Args...)...)
	cmd.ExtraFiles = []*os.File{w}
	cmd.Stderr = &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = cmd.Start()
	w.Close()
	if err != nil {
		t.Fatalf("start an X server: %v", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() })
	_ = r.SetReadDeadline(time.Now().Add(startTime))
	line, err := bufio.NewReader(r).ReadString('\n')
	if err == nil {
		s.Number, err = strconv.Atoi(strings.TrimSpace(line))
	}
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // said is whole
		t.Fatalf("the X server says no number: %v: %s", err, said.String())
	}
	s.Name, s.Process = fmt.Sprintf(":%d", s.Number), cmd.Process
	return s
}

// Use points the test's own DISPLAY and XAUTHORITY at the server.
func (s *Server) Use(t testing.TB) {
	t.Setenv("DISPLAY", s.Name)
	t.Setenv("XAUTHORITY", s.Cookies)
}

// Authority is the content of a cookie file (Xauthority) with one cookie, for
// any host and, without a number, any display.
func Authority(number string, cookie []byte) []byte {
	b := []byte{0xff, 0xff} // FamilyWild
	for _, field := range [][]byte{nil, []byte(number), []byte("MIT-MAGIC-COOKIE-1"), cookie} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(field)))
		b = append(b, field...)
	}
	return b
}
