package session

import (
	"time"

	"yhteiskone/internal/fleet"
)

// Times that no setting changes.
const (
	paintTime    = 20 * time.Second // a fresh browser has this long to draw; a slow machine needs longer for this
	killTime     = 5 * time.Second  // and these
	wipeTime     = 10 * time.Second
	showTime     = 4 * time.Second
	erasedTime   = 8 * time.Second  // "your data has been erased" stays this long
	askTime      = 20 * time.Second // and this long while a question waits for its answer
	leaveTime    = time.Minute      // the most that the last wipe takes: a service manager waits no longer than 90 s
	forgetTime   = time.Minute      // what was chosen at the welcome page, without a session
	settleTime   = 600 * time.Millisecond
	helpLapse    = 15 * time.Minute // a help call from the welcome page
	identifyFor  = 30 * time.Second
	messageFor   = 10 * time.Minute
	restartShown = 30 * time.Minute // a restart of ours or of the screen stays a fault this long
)

// Times of a running session that no setting changes.
const (
	moreTime    = 15 * time.Minute // what a press on "more time" gives
	closingTold = time.Hour        // a closing time further away is nobody's worry
	clockJump   = 10 * time.Second // between two looks at the wall clock
	sameTime    = 30 * time.Second // deadlines this near to each other are one
)

// clock is the time of the running session. The zero value is nobody's.
type clock struct {
	limit   time.Time // the centre's, which more_time moves; zero for none
	queue   time.Time // since somebody waits; zero while nobody does
	touched time.Time // when a client last pressed something of ours
	input   time.Time // when the screen last saw any input
	chimed  int       // how often the running countdown has sounded

	closing time.Time // by the wall clock; zero for none
	sudden  bool      // closing is our own, because the place is closed all of a sudden
	wall    time.Time // the last look at the wall clock
	mono    time.Time // and when that was

	deadline time.Time // which the notices are about
	noticed  int       // the last notice: 10, 5, 1; 0 for none yet
}

// wind begins the time of a session.
func (m *Machine) wind() {
	now := time.Now()
	m.clock = clock{touched: now}
	if m.now.Limit > 0 {
		m.clock.limit = now.Add(m.now.Limit)
	}
}

// limits works out how long the session may go on, makes view and state say
// so, and returns how it ends, if it ends now.
func (m *Machine) limits() fleet.End {
	now := time.Now()
	left, why := m.deadline(now)
	ends, by := m.idleLeft(now), NoReason
	v := &m.view
	v.Left, v.Why = 0, NoReason
	if why != NoReason {
		if why != ByClosing || left <= closingTold {
			v.Left, v.Why = minutes(left), why
		}
		if left < ends {
			ends, by = left, why
		}
	}
	v.MoreTime = why == ByLimit && m.clock.queue.IsZero() && left <= moreTime
	v.Waiting = !m.clock.queue.IsZero()
	m.notices(now, left, why)
	switch {
	case ends > 0:
	case by == NoReason:
		return fleet.EndIdle
	default:
		return fleet.EndLimit
	}
	v.EndsIn = 0
	if ends <= m.now.Warn {
		v.EndsIn, v.Why = (ends + time.Second - 1).Truncate(time.Second), by
	}
	m.chime(v.EndsIn, by)
	if v.EndsIn > 0 {
		m.set(fleet.Warning)
	} else {
		m.set(fleet.InUse)
	}
	return ""
}

// minutes are begun minutes.
func minutes(d time.Duration) time.Duration {
	return max(d+time.Minute-time.Second, 0).Truncate(time.Minute)
}

// deadline is how long the session has at most, and why; without a reason it
// has no end.
func (m *Machine) deadline(now time.Time) (left time.Duration, why Reason) {
	earlier := func(d time.Duration, w Reason) {
		if why == NoReason || d < left {
			left, why = d, w
		}
	}
	if !m.clock.limit.IsZero() {
		earlier(m.clock.limit.Sub(now), ByLimit)
	}
	if !m.clock.queue.IsZero() {
		earlier(m.clock.queue.Sub(now), ByQueue)
	}
	if d, ok := m.closes(now); ok {
		earlier(d, ByClosing)
	}
	return left, why
}

