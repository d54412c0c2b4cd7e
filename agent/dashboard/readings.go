package dashboard

import (
	"html/template"
	"strings"

	"yhteiskone/internal/fleet"
)

// plugged says what is plugged into a machine, and how that is. What is not
// known is not said.
func plugged(t teller, h fleet.Health) (all []reading) {
	add := func(name string, bad bool, value template.HTML) {
		all = append(all, reading{"health." + name, value, bad})
	}
	if h.Keyboards != nil && h.Pointers != nil {
		touch := h.Touch != nil && *h.Touch
		var parts []string
		for _, p := range []struct {
			there   bool
			yes, no string
		}{{*h.Keyboards > 0, "keyboard", "keyboard_none"}, {*h.Pointers > 0, "mouse", "mouse_none"}, {touch, "touch", ""}} {
			word := p.yes
			if !p.there {
				word = p.no
			}
			if word != "" {
				parts = append(parts, string(t.say("health."+word)))
			}
		}
		add("input", !touch && (*h.Keyboards == 0 || *h.Pointers == 0), template.HTML(strings.Join(parts, ", ")))
	}
	if h.NewKeyboards != nil && *h.NewKeyboards > 0 {
		add("usb", true, t.say("health.usb_keyboard"))
	} else if h.USBChanges != nil && *h.USBChanges > 0 {
		add("usb", false, t.say("health.usb_changed"))
	}
	if h.Screens != nil && *h.Screens == 0 {
		add("monitor", true, t.say("health.monitor_none"))
	} else if h.Resolution != nil {
		add("monitor", false, template.HTML(template.HTMLEscapeString(*h.Resolution)))
	}
	yesno := func(name string, v *bool, good bool) {
		if v == nil {
			return
		}
		word := "health." + name + "_no"
		if *v {
			word = "health." + name + "_yes"
		}
		add(name, *v != good, t.say(word))
	}
	yesno("sound", h.Sound, true)
	if h.CardReader != nil && *h.CardReader { // few machines have one, and none misses it
		yesno("reader", h.CardReader, true)
	}
	yesno("disk_health", h.DiskHealthy, true)
	yesno("clock", h.ClockSet, true)
	if h.Updates != nil {
		waits := *h.Updates > 0
		yesno("updates", &waits, false)
	}
	if h.OnMains != nil && h.Battery != nil {
		word := "health.power_battery"
		if *h.OnMains {
			word = "health.power_both"
		}
		add("power", !*h.OnMains, t.say(word, "percent", *h.Battery))
	} else {
		yesno("power", h.OnMains, true)
	}
	if h.Swap != nil && *h.Swap {
		yesno("swap", h.Swap, false)
	}
	return all
}
