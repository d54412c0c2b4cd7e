package uplink

import (
	"context"
	"crypto/ed25519"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/link"
	"yhteiskone/internal/wire"
)

const testKiosk = fleet.KioskID("kabcdefghij23")

// fakeAgent speaks the agent's half of the protocol and keeps what it heard.
type fakeAgent struct {
	*identity.Agent
	key     ed25519.PublicKey
	mu      sync.Mutex
	applied uint64
	ackless bool // hears and says nothing
	mute    bool // keeps what it hears, and its acknowledgements are lost
	heard   []wire.Message
	reports int
	conn    *link.Conn
	up      *link.Upgrader

	settings *wire.SettingsBody // nil for the defaults
}

func (a *fakeAgent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := a.up.Accept(w, r)
	if err != nil {
		return
	}
	go a.serve(c, r.Host)
}

func (a *fakeAgent) serve(c *link.Conn, host string) {
	defer c.Close(link.CloseNormal, "")
	nonce := make([]byte, wire.NonceSize)
	c.Send(wire.Challenge{Nonce: nonce})
	m, err := c.Receive()
	if err != nil {
		return
	}
	hello := m.(wire.Hello)
	both := func(side string) []byte {
		return identity.Transcript(side, string(hello.Kiosk), nonce, hello.Nonce, host, wire.Version)
	}
	if !ed25519.Verify(a.key, both("kiosk"), hello.Signature) {
		c.Close(link.CloseRefused, "bad signature")
		return
	}
	sig, _ := a.Sign(both("agent"))
	c.Trust()
	a.mu.Lock()
	a.conn = c
	applied := a.applied
	a.mu.Unlock()
	settings := wire.SettingsOf(fleet.DefaultSettings())
	a.mu.Lock()
	if a.settings != nil {
		settings = *a.settings
	}
	a.mu.Unlock()
	welcome := wire.Welcome{Signature: sig, ReportS: 1, Applied: applied, Time: time.Now(), Settings: settings}.Fit()
	c.Send(welcome)
	if welcome.More {
		c.Send(wire.Settings{Settings: settings})
	}
	deaf := false // what was heard and not kept makes the whole connection worthless
	for {
		m, err := c.Receive()
		if err != nil {
			return
		}
		a.mu.Lock()
		if _, ok := m.(wire.Report); ok {
			a.reports++
			a.mu.Unlock()
			continue
		}
		if deaf = deaf || a.ackless; deaf {
			a.mu.Unlock()
			continue
		}
		seq := seqOf(m)
		if seq > a.applied {
			a.heard = append(a.heard, m)
			a.applied = seq
		}
		mute := a.mute
		a.mu.Unlock()
		if !mute {
			c.Send(wire.Ack{Seq: seq})
		}
	}
}

func seqOf(m wire.Message) uint64 {
	switch m := m.(type) {
	case wire.Proof:
		return m.Seq
	case wire.Counts:
		return m.Seq
	case wire.Help:
		return m.Seq
	case wire.HelpOver:
		return m.Seq
	case wire.Result:
		return m.Seq
	}
	return 0
}

func (a *fakeAgent) list() []wire.Message {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.heard)
}

func (a *fakeAgent) cut() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conn != nil {
		a.conn.Close(link.CloseGoingAway, "")
	}
}

type fakeObeyer struct {
	mu       sync.Mutex
	commands []fleet.Command
	heard    []string
	answers  []fleet.HelpAnswer
	updates  []fleet.Settings
}

func (o *fakeObeyer) Command(ctx context.Context, c fleet.Command, answer func(fleet.Result)) {
	o.mu.Lock()
	o.commands = append(o.commands, c)
	o.mu.Unlock()
	answer(fleet.Result{Command: c.ID, OK: true})
}
func (o *fakeObeyer) Update(s fleet.Settings) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.updates = append(o.updates, s)
}
func (o *fakeObeyer) HelpHeard(call string) {
	o.mu.Lock()
	o.heard = append(o.heard, call)
	o.mu.Unlock()
}
func (o *fakeObeyer) HelpAnswered(call string, a fleet.HelpAnswer, _ int, _ string) {
	o.mu.Lock()
	o.answers = append(o.answers, a)
	o.mu.Unlock()
}

// rig is one uplink with its agent.
type rig struct {
	t     *testing.T
	dir   string
	agent *fakeAgent
	key   ed25519.PrivateKey
	url   string
	obey  *fakeObeyer
	now   time.Time
	log   io.Writer
}

func newRig(t *testing.T) *rig {
	a, err := identity.NewAgent()
	if err != nil {
		t.Fatal(err)
	}
	_, key, _ := ed25519.GenerateKey(nil)
	agent := &fakeAgent{Agent: a, key: key.Public().(ed25519.PublicKey), up: link.NewUpgrader()}
	server := httptest.NewServer(agent)
	t.Cleanup(server.Close)
	return &rig{t: t, dir: t.TempDir(), agent: agent, key: key, url: server.URL, obey: &fakeObeyer{},
		now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), log: io.Discard}
}

func (r *rig) open() *Uplink {
	r.t.Helper()
	u, err := Open(Config{Dir: r.dir, Member: Member{Kiosk: testKiosk, Agent: r.url, Pin: r.agent.Pin()}, Key: r.key,
		Now: func() time.Time { return r.now }, Log: slog.New(slog.NewTextHandler(r.log, nil))})
	if err != nil {
		r.t.Fatal(err)
	}
	return u
}

// run keeps the uplink up until the returned stop.
func (r *rig) run(u *Uplink) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		u.Run(ctx, func() fleet.Report {
			return fleet.Report{At: time.Now(), State: fleet.Ready, Since: time.Now()}
		}, r.obey)
	}()
	return func() { cancel(); <-done }
}

func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			r.t.Fatalf("waited too long until %s", what)
		case <-tick.C:
		}
	}
}