// notice is what a client keeps of a session that ends because of others.
func (m *Machine) notice() time.Duration {
	if m.now.Notice > 0 {
		return m.now.Notice
	}
	return fleet.DefaultSettings().Notice
}

// closes is how long it is until the place closes, and whether that is known.
// Hours that say all of a sudden that it is closed, because they were changed
// or because the clock jumped, leave the client the notice.
func (m *Machine) closes(now time.Time) (time.Duration, bool) {
	c, wall := &m.clock, m.Wall().Round(0)
	if !c.wall.IsZero() && (wall.Sub(c.wall)-now.Sub(c.mono)).Abs() > clockJump {
		c.closing, c.sudden = time.Time{}, false
	}
	c.wall, c.mono = wall, now
	if m.latest.Hours.Open(wall) {
		c.sudden = false
		c.closing, _ = m.latest.Hours.Next(wall) // zero if it never closes
	} else if c.closing.IsZero() || c.closing.After(wall) && !c.sudden {
		c.closing, c.sudden = wall.Add(m.notice()), true
	}
	return c.closing.Sub(wall), !c.closing.IsZero()
}

// idleLeft is how long the session goes on if nobody touches the machine. A
// hidden screen has a time of its own: who hid it said that they go away.
func (m *Machine) idleLeft(now time.Time) time.Duration {
	if m.view.Hide != HideNone {
		return m.hideLeft(now)
	}
	last := m.began
	if idle, err := m.Screen.IdleFor(); err == nil {
		m.clock.input = now.Add(-idle)
	} else {
		// Without knowing, what was known and presses on our own pages count:
		// the warning comes too early, and a press answers it.
		m.Log.Warn("the idle time is unknown", "err", err)
	}
	for _, t := range []time.Time{m.clock.input, m.clock.touched} {
		if t.After(last) {
			last = t
		}
	}
	return m.now.Idle - now.Sub(last)
}

// notices puts up the notices at 10, 5 and 1 minutes before the deadline, each
// once; another deadline begins them again.
func (m *Machine) notices(now time.Time, left time.Duration, why Reason) {
	c := &m.clock
	if why == NoReason {
		c.deadline, c.noticed, m.view.Notice = time.Time{}, 0, 0
		return
	}
	at := now.Add(left)
	if c.deadline.IsZero() || at.Sub(c.deadline).Abs() > sameTime {
		c.noticed, m.view.Notice = 0, 0
	}
	c.deadline = at
	fits := 0
	for _, n := range []int{10, 5, 1} {
		if left <= time.Duration(n)*time.Minute {
			fits = n
		}
	}
	if fits != 0 && (c.noticed == 0 || fits < c.noticed) {
		c.noticed, m.view.Notice = fits, fits
	}
}

// chime sounds when the countdown of an idle session begins, at 60 seconds and
// at 20.
func (m *Machine) chime(ends time.Duration, by Reason) {
	stage := 0
	if by == NoReason && ends > 0 {
		stage = 1
		for _, at := range []time.Duration{60, 20} {
			if ends <= at*time.Second {
				stage++
			}
		}
	}
	if stage > m.clock.chimed {
		m.aid("the chime", m.Aids.Chime())
	}
	m.clock.chimed = stage
}

// extend moves the centre's limit, while nobody waits and it is near.
func (m *Machine) extend() {
	m.limits() // whether it may is a question of now
	if !m.view.MoreTime {
		return
	}
	m.clock.limit = m.clock.limit.Add(moreTime)
	m.view.Notice = 0
}

// someoneWaits gives the running session the notice, or takes that back.
func (m *Machine) someoneWaits(yes bool) {
	switch {
	case !yes:
		m.clock.queue = time.Time{}
	case m.clock.queue.IsZero():
		m.clock.queue = time.Now().Add(m.notice())
	}
}

// slow is a time as a machine of this pace needs it.
func (m *Machine) slow(d time.Duration) time.Duration {
	return time.Duration(float64(d) * max(1, m.Screen.Pace()))
}
