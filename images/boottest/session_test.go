package boottest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

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
	m.sees(welcomed())
	m.click(tile())
	until(m.t, patienceOfEyes, "a session", func() (bool, string) { s := m.eyes.state(); return s == "in_use", s })
	m.sees(stripped())
	m.until("the page", "/"+path, path)
	until(m.t, patienceOfEyes, "the page's script", func() (bool, string) { return m.web.visits("/ready") > 0, m.web.heard() })
}

// until types an address until the site was asked for it.
func (m *machine) until(what, asked, path string) {
	m.t.Helper()
	until(m.t, patienceOfEyes, what, func() (bool, string) {
		m.visit(path)
		for range 10 {
			m.eyes.see("sleep 1")
			if m.web.visits(asked) > 0 {
				return true, ""
			}
		}
		return false, m.web.heard()
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
	m.click(endButton())
	m.sees(asked())
	m.picture("confirm")
	m.click(endYes())
	until(m.t, patienceOfEyes, "the end", func() (bool, string) {
		gone, seen := m.shows(asked())
		return !gone, seen
	})
	m.picture("erasing")
}

// typed writes letters into the page, which tells of each. A machine whose
// processor is computed loses a stroke now and then: that one is made again.
func (m *machine) typed(letters string) {
	m.t.Helper()
	for i, letter := range letters {
		var next time.Time
		until(m.t, patienceOfEyes, "what was typed", func() (bool, string) {
			said := m.web.heard()
			if strings.Count(said, "/key Key") > i {
				return true, ""
			}
			if time.Now().After(next) {
				m.press(string(letter))
				next = time.Now().Add(20 * time.Second)
			}
			return false, said
		})
	}
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
	m.typed(typed)
	m.press("ctrl", "a")
	m.press("ctrl", "c")
	m.press("ret")
	until(t, patienceOfEyes, "the form", func() (bool, string) {
		said := m.web.heard()
		return strings.Contains(said, "/form word="+typed), said
	})
	m.until("the download", "/file/"+kept, "file/"+kept)
	m.eyes.see("sleep 5")
	m.picture("typed")
	// The search must be able to find them, or finding none says nothing.
	during, _ := m.memory(words...)
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
	m.sees(welcomed())
	after, around := m.memory(words...)
	t.Logf("in memory after the proof: %s\n%s", counted(after, words), strings.Join(around, "\n"))
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
