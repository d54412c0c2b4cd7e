package dashboard

import (
	"errors"
	"net/http"

	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// memberContent is the page of one person.
type memberContent struct {
	personLine
	More    bool // has roles that the asker may not see
	Governs bool
	Own     bool // it is the asker: that is done on one's own page
	All     []staff.Role
	Sites   []siteChoice
	Devices []deviceLine
	Mail    string
	Problem string
}

// about finds the person whom the address names. Whose staff a person may not
// see, has nobody for them.
func (b *board) about(do func(http.ResponseWriter, *http.Request, visit, staff.Member)) func(http.ResponseWriter, *http.Request, visit) {
	return func(w http.ResponseWriter, r *http.Request, v visit) {
		m, err := b.Staff.Member(r.PathValue("name"))
		if errors.Is(err, staff.ErrNotFound) || err == nil && !b.sees(v, m) {
			b.fail(w, r, v, http.StatusNotFound, "not_found")
			return
		}
		if err != nil {
			b.broken(w, r, v, "look up an account", err)
			return
		}
		do(w, r, v, m)
	}
}

// others is about for what changes somebody else. Nobody changes their own
// account this way: so the last admin cannot shut themselves out.
func (b *board) others(do func(http.ResponseWriter, *http.Request, visit, staff.Member)) func(http.ResponseWriter, *http.Request, visit) {
	return b.about(func(w http.ResponseWriter, r *http.Request, v visit, m staff.Member) {
		if m.Name == v.person.Name {
			b.showMember(w, r, v, http.StatusUnprocessableEntity, m, "problem.own_account")
			return
		}
		do(w, r, v, m)
	})
}

// governing is others for what changes the account itself.
func (b *board) governing(do func(http.ResponseWriter, *http.Request, visit, staff.Member)) func(http.ResponseWriter, *http.Request, visit) {
	return b.others(func(w http.ResponseWriter, r *http.Request, v visit, m staff.Member) {
		if !b.governs(v, m) {
			b.fail(w, r, v, http.StatusForbidden, "forbidden")
			return
		}
		do(w, r, v, m)
	})
}

func (b *board) memberPage(w http.ResponseWriter, r *http.Request, v visit, m staff.Member) {
	b.showMember(w, r, v, http.StatusOK, m, "")
}

func (b *board) showMember(w http.ResponseWriter, r *http.Request, v visit, status int, m staff.Member, problem string) {
	c := memberContent{personLine: personLine{Member: m, Path: personPath(m.Name), Me: m.Name == v.person.Name},
		Governs: b.governs(v, m), Own: m.Name == v.person.Name, All: staff.Roles(), Mail: m.Mail, Problem: problem}
	var err error
	if c.personLine.Roles, err = b.roleLines(v, m.Grants, false); err == nil {
		c.Sites, err = b.choices(v, r.PostForm["site"])
	}
	if err == nil && c.Governs {
		c.Devices, err = b.devices(r, v, m.Name)
	}
	if err != nil {
		b.broken(w, r, v, "read an account", err)
		return
	}
	c.More = len(c.personLine.Roles) < len(m.Grants)
	if problem != "" && r.PostForm.Has("mail") {
		c.Mail = r.PostFormValue("mail")
	}
	b.show(w, r, v, status, frame{Page: "member", Title: v.tell.say("member.title", "name", m.Shown), Content: c})
}

// changed answers to a form of a person's page.
func (b *board) changed(w http.ResponseWriter, r *http.Request, v visit, m staff.Member, flash string, err error) {
	switch {
	case err == nil, errors.Is(err, staff.ErrNotFound): // gone or over already, which is what was wanted
		b.Staff.SetFlash(r.Context(), flash)
		to := personPath(m.Name)
		if _, gone := b.Staff.Member(m.Name); gone != nil {
			to = "/staff"
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	case errors.Is(err, staff.ErrLastRole):
		b.showMember(w, r, v, http.StatusUnprocessableEntity, m, "problem.last_role")
	case errors.Is(err, staff.ErrMailTaken):
		b.showMember(w, r, v, http.StatusUnprocessableEntity, m, "problem.mail_taken")
	default:
		b.broken(w, r, v, "change an account", err)
	}
}

// memberRole gives or takes a role at one site; whoever is an admin there may.
func (b *board) memberRole(w http.ResponseWriter, r *http.Request, v visit, m staff.Member) {
	site, role := fleet.SiteID(r.PostFormValue("site")), staff.Role(r.PostFormValue("role"))
	if site == "all" {
		site = ""
	}
	if !v.may(staff.ChangeStaff, site) {
		b.fail(w, r, v, http.StatusForbidden, "forbidden")
		return
	}
	if _, err := staff.ParseRole(string(role)); role != "" && err != nil || site != "" && !site.Valid() || !r.PostForm.Has("site") {
		b.showMember(w, r, v, http.StatusUnprocessableEntity, m, "problem.role_missing")
		return
	}
	b.changed(w, r, v, m, "role_set", b.Staff.SetRole(v.person.Name, m.Name, site, role))
}

func (b *board) memberMail(w http.ResponseWriter, r *http.Request, v visit, m staff.Member) {
	if _, err := staff.FoldMail(r.PostFormValue("mail")); err != nil {
		b.showMember(w, r, v, http.StatusUnprocessableEntity, m, "problem.mail_bad")
		return
	}
	b.changed(w, r, v, m, "mail_set", b.Staff.SetMail(v.person.Name, m.Name, r.PostFormValue("mail")))
}

func (b *board) memberDisable(w http.ResponseWriter, r *http.Request, v visit, m staff.Member) {
	b.changed(w, r, v, m, "account_disabled", b.Staff.SetDisabled(v.person.Name, m.Name, true))
}

func (b *board) memberEnable(w http.ResponseWriter, r *http.Request, v visit, m staff.Member) {
	b.changed(w, r, v, m, "account_enabled", b.Staff.SetDisabled(v.person.Name, m.Name, false))
}

func (b *board) memberCode(w http.ResponseWriter, r *http.Request, v visit, m staff.Member) {
	i, err := b.Staff.Renew(v.person.Name, m.Name)
	if err != nil {
		b.changed(w, r, v, m, "", err)
		return
	}
	b.showInvitation(w, r, v, i, m.Waiting)
}

func (b *board) memberFactor(w http.ResponseWriter, r *http.Request, v visit, m staff.Member) {
	b.changed(w, r, v, m, "factor_reset", b.Staff.ResetFactor(v.person.Name, m.Name))
}

// memberSessions ends one session, or all of them when none is named.
func (b *board) memberSessions(w http.ResponseWriter, r *http.Request, v visit, m staff.Member) {
	if id := r.PostFormValue("id"); id != "" {
		b.changed(w, r, v, m, "session_ended", b.Staff.EndDevice(v.person.Name, m.Name, id))
		return
	}
	b.changed(w, r, v, m, "session_ended", b.Staff.EndAll(v.person.Name, m.Name))
}

func (b *board) memberRemove(w http.ResponseWriter, r *http.Request, v visit, m staff.Member) {
	b.changed(w, r, v, m, "account_removed", b.Staff.Remove(v.person.Name, m.Name))
}
