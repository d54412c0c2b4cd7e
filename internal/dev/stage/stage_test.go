package stage

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/dev/guest"
)

func TestFreePort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:7510")
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	port, err := freePort(t.Context(), 7510)
	if err != nil || port == 7510 || answers(t.Context(), port) {
		t.Errorf("port %d, %v", port, err)
	}
	if !answers(t.Context(), 7510) {
		t.Error("nobody answers where somebody listens")
	}
}

// open makes a stage in a folder of its own; there are no programs on it.
func open(t *testing.T, data string, out io.Writer) (*Stage, error) {
	t.Helper()
	who, err := guest.Find()
	if err != nil {
		t.Skip(err)
	}
	t.Chdir(t.TempDir())
	if err := os.Mkdir("bin", 0o700); err != nil {
		t.Fatal(err)
	}
	return Open(who, data, false, out)
}

// A part that does not stop when asked is waited for, one that ends by itself
// says its last words, and a second stage in the folder is refused.
func TestStage(t *testing.T) {
	dir, err := os.MkdirTemp("/var/tmp", "yhteiskone-stage.")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	s, err := open(t, data, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, data, io.Discard); err == nil || !strings.Contains(err.Error(), "another run") {
		t.Errorf("a second stage: %v", err)
	}
	p, err := s.start("brief", s.Who, s.Environ(), "/bin/sh", "-c", "echo first; echo last words >&2; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	err = Await(t.Context(), p, 10*time.Second, func(context.Context) bool { return false })
	if err == nil || !strings.Contains(err.Error(), "brief ended (exit status 3); its last words: last words") {
		t.Errorf("%v", err)
	}
	long, err := s.start("long", s.Who, s.Environ(), "/bin/sh", "-c", "sleep 100 & wait")
	if err != nil {
		t.Fatal(err)
	}
	if err := Await(t.Context(), long, 20*time.Millisecond, func(context.Context) bool { return false }); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("%v", err)
	}
	mark := s.mark
	s.End()
	if left := guest.Left(mark); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	again, err := open(t, data, io.Discard)
	if err != nil {
		t.Fatalf("a stage after the end of the first: %v", err)
	}
	again.End()
}
