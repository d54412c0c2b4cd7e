package display_test

import (
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/jezek/xgb/xproto"

	"yhteiskone/kiosk/display"
)

// reader is a program with a text field: it understands what is typed by the
// keyboard's map, as any X client does.
type reader struct {
	mu   sync.Mutex
	text string
}

func (r *reader) read() string { r.mu.Lock(); defer r.mu.Unlock(); return r.text }

// reads maps a window, gives it the keyboard and reads.
func reads(t *testing.T) *reader {
	t.Helper()
	conn := client(t)
	id := frameless(t, conn, 1)
	if err := xproto.ChangeWindowAttributesChecked(conn, id, xproto.CwEventMask, []uint32{xproto.EventMaskKeyPress}).Check(); err != nil {
		t.Fatal(err)
	}
	if err := xproto.MapWindowChecked(conn, id).Check(); err != nil {
		t.Fatal(err)
	}
	if err := xproto.SetInputFocusChecked(conn, xproto.InputFocusNone, id, 0).Check(); err != nil {
		t.Fatal(err)
	}
	r := &reader{}
	go func() {
		for {
			e, err := conn.WaitForEvent()
			if e == nil && err == nil {
				return
			}
			k, ok := e.(xproto.KeyPressEvent)
			if !ok {
				continue
			}
			m, fail := xproto.GetKeyboardMapping(conn, k.Detail, 1).Reply()
			if fail != nil {
				return
			}
			r.mu.Lock()
			r.text += written(m.Keysyms, k.State)
			r.mu.Unlock()
		}
	}()
	return r
}

func written(syms []xproto.Keysym, state uint16) string {
	s := syms[0]
	if state&xproto.ModMaskShift != 0 && len(syms) > 1 && syms[1] != 0 {
		s = syms[1]
	}
	var r rune
	switch {
	case s < 0x100:
		r = rune(s)
	case s>>24 == 1:
		r = rune(s & 0xffffff)
	case s == 0x20ac:
		r = '€'
	case s == 0xff08:
		return "<"
	case s == 0xff0d:
		return "\n"
	default:
		return ""
	}
	if state&xproto.ModMaskLock != 0 && state&xproto.ModMaskShift == 0 {
		r = unicode.ToUpper(r)
	} else if state&xproto.ModMaskLock != 0 {
		r = unicode.ToLower(r)
	}
	if state&xproto.ModMaskControl != 0 {
		return "^" + string(r)
	}
	return string(r)
}

func mapping(t *testing.T) []xproto.Keysym {
	t.Helper()
	m, err := xproto.GetKeyboardMapping(client(t), 8, 248).Reply()
	if err != nil {
		t.Fatal(err)
	}
	var all []xproto.Keysym // without the empty ones at each key's end: how many there are may change
	for i, s := range m.Keysyms {
		if s != 0 {
			all = append(all, xproto.Keysym(i/int(m.KeysymsPerKeycode)), s)
		}
	}
	return all
}

func hand(t *testing.T, keys ...string) {
	t.Helper()
	if _, err := exec.LookPath("xdotool"); err != nil {
		t.Skip("xdotool is not installed")
	}
	if out, err := exec.Command("xdotool", keys...).CombinedOutput(); err != nil {
		t.Fatalf("xdotool %v: %v %s", keys, err, out)
	}
}

func typed(t *testing.T, r *reader, want string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("read %q, want %q", r.read(), want)
		}
	}()
	await(t, "the text", func() bool { return len([]rune(r.read())) >= len([]rune(want)) })
	if got := r.read(); got != want {
		t.Fatalf("read %q, want %q", got, want)
	}
	r.mu.Lock()
	r.text = ""
	r.mu.Unlock()
}

const everything = "aAzZ09 äöåÄÖÅ@€/:.-_!\"#%&'()*+,;<=>?[\\]^`{|}~£§ " +
	"абвгдеёжзийклмнопрстуфхцчшщъыьэюяїієґ АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЇІЄҐ õüšžÕÜŠŽ " +
	"ضصثقفغعهخحجدشسيبلاتنمكطذئءؤرىةوزظأإآ پچژکگی"

