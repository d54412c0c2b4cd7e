package uplink

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
)

// The agent moves: the old address falls silent, the kiosk goes to the one that
// it was told, keeps that over a restart, and comes back when it must.
func TestTheAgentMoves(t *testing.T) {
	r := newRig(t)
	old := httptest.NewServer(r.agent)
	next := httptest.NewServer(r.agent)
	t.Cleanup(next.Close)
	r.url = old.URL
	body := wire.SettingsOf(fleet.DefaultSettings())
	body.Agents = []string{"http://127.0.0.1:1", next.URL + "/"}
	r.agent.mu.Lock()
	r.agent.settings = &body
	r.agent.mu.Unlock()
	u := r.open()
	stop := r.run(u)
	r.until("the new address is heard", func() bool { s, ok := u.Settings(); return ok && len(s.Agents) == 2 && u.Connected() })
	// A line that breaks is no reason to go elsewhere.
	reports := func() int { r.agent.mu.Lock(); defer r.agent.mu.Unlock(); return r.agent.reports }
	before := reports()
	r.agent.cut()
	r.until("it is back", func() bool { return u.Connected() && reports() > before+1 })
	if u.Address() != old.URL {
		t.Errorf("it goes to %s while the old address answers", u.Address())
	}
	old.CloseClientConnections()
	old.Close()
	r.agent.cut()
	r.until("the kiosk is at the new address", func() bool { return u.Connected() && u.Address() == next.URL })
	stop()
	u = r.open() // a restart goes there at once, and not by way of the old one
	if u.Address() != next.URL || u.addresses()[0] != next.URL {
		t.Errorf("after a restart it begins at %v", u.addresses())
	}
	stop = r.run(u)
	r.until("it is there", u.Connected)
	stop()
	if err := forgetSettings(r.dir); err != nil {
		t.Fatal(err)
	}
	if u = r.open(); u.Address() != old.URL || len(u.addresses()) != 1 {
		t.Errorf("after enrolling anew it begins at %v", u.addresses())
	}
}

// A stranger at an address that the agent named is a stranger, and the agent is
// found behind it.
func TestAStrangerAtTheNewAddress(t *testing.T) {
	r := newRig(t)
	other, err := identity.NewAgent()
	if err != nil {
		t.Fatal(err)
	}
	thief := &fakeAgent{Agent: other, key: r.agent.key, up: r.agent.up}
	strange, ours := httptest.NewServer(thief), httptest.NewServer(r.agent)
	t.Cleanup(strange.Close)
	t.Cleanup(ours.Close)
	body := wire.SettingsOf(fleet.DefaultSettings())
	body.Agents = []string{strange.URL}
	r.url = "http://127.0.0.1:1"
	u := r.open()
	u.heardSettings(body, r.obey)
	stop := r.run(u)
	r.until("it says so", func() bool { return strings.Contains(u.Trouble(), "is not our agent") })
	if u.Connected() || thief.reports > 0 || u.Address() != r.url {
		t.Errorf("it talked to a stranger: %d reports, address %s", thief.reports, u.Address())
	}
	stop()
	if _, err := os.Stat(filepath.Join(r.dir, addressFile)); err == nil {
		t.Error("a stranger's address is kept")
	}
	body.Agents = append(body.Agents, ours.URL)
	u.heardSettings(body, r.obey)
	defer r.run(u)()
	r.until("our agent is found behind the stranger", func() bool { return u.Connected() && u.Address() == ours.URL })
}

// A damaged file is as good as none.
func TestDamagedAddress(t *testing.T) {
	for _, text := range []string{"", "x", "http://stranger.example", "https://a.example/x", strings.Repeat("a", 9999)} {
		r := newRig(t)
		if err := os.WriteFile(filepath.Join(r.dir, addressFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if u := r.open(); u.Address() != r.url {
			t.Errorf("%.20q: it begins at %s", text, u.Address())
		}
	}
}
