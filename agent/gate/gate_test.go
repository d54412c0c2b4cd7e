package gate_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"yhteiskone/agent/crowd"
	"yhteiskone/agent/gate"
	"yhteiskone/agent/state"
	"yhteiskone/agent/store"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/link"
	"yhteiskone/internal/wire"
)

// house is a gate with a real store and a real board behind a real server.
type house struct {
	t     *testing.T
	store *store.Store
	board *state.Board
	gate  *gate.Gate
	id    *identity.Agent
	url   string
	host  string
}

func newHouse(t *testing.T, change func(*gate.Config)) *house {
	t.Helper()
	st, err := store.Open(t.TempDir(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	if err := st.PutSettings(fleet.DefaultSettings(), nil); err != nil {
		t.Fatal(err)
	}
	id, err := identity.NewAgent()
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, store: st, board: state.NewBoard(watch.Judge), id: id}
	c := gate.Config{Store: st, Presence: h.board, Signer: id, Pin: id.Pin(), Names: []string{"agent.example"},
		Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&c)
	}
	h.gate = gate.New(c)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /link", h.gate.Link)
	mux.HandleFunc("POST /enrol", h.gate.Enrol)
	srv := httptest.NewUnstartedServer(mux)
	srv.Listener = gathered(t, srv.Listener)
	srv.Start()
	t.Cleanup(srv.Close)
	t.Cleanup(func() { h.gate.Close(context.Background()) })
	h.url = srv.URL
	u, _ := url.Parse(srv.URL)
	h.host = u.Host
	return h
}

// gathered is l with a crowd, as in the agent.
func gathered(t *testing.T, l net.Listener) net.Listener {
	t.Helper()
	c, err := crowd.New()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, c.Close()); err != nil {
			t.Error(err)
		}
	})
	return c.Listen(l)
}

// device is a kiosk as the tests play it.
type device struct {
	h    *house
	id   fleet.KioskID
	key  ed25519.PrivateKey
	boot string
	host string
	conn *link.Conn
	last *fleet.WipeProof
	dial func(context.Context, string, string) (net.Conn, error)
}

func (h *house) enrolled() *device {
	h.t.Helper()
	code := identity.NewCode()
	if err := h.store.PutCode(store.Code{Hash: identity.HashCode(code), Site: "ranta", Name: "Kone", Uses: 1,
		Expires: time.Now().Add(time.Minute)}, "console", time.Now()); err != nil {
		h.t.Fatal(err)
	}
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	k, site, err := h.store.Enrol(gate.Use{CodeHash: identity.HashCode(code), PublicKey: key.Public().(ed25519.PublicKey),
		At: time.Now(), NewID: identity.NewKioskID()})
	if err != nil {
		h.t.Fatal(err)
	}
	h.board.Put(state.Known{Kiosk: k, SiteName: site.Name})
	return &device{h: h, id: k.ID, key: key, boot: "00000000000000b1", host: h.host}
}

// greet connects and says hello, changed as the test wants it.
func (d *device) greet(change func(*wire.Hello)) (*link.Conn, wire.Message, error) {
	d.h.t.Helper()
	conn, err := link.Dial(context.Background(), d.h.url, nil, d.dial)
	if err != nil {
		d.h.t.Fatal(err)
	}
	d.h.t.Cleanup(func() { conn.Close(link.CloseNormal, "") })
	m, err := conn.Receive()
	if err != nil {
		d.h.t.Fatal(err)
	}
	nonce := make([]byte, wire.NonceSize)
	rand.Read(nonce)
	hello := wire.Hello{Kiosk: d.id, Version: wire.Version, Boot: d.boot, Nonce: nonce}
	said := func(side string) []byte {
		return identity.Transcript(side, string(d.id), m.(wire.Challenge).Nonce, nonce, d.host, wire.Version)
	}
	hello.Signature = ed25519.Sign(d.key, said("kiosk"))
	if change != nil {
		change(&hello)
	}
	if err := conn.Send(hello); err != nil {
		d.h.t.Fatal(err)
	}
	answer, err := conn.Receive()
	if w, ok := answer.(wire.Welcome); ok && !identity.VerifyAgent(d.h.id.Pin(), said("agent"), w.Signature) {
		d.h.t.Error("the welcome is not signed by the agent")
	}
	return conn, answer, err
}

func (d *device) connect() wire.Welcome {
	d.h.t.Helper()
	conn, m, err := d.greet(nil)
	if err != nil {
		d.h.t.Fatal(err)
	}
	conn.Trust()
	d.conn = conn
	return m.(wire.Welcome)
}

func (d *device) send(m wire.Message) {
	d.h.t.Helper()
	if err := d.conn.Send(m); err != nil {
		d.h.t.Fatal(err)
	}
}

func receive[M wire.Message](d *device) M {
	d.h.t.Helper()
	m, err := d.conn.Receive()
	if err != nil {
		d.h.t.Fatal(err)
	}
	got, ok := m.(M)
	if !ok {
		d.h.t.Fatalf("received %#v, want a %T", m, got)
	}
	return got
}

func (d *device) reports(s fleet.State) {
	d.h.t.Helper()
	d.send(wire.ReportOf(fleet.Report{At: time.Now(), State: s, Since: time.Now()}))
}

// see waits until the board shows what the test wants.
func (d *device) see(what string, ok func(state.View) bool) {
	d.h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	changes := d.h.board.Subscribe(ctx)
	for {
		v, _ := d.h.board.View(d.id)
		if ok(v) {
			return
		}
		if _, open := <-changes; !open {
			d.h.t.Fatalf("never seen: %s; now %+v", what, v)
		}
	}
}

func (d *device) seeStatus(s fleet.Status) {
	d.h.t.Helper()
	d.see(string(s), func(v state.View) bool { return v.Status == s })
}

