package session

import (
	"crypto/sha256"
	"time"
)

// Times of a hidden screen.
const (
	hideTime  = 15 * time.Minute // then it is erased
	freeTries = 5                // before wrong pictures cost time
	pauseMost = time.Minute      // no lock-out for ever: whose pictures they are may be slow
)

// hidden is what uncovers the page again. It lives here and nowhere else, and
// is overwritten when the page is uncovered or the session ends.
type hidden struct {
	at            time.Time // when the page was covered
	chosen, tried [PicturesToHide][sha256.Size]byte
	pressed       int
	wrong         int
	until         time.Time // no picture is taken before
}

// hide covers the page and asks for three pictures.
func (m *Machine) hide() {
	if m.view.Hide != HideNone {
		return
	}
	m.cover()
	m.hidden = hidden{at: time.Now()}
	v := &m.view
	v.Hide, v.Picked, v.Confirm, v.Menu = HideChoose, 0, false, false
	m.aid("the voice", m.Aids.Say("", v.Lang)) // it may be reading the page
	m.keyboard()
}

// stillThere begins the time of a covered page anew for who chooses pictures.
// Once they are chosen whoever presses may be anybody.
func (m *Machine) stillThere() {
	if m.view.Hide == HideChoose {
		m.hidden.at = time.Now()
	}
}

// picture is a press on a picture. It reports whether the page is uncovered.
func (m *Machine) picture(name string) bool {
	h, v := &m.hidden, &m.view
	if name == "" || v.Hide == HideNone || time.Now().Before(h.until) {
		return false
	}
	into := &h.tried
	if v.Hide == HideChoose {
		into = &h.chosen
	}
	into[h.pressed] = sha256.Sum256([]byte(name))
	h.pressed++
	if v.Hide == HideWrong || v.Hide == HidePause {
		v.Hide = HideOn
	}
	if v.Picked = h.pressed; h.pressed < PicturesToHide {
		return false
	}
	v.Picked, h.pressed = 0, 0
	switch {
	case v.Hide == HideChoose:
		v.Hide = HideOn
	case h.tried == h.chosen:
		m.uncover()
		return true
	default:
		v.Hide = HideWrong
		h.wrong++
		if over := h.wrong - freeTries; over >= 0 {
			v.Hide = HidePause
			h.until = time.Now().Add(min(5*time.Second<<min(over, 10), pauseMost))
		}
	}
	return false
}

// uncover shows the page again.
func (m *Machine) uncover() {
	m.hidden = hidden{}
	m.view.Hide, m.view.Picked, m.view.HideLeft = HideNone, 0, 0
	m.clock.touched = time.Now()
	m.keyboard()
}

// hideLeft is how long the page stays covered before it is erased. It also says
// when pictures are taken again.
func (m *Machine) hideLeft(now time.Time) time.Duration {
	if m.view.Hide == HidePause && !now.Before(m.hidden.until) {
		m.view.Hide = HideOn
	}
	left := hideTime - now.Sub(m.hidden.at)
	m.view.HideLeft = minutes(left)
	return left
}
