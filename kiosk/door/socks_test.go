package door

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
)

type talk struct {
	io.Reader
	io.Writer
}

func TestGreet(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{"\x05\x01\x00", "\x05\x00"}, {"\x05\x03\x02\x01\x00", "\x05\x00"},
		{"\x05\x01\x02", "\x05\xff"}, {"\x05\x00", "\x05\xff"}, {"\x04\x01\x00", ""}, {"\x05\x02\x00", ""}, {"\x05", ""}, {"", ""},
	} {
		var out bytes.Buffer
		err := greet(talk{strings.NewReader(c.in), &out})
		if out.String() != c.out || (err == nil) != (c.out == "\x05\x00") {
			t.Errorf("%q: %q, %v", c.in, out.String(), err)
		}
	}
}

func TestRequest(t *testing.T) {
	long := strings.Repeat("a", 254)
	for _, c := range []struct {
		in   string
		host string
		port uint16
		code byte // of a refusal, 0 for another error
	}{
		{"\x05\x01\x00\x01\x01\x02\x03\x04\x01\xbb", "1.2.3.4", 443, 0},
		{"\x05\x01\x00\x03\x07kela.fi\x01\xbb", "kela.fi", 443, 0},
		{"\x05\x01\x00\x03\x0aa_b-1.fi..\x00\x50", "", 0, notAllowed},
		{"\x05\x01\x00\x03\x03a.b\x00\x50", "a.b", 80, 0},
		{"\x05\x01\x00\x03\x03a b\x00\x50", "", 0, notAllowed},
		{"\x05\x01\x00\x03\x03a%b\x00\x50", "", 0, notAllowed},
		{"\x05\x01\x00\x03\x03a\x00b\x00\x50", "", 0, notAllowed},
		{"\x05\x01\x00\x03\x02\xc3\xa4\x00\x50", "", 0, notAllowed},
		{"\x05\x01\x00\x03\x00\x00\x50", "", 0, notAllowed},
		{"\x05\x01\x00\x03\x01.\x00\x50", "", 0, notAllowed},
		{"\x05\x01\x00\x03\x03::1\x00\x50", "::1", 80, 0},
		{"\x05\x01\x00\x03\x0cfe80::1%eth0\x00\x50", "", 0, notAllowed},
		{"\x05\x01\x00\x03\xfe" + long + "\x00\x50", "", 0, notAllowed},
		{"\x05\x01\x00\x04" + string(netip.IPv6Loopback().AsSlice()) + "\x00\x50", "::1", 80, 0},
		{"\x05\x02\x00\x01\x01\x02\x03\x04\x01\xbb", "", 0, noCommand},
		{"\x05\x03\x00\x01\x01\x02\x03\x04\x01\xbb", "", 0, noCommand},
		{"\x05\x01\x00\x02\x01\x02\x03\x04\x01\xbb", "", 0, noSuchKind},
		{"\x05\x01\x01\x01\x01\x02\x03\x04\x01\xbb", "", 0, 0},
		{"\x04\x01\x00\x01\x01\x02\x03\x04\x01\xbb", "", 0, 0},
		{"\x05\x01\x00\x01\x01\x02\x03", "", 0, 0},
		{"\x05\x01\x00\x03\x09kela.fi\x01\xbb", "", 0, 0},
		{"", "", 0, 0},
	} {
		host, port, err := request(strings.NewReader(c.in))
		var no refusal
		errors.As(err, &no)
		if host != c.host || port != c.port || no.code != c.code || (err == nil) != (c.host != "") {
			t.Errorf("%q: %q %d %v", c.in, host, port, err)
		}
	}
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte("\x05\x01\x00\x01\x01\x02\x03\x04\x01\xbb"))
	f.Add([]byte("\x05\x01\x00\x03\x07kela.fi\x01\xbb"))
	f.Add([]byte("\x05\x01\x00\x04aaaaaaaaaaaaaaaa\x01\xbb"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		host, _, err := request(r)
		if err == nil && (!isHost(host) || len(host) > nameLimit) {
			t.Errorf("%q became %q", b, host)
		}
		if read := len(b) - r.Len(); read > 4+1+255+2 {
			t.Errorf("it read %d bytes", read)
		}
	})
}

func FuzzGreet(f *testing.F) {
	f.Add([]byte("\x05\x01\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var out bytes.Buffer
		if err := greet(talk{bytes.NewReader(b), &out}); err == nil && out.String() != "\x05\x00" {
			t.Errorf("%q was answered %q", b, out.String())
		}
	})
}

func TestParseOpen(t *testing.T) {
	want := Open{Home: netip.MustParseAddrPort("127.0.0.1:4000"), Reach: []netip.AddrPort{netip.MustParseAddrPort("[::1]:5"), netip.MustParseAddrPort("127.0.0.1:6")}}
	got, err := parseOpen(want.Args())
	if err != nil || got.Home != want.Home || len(got.Reach) != 2 || got.Reach[0] != want.Reach[0] || got.Reach[1] != want.Reach[1] {
		t.Errorf("%+v, %v", got, err)
	}
	want.Screen, want.Answer = "/tmp/.X11-unix/X1", known()
	if got, err = parseOpen(want.Args()); err != nil || got.Screen != want.Screen || got.Answer != want.Answer {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range [][]string{nil, {"--home=127.0.0.1:1", "--answer=1,2"}, {"--home=127.0.0.1:1", "--screen=x"}, {"--reach=127.0.0.1:1"}, {"--home=x"}, {"--home=127.0.0.1:1", "--other=127.0.0.1:1"}, {"--home"}} {
		if o, err := parseOpen(bad); err == nil {
			t.Errorf("%q became %+v", bad, o)
		}
	}
}
