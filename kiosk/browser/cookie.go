package browser

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
)

// The X cookie file: entries of a family, then address, display number, name
// and data, each with its length before it; all numbers big endian.
type cookie struct {
	family                      uint16
	address, number, name, data []byte
}

// familyWild is the family of an entry that fits every address. The sandbox
// has a host name of its own, so an entry for ours would not be found there.
const familyWild = 0xffff

// cookieName is the only kind of cookie that we know.
const cookieName = "MIT-MAGIC-COOKIE-1"

// cookieFor is a cookie file that holds one cookie, for any host.
func cookieFor(display int, data []byte) []byte {
	return formatCookie(cookie{family: familyWild, number: []byte(strconv.Itoa(display)), name: []byte(cookieName), data: data})
}

// cookieLimit bounds what is read of a cookie file.
const cookieLimit = 1 << 20

// wildCookie reads the cookie file and returns one that holds only the cookie
// for the display, for any host. Nil means that there is none; a server that
// asks for none will still let the browser in.
func wildCookie(path string, display int) ([]byte, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the X cookie: %w", err)
	}
	all, err := parseCookies(b)
	if err != nil {
		return nil, fmt.Errorf("read the X cookie in %s: %w", path, err)
	}
	number := strconv.Itoa(display)
	for _, c := range all {
		if string(c.name) != cookieName || (len(c.number) > 0 && string(c.number) != number) {
			continue
		}
		return cookieFor(display, c.data), nil
	}
	return nil, nil
}

func parseCookies(b []byte) ([]cookie, error) {
	if len(b) > cookieLimit {
		return nil, errors.New("the file is too long")
	}
	var all []cookie
	for len(b) > 0 {
		if len(b) < 2 {
			return nil, errors.New("the file is cut off")
		}
		c := cookie{family: binary.BigEndian.Uint16(b)}
		b = b[2:]
		for _, field := range []*[]byte{&c.address, &c.number, &c.name, &c.data} {
			if len(b) < 2 {
				return nil, errors.New("the file is cut off")
			}
			n := int(binary.BigEndian.Uint16(b))
			if b = b[2:]; len(b) < n {
				return nil, errors.New("the file is cut off")
			}
			*field, b = b[:n], b[n:]
		}
		all = append(all, c)
	}
	return all, nil
}

func formatCookie(c cookie) []byte {
	b := binary.BigEndian.AppendUint16(nil, c.family)
	for _, field := range [][]byte{c.address, c.number, c.name, c.data} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(field)))
		b = append(b, field...)
	}
	return b
}
