package screen

import (
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/session"
)

// kind is which page a view is drawn as.
type kind string

const (
	welcome      kind = "welcome"
	opening      kind = "opening" // a tile was pressed, its browser is on its way
	erased       kind = "erased"
	askDone      kind = "ask_done" // the optional question: did you get it done?
	askWhy       kind = "ask_why"  // and what stood in the way?
	starting     kind = "starting"
	snag         kind = "snag" // what keeps the machine from starting, for a technician
	technical    kind = "technician"
	erasing      kind = "erasing"
	closed       kind = "closed"
	outOfService kind = "out_of_service"
	outOfOrder   kind = "out_of_order"
	identify     kind = "identify"
	hideChoose   kind = "hide_choose"   // over everything: three pictures are chosen
	hideOn       kind = "hide_on"       // over everything: they uncover it
	hideConfirm  kind = "hide_confirm"  // over everything: end a hidden session?
	strip        kind = "strip"         // the strip itself
	idle         kind = "idle"          // the strip, growing: nobody touches the machine
	lastCall     kind = "last_call"     // its last seconds, over everything
	limit        kind = "limit"         // the strip, grown: the last seconds of a session whose end no press stops
	confirm      kind = "confirm"       // the strip, grown: do you want to end?
	notice       kind = "notice"        // the strip, grown: so many minutes are left
	message      kind = "message"       // the strip, grown: words of staff
	stripIdent   kind = "identify_here" // the strip, grown: which machine this is
	menu         kind = "menu"          // the strip, grown: comfort, hiding, somebody waits
)

// lastCallFrom is when the idle warning may cover the page: before, somebody
// may be reading a code off it with a phone.
const lastCallFrom = 20 * time.Second

// kindOf decides which page a view is. A pure function.
func kindOf(v session.View) kind {
	if v.State.InSession() {
		return kindInSession(v)
	}
	switch {
	case v.Technician != nil:
		return technical
	case v.State == fleet.OutOfOrder && v.Identify:
		return identify
	case v.State == fleet.OutOfOrder:
		return outOfOrder
	case v.Erased && v.Ask == session.AskDone:
		return askDone
	case v.Erased && v.Ask == session.AskWhy:
		return askWhy
	case v.Erased:
		return erased
	case v.Chosen != "" && (v.State == fleet.Ready || v.State == fleet.Starting):
		return opening
	case v.Identify:
		return identify
	case v.State == fleet.Starting && v.Snag != session.NoSnag:
		return snag
	case v.State == fleet.Ready:
		return welcome
	case v.State == fleet.Erasing:
		return erasing
	case v.State == fleet.Closed:
		return closed
	case v.State == fleet.OutOfService:
		return outOfService
	}
	return starting
}

func kindInSession(v session.View) kind {
	hidden := v.Hide == session.HideOn || v.Hide == session.HideWrong || v.Hide == session.HidePause
	idling := v.State == fleet.Warning && v.Why == session.NoReason
	switch {
	case hidden && v.Confirm:
		return hideConfirm
	case hidden: // whatever else there is to say: the page stays covered
		return hideOn
	case idling && v.EndsIn <= lastCallFrom:
		return lastCall // a press helps, so nobody may overlook it
	case v.Confirm:
		return confirm
	case v.Hide == session.HideChoose:
		return hideChoose
	case idling:
		return idle
	case v.State == fleet.Warning:
		return limit
	case v.Notice > 0:
		return notice
	case v.Identify:
		return stripIdent
	case v.Message != "":
		return message
	case v.Menu:
		return menu
	}
	return strip
}

// height is how many units of the design the page is high at least; 0 for the
// whole screen. All but the strip itself grow when their words need more.
func (k kind) height(v session.View) int {
	switch k {
	case strip:
		return 72
	case idle: // it grows as the time runs out
		switch {
		case v.EndsIn > 2*time.Minute:
			return 72
		case v.EndsIn > time.Minute:
			return 144
		}
		return 216
	case limit, notice, message:
		return 144
	case stripIdent:
		return 200
	case confirm:
		return 288
	case menu:
		return 320
	}
	return 0
}

// covers reports whether the page hides the client's own.
func (k kind) covers() bool { return k.height(session.View{}) == 0 }

// grows reports whether the page takes more room than height when its words
// need it.
func (k kind) grows() bool { return k != strip && !k.covers() }

// takesKeys reports whether the page wants the keyboard. The strip does not:
// the client is typing beside it.
func (k kind) takesKeys() bool { return k.covers() || k == confirm || k == menu }
