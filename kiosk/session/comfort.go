package session

import (
	"context"
	"slices"
	"strconv"
	"time"

	"yhteiskone/internal/fleet"
)

// stripUnits is how high the strip is, in units of the design: the on-screen
// keyboard stands above it.
const stripUnits = 72

// choice is what somebody chose at the welcome page, and what a client hears.
type choice struct {
	lang   string    // of the next browser
	at     time.Time // when something was last chosen
	settle *time.Timer
	said   string // what was last read aloud of its own accord
	typing string // the language of the on-screen keyboard that is up; empty for none
}

// comfortable reports whether there is anybody whose comfort it would be. On
// the page that says "erased" there is none: that client goes, the next comes.
func (m *Machine) comfortable() bool {
	switch m.view.State {
	case fleet.InUse, fleet.Warning:
		return true
	case fleet.Ready, fleet.Closed, fleet.OutOfService, fleet.OutOfOrder:
		return !m.view.Erased
	}
	return false
}

// comfort changes how the client sees, hears and types.
func (m *Machine) comfort(p Press) {
	if !m.comfortable() {
		return
	}
	c := m.view.Comfort
	switch p.What {
	case "size":
		size, err := strconv.Atoi(p.Arg)
		if err != nil || !slices.Contains(Sizes(), size) {
			return
		}
		c.Size = size
	case "contrast":
		c.Contrast = !c.Contrast
	case "speak":
		c.Speak = !c.Speak && m.view.CanSpeak
	case "keyboard":
		c.Keyboard = !c.Keyboard && m.view.CanType
	case "sticky":
		c.Sticky = !c.Sticky && m.view.CanStick
	}
	before := m.view.Comfort
	m.view.Comfort, m.choice.at = c, time.Now()
	if before.Sticky != c.Sticky {
		m.aid("sticky keys", m.Aids.Sticky(c.Sticky))
	}
	if before.Speak != c.Speak {
		m.choice.said = ""
		if !c.Speak {
			m.aid("the voice", m.Aids.Say("", m.view.Lang))
		}
	}
	m.keyboard()
	if before.Size == c.Size && before.Contrast == c.Contrast {
		return
	}
	if !m.view.State.InSession() {
		m.follow()
	} else if err := m.running.Adjust(c); err != nil {
		m.Log.Warn("the client's pages do not follow", "err", err)
	}
}

// language changes the language of our own pages at once. A browser that
// waits for its client is started anew in it.
func (m *Machine) language(code string) {
	offered := m.latest.Languages
	if code == "" || len(offered) > 0 && !slices.Contains(offered, code) {
		return
	}
	m.view.Lang, m.choice.lang, m.choice.at = code, code, time.Now()
	m.fill() // another language may have no voice
	m.keyboard()
	m.follow()
}

// aid logs an aid that failed: the client can still do without it.
func (m *Machine) aid(what string, err error) {
	if err != nil {
		m.Log.Warn(what+" failed", "err", err)
	}
}

// keyboard makes the on-screen keyboard follow: it is up only over a client's
// page, never over our own.
func (m *Machine) keyboard() {
	lang := ""
	if m.view.State.InSession() && m.view.Comfort.Keyboard && m.view.Hide == HideNone {
		lang = m.view.Lang
	}
	if lang == m.choice.typing {
		return
	}
	m.choice.typing = lang
	m.aid("the on-screen keyboard", m.Aids.Keyboard(lang != "", m.view.Lang, stripUnits))
}

// plain puts everything back to how the next client finds it.
func (m *Machine) plain() {
	if err := m.Aids.Reset(); err != nil {
		m.Log.Error("the aids were not put back", "err", err)
	}
	if m.choice.settle != nil {
		m.choice.settle.Stop()
	}
	m.choice = choice{lang: m.Lang}
	m.view.Comfort, m.view.Menu, m.view.Preparing, m.view.Chosen = Plain(), false, false, ""
}

// forget is plain when nobody is there any more who chose.
func (m *Machine) forget() {
	m.plain()
	if !m.view.Erased { // that page is still the one before's
		m.view.Lang = m.Lang
	}
	m.follow()
}

// chosen reports whether somebody chose anything at the welcome page.
func (m *Machine) chosen() bool {
	return m.view.Comfort != Plain() || m.view.Menu || m.view.Chosen != "" || m.choice.lang != m.Lang || m.view.Lang != m.Lang
}

