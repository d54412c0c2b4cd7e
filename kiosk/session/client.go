package session

import (
	"context"
	"strings"
	"time"

	"yhteiskone/internal/fleet"
)

// press does what somebody asked by a press on our own pages. What the view
// does not offer is dropped: it was pressed on a view that is gone.
func (m *Machine) press(ctx context.Context, p Press) {
	if p.What == "end_yes" {
		if m.view.State.InSession() && m.view.Confirm { // never without having been asked
			m.end(ctx, fleet.EndButton)
		}
		return
	}
	raise := false
	if m.view.State.InSession() {
		m.clock.touched = time.Now()
		raise = m.pressSession(p)
		m.limits() // how it ends is for the next tick
	} else {
		m.pressWelcome(ctx, p)
	}
	switch p.What {
	case "help":
		m.ring()
	case "help_cancel":
		m.lapse()
	case "language":
		m.language(p.Arg)
	case "size", "contrast", "speak", "sticky":
		m.comfort(p)
	case "keyboard":
		if m.view.Hide == HideNone { // what is typed would go to the covered page
			m.comfort(p)
		}
	case "say", "say_selected":
		m.say(p.What)
	}
	m.openChosen(ctx)
	m.redraw(ctx)
	if raise {
		m.raise()
	}
}

// pressSession is a press that only a session knows. It reports whether the
// client's page gets the keyboard back.
func (m *Machine) pressSession(p Press) (raise bool) {
	v := &m.view
	covered := v.Hide != HideNone
	switch p.What {
	case "end":
		if v.Hide != HideChoose { // that page offers its own way back
			v.Confirm, v.Menu = true, false
		}
	case "end_no":
		raise, v.Confirm = v.Confirm, false
	case "continue":
		m.stillThere()
		raise = true
	case "more_time":
		m.extend()
		raise = true
	case "notice_ok":
		raise, v.Notice = v.Notice != 0, 0
	case "done":
		raise, v.Message = v.Message != "", ""
	case "queue", "queue_over":
		m.someoneWaits(p.What == "queue")
	case "menu":
		v.Menu = !covered
	case "menu_close":
		raise, v.Menu = v.Menu, false
	case "back":
		raise = true
	case "hide":
		m.hide()
	case "picture":
		raise = m.picture(p.Arg)
	case "hide_cancel":
		if v.Hide == HideChoose {
			m.uncover()
			raise = true
		}
	}
	return raise
}

// pressWelcome is a press that only the pages without a session know.
func (m *Machine) pressWelcome(ctx context.Context, p Press) {
	v := &m.view
	switch p.What {
	case "tile":
		if v.Erased { // the question first; it goes by itself
			return
		}
		if err := m.tile(ctx, p.Arg); err != nil {
			m.Log.Warn("a tile did not open", "err", err)
		}
	case "done", "skip":
		if v.Erased {
			m.leaveErased()
		}
	case "answer":
		m.answer(fleet.Outcome(p.Arg))
	case "menu":
		v.Menu = m.comfortable()
	case "menu_close", "back":
		v.Menu = false
	}
	m.pressTechnician(p.What)
}

// raise gives the client's page the keyboard, unless it is covered.
func (m *Machine) raise() {
	if m.running != nil && m.view.State.InSession() && m.view.Hide == HideNone {
		if err := m.running.Raise(); err != nil {
			m.Log.Warn("the client's browser did not take the keyboard", "err", err)
		}
	}
}

// tick looks at the time and at the parts once a second.
func (m *Machine) tick(ctx context.Context) {
	look := m.watch()
	if time.Since(m.started) > restartShown {
		m.fault(fleet.KioskRestarted, false)
	}
	m.sightTimes()
	if m.blind() {
		return
	}
	if m.running != nil && !look.Answers {
		m.Log.Error("the client's browser is frozen")
		m.browserLost(ctx)
		return
	}
	if m.view.State.InSession() {
		if end := m.limits(); end != "" {
			m.end(ctx, end)
			return
		}
		if look.Alive && !look.Placed {
			m.raise() // the browser's own menus can hide or shrink its window
		}
	} else {
		m.welcomeTimes()
		if m.running != nil && !m.painted && time.Since(m.began) > m.slow(paintTime) {
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
	m.hours()
	m.helpTimes()
	m.openChosen(ctx)
	if m.redraw(ctx); !m.blank && !m.Screen.Paints() {
		m.show(ctx)
	}
}

// welcomeTimes lets what one person left on the welcome page go away.
func (m *Machine) welcomeTimes() {
	m.erasedTimes()
	m.technicianTimes()
	if m.view.Erased || !m.chosen() {
		return
	}
	idle, err := m.Screen.IdleFor()
	if err != nil {
		idle = forgetTime
	}
	if min(idle, time.Since(m.choice.at)) >= forgetTime {
		m.forget()
	}
}

// fill completes the view with what is known elsewhere, and the status with
// what the view knows.
func (m *Machine) fill() {
	v := &m.view
	v.CanSpeak, v.CanType, v.CanStick = m.Aids.Can(v.Lang)
	m.support()
	m.fillTechnician()
	if v.Help == HelpSoon {
		v.HelpIn = int(max(minutes(time.Until(m.help.due)), time.Minute) / time.Minute)
	}
	in := v.State.InSession()
	v.Pale = in && v.Comfort.Contrast && !m.setup.Comfort.Contrast
	if v.Mode = mode(m.now.Mode); in {
		v.Mode = m.setup.Mode
	} else {
		v.Down = strings.Join(m.Services.Down(), ",")
	}
	m.mu.Lock()
	changed := m.status.Web != v.Web || m.status.Waiting != v.Waiting || m.status.Mode != v.Mode || m.status.Settings != m.now.Version
	m.status.Web, m.status.Waiting, m.status.Mode, m.status.Settings = v.Web, v.Waiting, v.Mode, m.now.Version
	m.mu.Unlock()
	if changed {
		m.Uplink.Changed()
	}
}

// watch looks at the parts and copies what it sees into the status.
func (m *Machine) watch() Look {
	shell, look := m.Screen.Paints(), Look{}
	if m.running != nil {
		look = m.running.Look()
	}
	m.mu.Lock()
	m.status.Shell, m.status.Alive, m.status.Placed = shell, look.Alive, look.Placed
	m.mu.Unlock()
	return look
}
