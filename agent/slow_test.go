package main

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// oneCall is a listener that has one connection.
type oneCall struct {
	conn chan net.Conn
	end  chan struct{}
}

// Accept implements net.Listener.
func (o oneCall) Accept() (net.Conn, error) {
	select {
	case c := <-o.conn:
		return c, nil
	case <-o.end:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (o oneCall) Close() error { close(o.end); return nil }

// Addr implements net.Listener.
func (o oneCall) Addr() net.Addr { return &net.TCPAddr{} }

// Who asks and does not read the answer, or never ends the question, loses the
// connection after a while; only a release may take long.
func TestWhoDoesNotReadIsLeft(t *testing.T) {
	for request, want := range map[string]bool{
		"GET /page HTTP/1.1\r\nHost: a\r\n\r\n":                       false,
		"GET /release/1.2.0/image HTTP/1.1\r\nHost: a\r\n\r\n":        true,
		"POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n": false,
	} {
		synctest.Test(t, func(t *testing.T) {
			a := &agent{log: slog.New(slog.DiscardHandler)}
			a.metrics = newMetrics(a)
			mux := http.NewServeMux()
			answer := func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				io.WriteString(w, strings.Repeat("x", 1<<20))
			}
			mux.HandleFunc("/page", answer)
			mux.HandleFunc(long, answer)
			server := a.server(logged(a.log, a.metrics, mux), t.Context())
			calls := oneCall{make(chan net.Conn, 1), make(chan struct{})}
			served := make(chan error, 1)
			go func() { served <- server.Serve(calls) }()
			here, there := net.Pipe()
			calls.conn <- there
			if _, err := io.WriteString(here, request); err != nil {
				t.Fatal(err)
			}
			time.Sleep(bodyTime + answerTime + time.Second) // of the bubble's clock
			here.SetReadDeadline(time.Now().Add(time.Minute))
			n, err := io.Copy(io.Discard, here)
			var late net.Error
			if open := errors.As(err, &late) && late.Timeout(); open != want {
				t.Errorf("%.20q: %d bytes, %v", request, n, err)
			}
			here.Close()
			server.Close()
			<-served
		})
	}
}
