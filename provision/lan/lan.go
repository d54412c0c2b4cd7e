// Package lan holds the words between "provision serve" and a machine that was
// started over the network: what is on the kernel's line, which stretches of the
// image there are, and how far the machine is.
//
// It decodes what comes from a network: strictly, and with a bound on
// everything. It connects to nothing.
//
// Caveat: all of it goes over plain HTTP. What a machine fetches is compared
// with sums that came with its kernel, and the kernel came the same way: so
// damage is found, and somebody who sits in the same network is not.
package lan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
)

// Steps of a machine, in their order.
const (
	Starting  = "starting"  // its network card has asked
	Fetching  = "fetching"  // the image, into memory
	Beginning = "beginning" // the installer's system
	Asking    = "asking"    // a person stands before it, or should
	Joining   = "joining"
	Checking  = "checking"
	Writing   = "writing"
	Reading   = "reading"
	Finishing = "finishing"
	Done      = "done"
	Failed    = "failed"
)

// Steps are all of them.
func Steps() []string {
	return []string{Starting, Fetching, Beginning, Asking, Joining, Checking, Writing, Reading, Finishing, Done, Failed}
}

// Report is how far a machine is.
type Report struct {
	MAC     string `json:"mac"`
	Step    string `json:"step"`
	Percent int    `json:"percent,omitempty"`
	Name    string `json:"name,omitempty"`  // that the agent gave it
	About   string `json:"about,omitempty"` // maker and model
	Disk    string `json:"disk,omitempty"`
	Why     string `json:"why,omitempty"` // it failed
}

// Limits of what is decoded.
const (
	ReportLimit = 8 << 10
	ListLimit   = 1 << 20
	textLimit   = 200
)

// DecodeReport reads a report, and refuses what is not one.
func DecodeReport(r io.Reader) (Report, error) {
	var p Report
	if err := decode(r, ReportLimit, &p); err != nil {
		return Report{}, fmt.Errorf("read a machine's report: %w", err)
	}
	mac, err := MAC(p.MAC)
	if err != nil {
		return Report{}, fmt.Errorf("read a machine's report: %w", err)
	}
	p.MAC = mac
	known := false
	for _, s := range Steps() {
		known = known || s == p.Step
	}
	if !known || p.Percent < 0 || p.Percent > 100 {
		return Report{}, errors.New("read a machine's report: it is at no step that there is")
	}
	for _, text := range []*string{&p.Name, &p.About, &p.Disk, &p.Why} {
		*text = Plain(*text)
	}
	return p, nil
}

// Plain is text from elsewhere as it may stand on a page and in a log: one line
// of bounded length.
func Plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
	letters := []rune(strings.Join(strings.Fields(s), " "))
	return string(letters[:min(len(letters), textLimit)])
}

// MAC is the address of a network card in the one form that is used here.
func MAC(s string) (string, error) {
	m, err := net.ParseMAC(s)
	if err != nil || len(m) != 6 {
		return "", fmt.Errorf("%q is no network card's address", Plain(s))
	}
	return m.String(), nil
}

// Piece is a stretch of the image that has contents.
type Piece struct {
	At     int64  `json:"at"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// List is an image as a machine fetches it. What is in no piece is empty.
type List struct {
	Size   int64   `json:"size"`
	Pieces []Piece `json:"pieces"`
}

// Longest is the longest piece that there may be.
const Longest = 8 << 20

// Total is how much is fetched.
func (l List) Total() int64 {
	var n int64
	for _, p := range l.Pieces {
		n += p.Size
	}
	return n
}

// DecodeList reads a list, and refuses one that reaches out of its own image.
func DecodeList(text []byte) (List, error) {
	var l List
	if err := decode(bytes.NewReader(text), ListLimit, &l); err != nil {
		return List{}, fmt.Errorf("read the list of the image: %w", err)
	}
	var end int64
	for i, p := range l.Pieces {
		if p.At < end || p.Size < 1 || p.Size > Longest || p.At > l.Size-p.Size || len(p.SHA256) != 64 {
			return List{}, fmt.Errorf("read the list of the image: piece %d is not in order", i)
		}
		end = p.At + p.Size
	}
	if len(l.Pieces) == 0 {
		return List{}, errors.New("read the list of the image: there is nothing in it")
	}
	return l, nil
}

func decode(r io.Reader, limit int64, into any) error {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return err
	}
	if int64(len(text)) > limit {
		return errors.New("it is too long")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind it")
	}
	return nil
}

// Line is what the kernel's line says of the network.
type Line struct {
	From string       // address of the server, http://...
	List string       // sum of the list
	MAC  string       // of the card that the machine was started by
	Net  netip.Prefix // what the card is called, as the firmware was told
}

// Words of the kernel's line.
const (
	wordFrom = "kiosk.from="
	wordList = "kiosk.list="
	wordNet  = "kiosk.net="
)

// Words are those of the line, with iPXE's settings in place of what only the
// machine knows.
func Words(from, list string) string {
	return wordFrom + from + " " + wordList + list + " " + wordNet + "${netX/mac},${netX/ip},${netX/netmask}"
}

// ReadLine finds them; ok is false on a machine that was not started over the
// network.
func ReadLine(text string) (l Line, ok bool, err error) {
	for _, word := range strings.Fields(text) {
		switch {
		case strings.HasPrefix(word, wordFrom):
			l.From, ok = word[len(wordFrom):], true
		case strings.HasPrefix(word, wordList):
			l.List = word[len(wordList):]
		case strings.HasPrefix(word, wordNet):
			if l.MAC, l.Net, err = card(word[len(wordNet):]); err != nil {
				return Line{}, true, err
			}
		}
	}
	if !ok {
		return Line{}, false, nil
	}
	u, err := url.Parse(l.From)
	if err != nil || u.Scheme != "http" || u.Host == "" || u.Path != "" {
		return Line{}, true, fmt.Errorf("%s%s is no address of a server", wordFrom, Plain(l.From))
	}
	if len(l.List) != 64 || l.MAC == "" {
		return Line{}, true, errors.New("the kernel's line does not say from where and with which card")
	}
	return l, true, nil
}

func card(text string) (mac string, p netip.Prefix, err error) {
	parts := strings.Split(text, ",")
	if len(parts) != 3 {
		return "", p, fmt.Errorf("%s%s: card, address and mask are wanted", wordNet, Plain(text))
	}
	if mac, err = MAC(parts[0]); err != nil {
		return "", p, err
	}
	address, err := netip.ParseAddr(parts[1])
	mask, err2 := netip.ParseAddr(parts[2])
	if err = errors.Join(err, err2); err != nil || !address.Is4() || !mask.Is4() {
		return "", p, fmt.Errorf("%s%s: address and mask do not do", wordNet, Plain(text))
	}
	ones, bits := net.IPMask(mask.AsSlice()).Size()
	if bits == 0 {
		return "", p, fmt.Errorf("%s%s: that is no mask", wordNet, Plain(text))
	}
	return mac, netip.PrefixFrom(address, ones), nil
}
