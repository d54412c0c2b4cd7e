package session

import (
	"context"
	"time"

	"yhteiskone/internal/fleet"
)

// press does what the client asked by a press on our own pages.
func (m *Machine) press(ctx context.Context, p Press) {
	in := m.view.State.InSession()
	switch p.What {
	case "tile":
		if err := m.open(ctx, p.Arg); err != nil {
			m.Log.Warn("a tile did not open", "err", err)
		}
		return
	case "end":
		if !in {
			return
		}
		m.view.Confirm = true
	case "end_no":
		if !in || !m.view.Confirm {
			return
		}
		m.view.Confirm = false
		defer m.raise()
	case "end_yes":
		if in && m.view.Confirm { // never without having been asked
			m.end(ctx, fleet.EndButton)
		}
		return
	case "continue":
		if !in {
			return
		}
		m.touched = time.Now()
		m.limits()
		defer m.raise()
	case "help":
		m.ring()
	case "help_cancel":
		m.lapse()
	case "language":
		if p.Arg == "" || p.Arg == m.view.Lang {
			return
		}
		m.view.Lang, m.chosenAt = p.Arg, time.Now()
	case "back":
		m.raise()
		return
	case "done":
		if m.view.State.InSession() {
			m.view.Message = ""
			defer m.raise()
		}
		m.view.Erased = false
	default:
		return
	}
	m.show(ctx)
}

func (m *Machine) raise() {
	if m.running != nil && m.view.State.InSession() {
		if err := m.running.Raise(); err != nil {
			m.Log.Warn("the client's browser did not take the keyboard", "err", err)
		}
	}
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
	m.view.Help = h
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
		m.view.HelpIn, m.view.HelpWho = minutes, who
		switch a {
		case fleet.Coming:
			m.setHelp(HelpComing)
		case fleet.ComingSoon:
			m.setHelp(HelpSoon)
		case fleet.CannotCome:
			m.setHelp(HelpNobody)
		case fleet.Done:
			m.help = helpCall{}
			m.setHelp(HelpNone)
		}
		m.show(context.Background())
	})
}

// tick looks at the time once a second.
func (m *Machine) tick(ctx context.Context) {
	m.watch()
	if time.Since(m.started) > restartShown {
		m.fault(fleet.KioskRestarted, false)
	}
	before := m.view
	if m.view.State.InSession() {
		if end := m.limits(); end != "" {
			m.end(ctx, end)
			return
		}
		m.keepState()
	} else {
		m.welcomeTimes()
		if m.running != nil && !m.painted && time.Since(m.began) > paintTime {
			m.Log.Error("the client's browser does not draw")
			m.browserLost(ctx)
			return
		}
	}
	if m.view.Message != "" && time.Since(m.message) > messageFor {
		m.view.Message = ""
	}
	if m.view.Identify && time.Since(m.identify) > identifyFor {
		m.view.Identify = false
	}
	if m.help.id != "" && !m.help.session && time.Since(m.help.at) > helpLapse {
		m.lapse()
	}
	if m.view.Help == HelpTrying && !m.Uplink.Connected() {
		m.setHelp(HelpOffline)
	}
	if m.view != before || m.blank || !m.Screen.Paints() {
		m.show(ctx)
	}
}

// welcomeTimes lets what one person left on the welcome page go away.
func (m *Machine) welcomeTimes() {
	if m.view.Erased && m.view.State != fleet.Erasing && time.Since(m.erasedAt) > erasedTime {
		m.view.Erased = false
	}
	idle, err := m.Screen.IdleFor()
	if m.view.Lang != m.Lang && err == nil && min(idle, time.Since(m.chosenAt)) > forgetTime {
		m.view.Lang = m.Lang
	}
}

// limits works out how long the session may go on and returns how it ends, if
// it ends now.
func (m *Machine) limits() fleet.End {
	quiet := min(time.Since(m.began), time.Since(m.touched))
	if idle, err := m.Screen.IdleFor(); err == nil {
		quiet = min(quiet, idle)
	} else {
		// Without knowing, the time limit still ends the session.
		m.Log.Warn("the idle time is unknown", "err", err)
		quiet = 0
	}
	byIdle := m.now.Idle - quiet
	left, byLimit := byIdle, false
	m.view.Left = 0
	if m.now.Limit > 0 {
		limit := m.now.Limit - time.Since(m.began)
		m.view.Left = max(limit+time.Minute-time.Second, 0).Truncate(time.Minute) // begun minutes
		if limit < left {
			left, byLimit = limit, true
		}
	}
	switch {
	case left <= 0 && byLimit:
		return fleet.EndLimit
	case left <= 0:
		return fleet.EndIdle
	case left <= m.now.Warn:
		m.view.EndsIn, m.view.Why = (left + time.Second - 1).Truncate(time.Second), NoReason
		if byLimit {
			m.view.Why = ByLimit
		}
	default:
		m.view.EndsIn, m.view.Why = 0, NoReason
	}
	return ""
}

// keepState makes the state follow the countdown.
func (m *Machine) keepState() {
	if m.view.EndsIn > 0 {
		m.set(fleet.Warning)
	} else {
		m.set(fleet.InUse)
	}
}

// watch looks at the parts and copies what it sees into the status.
func (m *Machine) watch() {
	shell, alive, placed := m.Screen.Paints(), false, false
	if m.running != nil {
		look := m.running.Look()
		alive, placed = look.Alive, look.Placed
	}
	m.mu.Lock()
	m.status.Shell, m.status.Alive, m.status.Placed = shell, alive, placed
	m.mu.Unlock()
}
