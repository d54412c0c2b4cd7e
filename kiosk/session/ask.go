package session

import (
	"slices"
	"time"

	"yhteiskone/internal/fleet"
)

// asked is the page after a session: "your data has been erased", and the
// question whether its client got it done. The next client's browser starts
// meanwhile.
type asked struct {
	at      time.Time     // when the page came up
	outcome fleet.Outcome // counted unless a reason follows; empty for none
}

// erased puts the page up after a proved wipe. Only a client who ended the
// session is there to be asked.
func (m *Machine) erased(end fleet.End) {
	m.asked = asked{at: time.Now()}
	m.view.Erased, m.view.Ask = end != "", AskNone
	if end == fleet.EndButton {
		m.view.Ask = AskDone
	}
}

// answer takes one answer, if the question on the screen has it.
func (m *Machine) answer(o fleet.Outcome) {
	reasons := []fleet.Outcome{fleet.NoCodes, fleet.NoPhone, fleet.TooHard, fleet.PageBroken, fleet.OtherWhy}
	switch ask := m.view.Ask; {
	case ask == AskDone && o == fleet.GotDone:
		m.Counter.Outcome(o)
		m.leaveErased()
	case ask == AskDone && (o == fleet.Partly || o == fleet.NotDone):
		m.view.Ask, m.asked = AskWhy, asked{at: time.Now(), outcome: o}
	case ask == AskWhy && slices.Contains(reasons, o):
		m.asked.outcome = o
		m.leaveErased()
	}
}

// leaveErased takes the page away; while the next browser is being started it
// stays without its question, so that nothing flashes by.
func (m *Machine) leaveErased() {
	if m.view.State == fleet.Erasing || m.view.State == fleet.Starting {
		m.question()
		m.asked.at = time.Time{}
		return
	}
	m.erasedOver()
}

// question ends the question and counts what was answered, once.
func (m *Machine) question() {
	if m.asked.outcome != "" {
		m.Counter.Outcome(m.asked.outcome)
	}
	m.asked.outcome, m.view.Ask = "", AskNone
}

// erasedOver takes the page away. What comes next is the next client's.
func (m *Machine) erasedOver() {
	m.question()
	if m.view.Erased {
		m.view.Erased, m.view.Lang = false, m.choice.lang
	}
}

// erasedTimes lets the page go away by itself.
func (m *Machine) erasedTimes() {
	if !m.view.Erased {
		return
	}
	stays := erasedTime
	if m.view.Ask != AskNone {
		stays = askTime
	}
	if time.Since(m.asked.at) > stays {
		m.leaveErased()
	}
}

// parted is the view as it is drawn: the last pages of whoever pressed End are
// as large and as clear as the others were, though everything is plain again.
func (m *Machine) parted(v View) View {
	if m.parting.Size != 0 && (v.Erased || v.State == fleet.Erasing) {
		v.Comfort.Size, v.Comfort.Contrast = m.parting.Size, m.parting.Contrast
	}
	return v
}
