package screen

import (
	"fmt"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/session"
)

// T says the words for a key.
func (p page) T(key string, pairs ...string) (string, error) {
	return p.texts.say(p.Lang, key, pairs...)
}

// Machine names the machine: where it is and what it is called.
func (p page) Machine() string {
	switch {
	case p.SiteName == "":
		return p.KioskName
	case p.KioskName == "":
		return p.SiteName
	}
	return p.SiteName + " · " + p.KioskName
}

// Clean says when the machine was last erased and checked; empty before that.
func (p page) Clean() (string, error) {
	if p.LastClean.IsZero() {
		return "", nil
	}
	clock, err := p.clock(p.LastClean)
	if err != nil {
		return "", err
	}
	return p.T("clean_at", "time", clock)
}

// bare is a time of day without a word: "15" or "15.30" in Finnish.
func (p page) bare(t time.Time) (string, error) {
	t = t.In(p.zone)
	key := "time"
	if t.Minute() == 0 {
		key = "time_hour"
	}
	return p.T(key, "hour", digits(p.Lang, fmt.Sprint(t.Hour())), "minute", digits(p.Lang, fmt.Sprintf("%02d", t.Minute())))
}

// clock is a time of day as people say it.
func (p page) clock(t time.Time) (string, error) {
	bare, err := p.bare(t)
	if err != nil {
		return "", err
	}
	s, err := p.T("clock", "time", bare)
	return nowrap(s), err
}

// day is a day as people say it, in this week or the next ones.
func (p page) day(t time.Time) (string, error) {
	t = t.In(p.zone)
	weekday, err := p.T(fmt.Sprintf("wd_%d", t.Weekday()))
	if err != nil {
		return "", err
	}
	s, err := p.T("day", "weekday", weekday, "day", digits(p.Lang, fmt.Sprint(t.Day())), "month", digits(p.Lang, fmt.Sprint(int(t.Month()))))
	return nowrap(s), err
}

// Supported reports whether there is anything to say of digital support.
func (p page) Supported() bool { return !p.Support.To.IsZero() }

// SupportWhen says until when digital support is here, or when it is next.
func (p page) SupportWhen() (string, error) {
	to, err := p.clock(p.Support.To)
	if err != nil {
		return "", err
	}
	if p.Here {
		return p.T("support_until", "time", to)
	}
	day, err := p.day(p.Support.From)
	if err != nil {
		return "", err
	}
	first, err := p.bare(p.Support.From)
	if err != nil {
		return "", err
	}
	last, err := p.bare(p.Support.To)
	if err != nil {
		return "", err
	}
	span, err := p.T("clock_span", "from", first, "to", last)
	if err != nil {
		return "", err
	}
	return p.T("support_at", "day", day, "span", nowrap(span))
}

// SupportPhone says where support answers by phone.
func (p page) SupportPhone() (string, error) { return p.T("support_phone", "phone", nowrap(p.Phone)) }

// Opens says when the place opens.
func (p page) Opens() (string, error) {
	day, err := p.day(p.OpensAt)
	if err != nil {
		return "", err
	}
	clock, err := p.clock(p.OpensAt)
	if err != nil {
		return "", err
	}
	return p.T("closed_opens", "day", day, "time", clock)
}

// TimeLeft says how long the client may stay.
func (p page) TimeLeft() (string, error) {
	if minutes := int(p.Left / time.Minute); minutes > 0 {
		return p.texts.count(p.Lang, "left", minutes)
	}
	return p.T("left_none")
}

// TimeLeftShort says it where there is no room.
func (p page) TimeLeftShort() (string, error) {
	if minutes := int(p.Left / time.Minute); minutes > 0 {
		return p.texts.count(p.Lang, "left_short", minutes)
	}
	return p.T("left_none_short")
}

// Countdown says when the session ends unless somebody acts.
func (p page) Countdown() (string, error) {
	key := "erase_in"
	if p.Why != session.NoReason {
		key = "limit_in"
	}
	if p.EndsIn > time.Minute { // seconds would only frighten
		return p.texts.count(p.Lang, key+"_minutes", int((p.EndsIn+time.Minute-1)/time.Minute))
	}
	return p.texts.count(p.Lang, key, max(1, int(p.EndsIn/time.Second)))
}

