package door

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

// The words of SOCKS5 (RFC 1928) that the door knows.
const (
	version    = 5
	noAuth     = 0
	noneFits   = 0xff
	cmdConnect = 1
	kindIPv4   = 1
	kindName   = 3
	kindIPv6   = 4
)

// The answers to a request.
const (
	done        = 0
	failed      = 1
	notAllowed  = 2
	noNetwork   = 3
	noHost      = 4
	refused     = 5
	tooSlow     = 6
	noCommand   = 7
	noSuchKind  = 8
	lastCode    = noSuchKind
	nameLimit   = 253
	zeroAddress = "\x01\x00\x00\x00\x00\x00\x00"
)

// refusal is a request that is answered with a code other than done.
type refusal struct{ code byte }

func (r refusal) Error() string { return fmt.Sprintf("refused with code %d", r.code) }

func itoa(port uint16) string { return strconv.Itoa(int(port)) }

// greet takes the browser's greeting and answers it.
func greet(rw io.ReadWriter) error {
	var head [2]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return fmt.Errorf("read the greeting: %w", err)
	}
	if head[0] != version {
		return errors.New("read the greeting: it is not SOCKS5")
	}
	methods := make([]byte, head[1])
	if _, err := io.ReadFull(rw, methods); err != nil {
		return fmt.Errorf("read the greeting: %w", err)
	}
	for _, m := range methods {
		if m == noAuth {
			_, err := rw.Write([]byte{version, noAuth})
			return err
		}
	}
	rw.Write([]byte{version, noneFits})
	return errors.New("read the greeting: it wants to sign in")
}

// request reads what the browser asks for. A refusal is to be answered.
func request(r io.Reader) (host string, port uint16, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", 0, fmt.Errorf("read the request: %w", err)
	}
	if head[0] != version || head[2] != 0 {
		return "", 0, errors.New("read the request: it is not SOCKS5")
	}
	size := 0
	switch head[3] {
	case kindIPv4:
		size = 4
	case kindIPv6:
		size = 16
	case kindName:
		var n [1]byte
		if _, err := io.ReadFull(r, n[:]); err != nil {
			return "", 0, fmt.Errorf("read the request: %w", err)
		}
		size = int(n[0])
	default:
		return "", 0, refusal{noSuchKind}
	}
	b := make([]byte, size+2)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", 0, fmt.Errorf("read the request: %w", err)
	}
	if head[1] != cmdConnect {
		return "", 0, refusal{noCommand}
	}
	port = binary.BigEndian.Uint16(b[size:])
	if head[3] != kindName {
		a, _ := netip.AddrFromSlice(b[:size])
		return a.String(), port, nil
	}
	if host = string(b[:size]); !isHost(host) {
		return "", 0, refusal{notAllowed}
	}
	return host, port, nil
}

// isHost reports whether text can be a host's name or address: nothing that
// would mean something else to whoever takes it apart later.
func isHost(text string) bool {
	if text == "" || len(text) > nameLimit {
		return false
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return a.Zone() == ""
	}
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		case c == '.' && i > 0 && text[i-1] != '.':
		default:
			return false
		}
	}
	return true
}

// answer tells the browser how its request went.
func answer(w io.Writer, code byte) error {
	_, err := w.Write(append([]byte{version, code, 0}, zeroAddress...))
	return err
}

// codeOf turns an error of dialing into an answer. It says no more than the
// browser needs for its own page.
func codeOf(err error) byte {
	var refusal refusal
	var name *net.DNSError
	var slow net.Error
	switch {
	case errors.As(err, &refusal):
		return refusal.code
	case errors.Is(err, errClosed):
		return notAllowed
	case errors.As(err, &name):
		return noHost
	case errors.Is(err, syscall.ECONNREFUSED):
		return refused
	case errors.Is(err, syscall.ENETUNREACH):
		return noNetwork
	case errors.Is(err, syscall.EHOSTUNREACH):
		return noHost
	case errors.As(err, &slow) && slow.Timeout():
		return tooSlow
	}
	return failed
}
