package dashboard

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// roleLine is a role at a site, ready to be read.
type roleLine struct {
	Role  staff.Role
	Site  fleet.SiteID
	Where template.HTML
}

// roleLines names the sites. all is for one's own; of others only those roles
// are said that stand at a site where the asker may see the staff.
func (b *board) roleLines(v visit, grants []staff.Grant, all bool) ([]roleLine, error) {
	sites, err := b.Register.Sites()
	if err != nil {
		return nil, err
	}
	var lines []roleLine
	for _, g := range grants {
		if all || v.may(staff.SeeStaff, g.Site) {
			lines = append(lines, roleLine{g.Role, g.Site, b.siteName(v, sites, g.Site)})
		}
	}
	return lines, nil
}

func (b *board) siteName(v visit, sites []fleet.Site, id fleet.SiteID) template.HTML {
	if id == "" {
		return v.tell.say("staff.everywhere")
	}
	name := string(id)
	for _, s := range sites {
		if s.ID == id {
			name = s.Name
		}
	}
	return template.HTML(template.HTMLEscapeString(name))
}

// personLine is one person in the list.
type personLine struct {
	staff.Member
	Path  string
	Roles []roleLine
	Me    bool
}

func personPath(name string) string { return "/staff/" + url.PathEscape(name) }

// siteChoice is one site that a role can be given at; the empty one is all.
type siteChoice struct {
	ID     fleet.SiteID
	Name   template.HTML
	Chosen bool
}

// choices lists the sites at which the asker may change the staff.
func (b *board) choices(v visit, chosen []string) (all []siteChoice, err error) {
	sites, err := b.Register.Sites()
	if err != nil {
		return nil, err
	}
	for _, s := range sites {
		if v.may(staff.ChangeStaff, s.ID) {
			all = append(all, siteChoice{s.ID, b.siteName(v, sites, s.ID), slices.Contains(chosen, string(s.ID))})
		}
	}
	if v.may(staff.ChangeStaff, "") { // last, because it is the most
		all = append(all, siteChoice{"", v.tell.say("staff.everywhere"), slices.Contains(chosen, "all")})
	}
	return all, nil
}

// staffContent is the page of accounts.
type staffContent struct {
	People  []personLine
	Roles   []staff.Role
	Sites   []siteChoice
	Form    url.Values // what was typed, when something of it is wrong
	Problem string
	Rules   bool // may change which roles need a second factor
	Needs   map[staff.Role]bool
}

func (b *board) staffPage(w http.ResponseWriter, r *http.Request, v visit) {
	b.showStaff(w, r, v, http.StatusOK, url.Values{"role": {string(staff.Staff)}}, "")
}

func (b *board) showStaff(w http.ResponseWriter, r *http.Request, v visit, status int, form url.Values, problem string) {
	c := staffContent{Roles: staff.Roles(), Form: form, Problem: problem, Rules: v.may(staff.ChangeRules, ""), Needs: map[staff.Role]bool{}}
	all, err := b.Staff.People()
	for _, m := range all {
		if err == nil && b.sees(v, m) {
			line := personLine{Member: m, Path: personPath(m.Name), Me: m.Name == v.person.Name}
			line.Roles, err = b.roleLines(v, m.Grants, false)
			c.People = append(c.People, line)
		}
	}
	if err == nil {
		c.Sites, err = b.choices(v, form["site"])
	}
	rules, err2 := b.Staff.Rules()
	if err = errors.Join(err, err2); err != nil {
		b.broken(w, r, v, "list accounts", err)
		return
	}
	for _, role := range rules.Factor {
		c.Needs[role] = true
	}
	if len(c.Sites) == 1 {
		c.Sites[0].Chosen = true
	}
	b.show(w, r, v, status, frame{Page: "staff", Title: v.tell.say("staff.title"), Content: c})
}

