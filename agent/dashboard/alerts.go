package dashboard

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"yhteiskone/agent/notify"
	"yhteiskone/agent/premises"
	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// Alerts is who is told of what by mail and webhook. Implemented by agent's
// run over notify and store.
type Alerts interface {
	Targets() ([]notify.Target, error)
	// Check says what is wrong with a target, or returns nil.
	Check(notify.Target) error
	// HasMail reports whether the agent can send mail.
	HasMail() bool
	// PutTarget and DropTarget are audited as "alert_set" and "alert_removed".
	PutTarget(who string, t notify.Target) error
	DropTarget(who string, t notify.Target) error
	// Try sends a test now, and says why it did not arrive; ErrTries if there
	// were too many of them lately.
	Try(ctx context.Context, t notify.Target) (notify.Why, error)
	Troubles() ([]notify.Trouble, error)
}

// ErrTries says that there were too many tests lately.
var ErrTries = errors.New("too many tests")

// Not ChangeOwn: who lacks a second factor that their role needs is told
// nothing by mail either.
func (b *board) alertRoutes() []route {
	return []route{
		{"GET /alerts", staff.SeeFleet, false, b.alertsPage},
		{"POST /alerts/own", staff.SeeFleet, false, b.setOwnAlert},
		{"POST /alerts/site", staff.SetAlerts, false, b.setSiteAlert},
		{"POST /alerts/test", staff.SeeFleet, false, b.testAlert},
		{"POST /alerts/remove", staff.SeeFleet, false, b.removeAlert},
	}
}

// alertsContent is the page of alerts.
type alertsContent struct {
	Mail  bool // the agent can send mail
	Own   alertForm
	Have  alertLine // one's own; empty without an ID
	Site  alertForm
	Edit  bool // the person may say who else is told
	Lines []alertLine
	Sites []namedSite
	All   bool // the person may choose every site
}

// namedSite is a site in a list to choose from; its name is plain text.
type namedSite struct {
	ID   fleet.SiteID
	Name string
}

// alertLine is one target as it is listed.
type alertLine struct {
	ID      string
	Way     template.HTML
	Address string
	Site    string // empty: every site
	Faults  bool
	Only    notify.Audience
	Help    bool
	Trouble template.HTML
}

// alertForm is what was written into a form, to be shown again.
type alertForm struct {
	Channel  notify.Channel
	Address  string
	Site     string
	Lang     string
	Faults   bool
	Only     notify.Audience
	Notices  bool
	Help     bool
	From, To string
	Digest   string
	Problem  string // key
}

func (b *board) alertsPage(w http.ResponseWriter, r *http.Request, v visit) {
	b.showAlerts(w, r, v, http.StatusOK, nil, nil)
}

