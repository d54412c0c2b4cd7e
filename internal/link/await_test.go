package link

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/internal/wire"
)

// held keeps what is written until it is let go, all at once.
type held struct {
	net.Conn
	mu   sync.Mutex
	hold bool
	had  bytes.Buffer
}

func (h *held) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hold {
		return h.had.Write(b)
	}
	return h.Conn.Write(b)
}

func (h *held) together(t *testing.T, write func()) {
	t.Helper()
	h.mu.Lock()
	h.hold = true
	h.mu.Unlock()
	write()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hold = false
	if _, err := h.Conn.Write(h.had.Bytes()); err != nil {
		t.Fatal(err)
	}
	h.had.Reset()
}

// awaited is a socket that can be awaited, as the agent's are.
type awaited struct{ *net.TCPConn }

func (a awaited) Await(ready func()) error {
	raw, err := a.SyscallConn()
	go func() {
		raw.Read(func(fd uintptr) bool {
			_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			return err != syscall.EAGAIN
		})
		ready()
	}()
	return err
}

type awaitedOnes struct{ net.Listener }

func (l awaitedOnes) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return awaited{c.(*net.TCPConn)}, nil
}

// frameOf is a client's frame with a mask of zeros.
func frameOf(text string) []byte {
	out := []byte{0x81, 0x80 | byte(len(text))}
	if len(text) > 125 {
		out = []byte{0x81, 0x80 | 126, byte(len(text) >> 8), byte(len(text))}
	}
	return append(append(out, 0, 0, 0, 0), text...)
}

// TestNothingIsWaitedForThatIsThere sends messages close together, as TLS and
// the buffers can take in more than one at a time.
func TestNothingIsWaitedForThatIsThere(t *testing.T) {
	ack := func(more int) string {
		b, err := json.Marshal(map[string]any{"type": "ack", "seq": 7, "new": strings.Repeat("x", more)})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, secure := range []bool{false, true} {
		up, accepted := NewUpgrader(), make(chan *Conn, 1)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c, err := up.Accept(w, r); err == nil {
				c.Trust()
				accepted <- c
			}
		}))
		server.Listener = awaitedOnes{server.Listener}
		var conf *tls.Config
		if secure {
			server.StartTLS()
			conf = server.Client().Transport.(*http.Transport).TLSClientConfig
		} else {
			server.Start()
		}
		t.Cleanup(server.Close)
		var line *held
		kiosk, err := Dial(t.Context(), server.URL, conf, func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, addr)
			line = &held{Conn: c}
			return line, err
		})
		if err != nil {
			t.Fatal(err)
		}
		agent := <-accepted
		if agent.quiet.socket == nil || agent.quiet.tls != secure {
			t.Fatalf("TLS %v: waits with %+v", secure, agent.quiet)
		}
		got := make(chan error, 16)
		var next func()
		next = func() {
			agent.Await(func() {
				_, err := agent.Receive()
				if got <- err; err == nil {
					next()
				}
			})
		}
		next()
		raw := kiosk.ws.NetConn()
		for name, writes := range map[string][][]byte{
			"two in one write":          {append(frameOf(ack(0)), frameOf(ack(1))...)},
			"a long one and a short":    {append(frameOf(ack(700)), frameOf(ack(1))...)},
			"as long as the buffer":     {append(frameOf(ack(readBuffer-8-len(ack(0)))), frameOf(ack(1))...)},
			"two writes, one packet":    {frameOf(ack(0)), frameOf(ack(0))},
			"long writes in one packet": {frameOf(ack(900)), frameOf(ack(900))},
			"cut in the middle":         {frameOf(ack(0))[:9], append(frameOf(ack(0))[9:], frameOf(ack(0))...)},
			"a ping in front":           {{0x89, 0x80, 0, 0, 0, 0}, frameOf(ack(0)), frameOf(ack(0))},
		} {
			line.together(t, func() {
				for _, w := range writes {
					if _, err := raw.Write(w); err != nil {
						t.Fatal(err)
					}
				}
			})
			for n := range 2 {
				select {
				case err := <-got:
					if err != nil {
						t.Fatalf("TLS %v, %s: %v", secure, name, err)
					}
				case <-time.After(10 * time.Second):
					t.Fatalf("TLS %v, %s: message %d lies there", secure, name, n+1)
				}
			}
		}
		kiosk.Close(CloseNormal, "") // and an end is noticed too
		select {
		case err := <-got:
			if err == nil {
				t.Errorf("TLS %v: no error after the end", secure)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("TLS %v: the end was not noticed", secure)
		}
	}
}

// TestPingsGoWithReports counts the pings of a kiosk that reports as often as
// it would ping, and of one that does not: the agent must wake for few.
func TestPingsGoWithReports(t *testing.T) {
	for _, every := range []time.Duration{PingEvery, 4 * PingEvery} {
		synctest.Test(t, func(t *testing.T) {
			here, there := net.Pipe()
			agent, kiosk := pipes(t, here, there)
			var alone, together int
			pinged := time.Time{}
			agent.ws.SetPingHandler(func(string) error { alone++; pinged = time.Now(); agent.extend(); return nil })
			kiosk.ws.SetReadDeadline(time.Time{}) // nobody answers here
			heard := make(chan struct{})
			go func() {
				defer close(heard)
				for {
					if _, err := agent.Receive(); err != nil {
						return
					}
					if time.Since(pinged) < time.Second {
						together++
						alone--
					}
				}
			}()
			go kiosk.KeepAlive()
			begun := time.Now()
			for time.Since(begun) < time.Hour {
				time.Sleep(every)
				if err := kiosk.Send(wire.Ack{Seq: 1}); err != nil {
					t.Fatal(err)
				}
			}
			if synctest.Wait(); time.Since(pinged) > PingEvery+time.Second {
				t.Errorf("reports every %v: no ping for %v", every, time.Since(pinged))
			}
			if every == PingEvery && (alone > 2 || together < 230) || every > PingEvery && alone+together < 230 {
				t.Errorf("reports every %v: %d pings with a report, %d alone", every, together, alone)
			}
			kiosk.Close(CloseNormal, "")
			<-heard
			agent.Close(CloseNormal, "")
		})
	}
}
