package display_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// fixed says another cookie than that of the cookie file.
type fixed struct {
	net.Conn
	cookie []byte
}

func (f fixed) Write(p []byte) (int, error) {
	if i := bytes.Index(p, []byte("0123456789abcdef")); i > 0 {
		p = append(append([]byte(nil), p[:i]...), f.cookie...)
	}
	return f.Conn.Write(p)
}

func connectAs(t *testing.T, cookie []byte) (*xgb.Conn, error) {
	t.Helper()
	socket, err := net.Dial("unix", "/tmp/.X11-unix/X"+strings.TrimPrefix(os.Getenv("DISPLAY"), ":"))
	if err != nil {
		t.Fatal(err)
	}
	return xgb.NewConnNet(fixed{socket, cookie})
}

func TestUntrustedCookie(t *testing.T) {
	d := server(t, "640x480")
	cookie, release, err := d.UntrustedCookie()
	if err != nil || len(cookie) != 16 {
		t.Fatalf("%d bytes, %v", len(cookie), err)
	}
	if _, err := connectAs(t, []byte("fedcba9876543210")); err == nil {
		t.Fatal("the server lets anybody in: this test shows nothing")
	}
	conn, err := connectAs(t, cookie)
	if err != nil {
		t.Fatal(err)
	}
	own := frameless(t, client(t), 0)
	root := xproto.Setup(conn).DefaultScreen(conn).Root
	for what, do := range map[string]func() error{
		"take a picture of the screen": func() error {
			_, err := xproto.GetImage(conn, xproto.ImageFormatZPixmap, xproto.Drawable(root), 0, 0, 10, 10, ^uint32(0)).Reply()
			return err
		},
		"write on another's window": func() error {
			return xproto.ChangePropertyChecked(conn, xproto.PropModeReplace, own, xproto.AtomWmName, xproto.AtomString, 8, 1, []byte("x")).Check()
		},
	} {
		if do() == nil {
			t.Errorf("somebody untrusted may %s", what)
		}
	}
	for _, name := range []string{"XTEST", "RECORD", "XInputExtension"} {
		if r, err := xproto.QueryExtension(conn, uint16(len(name)), name).Reply(); err != nil || r.Present {
			t.Errorf("somebody untrusted has %s, %v", name, err)
		}
	}
	if heard := hears(t, conn, own); heard {
		t.Error("somebody untrusted hears another's keys")
	}
	if trusted := client(t); !hears(t, trusted, own) {
		t.Error("somebody trusted hears nothing: this test shows nothing")
	}
	release()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for e, err := conn.WaitForEvent(); e != nil || err != nil; e, err = conn.WaitForEvent() {
		}
	}()
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("the connection outlived its cookie")
	}
	if _, err := connectAs(t, cookie); err == nil {
		t.Error("the cookie is good after its release")
	}
	release() // twice is no harm
	if err := d.Cover(); err != nil {
		t.Error(err)
	}
}

// hears reports whether the connection is told of a key that is pressed while
// the window has the keyboard.
func hears(t *testing.T, conn *xgb.Conn, w xproto.Window) bool {
	t.Helper()
	_ = xproto.ChangeWindowAttributesChecked(conn, w, xproto.CwEventMask, []uint32{xproto.EventMaskKeyPress}).Check()
	hand := client(t)
	if err := xproto.MapWindowChecked(hand, w).Check(); err != nil {
		t.Fatal(err)
	}
	if err := xproto.SetInputFocusChecked(hand, xproto.InputFocusNone, w, 0).Check(); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("xdotool", "key", "a").CombinedOutput(); err != nil {
		t.Fatalf("xdotool: %v %s", err, out)
	}
	conn.Sync()
	for {
		e, err := conn.PollForEvent()
		if _, key := e.(xproto.KeyPressEvent); key {
			return true
		}
		if e == nil && err == nil {
			return false
		}
	}
}

func TestUntrustedCookieWithoutSecurity(t *testing.T) {
	d := server(t, "640x480", "-extension", "SECURITY")
	if _, _, err := d.UntrustedCookie(); err == nil || !strings.Contains(err.Error(), "no SECURITY") {
		t.Errorf("got %v", err)
	}
}