// sees tells whether a person has a role where the asker may see the staff.
func (b *board) sees(v visit, m staff.Member) bool {
	return slices.ContainsFunc(m.Grants, func(g staff.Grant) bool { return v.may(staff.SeeStaff, g.Site) })
}

// governs tells whether the asker may change the account itself: that counts
// everywhere where the person has a role, so it takes an admin of all of it.
func (b *board) governs(v visit, m staff.Member) bool {
	return len(m.Grants) > 0 && !slices.ContainsFunc(m.Grants, func(g staff.Grant) bool { return !v.may(staff.ChangeStaff, g.Site) })
}

// invitedContent shows a one-time code, in the answer itself: it is nowhere
// else.
type invitedContent struct {
	staff.Invitation
	Link string
	New  bool // somebody new, not somebody who forgot the password
}

func (b *board) showInvitation(w http.ResponseWriter, r *http.Request, v visit, i staff.Invitation, isNew bool) {
	address, err := b.Register.Address()
	if err != nil {
		b.broken(w, r, v, "read the address", err)
		return
	}
	b.show(w, r, v, http.StatusOK, frame{Page: "invited", Title: v.tell.say("invited.title"),
		Content: invitedContent{i, strings.TrimSuffix(address, "/") + InviteFragment("/invite", i.Code, i.Shown), isNew}})
}

// InviteFragment is the path of a page for newcomers with what belongs into
// its form behind the "#": browsers send that part to nobody.
func InviteFragment(path, code, name string) string {
	if name != "" {
		code += "/" + url.PathEscape(name)
	}
	return path + "#" + code
}

func (b *board) invite(w http.ResponseWriter, r *http.Request, v visit) {
	n := staff.Newcomer{Name: r.PostFormValue("name"), Mail: r.PostFormValue("mail")}
	role := staff.Role(r.PostFormValue("role"))
	for _, site := range r.PostForm["site"] {
		if site == "all" {
			site = ""
		}
		if !v.may(staff.ChangeStaff, fleet.SiteID(site)) {
			b.fail(w, r, v, http.StatusForbidden, "forbidden")
			return
		}
		n.Grants = append(n.Grants, staff.Grant{Role: role, Site: fleet.SiteID(site)})
	}
	wrong := func(problem string) { b.showStaff(w, r, v, http.StatusUnprocessableEntity, r.PostForm, problem) }
	switch _, mailErr := staff.FoldMail(n.Mail); {
	case len(n.Grants) == 0:
		wrong("problem.site_missing")
		return
	case mailErr != nil:
		wrong("problem.mail_bad")
		return
	}
	if _, err := staff.ParseRole(string(role)); err != nil {
		wrong("problem.role_missing")
		return
	}
	i, err := b.Staff.Invite(v.person.Name, n)
	switch {
	case errors.Is(err, staff.ErrExists):
		wrong("problem.name_taken")
	case errors.Is(err, staff.ErrMailTaken):
		wrong("problem.mail_taken")
	case errors.Is(err, staff.NameBad):
		wrong("problem.name_bad")
	case err != nil:
		b.broken(w, r, v, "invite", err)
	default:
		b.showInvitation(w, r, v, i, true)
	}
}

func (b *board) setRules(w http.ResponseWriter, r *http.Request, v visit) {
	if !v.may(staff.ChangeRules, "") { // they hold everywhere
		b.fail(w, r, v, http.StatusForbidden, "forbidden")
		return
	}
	r.ParseForm() // what cannot be read names no role
	var rules staff.Rules
	for _, role := range staff.Roles() {
		if slices.Contains(r.PostForm["factor"], string(role)) {
			rules.Factor = append(rules.Factor, role)
		}
	}
	if err := b.Staff.SetRules(v.person.Name, rules); err != nil {
		b.broken(w, r, v, "keep the rules", err)
		return
	}
	b.Staff.SetFlash(r.Context(), "rules_set")
	http.Redirect(w, r, "/staff", http.StatusSeeOther)
}
