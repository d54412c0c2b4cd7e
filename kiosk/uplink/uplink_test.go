package uplink

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

func TestNothingIsLostOrDoubled(t *testing.T) {
	r := newRig(t)
	u := r.open()
	first := fleet.WipeProof{Seq: 1, At: r.now, Prev: make([]byte, 32), Looks: []fleet.Look{{At: "files"}}, Signature: make([]byte, 64)}
	if err := u.Proof(first); err != nil { // before there is any agent
		t.Fatal(err)
	}
	u = r.open() // killed and started again
	if u.Waiting() != 1 {
		t.Fatalf("%d messages after a restart", u.Waiting())
	}
	stop := r.run(u)
	r.until("the proof arrived", func() bool { return len(r.agent.list()) == 1 && u.Waiting() == 0 })
	// The agent hears, is killed before it has kept anything, and comes back.
	r.agent.mu.Lock()
	r.agent.ackless = true
	r.agent.mu.Unlock()
	for i := range 5 {
		p := first
		p.Seq = uint64(i + 2)
		if err := u.Proof(p); err != nil {
			t.Fatal(err)
		}
	}
	r.agent.mu.Lock()
	r.agent.ackless = false
	r.agent.mu.Unlock()
	r.agent.cut()
	r.until("everything arrived", func() bool { return u.Waiting() == 0 })
	stop()
	var got []uint64
	for _, m := range r.agent.list() {
		got = append(got, m.(wire.Proof).Proof.Seq)
	}
	if !slices.Equal(got, []uint64{1, 2, 3, 4, 5, 6}) {
		t.Errorf("the agent applied %v", got)
	}
	// After everything was acknowledged, numbers go on and are not used again.
	u = r.open()
	if err := u.Proof(first); err != nil {
		t.Fatal(err)
	}
	if seq, _, ok, err := u.box.after(0); err != nil || !ok || seq != 7 {
		t.Errorf("the next number is %d, %v", seq, err)
	}
}

func TestReportsOnChangeAndInTime(t *testing.T) {
	r := newRig(t)
	u := r.open()
	defer r.run(u)()
	count := func() int { r.agent.mu.Lock(); defer r.agent.mu.Unlock(); return r.agent.reports }
	r.until("the first report", func() bool { return count() > 0 })
	before := count()
	began := time.Now()
	u.Changed()
	r.until("a report after a change", func() bool { return count() > before })
	if took := time.Since(began); took > 500*time.Millisecond {
		t.Errorf("a change was told after %v", took)
	}
	before = count()
	r.until("reports without a change", func() bool { return count() >= before+2 })
}

func TestStrangerIsRefused(t *testing.T) {
	r := newRig(t)
	u := r.open()
	other, err := identity.NewAgent()
	if err != nil {
		t.Fatal(err)
	}
	r.agent.Agent = other // the same address, another key
	defer r.run(u)()
	r.until("it says so", func() bool { return strings.Contains(u.Trouble(), "is not our agent") })
	if u.Connected() || r.agent.reports > 0 {
		t.Error("it talked to a stranger")
	}
}

// Over TLS another key is told apart as well, before anything is said.
func TestStrangerOverTLS(t *testing.T) {
	r := newRig(t)
	other, err := identity.NewAgent()
	if err != nil {
		t.Fatal(err)
	}
	for whose, maker := range map[string]*identity.Agent{"our agent": r.agent.Agent, "a stranger": other} {
		server := httptest.NewUnstartedServer(r.agent)
		server.Listener = tls.NewListener(server.Listener, maker.Certificates().Config())
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.Start()
		defer server.Close()
		r.url = "https://" + server.Listener.Addr().String()
		u := r.open()
		stop := r.run(u)
		if maker == other {
			r.until("it says who "+whose+" is", func() bool { return strings.Contains(u.Trouble(), "is not our agent") })
		} else {
			r.until("it meets "+whose, u.Connected)
		}
		stop()
	}
}

func TestHelpAndCommands(t *testing.T) {
	r := newRig(t)
	u := r.open()
	defer r.run(u)()
	r.until("connected", u.Connected)
	if err := u.Help("0123456789abcdef"); err != nil {
		t.Fatal(err)
	}
	r.until("the call was heard", func() bool {
		r.obey.mu.Lock()
		defer r.obey.mu.Unlock()
		return slices.Equal(r.obey.heard, []string{"0123456789abcdef"})
	})
	r.agent.conn.Send(wire.HelpAnswer{Call: "0123456789abcdef", Answer: fleet.Coming})
	r.agent.conn.Send(wire.OrderOf(fleet.Command{ID: "fedcba9876543210", Name: fleet.Identify, TTL: time.Minute}))
	r.until("the result arrived", func() bool {
		l := r.agent.list()
		last, ok := l[len(l)-1].(wire.Result)
		return ok && last.OK && last.Command == "fedcba9876543210"
	})
}

func TestHelpLapsesWhileTheAgentIsGone(t *testing.T) {
	r := newRig(t)
	u := r.open()
	if err := errors.Join(u.Help("0123456789abcdef"), u.HelpOver("0123456789abcdef")); err != nil {
		t.Fatal(err)
	}
	if u.Waiting() != 0 {
		t.Errorf("%d messages wait about a call that nobody needs any more", u.Waiting())
	}
	if err := u.Help("0123456789abcdef"); err != nil {
		t.Fatal(err)
	}
	u = r.open() // a power cut: the session is gone, the agent may have heard the call
	defer r.run(u)()
	r.until("the agent knows that it is over", func() bool {
		l := r.agent.list()
		if len(l) == 0 {
			return false
		}
		over, ok := l[len(l)-1].(wire.HelpOver)
		return ok && over.Call == "0123456789abcdef"
	})
}

