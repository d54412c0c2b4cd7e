package session

import (
	"context"
	"time"

	"yhteiskone/internal/fleet"
)

// soon is what "I come soon" means when staff said no more, in minutes.
const soon = 10

// helpCall is the one call for help; without an identifier there is none.
type helpCall struct {
	id      string
	at      time.Time
	due     time.Time // when who comes soon will be there
	session bool
}

// ring calls for help, once until the call is over.
func (m *Machine) ring() {
	if m.help.id != "" && m.view.Help != HelpOffline && m.view.Help != HelpNobody {
		return
	}
	if m.help.id != "" {
		m.lapse()
	}
	m.help = helpCall{id: newID(), at: time.Now(), session: m.view.State.InSession()}
	m.setHelp(HelpTrying)
	if !m.Uplink.Connected() {
		m.setHelp(HelpOffline)
	}
	if err := m.Uplink.Help(m.help.id); err != nil {
		m.Log.Error("the call for help could not be kept", "err", err)
		m.setHelp(HelpOffline)
	}
	m.Counter.Help()
}

// lapse ends the call, if there is one: its session is over, or the client
// took it back.
func (m *Machine) lapse() {
	if m.help.id == "" {
		return
	}
	if err := m.Uplink.HelpOver(m.help.id); err != nil {
		m.Log.Error("the end of a call for help could not be kept", "err", err)
	}
	m.help = helpCall{}
	m.setHelp(HelpNone)
}

func (m *Machine) setHelp(h HelpState) {
	m.view.Help, m.view.HelpWho, m.view.HelpIn = h, "", 0
	m.mu.Lock()
	m.status.Help = h
	m.mu.Unlock()
}

// HelpHeard says that the agent has the call.
func (m *Machine) HelpHeard(call string) {
	m.tell(func() {
		if m.help.id == call && (m.view.Help == HelpTrying || m.view.Help == HelpOffline) {
			m.setHelp(HelpRinging)
			m.show(context.Background())
		}
	})
}

// HelpAnswered says what staff answered.
func (m *Machine) HelpAnswered(call string, a fleet.HelpAnswer, minutes int, who string) {
	m.tell(func() {
		if m.help.id != call {
			return
		}
		switch a {
		case fleet.Coming:
			m.setHelp(HelpComing)
			m.view.HelpWho = who
		case fleet.ComingSoon:
			m.setHelp(HelpSoon)
			if minutes <= 0 {
				minutes = soon
			}
			m.view.HelpWho, m.help.due = who, time.Now().Add(time.Duration(minutes)*time.Minute)
		case fleet.CannotCome:
			m.setHelp(HelpNobody)
		case fleet.Done:
			m.help = helpCall{}
			m.setHelp(HelpNone)
		}
		m.show(context.Background())
	})
}

// helpTimes lets a call lapse that nobody waits for any more.
func (m *Machine) helpTimes() {
	if m.help.id != "" && !m.help.session && time.Since(m.help.at) > helpLapse {
		m.lapse()
	}
	if m.view.Help == HelpTrying && !m.Uplink.Connected() {
		m.setHelp(HelpOffline)
	}
}