// pinged maps a window that answers pings as long as alive says so.
func pinged(t *testing.T, class string, alive func() bool) {
	t.Helper()
	conn := client(t)
	id := frameless(t, conn, 0)
	atom := func(name string) uint32 {
		r, err := xproto.InternAtom(conn, false, uint16(len(name)), name).Reply()
		if err != nil {
			t.Fatal(err)
		}
		return uint32(r.Atom)
	}
	protocols := binary.LittleEndian.AppendUint32(nil, atom("_NET_WM_PING"))
	xproto.ChangeProperty(conn, xproto.PropModeReplace, id, xproto.Atom(atom("WM_PROTOCOLS")), xproto.AtomAtom, 32, 1, protocols)
	name := "x\x00" + class + "\x00"
	xproto.ChangeProperty(conn, xproto.PropModeReplace, id, xproto.AtomWmClass, xproto.AtomString, 8, uint32(len(name)), []byte(name))
	if err := xproto.MapWindowChecked(conn, id).Check(); err != nil {
		t.Fatal(err)
	}
	root := xproto.Setup(conn).DefaultScreen(conn).Root
	go func() {
		for {
			e, err := conn.WaitForEvent()
			if e == nil && err == nil {
				return
			}
			if m, ok := e.(xproto.ClientMessageEvent); ok && alive() {
				m.Window = root
				xproto.SendEvent(conn, false, root, xproto.EventMaskSubstructureNotify|xproto.EventMaskSubstructureRedirect, string(m.Bytes()))
			}
		}
	}()
}

func TestSilent(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 20 s")
	}
	d := server(t, "640x480")
	manager(t, d)
	if d.Silent("Nothing") != 0 {
		t.Error("no window owes an answer")
	}
	window(t, "Mute", "") // never promised to answer
	find(t, d, "Mute", "")
	answers := make(chan bool, 1)
	answers <- true
	set := func(to bool) { <-answers; answers <- to }
	alive := func() bool { a := <-answers; answers <- a; return a }
	pinged(t, "Lively", alive)
	w := find(t, d, "Lively", "")
	for began := time.Now(); time.Since(began) < 8*time.Second; {
		await(t, "a moment", func() bool { return time.Since(began).Milliseconds()%100 < 10 })
		if live, mute := d.Silent("Lively"), d.Silent("Mute"); live > time.Second || mute != 0 {
			t.Fatalf("after %v the one is silent for %v, the other for %v", time.Since(began), live, mute)
		}
	}
	set(false)
	froze := time.Now()
	awaitLong(t, "silence", func() bool { return d.Silent("Lively") > 3*time.Second })
	if took := time.Since(froze); took < 3*time.Second {
		t.Errorf("silent for 3 s after %v", took)
	}
	// Who did not listen has heard nothing, for an answer and against one.
	before, gap := d.Silent("Lively"), time.Now()
	await(t, "a while without a look", func() bool { return time.Since(gap) > 4*time.Second })
	if more := d.Silent("Lively") - before; more > 2*time.Second {
		t.Errorf("in 4 s without a look it became silent for %v more", more)
	}
	// An answer that comes by another way is one; somebody else's is none.
	d.Answered(uint32(w) + 1)
	if d.Silent("Lively") == 0 {
		t.Error("another window's answer counts")
	}
	d.Answered(uint32(w))
	if s := d.Silent("Lively"); s != 0 {
		t.Errorf("after an answer it is silent for %v", s)
	}
	awaitLong(t, "silence again", func() bool { return d.Silent("Lively") > time.Second })
	set(true)
	awaitLong(t, "an answer", func() bool { return d.Silent("Lively") == 0 })
}

func awaitLong(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	end := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited 30 s for %s", what)
		}
	}
}