func closedWith(err error) (int, string) {
	var c *link.CloseError
	if errors.As(err, &c) {
		return c.Code, c.Reason
	}
	return 0, ""
}

func TestMeet(t *testing.T) {
	h := newHouse(t, nil)
	d := h.enrolled()
	w := d.connect()
	if w.ReportS != 15 || w.Applied != 0 || w.Settings.KioskName != "Kone" || w.Settings.SiteName != "ranta" || w.Settings.Version == 0 {
		t.Errorf("%+v", w)
	}
	d.reports(fleet.Ready)
	d.seeStatus(fleet.StatusFree)
	d.conn.Close(link.CloseGoingAway, "")
	d.seeStatus(fleet.StatusNoConnection)
}

// The kiosk signs the host it asked for. It may be another than the one in the
// request's header only if the agent knows it as its own.
func TestHosts(t *testing.T) {
	h := newHouse(t, nil)
	d := h.enrolled()
	name, port, _ := net.SplitHostPort(h.host)
	for host, good := range map[string]bool{h.host: true, name: true, "agent.example": true, "agent.example:" + port: true,
		"evil.example": false, "": false} {
		d.host = host
		_, m, err := d.greet(nil)
		if _, ok := m.(wire.Welcome); ok != good {
			t.Errorf("host %q: %#v, %v", host, m, err)
		}
	}
}

func TestRefused(t *testing.T) {
	h := newHouse(t, nil)
	d, other := h.enrolled(), h.enrolled()
	for want, change := range map[string]func(*wire.Hello){
		"unknown kiosk": func(m *wire.Hello) { m.Kiosk = identity.NewKioskID() },
		"bad signature": func(m *wire.Hello) { m.Kiosk = other.id },
		"version":       func(m *wire.Hello) { m.Version = 99 },
	} {
		_, _, err := d.greet(change)
		if code, why := closedWith(err); code != link.CloseRefused || why != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	if v, _ := h.board.View(d.id); v.Connected || !v.LastSeen.IsZero() {
		t.Errorf("a refused connection left a trace: %+v", v)
	}
}

func TestTooSlow(t *testing.T) {
	h := newHouse(t, func(c *gate.Config) { c.Auth = 50 * time.Millisecond })
	conn, err := link.Dial(t.Context(), h.url, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.Receive() // the challenge
	_, err = conn.Receive()
	if code, why := closedWith(err); code != link.CloseRefused || why != "too slow" {
		t.Errorf("%v", err)
	}
}

func TestFrames(t *testing.T) {
	h := newHouse(t, nil)
	d := h.enrolled()
	d.connect()
	d.send(wire.Ack{Seq: 1})
	_, err := d.conn.Receive()
	if code, _ := closedWith(err); code != link.CloseMalformed {
		t.Errorf("a message of the agent's own: %v", err)
	}
	d.seeStatus(fleet.StatusNoConnection)
}

// A newer connection takes over; the late end of the older one is not the
// kiosk's end.
func TestReplaced(t *testing.T) {
	gone := make(chan struct{}, 8)
	h := newHouse(t, func(c *gate.Config) { c.Presence = telling{c.Presence, gone} })
	d := h.enrolled()
	d.connect()
	d.reports(fleet.Ready)
	d.seeStatus(fleet.StatusFree) // or the newer one may be in before it
	old := d.conn
	d.connect()
	_, err := old.Receive()
	if code, _ := closedWith(err); code != link.CloseReplaced {
		t.Fatalf("the older connection ended with %v", err)
	}
	old.Close(link.CloseNormal, "")
	<-gone // the older one's end has come to the gate
	d.reports(fleet.Ready)
	d.seeStatus(fleet.StatusFree)
	h.gate.Send(d.id, wire.HelpAnswer{Call: "00000000000000aa", Answer: fleet.Coming})
	receive[wire.HelpAnswer](d) // what is for the kiosk goes to the newer one
	if v, _ := h.board.View(d.id); !v.Connected {
		t.Error("the end of the older connection marked the kiosk as gone")
	}
}

// telling is a presence that tells when a connection's end has come to it.
type telling struct {
	gate.Presence
	gone chan struct{}
}

func (p telling) Gone(id fleet.KioskID, epoch uint64) {
	p.Presence.Gone(id, epoch)
	p.gone <- struct{}{}
}

func TestLimits(t *testing.T) {
	h := newHouse(t, func(c *gate.Config) { c.Limits = gate.Limits{Accepts: 0.001, AcceptBurst: 2} })
	for i := range 3 {
		conn, err := link.Dial(t.Context(), h.url, nil, nil)
		if (err == nil) != (i < 2) {
			t.Errorf("connection %d: %v", i, err)
		}
		if err == nil {
			defer conn.Close(link.CloseNormal, "")
		}
	}
	h = newHouse(t, func(c *gate.Config) { c.Limits = gate.Limits{Strangers: 1} })
	d := h.enrolled()
	d.connect() // a known one does not count
	d.reports(fleet.Ready)
	d.seeStatus(fleet.StatusFree)
	one, err := link.Dial(t.Context(), h.url, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close(link.CloseNormal, "")
	one.Receive()
	if two, err := link.Dial(t.Context(), h.url, nil, nil); err == nil {
		two.Close(link.CloseNormal, "")
		t.Error("a second stranger was let in")
	}
}

func TestClose(t *testing.T) {
	h := newHouse(t, nil)
	d := h.enrolled()
	d.connect()
	go h.gate.Close(context.Background())
	_, err := d.conn.Receive()
	if code, _ := closedWith(err); code != link.CloseGoingAway {
		t.Errorf("%v", err)
	}
}