// NoticeSays says how many minutes are left.
func (p page) NoticeSays() (string, error) { return p.texts.count(p.Lang, "notice", p.Notice) }

// WhySays says why the time ends; empty when nobody knows.
func (p page) WhySays() (string, error) {
	key := map[session.Reason]string{session.ByLimit: "why_limit", session.ByQueue: "why_queue",
		session.ByClosing: "why_closing"}[p.Why]
	if key == "" {
		return "", nil
	}
	return p.T(key)
}

// HideLeftSays says how long a hidden screen waits; empty when nobody knows.
func (p page) HideLeftSays() (string, error) {
	minutes := int((p.HideLeft + time.Minute - 1) / time.Minute)
	if minutes < 1 {
		return "", nil
	}
	return p.texts.count(p.Lang, "hide_left", minutes)
}

// HideLeftShort says it where there is no room.
func (p page) HideLeftShort() (string, error) {
	return p.texts.count(p.Lang, "left_short", int((p.HideLeft+time.Minute-1)/time.Minute))
}

// HideSoon reports that the wait is nearly over: before, time is no matter.
func (p page) HideSoon() bool { return p.HideLeft <= 3*time.Minute }

// PickedSays says how many pictures were pressed.
func (p page) PickedSays() (string, error) {
	return p.T("picked", "n", digits(p.Lang, fmt.Sprint(p.Picked)), "of", digits(p.Lang, fmt.Sprint(session.PicturesToHide)))
}

// SizeSays says how large the text is.
func (p page) SizeSays() (string, error) {
	return p.T("text_now", "n", digits(p.Lang, fmt.Sprint(p.Comfort.Size)))
}

// OpeningSays says what opens.
func (p page) OpeningSays() (string, error) {
	if p.ChosenOne == "" {
		return p.T("wait")
	}
	return p.T("opening_text", "name", p.ChosenOne)
}

// HelpSays is what the client is told about the call for help.
func (p page) HelpSays() (string, error) {
	who := p.HelpWho != ""
	switch p.Help {
	case session.HelpTrying:
		return p.T("help_trying")
	case session.HelpRinging:
		return p.T("help_ringing")
	case session.HelpComing:
		if who {
			return p.T("help_coming_who", "who", p.HelpWho)
		}
		return p.T("help_coming")
	case session.HelpSoon:
		if who {
			return p.texts.count(p.Lang, "help_soon_who", p.helpIn(), "who", p.HelpWho)
		}
		return p.texts.count(p.Lang, "help_soon", p.helpIn())
	case session.HelpNobody:
		return p.T("help_nobody")
	case session.HelpOffline:
		return p.T("help_offline")
	}
	return "", fmt.Errorf("no words for the help state %q", p.Help)
}

// helpIn is in how many minutes somebody comes. Who said "soon" meant ten.
func (p page) helpIn() int {
	if p.HelpIn < 1 {
		return 10
	}
	return p.HelpIn
}

// HelpSaysShort says it where there is no room.
func (p page) HelpSaysShort() (string, error) {
	switch p.Help {
	case session.HelpComing:
		return p.T("help_coming_short")
	case session.HelpSoon:
		return p.texts.count(p.Lang, "help_soon_short", p.helpIn())
	case session.HelpNobody:
		return p.T("help_nobody_short")
	case session.HelpOffline:
		return p.T("help_offline_short")
	}
	return p.T("help_asked_short")
}

// HelpIcon is the picture beside it.
func (p page) HelpIcon() string {
	switch p.Help {
	case session.HelpComing, session.HelpSoon:
		return "user-check"
	case session.HelpNobody:
		return "clock"
	case session.HelpOffline:
		return "wifi-off"
	}
	return "hand-helping"
}

// HelpFailed reports that nobody will come by this call: it can be made again.
func (p page) HelpFailed() bool { return p.Help == session.HelpNobody || p.Help == session.HelpOffline }

// Finished reports whether "done" leads anywhere: beneath the page that says
// "erased", the next client's browser may still be starting.
func (p page) Finished() bool { return p.State != fleet.Erasing && p.State != fleet.Starting }

func nowrap(s string) string {
	out := []rune(s)
	for i, r := range out {
		if r == ' ' {
			out[i] = '\u00a0'
		}
	}
	return string(out)
}