func TestServerStopped(t *testing.T) {
	d, process := serverProcess(t, "640x480")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := d.ServerAnswers(ctx); err != nil {
		t.Fatal(err)
	}
	if pid, uid, err := d.ServerPID(); pid != process.Pid || uid != os.Getuid() || err != nil {
		t.Errorf("the server is %d of %d, %v; want %d", pid, uid, err, process.Pid)
	}
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	await(t, "the server to stop", func() bool {
		short, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		return d.ServerAnswers(short) != nil
	})
	if pid, _, err := d.ServerPID(); pid != process.Pid || err != nil {
		t.Errorf("the stopped server is %d, %v; want %d", pid, err, process.Pid)
	}
	short, cancelShort := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancelShort()
	if d.ManagerAnswers(short) {
		t.Error("a manager answers over a stopped server")
	}
	if err := process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := d.ServerAnswers(ctx); err != nil {
		t.Errorf("after it went on: %v", err)
	}
}

func TestManagerAnswers(t *testing.T) {
	d := server(t, "640x480")
	m := manager(t, d)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for range 3 {
		if !d.ManagerAnswers(ctx) {
			t.Fatal("a living manager does not answer")
		}
	}
	m.Stop()
	short, cancelShort := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancelShort()
	if d.ManagerAnswers(short) {
		t.Error("a dead manager answers")
	}
}

func TestScreens(t *testing.T) {
	for _, c := range []struct{ more []string }{{nil}, {[]string{"-extension", "RANDR"}}} {
		d := server(t, "800x600", c.more...)
		if n, w, h, err := d.Screens(); n != 1 || w != 800 || h != 600 || err != nil {
			t.Errorf("%v: %d screens, %dx%d, %v", c.more, n, w, h, err)
		}
	}
}

func TestLight(t *testing.T) {
	d := server(t, "640x480")
	for _, on := range []bool{false, true, true, false, false, true} {
		if err := d.Light(on); err != nil {
			t.Errorf("Light(%v): %v", on, err)
		}
	}
}

// owns gives the text to whoever asks for the selection.
func owns(t *testing.T, conn *xgb.Conn, text string) {
	t.Helper()
	id := frameless(t, conn, 0)
	if err := xproto.SetSelectionOwnerChecked(conn, id, xproto.AtomPrimary, 0).Check(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			e, err := conn.WaitForEvent()
			if e == nil && err == nil {
				return
			}
			r, ok := e.(xproto.SelectionRequestEvent)
			if !ok {
				continue
			}
			err2 := xproto.ChangePropertyChecked(conn, xproto.PropModeReplace, r.Requestor, r.Property, r.Target, 8, uint32(len(text)), []byte(text)).Check()
			answer := xproto.SelectionNotifyEvent{Time: r.Time, Requestor: r.Requestor, Selection: r.Selection, Target: r.Target, Property: r.Property}
			if err2 != nil {
				answer.Property = 0
			}
			xproto.SendEvent(conn, false, r.Requestor, 0, string(answer.Bytes()))
		}
	}()
}

func TestSelected(t *testing.T) {
	d := server(t, "640x480")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if text, err := d.Selected(ctx); text != "" || err != nil {
		t.Errorf("nothing marked: %q, %v", text, err)
	}
	const said = "Hakemus: hyväksytty. Привет"
	owns(t, client(t), said)
	if text, err := d.Selected(ctx); text != said || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	cookie, release, err := d.UntrustedCookie()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	conn, err := connectAs(t, cookie)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("ä", 5000)
	owns(t, conn, long)
	if text, err := d.Selected(ctx); text != long[:8000] || err != nil {
		t.Errorf("of an untrusted owner: %d bytes, %v; want 8000", len(text), err)
	}
	owns(t, client(t), "ok\xff\xfe!")
	if text, err := d.Selected(ctx); text != "ok!" || err != nil {
		t.Errorf("bytes that are no text: %q, %v", text, err)
	}
}

func TestSelectedOfSomebodySilent(t *testing.T) {
	d := server(t, "640x480")
	own(t) // never answers
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if text, err := d.Selected(ctx); text != "" || err == nil {
		t.Errorf("got %q, %v", text, err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}
