package dashboard

import (
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// signInContent is the sign-in page.
type signInContent struct {
	Name    string
	Next    string
	First   bool   // the part with the one-time code is open
	Problem string // key
}

func (b *board) signInPage(w http.ResponseWriter, r *http.Request, v visit) {
	if v.person.Name != "" {
		http.Redirect(w, r, home(r.FormValue("next")), http.StatusSeeOther)
		return
	}
	b.show(w, r, v, http.StatusOK, frame{Page: "sign_in", Title: v.tell.say("sign_in.title"),
		Content: signInContent{Name: r.FormValue("name"), Next: home(r.FormValue("next")), First: r.FormValue("first") != ""}})
}

func (b *board) signIn(w http.ResponseWriter, r *http.Request, v visit) {
	c := signInContent{Name: r.PostFormValue("name"), Next: home(r.PostFormValue("next")), First: r.PostFormValue("way") == "code"}
	var err error
	switch {
	case !c.First:
		err = b.Staff.SignIn(r, c.Name, r.PostFormValue("password"))
	case r.PostFormValue("new") != r.PostFormValue("again"):
		err = staff.PasswordDiffer
	default:
		err = b.Staff.SignInWithCode(r, c.Name, r.PostFormValue("code"), r.PostFormValue("new"))
	}
	if err == nil {
		http.Redirect(w, r, c.Next, http.StatusSeeOther)
		return
	}
	status, problem := b.problem(err)
	if problem == "" {
		b.fail(w, r, v, status, "broken")
		return
	}
	c.Problem = problem
	v.person = staff.Person{} // the page is for somebody who is not in
	b.show(w, r, v, status, frame{Page: "sign_in", Title: v.tell.say("sign_in.title"), Content: c})
}

// problem returns how to answer to an error of staff, and the key of its
// sentence; none if it is nothing that the person could mend.
func (b *board) problem(err error) (status int, key string) {
	var p staff.Problem
	if !errors.As(err, &p) {
		b.Log.Error("sign in", "err", err)
		return http.StatusInternalServerError, ""
	}
	status = http.StatusUnprocessableEntity
	switch p {
	case staff.TooManyTries:
		status = http.StatusTooManyRequests
	case staff.TooBusy:
		status = http.StatusServiceUnavailable
	case staff.WrongPassword, staff.WrongCode:
		status = http.StatusUnauthorized
	}
	return status, "problem." + string(p)
}

func (b *board) signOut(w http.ResponseWriter, r *http.Request, v visit) {
	if err := b.Staff.SignOut(r.Context()); err != nil {
		b.Log.Error("sign out", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}

// staffContent is the page of accounts.
type staffContent struct {
	Me      staff.Person
	Problem string
	List    bool
	People  []staff.Account
}

func (b *board) staffPage(w http.ResponseWriter, r *http.Request, v visit) {
	b.showStaff(w, r, v, http.StatusOK, "")
}

func (b *board) showStaff(w http.ResponseWriter, r *http.Request, v visit, status int, problem string) {
	c := staffContent{Me: v.person, Problem: problem, List: v.may(staff.SeeStaff, v.person.Site)}
	if c.List {
		all, err := b.Staff.People()
		if err != nil {
			b.Log.Error("list accounts", "err", err)
			b.fail(w, r, v, http.StatusInternalServerError, "broken")
			return
		}
		for _, a := range all {
			if v.may(staff.SeeStaff, a.Site) {
				c.People = append(c.People, a)
			}
		}
	}
	b.show(w, r, v, status, frame{Page: "staff", Title: v.tell.say("staff.title"), Content: c})
}

func (b *board) changePassword(w http.ResponseWriter, r *http.Request, v visit) {
	err := error(staff.PasswordDiffer)
	if r.PostFormValue("new") == r.PostFormValue("again") {
		err = b.Staff.ChangePassword(r, r.PostFormValue("old"), r.PostFormValue("new"))
	}
	if err == nil {
		b.Staff.SetFlash(r.Context(), "password_changed")
		http.Redirect(w, r, "/staff", http.StatusSeeOther)
		return
	}
	status, problem := b.problem(err)
	if problem == "" {
		b.fail(w, r, v, status, "broken")
		return
	}
	b.showStaff(w, r, v, status, problem)
}

// event is one thing that somebody did, ready to be read.
type event struct {
	At    time.Time
	Who   template.HTML
	What  template.HTML
	Where string
	Kiosk fleet.KioskID // links there; empty: no link
}

func (b *board) auditPage(w http.ResponseWriter, r *http.Request, v visit) {
	entries, err := b.Audit.Entries("", 200)
	if err != nil {
		b.Log.Error("read the audit", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	var seen []AuditEntry
	for _, e := range entries {
		if v.may(staff.SeeAudit, e.Site) {
			seen = append(seen, e)
		}
	}
	b.show(w, r, v, http.StatusOK, frame{Page: "audit", Title: v.tell.say("audit.title"), Content: b.history(v, seen)})
}

// history says what is in the audit in a person's language.
func (b *board) history(v visit, entries []AuditEntry) []event {
	t := v.tell
	names := map[string]string{}
	var out []event
	for _, e := range entries {
		ev := event{At: e.At}
		if e.Who == staff.Console {
			ev.Who = t.say("audit.console")
		} else {
			if _, ok := names[e.Who]; !ok {
				names[e.Who] = b.shown(e.Who)
			}
			ev.Who = template.HTML(template.HTMLEscapeString(names[e.Who]))
		}
		var detail any = e.Detail
		switch key := e.Action; {
		case key == "help_answered" && t.has("help.answer."+e.Detail):
			detail = t.say("help.answer." + e.Detail)
		case key == "command" && t.has("do."+e.Detail):
			detail = t.say("do." + e.Detail)
		}
		key := "audit.action." + e.Action
		if !t.has(key) {
			key = "audit.action.other"
		}
		ev.What = t.say(key, "detail", detail, "action", strings.ReplaceAll(e.Action, "_", " "))
		if s, ok := b.Fleet.View(e.Kiosk); ok && v.may(staff.SeeFleet, s.Kiosk.Site) {
			ev.Where, ev.Kiosk = s.Kiosk.Name+", "+s.SiteName, s.Kiosk.ID
		} else {
			ev.Where = string(e.Site)
		}
		out = append(out, ev)
	}
	return out
}
