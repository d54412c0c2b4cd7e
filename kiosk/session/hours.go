package session

import (
	"time"

	"yhteiskone/internal/fleet"
)

// Times around the closing of the place.
const (
	darkAfter = 2 * time.Minute  // after closing
	darkAgain = time.Minute      // after the last touch
	lightFor  = 3 * time.Second  // a touch this long ago turns the light on
	offAfter  = 10 * time.Minute // after closing
)

// night is the time outside opening hours. The waiting browser stays prepared:
// the first client in the morning waits for nothing, and what breaks at night
// is found and told at night.
type night struct {
	from time.Time // since when it is closed and no session runs; zero while open
	dark bool      // the monitor is off
	off  bool      // the machine was asked to turn itself off
}

// hours makes state, view and light follow the opening hours.
func (m *Machine) hours() {
	wall, n := m.Wall(), &m.night
	open := m.latest.Hours.Open(wall)
	if open || m.view.State.InSession() {
		*n = night{dark: n.dark}
	} else if n.from.IsZero() {
		n.from = time.Now()
	}
	switch s := m.view.State; {
	case s == fleet.Ready && !open, s == fleet.Closed && open:
		m.rest()
	}
	m.view.OpensAt = time.Time{}
	if m.view.State == fleet.Closed {
		m.view.OpensAt, _ = m.latest.Hours.Next(wall)
	}
	m.light()
}

// light turns the monitor off at night, and on again for whoever is there.
func (m *Machine) light() {
	n, closed := &m.night, time.Duration(0)
	if !n.from.IsZero() {
		closed = time.Since(n.from)
	}
	idle, err := m.Screen.IdleFor()
	if err != nil {
		idle = closed
	}
	dark := closed >= darkAfter && !m.view.Identify && m.view.Message == ""
	if n.dark {
		dark = dark && idle >= lightFor
	} else {
		dark = dark && idle >= darkAgain
	}
	if dark != n.dark {
		n.dark = dark
		if err := m.Screen.Light(!dark); err != nil {
			m.Log.Warn("the monitor does not follow", "err", err)
		}
	}
	rests := m.view.State == fleet.Closed || m.view.State == fleet.OutOfService
	if m.PowerOff != nil && rests && !n.off && closed >= offAfter && idle >= darkAgain {
		n.off = true
		m.Log.Info("the place is closed: the machine turns itself off")
		m.PowerOff()
	}
}

// support puts the present or next time of digital support into the view.
func (m *Machine) support() {
	m.view.Support, m.view.Here = fleet.Support{}, false
	now := m.Wall()
	for _, s := range m.latest.Support {
		if s.To.After(now) && (m.view.Support.To.IsZero() || s.From.Before(m.view.Support.From)) {
			m.view.Support, m.view.Here = s, !s.From.After(now)
		}
	}
}