// showAlerts shows the page; own and site are forms that were not accepted.
func (b *board) showAlerts(w http.ResponseWriter, r *http.Request, v visit, status int, own, site *alertForm) {
	targets, err := b.Alerts.Targets()
	troubles, err2 := b.Alerts.Troubles()
	if err := errors.Join(err, err2); err != nil {
		b.Log.Error("read who is told", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	fresh := alertForm{Channel: notify.ByMail, Lang: v.tell.lang, Faults: true}
	c := alertsContent{Mail: b.Alerts.HasMail(), Own: fresh, Site: fresh, Edit: v.may(staff.SetAlerts, staff.Somewhere),
		Sites: b.namedSites(v, staff.SetAlerts), All: v.may(staff.SetAlerts, "")}
	c.Site.Site = string(b.alertSite(v))
	for _, t := range targets {
		switch {
		case t.Owner == v.person.Name:
			c.Own, c.Have = formOf(t), b.alertLine(v, t, troubles)
		case t.Owner == "" && v.may(staff.SetAlerts, t.Site):
			c.Lines = append(c.Lines, b.alertLine(v, t, troubles))
		}
	}
	if own != nil {
		c.Own = *own
	}
	if site != nil {
		c.Site = *site
	}
	b.show(w, r, v, status, frame{Page: "alerts", Title: v.tell.say("alerts.title"), Content: c})
}

// namedSites are the sites at which the person may do something, and see the
// machines.
func (b *board) namedSites(v visit, a staff.Action) (all []namedSite) {
	for _, s := range b.seen(v) {
		if c := (namedSite{s.Kiosk.Site, s.SiteName}); !slices.Contains(all, c) && v.may(a, c.ID) {
			all = append(all, c)
		}
	}
	return all
}

// alertSite is the site that the form for others begins with: every site for
// whom may say so, otherwise the first at which they may.
func (b *board) alertSite(v visit) fleet.SiteID {
	all := b.namedSites(v, staff.SetAlerts)
	if v.may(staff.SetAlerts, "") || len(all) == 0 {
		return ""
	}
	return all[0].ID
}

// ownSite is where one's own alerts belong: to the one site of somebody who
// has just one, and otherwise to all that they may see.
func ownSite(p staff.Person) fleet.SiteID {
	if len(p.Grants) == 1 {
		return p.Grants[0].Site
	}
	return ""
}

func (b *board) alertLine(v visit, t notify.Target, troubles []notify.Trouble) alertLine {
	l := alertLine{ID: t.ID, Way: v.tell.say("alerts.way." + string(t.Channel)), Address: t.Shown(), Faults: t.Faults, Only: t.Only, Help: t.Help, Site: string(t.Site)}
	var own []string
	for _, s := range b.namedSites(v, staff.SeeFleet) {
		if s.ID == t.Site {
			l.Site = s.Name
		}
		own = append(own, s.Name)
	}
	if t.Owner != "" && !v.may(staff.SeeFleet, "") { // as many as they may see, whatever was so when they set it
		l.Site = strings.Join(own, ", ")
	}
	for _, x := range troubles {
		if x.Target == t.ID {
			l.Trouble = v.tell.say("alerts.lost", "n", x.Lost, "when", v.tell.when(x.At), "why", v.tell.say("alerts.why."+string(x.Why)))
		}
	}
	return l
}

// untold reports whether the person should know that messages were given up.
func (b *board) untold(v visit) bool {
	troubles, err := b.Alerts.Troubles()
	if err != nil || len(troubles) == 0 {
		return false
	}
	targets, err := b.Alerts.Targets()
	return err == nil && slices.ContainsFunc(targets, func(t notify.Target) bool {
		return (t.Owner == v.person.Name || t.Owner == "" && v.may(staff.SetAlerts, t.Site)) &&
			slices.ContainsFunc(troubles, func(x notify.Trouble) bool { return x.Target == t.ID })
	})
}

func formOf(t notify.Target) alertForm {
	f := alertForm{Channel: t.Channel, Address: t.Address, Site: string(t.Site), Lang: t.Lang, Faults: t.Faults, Only: t.Only, Notices: t.Notices, Help: t.Help}
	if t.Quiet != (fleet.Span{}) {
		f.From, f.To = clockOf(t.Quiet.From), clockOf(t.Quiet.To)
	}
	if t.Digest >= 0 {
		f.Digest = clockOf(t.Digest)
	}
	return f
}

func readAlertForm(r *http.Request) alertForm {
	return alertForm{Channel: notify.Channel(r.PostFormValue("channel")), Address: strings.TrimSpace(r.PostFormValue("address")),
		Site: r.PostFormValue("site"), Lang: r.PostFormValue("lang"), Faults: r.PostFormValue("faults") != "",
		Only: notify.Audience(strings.TrimPrefix(r.PostFormValue("only"), "all")), Notices: r.PostFormValue("notices") != "", Help: r.PostFormValue("help") != "",
		From: strings.TrimSpace(r.PostFormValue("from")), To: strings.TrimSpace(r.PostFormValue("to")), Digest: strings.TrimSpace(r.PostFormValue("digest"))}
}

// target reads the form; the problem is the key of a sentence.
func (f alertForm) target() (t notify.Target, err error) {
	t = notify.Target{Site: fleet.SiteID(f.Site), Channel: f.Channel, Address: f.Address, Lang: f.Lang, Faults: f.Faults, Only: f.Only, Notices: f.Notices, Help: f.Help, Digest: -1}
	if f.From != "" || f.To != "" {
		from, ok := premises.Minute(f.From)
		to, ok2 := premises.Minute(f.To)
		if !ok || !ok2 || from == to || from == 24*60 {
			return t, notify.ErrQuiet
		}
		t.Quiet = fleet.Span{From: from, To: to}
	}
	if f.Digest != "" {
		at, ok := premises.Minute(f.Digest)
		if !ok || at == 24*60 {
			return t, notify.ErrDigest
		}
		t.Digest = at
	}
	return t, nil
}

// alertProblem is the key of the sentence about an error.
func alertProblem(err error) string {
	for e, key := range map[error]string{notify.ErrChannel: "channel", notify.ErrMail: "mail", notify.ErrURL: "url", notify.ErrPlain: "plain",
		notify.ErrWhere: "where", notify.ErrTopic: "topic", notify.ErrNothing: "nothing", notify.ErrQuiet: "quiet", notify.ErrDigest: "digest",
		notify.ErrLang: "lang", notify.ErrNoMail: "no_mail"} {
		if errors.Is(err, e) {
			return "alerts.problem." + key
		}
	}
	return ""
}

func (b *board) setOwnAlert(w http.ResponseWriter, r *http.Request, v visit) {
	f := readAlertForm(r)
	f.Channel, f.Site = notify.ByMail, string(ownSite(v.person))
	t, err := f.target()
	t.ID, t.Owner = notify.NewID(), v.person.Name
	if had, ok := b.ownAlert(v); ok {
		t.ID = had.ID
	}
	b.setAlert(w, r, v, t, err, func(problem string) {
		f.Problem = problem
		b.showAlerts(w, r, v, http.StatusBadRequest, &f, nil)
	})
}

func (b *board) setSiteAlert(w http.ResponseWriter, r *http.Request, v visit) {
	f := readAlertForm(r)
	if !r.PostForm.Has("site") {
		f.Site = string(b.alertSite(v))
	}
	t, err := f.target()
	t.ID = notify.NewID()
	if !v.may(staff.SetAlerts, t.Site) { // another site does not exist for them
		b.fail(w, r, v, http.StatusNotFound, "not_found")
		return
	}
	if t.Site != "" && !slices.ContainsFunc(b.namedSites(v, staff.SetAlerts), func(s namedSite) bool { return s.ID == t.Site }) {
		b.fail(w, r, v, http.StatusNotFound, "not_found")
		return
	}
	b.setAlert(w, r, v, t, err, func(problem string) {
		f.Problem = problem
		b.showAlerts(w, r, v, http.StatusBadRequest, nil, &f)
	})
}

// setAlert keeps a target, or calls again with what is wrong.
func (b *board) setAlert(w http.ResponseWriter, r *http.Request, v visit, t notify.Target, err error, again func(problem string)) {
	if err == nil {
		err = b.Alerts.Check(t)
	}
	if problem := alertProblem(err); problem != "" {
		again(problem)
		return
	}
	t.Changed = b.Now()
	if err := errors.Join(err, b.Alerts.PutTarget(v.person.Name, t)); err != nil {
		b.Log.Error("keep whom to tell", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	b.alertDone(w, r, "alert_set")
}

func (b *board) ownAlert(v visit) (notify.Target, bool) {
	return b.findAlert(func(t notify.Target) bool { return t.Owner == v.person.Name })
}

func (b *board) findAlert(is func(notify.Target) bool) (notify.Target, bool) {
	all, err := b.Alerts.Targets()
	i := slices.IndexFunc(all, is)
	if err != nil || i < 0 {
		return notify.Target{}, false
	}
	return all[i], true
}

// namedAlert is the target that a form names, if the person may change it.
func (b *board) namedAlert(r *http.Request, v visit) (notify.Target, bool) {
	id := r.PostFormValue("id")
	return b.findAlert(func(t notify.Target) bool {
		return t.ID == id && (t.Owner == v.person.Name || t.Owner == "" && v.may(staff.SetAlerts, t.Site))
	})
}

func (b *board) testAlert(w http.ResponseWriter, r *http.Request, v visit) {
	t, ok := b.namedAlert(r, v)
	if !ok {
		b.alertDone(w, r, "alert_gone")
		return
	}
	why, err := b.Alerts.Try(r.Context(), t)
	flash := "alert_tested"
	switch {
	case err != nil:
		flash = "alert_tries"
	case why != notify.WhyNone:
		flash = "alert_failed_" + string(why)
	}
	b.alertDone(w, r, flash)
}

func (b *board) removeAlert(w http.ResponseWriter, r *http.Request, v visit) {
	t, ok := b.namedAlert(r, v)
	if !ok {
		b.alertDone(w, r, "alert_gone")
		return
	}
	if err := b.Alerts.DropTarget(v.person.Name, t); err != nil {
		b.Log.Error("forget whom to tell", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	b.alertDone(w, r, "alert_removed")
}

func (b *board) alertDone(w http.ResponseWriter, r *http.Request, flash string) {
	b.Staff.SetFlash(r.Context(), flash)
	http.Redirect(w, r, "/alerts", http.StatusSeeOther)
}
