package xserver

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestAuthority(t *testing.T) {
	want := "\xff\xff" + "\x00\x00" + "\x00\x017" + "\x00\x12MIT-MAGIC-COOKIE-1" + "\x00\x10" + "0123456789abcdef"
	if got := Authority("7", []byte("0123456789abcdef")); string(got) != want {
		t.Errorf("%q", got)
	}
	file := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(file, Authority("7", []byte("0123456789abcdef")), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("xauth", "-f", file, "list").CombinedOutput()
	if err != nil || !strings.Contains(string(out), ":7  MIT-MAGIC-COOKIE-1  30313233343536373839616263646566") {
		t.Errorf("xauth reads %q, %v", out, err)
	}
}

// Servers beside each other take other numbers, and each lets in who holds its
// own cookie.
func TestStart(t *testing.T) {
	a, b := Start(t, Options{Size: "320x200"}), Start(t, Options{Size: "320x200"})
	if a.Number == b.Number {
		t.Fatalf("both are %s", a.Name)
	}
	for _, c := range []struct {
		s       *Server
		cookies string
		in      bool
	}{{a, a.Cookies, true}, {b, b.Cookies, true}, {b, a.Cookies, false}, {b, "/dev/null", false}} {
		socket, err := net.Dial("unix", "/tmp/.X11-unix/X"+strconv.Itoa(c.s.Number))
		if err != nil {
			t.Fatal(err)
		}
		socket.Close()
		cmd := exec.Command("xdotool", "getdisplaygeometry")
		cmd.Env = []string{"DISPLAY=" + c.s.Name, "XAUTHORITY=" + c.cookies}
		out, err := cmd.CombinedOutput()
		if in := err == nil && strings.TrimSpace(string(out)) == "320 200"; in != c.in {
			t.Errorf("%s with %s: %v, %s", c.s.Name, filepath.Base(filepath.Dir(c.cookies)), err, out)
		}
	}
}
