package door

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// known is the answer of the tests, window the one that gives it.
func known() Answer { return Answer{Type: 0xee, Protocol: 0xf4, Stamp: 0x59484b31} }

const window = 0x600002

// sent is the request to send an event to the root window.
func sent(event ...uint32) []byte {
	b := []byte{sendEvent, 0, sendEventSize / 4, 0}
	for _, w := range append([]uint32{0x50d, 0x180000}, event...) {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return append(b, make([]byte, sendEventSize-len(b))...)
}

// answerOf is a window's answer to the question of the stamp.
func answerOf(stamp, window uint32) []byte {
	return sent(isClientMessage|32<<8, 0x50d, known().Type, known().Protocol, stamp, window)
}

// listening makes a life and what the kiosk hears of it. It must be closed.
func listening(t testing.TB) (*life, *os.File) {
	t.Helper()
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	hears := os.NewFile(uintptr(p[0]), "kiosk")
	t.Cleanup(func() { hears.Close(); unix.Close(p[1]) })
	l, err := openLife(known(), p[1])
	if err != nil {
		t.Fatal(err)
	}
	return l, hears
}

// heard is what is in the pipe now.
func heard(t testing.TB, hears *os.File) []byte {
	t.Helper()
	b := make([]byte, 1<<16)
	var n int
	c, err := hears.SyscallConn()
	if err == nil {
		err = c.Control(func(fd uintptr) { n, _ = unix.Read(int(fd), b) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return b[:max(n, 0)]
}

// An answer is told to the kiosk and kept from the server, which counts a
// request all the same; everything else goes on as it is.
func TestAnswerStaysAtTheDoor(t *testing.T) {
	before, after := []byte{43, 0, 1, 0}, []byte{getKeyboardMapping, 0, 2, 0, 8, 248, 0, 0}
	kept := func(request []byte) []byte { b := bytes.Clone(request); b[0] = noOperation; return b }
	ours := answerOf(known().Stamp, window)
	propagated := bytes.Clone(ours)
	propagated[1] = 1
	long := append([]byte{sendEvent, 0, 0, 0, 12, 0, 0, 0}, ours[4:]...) // nobody sends it so
	cases := map[string]struct {
		request, want []byte
		tells         bool
	}{
		"an answer":              {ours, kept(ours), true},
		"to all above it":        {propagated, kept(propagated), true},
		"to the window manager":  {answerOf(12345, window), answerOf(12345, window), false},
		"another protocol":       {sent(isClientMessage|32<<8, 0x50d, known().Type, 1, known().Stamp, window), nil, false},
		"another message":        {sent(isClientMessage|32<<8, 0x50d, 1, known().Protocol, known().Stamp, window), nil, false},
		"in smaller pieces":      {sent(isClientMessage|8<<8, 0x50d, known().Type, known().Protocol, known().Stamp, window), nil, false},
		"another event":          {sent(isKeyPress|32<<8, 0x50d, known().Type, known().Protocol, known().Stamp, window), nil, false},
		"inside another request": {append([]byte{72, 0, 1 + sendEventSize/4, 0}, ours...), nil, false},
		"in the long form":       {long, nil, false},
	}
	for name, c := range cases {
		want := c.want
		if want == nil {
			want = c.request
		}
		in, want := slices.Concat(before, c.request, after), slices.Concat(before, want, after)
		for cut, pieces := range map[string]func(io.Reader) io.Reader{
			"at once":        func(r io.Reader) io.Reader { return r },
			"byte by byte":   iotest.OneByteReader,
			"in halves":      iotest.HalfReader,
			"with the end":   iotest.DataErrReader,
			"and then stuck": func(r io.Reader) io.Reader { return io.MultiReader(r, iotest.ErrReader(errors.New("stuck"))) },
		} {
			l, hears := listening(t)
			var out bytes.Buffer
			asked := &questions{}
			if there(&out, pieces(bytes.NewReader(in)), &requests{asked: asked, life: l}) == nil {
				t.Error("it ended without an error")
			}
			if !bytes.Equal(out.Bytes(), want) {
				t.Errorf("%s, %s: the server gets %x, want %x", name, cut, out.Bytes(), want)
			}
			if !slices.Equal(asked.open, []uint16{3}) {
				t.Errorf("%s, %s: the questions are %v: a request was not counted", name, cut, asked.open)
			}
			told := heard(t, hears)
			if c.tells != bytes.Equal(told, []byte{2, 0, 0x60, 0}) || (!c.tells && len(told) > 0) {
				t.Errorf("%s, %s: the kiosk hears %x", name, cut, told)
			}
		}
	}
	// Where nobody asks, nothing is an answer.
	var out bytes.Buffer
	for _, l := range []*life{nil, {to: -1}} {
		there(&out, bytes.NewReader(ours), &requests{asked: &questions{}, life: l})
	}
	zero := sent(isClientMessage | 32<<8)
	there(&out, bytes.NewReader(zero), &requests{asked: &questions{}, life: &life{to: -1}})
	if !bytes.Equal(out.Bytes(), slices.Concat(ours, ours, zero)) {
		t.Error("an answer was kept though nobody asked")
	}
}

// A flood of answers reaches neither the kiosk nor the server, and a kiosk that
// does not listen holds nobody up.
func TestAnswersDoNotFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, hears := listening(t)
		flood := bytes.Repeat(answerOf(known().Stamp, window), 1000)
		carry := func() {
			t.Helper()
			var out bytes.Buffer
			there(&out, bytes.NewReader(flood), &requests{asked: &questions{}, life: l})
			if out.Len() != len(flood) || bytes.IndexByte(out.Bytes(), sendEvent) >= 0 {
				t.Error("an answer went on to the server")
			}
		}
		carry()
		if told := heard(t, hears); len(told) != 4 {
			t.Errorf("the kiosk hears %d bytes", len(told))
		}
		time.Sleep(lifeEvery)
		carry()
		if told := heard(t, hears); len(told) != 4 {
			t.Errorf("later the kiosk hears %d bytes", len(told))
		}
		for range 20_000 { // more than a pipe holds
			time.Sleep(lifeEvery)
			there(io.Discard, bytes.NewReader(answerOf(known().Stamp, window)), &requests{asked: &questions{}, life: l})
		}
		if told := heard(t, hears); len(told) != 1<<16 {
			t.Errorf("the pipe holds %d bytes", len(told))
		}
	})
}

func FuzzRequests(f *testing.F) {
	f.Add([]byte{getKeyboardMapping, 0, 2, 0, 8, 248, 0, 0})
	f.Add(append([]byte{72, 0, 0, 0, 3, 0, 0, 0, 1, 2, 3, 4}, answerOf(known().Stamp, window)...))
	f.Add(answerOf(known().Stamp, window)[:30])
	f.Add([]byte{1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		carried := func(r io.Reader) ([]byte, requests) {
			var out bytes.Buffer
			reader := requests{asked: &questions{}, life: &life{answer: known(), to: -1}}
			if there(&out, r, &reader) == nil {
				t.Error("it ended without an error")
			}
			return out.Bytes(), reader
		}
		whole, one := carried(bytes.NewReader(b))
		pieces, other := carried(iotest.OneByteReader(bytes.NewReader(b)))
		if !bytes.Equal(whole, pieces) || one.count != other.count || one.skip != other.skip || !slices.Equal(one.asked.open, other.asked.open) {
			t.Errorf("%x: %x in one, %x in pieces", b, whole, pieces)
		}
		if len(whole) > len(b) || len(b)-len(whole) >= sendEventSize {
			t.Fatalf("of %d bytes %d went on", len(b), len(whole))
		}
		for i, got := range whole {
			if got != b[i] && (got != noOperation || b[i] != sendEvent) {
				t.Fatalf("byte %d became %d", i, got)
			}
		}
	})
}

func TestParseAnswer(t *testing.T) {
	if a, err := parseAnswer(known().String()); err != nil || a != known() {
		t.Errorf("%v, %v", a, err)
	}
	for _, bad := range []string{"", "1", "1,2", "1,2,3,4", "1,2,-3", "1,2,x", "1,2,4294967296", "1, 2,3"} {
		if a, err := parseAnswer(bad); err == nil {
			t.Errorf("%q became %v", bad, a)
		}
	}
}
