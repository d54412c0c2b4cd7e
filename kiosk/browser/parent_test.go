package browser_test

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"yhteiskone/kiosk/browser"
	"yhteiskone/kiosk/procs"
	"yhteiskone/kiosk/session"
)

// withToken counts the living processes that carry the token.
func withToken(t *testing.T, token string) (n int) {
	t.Helper()
	table, err := procs.Scan(procs.Root)
	if err != nil {
		t.Fatal(err)
	}
	for pid, p := range table {
		if p.Zombie() || !p.Of([]int{os.Getuid()}) {
			continue
		}
		if env, err := procs.Environ(procs.Root, pid); err == nil && procs.Token(env) == token {
			n++
		}
	}
	return n
}

// The kiosk may die at any moment; its client's browser dies with it.
func TestBrowserDiesWithItsParent(t *testing.T) {
	const parent = "YHTEISKONE_TEST_PARENT"
	if token := os.Getenv(parent); token != "" {
		b := newBrowser(t, (&desk{name: os.Getenv("DISPLAY"), cookies: os.Getenv("XAUTHORITY")}).options().WithRoom(1366, 696))
		r, err := b.Start(t.Context(), session.Mark{Token: token, Canary: strings.Repeat("b", 32), Started: time.Now()}, session.Setup{Lang: "fi"})
		if err != nil {
			t.Fatal(err)
		}
		<-r.Painted()
		os.Stdout.WriteString("painted\n")
		<-r.Lost()
		return
	}
	d := newDesk(t)
	mark := begin(t, d.wiper(t))
	c := exec.Command(os.Args[0], "-test.run=^TestBrowserDiesWithItsParent$")
	c.Env = append(os.Environ(), parent+"="+mark.Token)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for line := bufio.NewScanner(out); ; {
		if !line.Scan() {
			t.Fatal("the parent ended before its browser painted")
		}
		if line.Text() == "painted" {
			break
		}
	}
	if n := withToken(t, mark.Token); n < 3 {
		t.Fatalf("only %d processes carry the token while the session runs", n)
	}
	began := time.Now()
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	await(t, "the end of every process", 5*time.Second, func() bool { return withToken(t, mark.Token) == 0 })
	t.Logf("nothing left %v after kill -9 of the parent", time.Since(began))
}

var _ browser.Windows = (*desk)(nil)