// The agent keeps a call, and the line breaks before the kiosk hears so.
func TestCallWhoseAcknowledgementIsLost(t *testing.T) {
	const call = "0123456789abcdef"
	for name, over := range map[string]bool{"it rings on": false, "it is over before the line is back": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.agent.mute = true
			u := r.open()
			if err := u.Help(call); err != nil {
				t.Fatal(err)
			}
			stop := r.run(u)
			r.until("the agent has the call", func() bool { return len(r.agent.list()) == 1 })
			stop()
			if over {
				if err := u.HelpOver(call); err != nil {
					t.Fatal(err)
				}
			}
			r.agent.mu.Lock()
			r.agent.mute = false
			r.agent.mu.Unlock()
			defer r.run(u)()
			if over {
				r.until("the agent knows that it is over", func() bool {
					l := r.agent.list()
					last, ok := l[len(l)-1].(wire.HelpOver)
					return ok && last.Call == call
				})
				return
			}
			r.until("the client is told that it rings", func() bool {
				r.obey.mu.Lock()
				defer r.obey.mu.Unlock()
				return slices.Equal(r.obey.heard, []string{call})
			})
		})
	}
}

func TestCountsAreSumsOfFinishedDays(t *testing.T) {
	r := newRig(t)
	u := r.open()
	u.Day.Session("benefits", 7*time.Minute, fleet.EndButton)
	u.Day.Session("benefits", 2*time.Hour, fleet.EndIdle)
	u.Day.Help()
	u.Day.Turn()
	if u.Waiting() != 0 {
		t.Fatal("a day that is not over was sent")
	}
	u = r.open() // restarts on the same day
	u.Day.Session("bank", time.Minute, fleet.EndButton)
	r.now = r.now.Add(24 * time.Hour)
	u.Day.Turn()
	u.Day.Turn()
	if u.Waiting() != 1 {
		t.Fatalf("%d messages for one day", u.Waiting())
	}
	_, m, _, err := u.box.after(0)
	if err != nil {
		t.Fatal(err)
	}
	got := m.(wire.Counts)
	if got.Day != "2026-11-21" || got.Sessions != 3 || got.Lengths["5_15"] != 1 || got.Lengths["over_60"] != 1 ||
		got.Lengths["under_5"] != 1 || got.Tiles["benefits"] != 2 || got.Ends[fleet.EndButton] != 2 || got.HelpCalls != 1 {
		t.Errorf("the day's sums are %+v", got)
	}
	// A power cut after the hand-over and before the forgetting.
	if err := os.WriteFile(filepath.Join(r.dir, "counts.json"), []byte(`{"Day":"2026-11-21","Sessions":3}`), 0o600); err != nil {
		t.Fatal(err)
	}
	u = r.open()
	u.Day.Turn()
	if u.Waiting() != 1 {
		t.Error("a day was counted twice")
	}
}

func TestOutboxAfterAPowerCut(t *testing.T) {
	dir := t.TempDir()
	box, err := openOutbox(dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := box.put(func(seq uint64) wire.Message { return wire.Help{Seq: seq, Call: "0123456789abcdef"} }); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(box.path(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := box.ack(2); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(box.path(1), kept, 0o600)                                 // its removal was lost
	os.WriteFile(filepath.Join(dir, ".4.json123"), []byte("{half"), 0o600) // and a temporary file stayed
	box, err = openOutbox(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(box.seqs, []uint64{3}) || box.next != 4 {
		t.Errorf("waiting %v, next %d", box.seqs, box.next)
	}
	if err := box.ack(10); err != nil { // an agent that knows more than we do
		t.Fatal(err)
	}
	if seq, err := box.put(func(seq uint64) wire.Message { return wire.Help{Seq: seq, Call: "0123456789abcdef"} }); err != nil || seq != 11 {
		t.Errorf("the next number is %d, %v", seq, err)
	}
}

func TestJoinFile(t *testing.T) {
	a, err := identity.NewAgent()
	if err != nil {
		t.Fatal(err)
	}
	good := "agent = \"https://a.example\"\npin = \"" + string(a.Pin()) + "\"\ncode = \"abcd-efgh-jkmn\"\n"
	if j, err := parseJoin("join.toml", []byte(good)); err != nil || j.Code != "ABCD-EFGH-JKMN" {
		t.Errorf("%+v, %v", j, err)
	}
	for want, text := range map[string]string{
		"join.toml: line 4: there is no setting \"cod\"": good + "cod = 1\n",
		"join.toml: line 1":            "agent = [\n",
		"agent is not an address":      strings.Replace(good, "https", "ftp", 1),
		"code: the code does not have": strings.Replace(good, "abcd", "ab", 1),
		"pin: the pin is not":          strings.Replace(good, string(a.Pin()), "x", 1),
	} {
		if _, err := parseJoin("join.toml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func FuzzJoin(f *testing.F) {
	f.Add([]byte("agent = \"https://a\"\ncode = \"\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		j, err := parseJoin("join.toml", text)
		if err == nil {
			if _, _, err := identity.ParsePin(j.Pin); err != nil {
				t.Fatal("a join file without a pin was taken")
			}
		}
	})
}
