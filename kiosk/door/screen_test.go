package door

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// welcome is a server's first answer, for key codes 8 to 255.
func welcome() []byte {
	b := make([]byte, 48)
	b[0] = 1
	binary.LittleEndian.PutUint16(b[6:], 10)
	b[firstKeyAt], b[lastKeyAt] = 8, 255
	return b
}

func message(kind byte, more int) []byte {
	b := make([]byte, messageSize+4*more)
	b[0] = kind
	binary.LittleEndian.PutUint32(b[4:], uint32(more))
	for i := messageSize; i < len(b); i++ {
		b[i] = isMapping // content that looks like an event
	}
	return b
}

func TestBackMendsEvents(t *testing.T) {
	modifier, one := message(isMapping, 0), message(isMapping|sentByClient, 0)
	one[4], one[5], one[6] = 1, 40, 1
	key, altKey := message(isKeyPress, 0), message(isKeyRelease, 0)
	key[4], key[stateAt], altKey[4], altKey[stateAt] = 0, 1, 0, altGr|1
	rest := slices.Concat(message(isReply, 300), key, message(2, 0), message(isGeneric, 3), message(0, 0))
	var out bytes.Buffer
	err := back(&out, bytes.NewReader(slices.Concat(welcome(), rest, modifier, rest, altKey, one)), &questions{})
	if err != io.EOF {
		t.Error(err)
	}
	for _, e := range [][]byte{modifier, one} {
		e[5], e[6] = 8, 248
	}
	altKey[stateAt+1] |= secondGroup >> 8
	if want := slices.Concat(welcome(), rest, modifier, rest, altKey, one); !bytes.Equal(out.Bytes(), want[:out.Len()]) {
		t.Error("something else was changed, or the mapping was not")
	}
}

func FuzzBack(f *testing.F) {
	f.Add(slices.Concat(welcome(), message(isReply, 2)))
	f.Add([]byte{0, 1, 11, 0, 0, 0, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		var out bytes.Buffer
		asked := &questions{}
		asked.ask(0)
		if back(&out, bytes.NewReader(b), asked) == nil {
			t.Error("it ended without an error")
		}
		if out.Len() > len(b) {
			t.Errorf("%d bytes became %d", len(b), out.Len())
		}
	})
}

func FuzzSkipSetup(f *testing.F) {
	f.Add(setup([]byte("0123456789abcdef")))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		if err := skipSetup(r); err == nil && len(b)-r.Len() > setupHead+setupLimit {
			t.Errorf("it read %d bytes", len(b)-r.Len())
		}
	})
}

// AltGr: what it gives comes to where a program without XKB looks for it, in the
// answer to that question and in no other.
func TestBackMendsAltGr(t *testing.T) {
	mapping := func(number uint16, signs ...uint32) []byte {
		b := message(isReply, len(signs))
		b[1] = 7
		binary.LittleEndian.PutUint16(b[2:], number)
		for i, s := range signs {
			binary.LittleEndian.PutUint32(b[messageSize+4*i:], s)
		}
		return b
	}
	two := []uint32{'2', '"', '2', '"', '@', 0xb2, 0}
	plain := []uint32{'a', 'A', 'a', 'A', 0, 0, 0}
	asked := &questions{}
	r := requests{asked: asked}
	stream := slices.Concat(
		[]byte{1, 0, 3, 0}, make([]byte, 8), // three words
		[]byte{72, 0, 0, 0, 4, 0, 0, 0}, bytes.Repeat([]byte{getKeyboardMapping}, 8), // the long form, whose content looks like a question
		[]byte{getKeyboardMapping, 0, 2, 0, 8, 248, 0, 0}, []byte{43, 0, 1, 0})
	if pass := r.read(stream); pass != len(stream) {
		t.Errorf("%d of %d bytes go on", pass, len(stream))
	}
	if r.count != 4 || !slices.Equal(asked.open, []uint16{3}) {
		t.Fatalf("%d requests, questions %v", r.count, asked.open)
	}
	var out bytes.Buffer
	back(&out, bytes.NewReader(slices.Concat(welcome(), mapping(2, two...), mapping(3, append(two, plain...)...), mapping(4, two...))), asked)
	want := slices.Concat(welcome(), mapping(2, two...), mapping(3, '2', '"', '@', 0xb2, '@', 0xb2, 0, 'a', 'A', 'a', 'A', 0, 0, 0), mapping(4, two...))
	if !bytes.Equal(out.Bytes(), want[:out.Len()]) || out.Len() < len(want)-messageSize-28 {
		t.Error("the mapping came otherwise")
	}
}

// Whatever the browser says about who it is, the server hears the session's
// cookie.
func TestScreenSaysWhoItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	server, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	inside, err := net.Listen("unix", path+"i")
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close()
	ours := []byte("ours-ours-ours-o")
	go screen{path: path, cookie: ours}.serve(inside)
	for _, theirs := range [][]byte{setup(nil), setup([]byte("stolen-cookie-16")), setup([]byte("odd"))} {
		c, err := net.Dial("unix", path+"i")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(append(theirs, "request!"...)); err != nil {
			t.Fatal(err)
		}
		x, err := server.Accept()
		if err != nil {
			t.Fatal(err)
		}
		x.SetDeadline(time.Now().Add(10 * time.Second))
		want := append(setup(ours), "request!"...)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(x, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q: the server hears %q, %v", theirs, got, err)
		}
		x.Close()
		c.Close()
	}
	// The other order of bytes, and what is not X at all, does not get there.
	for _, bad := range [][]byte{append([]byte{'B'}, setup(nil)[1:]...), bytes.Repeat([]byte{'l', 0, 11, 0, 0, 0, 0xff, 0xff}, 2)} {
		c, err := net.Dial("unix", path+"i")
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(10 * time.Second))
		c.Write(bad)
		if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("%q was answered", bad)
		}
		c.Close()
	}
}
