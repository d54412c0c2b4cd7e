package rig

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// Proxy is the cable between kiosk and agent. It can be cut, and it keeps what
// went over it.
type Proxy struct {
	listener net.Listener
	target   string
	scheme   string

	mu    sync.Mutex
	cut   bool
	calls []*call
}

// call is one connection with what each end said.
type call struct {
	from, to net.Conn
	said     [2]Log // 0: the kiosk, 1: the agent
}

// NewProxy stands before the agent at url.
func (w *World) NewProxy(url string) *Proxy {
	w.Helper()
	scheme, target, _ := strings.Cut(url, "://")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	p := &Proxy{listener: l, target: target, scheme: scheme}
	go p.serve()
	w.Cleanup(func() { l.Close(); p.Cut() })
	return p
}

// URL is the proxy's own address.
func (p *Proxy) URL() string { return p.scheme + "://" + p.listener.Addr().String() }

func (p *Proxy) serve() {
	for {
		from, err := p.listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", p.target)
		p.mu.Lock()
		if err != nil || p.cut {
			p.mu.Unlock()
			from.Close()
			if err == nil {
				to.Close()
			}
			continue
		}
		c := &call{from: from, to: to}
		p.calls = append(p.calls, c)
		p.mu.Unlock()
		go c.copy(to, from, 0)
		go c.copy(from, to, 1)
	}
}

// copy keeps first and sends then: what has arrived can be read in Frames.
func (c *call) copy(to, from net.Conn, who int) {
	io.Copy(io.MultiWriter(&c.said[who], to), from)
	to.Close()
	from.Close()
}

// Cut closes every connection and takes no new one.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	for _, c := range p.calls {
		c.from.Close()
		c.to.Close()
	}
}

// Mend takes connections again.
func (p *Proxy) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = false
}

// Frame is one message of a websocket, unmasked.
type Frame struct {
	FromKiosk bool
	Text      []byte
}

// Frames are the text frames of all connections so far, and every other byte
// that went over them (headers, bodies of requests). Only for an agent with
// plain HTTP.
func (p *Proxy) Frames() (frames []Frame, rest []byte, err error) {
	p.mu.Lock()
	calls := append([]*call(nil), p.calls...)
	p.mu.Unlock()
	for _, c := range calls {
		for who := range c.said {
			f, other, err := readStream([]byte(c.said[who].String()), who == 0)
			if err != nil {
				return nil, nil, err
			}
			frames, rest = append(frames, f...), append(rest, other...)
		}
	}
	return frames, rest, nil
}

// readStream splits what one end said into the HTTP head and the frames after
// it. A stream without an upgrade is all rest.
func readStream(b []byte, kiosk bool) (frames []Frame, rest []byte, err error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 || !upgrades(b[:end+4], kiosk) {
		return nil, b, nil
	}
	rest, b = b[:end+4], b[end+4:]
	for len(b) >= 2 {
		head, size, masked := b[0], int(b[1]&0x7f), b[1]&0x80 != 0
		if masked != kiosk || head&0x70 != 0 {
			return nil, nil, fmt.Errorf("a frame with the bits %08b %08b", b[0], b[1])
		}
		b = b[2:]
		switch size {
		case 126:
			if len(b) < 2 {
				return frames, rest, nil
			}
			size, b = int(binary.BigEndian.Uint16(b)), b[2:]
		case 127:
			return nil, nil, fmt.Errorf("a frame larger than any of ours")
		}
		var mask [4]byte
		if masked {
			if len(b) < 4 {
				return frames, rest, nil
			}
			b = b[copy(mask[:], b):]
		}
		if len(b) < size {
			return frames, rest, nil // cut in the middle
		}
		text := bytes.Clone(b[:size])
		for i := range text {
			text[i] ^= mask[i%4]
		}
		b = b[size:]
		if head&0x0f == 1 {
			frames = append(frames, Frame{kiosk, text})
		} else {
			rest = append(rest, text...)
		}
	}
	return frames, rest, nil
}

func upgrades(head []byte, request bool) bool {
	r := bufio.NewReader(bytes.NewReader(head))
	if request {
		req, err := http.ReadRequest(r)
		return err == nil && strings.EqualFold(req.Header.Get("Upgrade"), "websocket")
	}
	resp, err := http.ReadResponse(r, nil)
	return err == nil && resp.StatusCode == http.StatusSwitchingProtocols
}
