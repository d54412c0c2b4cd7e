package dashboard

import (
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// kioskContent is the page of one machine.
type kioskContent struct {
	Now     kioskNow
	Health  kioskHealth
	Do      kioskDo
	SiteID  fleet.SiteID
	Site    string
	Name    string
	Place   string
	Notes   string
	Waiting []template.HTML // what was ordered and not answered yet
	Note    Note
	Sign    bool // it is out of service: a sign can be printed
	Sheet   bool // the person may see its acceptance sheet
	Audit   bool // the person may see what was done
	History []event
	Past    past
}

// kioskNow is its status and what is wrong.
type kioskNow struct {
	Card     card
	Serves   []template.HTML // what is special about how it serves, a sentence each
	Down     template.HTML   // services that do not answer: no fault of the machine
	DownTodo string
	Faults   []fault
	LastSeen time.Time
}

type fault struct {
	Text, Todo string
	Since      time.Time
	Flaps      template.HTML // that it comes and goes; empty if it does not
	Under      []string      // what it explains
}

// kioskHealth is how the machine is, in plain words.
type kioskHealth struct {
	Readings []reading
	Proof    *fleet.ProofSummary
	Reported bool
}

type reading struct {
	Name  string // key
	Value template.HTML
	Bad   bool
}

// kioskDo is what the person may do with the machine now.
type kioskDo struct {
	ID      fleet.KioskID
	Buttons []doButton
	Message bool
	Any     bool
}

type doButton struct {
	Name fleet.CommandName
	Icon string
	Ask  bool // a question comes first
}

func (b *board) kioskPage(w http.ResponseWriter, r *http.Request, v visit) {
	s := v.view
	c := kioskContent{Now: b.kioskNow(v, s), Health: b.kioskHealth(v, s), Do: b.kioskDo(v, s),
		SiteID: s.Kiosk.Site, Site: s.SiteName, Name: s.Kiosk.Name, Place: s.Kiosk.Place, Notes: s.Kiosk.Notes, Audit: v.may(staff.SeeAudit, s.Kiosk.Site), Sheet: v.may(staff.SeeSheet, s.Kiosk.Site)}
	waiting, err := b.Actions.Waiting(s.Kiosk.ID)
	for _, w := range waiting {
		c.Waiting = append(c.Waiting, v.tell.say("do."+string(w.Name)))
	}
	var err2 error
	c.Note, err2 = b.Actions.Note(s.Kiosk.ID)
	c.Sign = !c.Note.At.IsZero() || s.Status == fleet.StatusOutOfService
	if err := errors.Join(err, err2); err != nil {
		b.Log.Error("read what was ordered", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	if c.Audit {
		entries, err := b.Audit.Entries(s.Kiosk.ID, 20)
		if err != nil {
			b.Log.Error("read the audit", "err", err)
			b.fail(w, r, v, http.StatusInternalServerError, "broken")
			return
		}
		c.History = b.history(v, entries)
	}
	if c.Past, err = b.past(v, s.Kiosk.Site, []state.View{s}, false, b.open(v, s.Kiosk.ID, "", s.Faults)); err != nil {
		b.Log.Error("read the history", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	title := template.HTML(template.HTMLEscapeString(s.Kiosk.Name + " – " + s.SiteName))
	b.show(w, r, v, http.StatusOK, frame{Page: "kiosk", Title: title, Events: "/events?page=kiosk&kiosk=" + string(s.Kiosk.ID), Content: c})
}

func (b *board) kioskNow(v visit, s state.View) kioskNow {
	n := kioskNow{Card: b.card(v, s), LastSeen: s.LastSeen}
	for _, f := range s.Faults {
		text, todo := b.Texts.Fault(v.tell.lang, f.Code)
		if f.Code == fleet.ServicesDown && s.Report != nil && len(s.Report.Serves.Down) > 0 {
			n.Down, n.DownTodo = downText(v.tell, s.Report.Serves.Down), todo
			continue
		}
		told := fault{Text: text, Todo: todo, Since: begin(f), Flaps: v.tell.flaps(f)}
		for _, c := range s.Folded {
			if c.Under == f.Code {
				text, _ := b.Texts.Fault(v.tell.lang, c.Code)
				told.Under = append(told.Under, text)
			}
		}
		n.Faults = append(n.Faults, told)
	}
	if s.Report == nil || !s.Connected {
		return n
	}
	session := s.Report.State.InSession()
	switch serves := s.Report.Serves; {
	case serves.Mode == fleet.Errands && session && serves.Web:
		n.Serves = append(n.Serves, v.tell.say("kiosk.web_open"))
	case serves.Mode == fleet.Errands:
		n.Serves = append(n.Serves, v.tell.say("kiosk.errands"))
	}
	if session && s.Report.Serves.Waiting {
		n.Serves = append(n.Serves, v.tell.say("kiosk.waiting"))
	}
	return n
}

func (b *board) kioskDo(v visit, s state.View) kioskDo {
	d := kioskDo{ID: s.Kiosk.ID}
	site := s.Kiosk.Site
	add := func(a staff.Action, useful bool, button doButton) {
		if useful && v.may(a, site) {
			d.Buttons = append(d.Buttons, button)
		}
	}
	out := s.Status == fleet.StatusOutOfService || s.Report != nil && s.Report.State == fleet.OutOfService
	session := s.Report != nil && s.Report.State.InSession()
	serves := fleet.Serves{}
	if s.Report != nil {
		serves = s.Report.Serves
	}
	add(staff.WakeKiosk, !s.Connected && s.Kiosk.WiredMAC != "", doButton{fleet.Wake, "sparkles", true})
	add(staff.Identify, true, doButton{fleet.Identify, "eye", false})
	add(staff.SetQueue, session && !serves.Waiting, doButton{fleet.SomeoneWaits, "hourglass", true})
	add(staff.SetQueue, session && serves.Waiting, doButton{fleet.NobodyWaits, "hourglass", false})
	add(staff.OpenWeb, session && serves.Mode == fleet.Errands && !serves.Web, doButton{fleet.OpenWeb, "globe", true})
	add(staff.EndSession, session, doButton{fleet.EndSession, "log-out", true})
	add(staff.SetService, !out, doButton{fleet.TakeOutOfService, "circle-pause", true})
	add(staff.SetService, out, doButton{fleet.PutInService, "circle-check", false})
	add(staff.RestartKiosk, true, doButton{fleet.RestartKiosk, "rotate-ccw", true})
	add(staff.Reboot, true, doButton{fleet.Reboot, "power", true})
	add(staff.CheckKiosk, true, doButton{fleet.Check, "check", true})
	add(staff.UpdateConfig, true, doButton{fleet.UpdateConfig, "scan-search", true})
	d.Message = v.may(staff.SendMessage, site)
	d.Any = d.Message || len(d.Buttons) > 0
	return d
}

func (b *board) kioskHealth(v visit, s state.View) kioskHealth {
	h := kioskHealth{Proof: s.Proof, Reported: s.Report != nil}
	if s.Report == nil {
		return h
	}
	t, r := v.tell, s.Report.Health
	add := func(name string, bad bool, value template.HTML) {
		h.Readings = append(h.Readings, reading{"health." + name, value, bad})
	}
	either := func(name string, v *bool, good, bad string) {
		if v != nil && *v {
			add(name, false, t.say("health."+good))
		} else if v != nil {
			add(name, true, t.say("health."+bad))
		}
	}
	either("network", r.NetworkUp, "network_up", "network_down")
	either("screen", r.ShellPaints, "screen_ok", "screen_bad")
	if r.BrowserAlive != nil && *r.BrowserAlive && r.BrowserInPlace != nil && !*r.BrowserInPlace {
		add("browser", true, t.say("health.browser_misplaced"))
	} else {
		either("browser", r.BrowserAlive, "browser_ok", "browser_bad")
	}
	if r.CPUPercent != nil {
		word := "health.cpu_low"
		if *r.CPUPercent >= 80 {
			word = "health.cpu_high"
		}
		add("cpu", *r.CPUPercent >= 80, t.say(word, "percent", int(*r.CPUPercent+0.5)))
	}
	if r.MemoryFree != nil && r.MemoryTotal != nil {
		add("memory", *r.MemoryFree < *r.MemoryTotal/20, t.say("health.free_of", "free", t.gigabytes(*r.MemoryFree), "all", t.gigabytes(*r.MemoryTotal)))
	}
	if r.DiskFree != nil && r.DiskTotal != nil {
		add("disk", *r.DiskFree < *r.DiskTotal/20, t.say("health.free_of", "free", t.gigabytes(*r.DiskFree), "all", t.gigabytes(*r.DiskTotal)))
	}
	if r.TemperatureC != nil {
		add("temperature", *r.TemperatureC >= 90, t.say("health.degrees", "n", int(*r.TemperatureC+0.5)))
	}
	h.Readings = append(h.Readings, plugged(t, r)...)
	add("uptime", false, t.span(s.Report.Uptime))
	if s.Kiosk.Hardware != "" && v.may(staff.EnrolKiosk, s.Kiosk.Site) { // for technicians
		add("hardware", false, template.HTML(template.HTMLEscapeString(s.Kiosk.Hardware)))
	}
	return h
}

// messageLimit is how many characters a message on the screen may have.
const messageLimit = 200

// order returns the handler of one of the orders.
func (b *board) order(o order) func(http.ResponseWriter, *http.Request, visit) {
	return func(w http.ResponseWriter, r *http.Request, v visit) {
		c, flash := o.command, "sent"
		back := home(r.PostFormValue("back"))
		if c.Name == fleet.ShowMessage || c.Name == fleet.TakeOutOfService {
			c.Text = oneLine(r.PostFormValue("text"))
			if n := utf8.RuneCountInString(c.Text); n == 0 && c.Name == fleet.ShowMessage || n > messageLimit {
				flash = "message_empty"
				if n > messageLimit {
					flash = "message_long"
				}
				b.Staff.SetFlash(r.Context(), flash)
				http.Redirect(w, r, back, http.StatusSeeOther)
				return
			}
		}
		if _, err := b.Actions.Command(r.Context(), v.person.Name, v.view.Kiosk.ID, c); err != nil {
			if flash = "wake_failed"; !errors.Is(err, ErrNobodyNear) {
				b.Log.Error("order", "kiosk", v.view.Kiosk.ID, "command", c.Name, "err", err)
				flash = "failed"
			}
		}
		b.Staff.SetFlash(r.Context(), flash)
		http.Redirect(w, r, back, http.StatusSeeOther)
	}
}

// oneLine leaves out what cannot be shown on a screen.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || r == utf8.RuneError:
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
