package gate_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/state"
	"yhteiskone/agent/store"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/link"
)

// pipes is a listener whose connections never leave the bubble.
type pipes struct {
	next chan net.Conn
	done chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.next:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { close(p.done); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// loop is a connection that says it comes from this machine.
type loop struct{ net.Conn }

func (loop) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2} }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	p.next <- loop{there}
	return here, nil
}

// A kiosk that is only held (its line stays open and nothing comes) is shown
// as gone after link.Silence, which is within 35 seconds, and not before; one
// that closes its line at once; one that comes back at once, too; and one that
// only pings stays.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(t.TempDir(), time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		if err := st.PutSettings(fleet.DefaultSettings(), nil); err != nil {
			t.Fatal(err)
		}
		id, err := identity.NewAgent()
		if err != nil {
			t.Fatal(err)
		}
		h := &house{t: t, store: st, board: state.NewBoard(watch.Judge), id: id, url: "http://127.0.0.1:1", host: "127.0.0.1:1"}
		h.gate = gate.New(gate.Config{Store: st, Presence: h.board, Signer: id, Pin: id.Pin(), Log: slog.New(slog.DiscardHandler)})
		l := pipes{make(chan net.Conn), make(chan struct{})}
		mux := http.NewServeMux()
		mux.HandleFunc("GET /link", h.gate.Link)
		srv := &http.Server{Handler: mux}
		go srv.Serve(l)
		defer srv.Close()
		defer h.gate.Close(context.Background())

		connect := func(d *device) {
			d.dial = l.dial
			d.connect()
			go func() {
				for {
					if _, err := d.conn.Receive(); err != nil {
						return
					}
				}
			}()
			d.reports(fleet.Ready)
			synctest.Wait()
			if v, _ := h.board.View(d.id); v.Status != fleet.StatusFree {
				t.Fatalf("%+v", v)
			}
		}
		status := func(d *device) fleet.Status { v, _ := h.board.View(d.id); return v.Status }
		held, pinging, closing := h.enrolled(), h.enrolled(), h.enrolled()
		connect(held)
		connect(pinging)
		go pinging.conn.KeepAlive()
		connect(closing)

		time.Sleep(link.Silence - time.Second)
		synctest.Wait()
		if s := status(held); s != fleet.StatusFree {
			t.Errorf("gone too early: %s", s)
		}
		closing.conn.Close(link.CloseGoingAway, "") // silent since as long
		synctest.Wait()
		if s := status(closing); s != fleet.StatusNoConnection {
			t.Errorf("a closed line: %s", s)
		}
		connect(closing) // fails unless it is free at once
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if s := status(held); s != fleet.StatusNoConnection {
			t.Errorf("silent for %v: %s", link.Silence+time.Second, s)
		}
		if link.Silence+time.Second > 35*time.Second {
			t.Errorf("a held line is noticed after %v only", link.Silence)
		}
		connect(held)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if s := status(pinging); s != fleet.StatusFree {
			t.Errorf("one that pings: %s", s)
		}
	})
}