func TestType(t *testing.T) {
	d := server(t, "640x480")
	before := mapping(t)
	r := reads(t)
	typist, err := d.NewTypist()
	if err != nil {
		t.Fatal(err)
	}
	write := func(s string) {
		t.Helper()
		for _, c := range s {
			if err := typist.Type(c); err != nil {
				t.Fatalf("%q: %v", c, err)
			}
		}
	}
	for part := range strings.FieldsSeq(everything) {
		if err := typist.Borrow([]rune(part)); err != nil {
			t.Fatal(err)
		}
		write(part)
		typed(t, r, part)
	}
	if err := typist.Press(display.KeyBackspace); err != nil {
		t.Fatal(err)
	}
	if err := typist.Press(display.KeyEnter); err != nil {
		t.Fatal(err)
	}
	typed(t, r, "<\n")
	hand(t, "key", "Caps_Lock")
	write("aBäЖ1")
	hand(t, "key", "Caps_Lock")
	typed(t, r, "aBäЖ1")
	if slices.Equal(before, mapping(t)) {
		t.Error("nothing was borrowed: this test shows nothing")
	}
	if err := typist.PutBack(); err != nil {
		t.Fatal(err)
	}
	if after := mapping(t); !slices.Equal(before, after) {
		t.Errorf("the map is not as it was:\n%v\n%v", before, after)
	}
}

// What a killed kiosk had borrowed is given back by the next.
func TestBorrowedByAKilledOne(t *testing.T) {
	d := server(t, "640x480")
	before := mapping(t)
	killed, err := display.Open()
	if err != nil {
		t.Fatal(err)
	}
	first, err := killed.NewTypist()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Borrow([]rune("жщы")); err != nil {
		t.Fatal(err)
	}
	killed.Close()
	<-killed.Done()
	if slices.Equal(before, mapping(t)) {
		t.Fatal("nothing was left: this test shows nothing")
	}
	if _, err := d.NewTypist(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(before, mapping(t)) {
		t.Error("the map is not as it was")
	}
}

func TestSticky(t *testing.T) {
	d := server(t, "640x480")
	locks, err := d.Locks()
	if err != nil {
		t.Fatal(err)
	}
	r := reads(t)
	if err := d.Sticky(true); err != nil {
		t.Fatal(err)
	}
	hand(t, "key", "Shift_L")
	hand(t, "key", "a")
	hand(t, "key", "a")
	hand(t, "key", "Control_L")
	hand(t, "key", "a")
	hand(t, "key", "a")
	typed(t, r, "Aa^aa")
	typist, err := d.NewTypist()
	if err != nil {
		t.Fatal(err)
	}
	hand(t, "key", "Shift_L") // and the on-screen keyboard
	for _, c := range "bÄä" {
		if err := typist.Type(c); err != nil {
			t.Fatal(err)
		}
	}
	typed(t, r, "BÄä")
	hand(t, "key", "Shift_L")
	if err := d.Sticky(false); err != nil {
		t.Fatal(err)
	}
	hand(t, "key", "a")
	hand(t, "key", "Shift_L")
	hand(t, "key", "a")
	typed(t, r, "aa")

	hand(t, "key", "Caps_Lock")
	if err := d.Sticky(true); err != nil {
		t.Fatal(err)
	}
	hand(t, "key", "Shift_L")
	if now, _ := d.Locks(); now == locks {
		t.Fatal("Caps Lock does nothing: this test shows nothing")
	}
	if err := d.ResetKeys(locks); err != nil {
		t.Fatal(err)
	}
	if now, err := d.Locks(); now != locks || err != nil {
		t.Errorf("locked are %b, %v; want %b", now, err, locks)
	}
	hand(t, "key", "a")
	typed(t, r, "a")
}

// No gesture on the keyboard turns sticky or slow keys on or off.
func TestStickyByGesture(t *testing.T) {
	d := server(t, "640x480")
	if out, err := exec.Command("xkbset", "a").CombinedOutput(); err == nil {
		t.Logf("gestures were on: %s", out)
	}
	r := reads(t)
	five := []string{"key", "Shift_L", "Shift_L", "Shift_L", "Shift_L", "Shift_L"}
	for _, on := range []bool{false, true} {
		if err := d.Sticky(on); err != nil {
			t.Fatal(err)
		}
		hand(t, five...)
		hand(t, "key", "Control_L") // a key of its own: it ends Shift's latch or does nothing
		hand(t, "key", "b")
		await(t, "a letter", func() bool { return r.read() != "" })
		hand(t, "key", "Shift_L")
		hand(t, "key", "a")
		await(t, "another", func() bool { return strings.ContainsAny(r.read()[1:], "aA") })
		if sticky := strings.HasSuffix(r.read(), "A"); sticky != on {
			t.Errorf("sticky %v, but read %q", on, r.read())
		}
		r.mu.Lock()
		r.text = ""
		r.mu.Unlock()
		if err := d.Sticky(false); err != nil {
			t.Fatal(err)
		}
	}
}
