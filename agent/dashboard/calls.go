package dashboard

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// call is one open help call, as it stands on top of every page.
type call struct {
	ID      string
	Kiosk   fleet.KioskID
	Text    template.HTML
	At      time.Time
	Rings   bool // nobody has answered
	Answers []answerButton
}

// answerButton is one answer that a person may give now.
type answerButton struct {
	Value string // as answerOf reads it
	Word  template.HTML
	Main  bool
	Soon  bool // one of the row of times
}

// soonMinutes are the times in which people say that they come, in minutes.
func soonMinutes() []int { return []int{5, 10, 20} }

// usualMinutes is meant by who comes "soon" and says no time.
const usualMinutes = 10

// answers are the buttons of the answers; "soon" is one for each time.
func (t teller) answers(all ...fleet.HelpAnswer) (buttons []answerButton) {
	for i, a := range all {
		if a != fleet.ComingSoon {
			buttons = append(buttons, answerButton{string(a), t.say("help.answer." + string(a)), i == 0, false})
			continue
		}
		for _, n := range soonMinutes() {
			buttons = append(buttons, answerButton{fmt.Sprintf("%s_%d", a, n), t.say("help.in_minutes", "n", n), i == 0, true})
		}
	}
	return buttons
}

// answerOf reads what a button says: an answer, or "coming_soon_5".
func answerOf(value string) (a fleet.HelpAnswer, minutes int, ok bool) {
	if after, soon := strings.CutPrefix(value, string(fleet.ComingSoon)+"_"); soon {
		n, err := strconv.Atoi(after)
		return fleet.ComingSoon, n, err == nil && slices.Contains(soonMinutes(), n)
	}
	a = fleet.HelpAnswer(value)
	if a == fleet.ComingSoon {
		minutes = usualMinutes
	}
	return a, minutes, a.Valid()
}

// calls lists the open help calls that the person may see, oldest first, those
// that ring before the others.
func (b *board) calls(v visit) []call {
	var all []call
	for _, s := range b.Fleet.Views() {
		h := s.Help
		if h == nil || h.Answer == fleet.Done || !v.may(staff.SeeHelp, s.Kiosk.Site) && !b.called(v, s, staff.SeeHelp) {
			continue
		}
		c := call{ID: h.ID, Kiosk: s.Kiosk.ID, At: h.At, Rings: h.Answer == fleet.NoAnswer}
		word := "help.ringing"
		answers := []fleet.HelpAnswer{fleet.Coming, fleet.ComingSoon, fleet.CannotCome}
		switch h.Answer {
		case fleet.Coming, fleet.ComingSoon:
			word = "help." + string(h.Answer)
			answers = []fleet.HelpAnswer{fleet.Done}
		case fleet.CannotCome:
			word = "help.cannot_come"
			answers = []fleet.HelpAnswer{fleet.Coming, fleet.ComingSoon, fleet.Done}
		}
		c.Text = v.tell.say(word, "site", s.SiteName, "kiosk", s.Kiosk.Name, "who", b.shown(h.AnsweredBy), "n", cmp.Or(h.Minutes, usualMinutes))
		if v.may(staff.AnswerHelp, s.Kiosk.Site) || b.called(v, s, staff.AnswerHelp) {
			c.Answers = v.tell.answers(answers...)
		}
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b call) int {
		if a.Rings != b.Rings {
			if a.Rings {
				return -1
			}
			return 1
		}
		return a.At.Compare(b.At)
	})
	return all
}

// called reports whether a call rings at the person's site although it is
// another's: nobody there answered in the time that they set, or this person
// did.
func (b *board) called(v visit, s state.View, a staff.Action) bool {
	if s.Help == nil {
		return false
	}
	c := b.Places.Call(s.Kiosk.Site)
	waits := s.Help.Answer == fleet.NoAnswer || s.Help.Answer == fleet.CannotCome
	return c.To != "" && v.may(a, c.To) && (waits && b.Now().Sub(s.Help.At) >= c.After || s.Help.AnsweredBy == v.person.Name)
}

// shown is a person's name as they write it.
func (b *board) shown(name string) string {
	if s, ok := b.Staff.Shown(name); ok {
		return s
	}
	return name
}

func (b *board) answer(w http.ResponseWriter, r *http.Request, v visit) {
	a, minutes, ok := answerOf(r.PostFormValue("answer"))
	if !ok {
		b.fail(w, r, v, http.StatusBadRequest, "broken")
		return
	}
	flash := "answered"
	if a == fleet.Done {
		flash = "done"
	}
	err := b.Actions.Answer(r.Context(), v.person.Name, v.view.Kiosk.ID, r.PostFormValue("call"),
		Reply{Answer: a, Minutes: minutes, Who: v.person.Shown})
	switch {
	case errors.Is(err, ErrNoCall):
		flash = "call_over"
	case err != nil:
		b.Log.Error("answer a help call", "kiosk", v.view.Kiosk.ID, "err", err)
		flash = "failed"
	}
	b.Staff.SetFlash(r.Context(), flash)
	http.Redirect(w, r, home(r.PostFormValue("back")), http.StatusSeeOther)
}

// helpContent is the page of the help calls; the open ones are in the banner
// of every page, so here is only whether there are any, and what was answered.
type helpContent struct {
	Any    bool
	Recent []event
	Weeks  []weekRow // on the page only, not in the stream
	Counts bool      // for people who answer calls
}

func (b *board) helpPage(w http.ResponseWriter, r *http.Request, v visit) {
	content, err := b.helpNow(v)
	if err == nil {
		content.Counts = v.may(staff.AnswerHelp, staff.Somewhere)
		content.Weeks, err = b.helpWeeks(v)
	}
	if err != nil {
		b.Log.Error("read the audit", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	b.show(w, r, v, http.StatusOK, frame{Page: "help", Title: v.tell.say("help.title"), Events: "/events?page=help", Refresh: true, Content: content})
}

func (b *board) helpNow(v visit) (helpContent, error) {
	entries, err := b.Audit.Entries("", 500)
	if err != nil {
		return helpContent{}, err
	}
	entries = slices.DeleteFunc(entries, func(e AuditEntry) bool {
		return e.Action != "help_answered" || !v.may(staff.SeeHelp, e.Site)
	})
	return helpContent{Any: len(b.calls(v)) > 0, Recent: b.history(v, entries[:min(len(entries), 50)])}, nil
}
