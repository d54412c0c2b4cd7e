package link

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"yhteiskone/internal/wire"
)

// ends returns a connected pair over real sockets, with the raw client side.
func ends(t *testing.T) (agent *Conn, kiosk *Conn) {
	t.Helper()
	up, accepted := NewUpgrader(), make(chan *Conn, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := up.Accept(w, r); err == nil {
			accepted <- c
		}
	}))
	t.Cleanup(server.Close)
	kiosk, err := Dial(t.Context(), server.URL, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	agent = <-accepted
	t.Cleanup(func() { kiosk.Close(CloseNormal, ""); agent.Close(CloseNormal, "") })
	return agent, kiosk
}

func TestMessagesBothWays(t *testing.T) {
	agent, kiosk := ends(t)
	for _, pair := range [][2]*Conn{{agent, kiosk}, {kiosk, agent}} {
		if err := pair[0].Send(wire.Ack{Seq: 7}); err != nil {
			t.Fatal(err)
		}
		if m, err := pair[1].Receive(); err != nil || m != (wire.Ack{Seq: 7}) {
			t.Fatalf("received %v, %v", m, err)
		}
	}
	if err := agent.Send(wire.Ack{}); err == nil {
		t.Error("a message that the other end would refuse was sent")
	}
	agent.Close(CloseRefused, "unknown kiosk")
	_, err := kiosk.Receive()
	var closed *CloseError
	if !errors.As(err, &closed) || closed.Code != CloseRefused || closed.Reason != "unknown kiosk" {
		t.Errorf("after the close: %v", err)
	}
}

func TestAcceptRefuses(t *testing.T) {
	up := NewUpgrader()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := up.Accept(w, r); err == nil {
			c.Close(CloseNormal, "")
			t.Error("accepted")
		}
	}))
	defer server.Close()
	address := "ws" + strings.TrimPrefix(server.URL, "http")
	for name, header := range map[string]http.Header{
		"a browser":         {"Origin": {server.URL}, "Sec-Websocket-Protocol": {wire.Subprotocol}},
		"an empty origin":   {"Origin": {""}, "Sec-Websocket-Protocol": {wire.Subprotocol}},
		"a cookie":          {"Cookie": {"a=b"}, "Sec-Websocket-Protocol": {wire.Subprotocol}},
		"no subprotocol":    {},
		"other subprotocol": {"Sec-Websocket-Protocol": {"yhteiskone.v2"}},
	} {
		_, resp, err := websocket.DefaultDialer.Dial(address, header)
		if err == nil || resp == nil || resp.StatusCode/100 != 4 {
			t.Errorf("%s: %v, %v", name, resp, err)
		}
	}
	resp, err := http.Get(server.URL)
	if err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("no websocket at all: %v, %v", resp, err)
	}
}

func TestBadFramesCloseTheLine(t *testing.T) {
	for name, c := range map[string]struct {
		trust bool
		kind  int
		frame string
		code  int
	}{
		"too big before":  {false, websocket.TextMessage, strings.Repeat("x", wire.LimitBefore+1), CloseTooBig},
		"too big after":   {true, websocket.TextMessage, strings.Repeat("x", wire.LimitAfter+1), CloseTooBig},
		"binary":          {false, websocket.BinaryMessage, `{"type":"ack","seq":1}`, CloseMalformed},
		"no message":      {false, websocket.TextMessage, `{"type":"exec"}`, CloseMalformed},
		"not even UTF-8":  {false, websocket.TextMessage, "\xff\xfe", CloseMalformed},
		"an empty string": {false, websocket.TextMessage, "", CloseMalformed},
	} {
		agent, kiosk := ends(t)
		if c.trust {
			agent.Trust()
		}
		if err := kiosk.ws.WriteMessage(c.kind, []byte(c.frame)); err != nil {
			t.Fatal(err)
		}
		if _, err := agent.Receive(); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
		_, err := kiosk.Receive()
		var closed *CloseError
		if !errors.As(err, &closed) || closed.Code != c.code {
			t.Errorf("%s: the other end is told %v, not %d", name, err, c.code)
		}
	}
	agent, kiosk := ends(t) // and as big as allowed is heard
	agent.Trust()
	big := `{"type":"ack","seq":1,"new":"` + strings.Repeat("x", wire.LimitAfter-31) + `"}`
	if err := kiosk.ws.WriteMessage(websocket.TextMessage, []byte(big)); err != nil {
		t.Fatal(err)
	}
	if m, err := agent.Receive(); err != nil {
		t.Errorf("%d bytes: %v, %v", len(big), m, err)
	}
}

// TestSilence plays hours of quiet line and a dead one in fake time.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		agent, kiosk := pipes(t, here, there)
		alive := make(chan struct{})
		go func() { kiosk.KeepAlive(); close(alive) }()
		kioskGone := make(chan error, 1)
		agentGone := make(chan error, 1)
		go func() { _, err := kiosk.Receive(); kioskGone <- err }()
		go func() { _, err := agent.Receive(); agentGone <- err }()
		time.Sleep(6 * time.Hour)
		synctest.Wait()
		select {
		case err := <-kioskGone:
			t.Fatalf("the kiosk gave a quiet line up: %v", err)
		case err := <-agentGone:
			t.Fatalf("the agent gave a quiet line up: %v", err)
		default:
		}
		kiosk.once.Do(func() { close(kiosk.stop) }) // no more pings, as of a frozen kiosk
		<-alive
		began := time.Now()
		var timeout net.Error
		if err := <-agentGone; !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("the agent sees %v", err)
		}
		if took := time.Since(began); took > 35*time.Second {
			t.Errorf("a dead line was noticed after %v", took)
		}
		agent.Close(CloseGoingAway, "")
		kiosk.ws.Close()
		<-kioskGone
	})
}

// pipes returns a connected pair over a pipe, for fake time.
func pipes(t *testing.T, here, there net.Conn) (agent, kiosk *Conn) {
	t.Helper()
	up, accepted := NewUpgrader(), make(chan *Conn, 1)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := up.Accept(w, r); err == nil {
			accepted <- c
		}
	})}
	once := &oneConn{conn: make(chan net.Conn, 1), closed: make(chan struct{})}
	once.conn <- there
	go server.Serve(once)
	kiosk, err := Dial(context.Background(), "http://agent", nil, func(context.Context, string, string) (net.Conn, error) { return here, nil })
	if err != nil {
		t.Fatal(err)
	}
	agent = <-accepted
	server.Close() // of the listener only: the connection is ours
	return agent, kiosk
}

// oneConn is a listener with one connection.
type oneConn struct {
	conn   chan net.Conn
	closed chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l *oneConn) Close() error   { close(l.closed); return nil }
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }
