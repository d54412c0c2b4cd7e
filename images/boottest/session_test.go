package boottest

import (
	"fmt"
	"strings"
	"testing"
)

// place is where something is on the screen, in parts of its width and height.
type place struct{ x, y float64 }

// Where our own pages have them, on QEMU's screen of 1280 by 800.
func tile() place      { return place{0.847, 0.69} } // the one that opens the browser
func endButton() place { return place{0.87, 0.956} }
func endYes() place    { return place{0.823, 0.88} }

// proof is the newest one that the agent has.
func (m *machine) proof() proof {
	m.t.Helper()
	k, seen := m.agent.one()
	if k.LastProof == nil {
		m.t.Fatalf("the agent has no proof: %s", seen)
	}
	return *k.LastProof
}

// open begins a session by a press on a tile, and goes to the test's page.
func (m *machine) open(path string) {
	m.t.Helper()
	until(m.t, patienceOfEyes, "a session", func() (bool, string) {
		m.click(tile())
		m.eyes.see("sleep 2")
		s := m.eyes.state()
		return s == "in_use", s
	})
	visits := m.web.visits()
	until(m.t, patienceOfEyes, "the page", func() (bool, string) {
		if m.web.visits() > visits {
			return true, ""
		}
		m.visit(path)
		m.eyes.see("sleep 5")
		return m.web.visits() > visits, "nobody came"
	})
}

// visit types an address. The machine is given time of its own to see each key.
func (m *machine) visit(path string) {
	m.t.Helper()
	m.press("ctrl", "l")
	m.eyes.see("sleep 2")
	m.write(webAt + "/" + path)
	m.eyes.see("sleep 1")
	m.press("ret")
}

// end presses End and says yes, as a client does.
func (m *machine) end() {
	m.t.Helper()
	until(m.t, patienceOfEyes, "the end", func() (bool, string) {
		m.click(endButton())
		m.eyes.see("sleep 8")
		m.picture("confirm")
		m.click(endYes())
		for n := range 12 { // it goes by; one of them has it
			m.picture(fmt.Sprintf("erasing-%d", n))
		}
		s := m.eyes.state()
		return s != "in_use", s
	})
}

// session is a whole one: what a client types is in the machine while they are
// there, and nowhere once the proof is made; on the disk it never is.
func (m *machine) session(t *testing.T) {
	m.t, m.eyes.t = t, t
	address, typed, kept := marker(), marker(), marker()
	words := []string{address, typed, kept}
	m.introduce()
	before := m.proof()
	m.open(address)
	m.picture("session")
	m.write(typed)
	until(t, patienceOfEyes, "what was typed", func() (bool, string) {
		said := m.web.heard()
		return strings.Count(said, "Key") >= len(typed), said
	})
	m.press("ctrl", "a")
	m.press("ctrl", "c")
	m.press("ret")
	until(t, patienceOfEyes, "the form", func() (bool, string) {
		said := m.web.heard()
		return strings.Contains(said, "/form word="+typed), said
	})
	visits := m.web.visits()
	m.visit("file/" + kept)
	until(t, patienceOfEyes, "the download", func() (bool, string) { return m.web.visits() > visits, m.web.heard() })
	m.eyes.see("sleep 5")
	m.picture("typed")
	// The search must be able to find them, or finding none says nothing.
	during := m.memory(words...)
	t.Logf("in memory during the session: %s", counted(during, words))
	for _, w := range words {
		if during[w+" as bytes"]+during[w+" as UTF-16"] == 0 {
			t.Errorf("%s is not in memory while the client is there: the search is blind", w)
		}
	}
	m.escapes(t)
	m.end()
	until(t, patienceOfEyes, "the proof", func() (bool, string) {
		p := m.proof()
		return p.Seq > before.Seq, fmt.Sprint(p)
	})
	if p := m.proof(); !p.OK {
		t.Errorf("the wipe was not proved: %+v", p)
	}
	m.picture("erased")
	m.free()
	after := m.memory(words...)
	t.Logf("in memory after the proof: %s", counted(after, words))
	m.onDisk(t, words)
}

// onDisk holds that no word is anywhere on the disk, in any form.
func (m *machine) onDisk(t *testing.T, words []string) {
	t.Helper()
	m.eyes.see("sync")
	if found := search(t, m.disk, words...); len(found) != 0 {
		t.Errorf("on the disk: %v", found)
	}
	// What is surely there: the state folder's own word, so that the search can see.
	if found := search(t, m.disk, "member.toml"); len(found) == 0 {
		t.Error("the search does not see the disk")
	}
}

// counted says how often each word was found, without the word.
func counted(found map[string]int, words []string) string {
	names := []string{"in the address", "typed into the page", "of the download"}
	var says []string
	for i, w := range words {
		for form := range forms(w) {
			says = append(says, fmt.Sprintf("%s, as %s: %d", names[i], form, found[w+" as "+form]))
		}
	}
	return strings.Join(says, "; ")
}