// wanted is how the next client's browser should be.
func (m *Machine) wanted() Setup {
	s := Setup{Lang: m.choice.lang, Comfort: Comfort{Size: m.view.Comfort.Size, Contrast: m.view.Comfort.Contrast},
		Mode: mode(m.now.Mode), Blocked: m.now.Blocked}
	if s.Mode == fleet.Errands {
		s.Offer = m.view.Offer
	}
	return s
}

func (s Setup) same(o Setup) bool {
	return s.Lang == o.Lang && s.Comfort == o.Comfort && s.Mode == o.Mode && s.Offer == o.Offer && slices.Equal(s.Blocked, o.Blocked)
}

// follow has the waiting browser started anew, a moment from now, if it is not
// as the next client wants it. In other states than Ready that can wait until
// the kiosk is ready again.
func (m *Machine) follow() {
	if m.choice.settle != nil {
		m.choice.settle.Stop()
		m.choice.settle = nil
	}
	m.view.Preparing = false
	if m.view.State != fleet.Ready || m.running == nil {
		return
	}
	same := m.setup.same(m.wanted())
	m.view.Preparing = !same || !m.painted
	if same {
		return
	}
	wait := settleTime // whoever looks for the right size presses more than once
	if m.view.Chosen != "" {
		wait = 0
	}
	m.choice.settle = time.NewTimer(wait)
}

func (m *Machine) settled() <-chan time.Time {
	if m.choice.settle == nil {
		return nil
	}
	return m.choice.settle.C
}

// renew replaces the waiting browser by one in the wanted setup, beneath the
// welcome page. Nobody used it, and yet it is killed, wiped and proved gone
// like every other.
func (m *Machine) renew(ctx context.Context) {
	m.choice.settle = nil
	if m.view.State != fleet.Ready || m.running == nil {
		return
	}
	started := time.Now()
	m.kill(ctx)
	if why := m.prove(ctx, started); why != "" {
		m.broken(ctx, why)
		return
	}
	m.renewing = true
	m.prepare(ctx)
}

// tile is a press on a tile. While the browser is being started anew it is
// remembered.
func (m *Machine) tile(ctx context.Context, id string) error {
	if m.view.State == fleet.Ready && m.view.Preparing {
		if _, ok := m.Tiles.Tile(id); !ok {
			return ErrUnknownTile
		}
		m.view.Chosen = id
		m.follow()
		return nil
	}
	return m.open(ctx, id)
}

// openChosen opens the tile that was pressed while the browser was not there.
func (m *Machine) openChosen(ctx context.Context) {
	id := m.view.Chosen
	if id == "" || m.view.Preparing || m.view.State != fleet.Ready {
		return
	}
	m.view.Chosen = ""
	if err := m.open(ctx, id); err != nil {
		m.Log.Warn("a tile did not open", "err", err)
	}
}

// speak reads the view aloud, for who wants that, if it says something new.
func (m *Machine) speak() {
	if !m.view.Comfort.Speak || !m.view.CanSpeak {
		return
	}
	says := m.Screen.Spoken(steady(m.view))
	if says == m.choice.said {
		return
	}
	m.choice.said = says
	if says != "" {
		m.aid("the voice", m.Aids.Say(m.Screen.Spoken(m.view), m.view.Lang))
	}
}

// steady is the view without what changes by itself all the time. A countdown
// counts as new at 60, 30, 20 and 10 seconds.
func steady(v View) View {
	if v.EndsIn > 0 {
		rough := 2 * time.Minute
		for _, at := range []time.Duration{60, 30, 20, 10} {
			if v.EndsIn <= at*time.Second {
				rough = at * time.Second
			}
		}
		v.EndsIn = rough
	}
	v.Left, v.HideLeft = min(v.Left, time.Minute), min(v.HideLeft, time.Minute)
	v.HelpIn = min(v.HelpIn, 1)
	v.LastClean, v.Down, v.Support, v.Here = time.Time{}, "", fleet.Support{}, false
	return v
}

// say reads our own page aloud, or what the client selected on theirs, because
// they asked.
func (m *Machine) say(what string) {
	switch {
	case !m.view.CanSpeak:
	case what == "say":
		m.aid("the voice", m.Aids.Say(m.Screen.Spoken(m.view), m.view.Lang))
	case m.view.State.InSession() && m.view.Hide == HideNone:
		m.aid("the voice", m.Aids.SaySelected(m.view.Lang))
	}
}
