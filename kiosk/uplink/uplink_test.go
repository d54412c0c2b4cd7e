package uplink

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
)

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
