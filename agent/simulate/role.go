package simulate

import (
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// role is what a simulated kiosk is there to show.
type role int

// The roles. Of every two dozen kiosks most have one; the others just serve.
const (
	serving role = iota
	clockAhead
	silent
	outOfOrder
	diskNearlyFull
	outOfService
	errandsOnly
	serviceDown
	strangeKeyboard
	calling
	forged
	mouseGone
	screenGone
	hot
	unplugged
	mute
	diskDying
	swapping
	unpatched
	browserGone
	restarting
)

// roleOf gives kiosk number n its role. The first is always an ordinary one.
func roleOf(n int) role {
	return map[int]role{1: diskNearlyFull, 2: serviceDown, 3: outOfOrder, 4: errandsOnly, 5: clockAhead, 7: silent,
		9: outOfService, 11: strangeKeyboard,
		12: calling, 13: mouseGone, 14: hot, 15: forged, 16: unplugged, 17: mute, 18: diskDying, 19: screenGone,
		20: browserGone, 21: unpatched, 22: swapping, 23: restarting}[n%24]
}

// ail changes what a sound machine reports to what one of this role does.
func (r role) ail(to *wire.Report) {
	h := &to.Health
	switch r {
	case outOfOrder:
		to.Faults = append(to.Faults, fleet.WipeUnverified)
	case strangeKeyboard:
		h.Keyboards, h.USBChanges, h.NewKeyboards = ptr(2), ptr(1), ptr(1)
	case mouseGone:
		h.Pointers = ptr(0)
	case screenGone:
		h.Screens, h.Resolution = ptr(0), nil
	case hot:
		h.TemperatureC = ptr(99.0)
	case unplugged:
		h.OnMains = ptr(false)
	case mute:
		h.Sound = ptr(false)
	case diskDying:
		h.DiskHealthy = ptr(false)
	case swapping:
		h.Swap = ptr(true)
	case unpatched:
		h.Updates = ptr(14)
	case browserGone:
		to.Faults = append(to.Faults, fleet.BrowserFailing)
	case restarting:
		to.Faults = append(to.Faults, fleet.KioskRestarted)
	}
}
