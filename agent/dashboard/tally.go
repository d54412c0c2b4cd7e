package dashboard

import (
	"cmp"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"time"

	"yhteiskone/agent/figures"
	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// tallyContent is the page for the tablet at the desk: two presses, what and
// why. It shows no sums: they are for the report, where small ones are hidden.
type tallyContent struct {
	Sites   []choice // to choose from; empty when there is no choice
	Site    fleet.SiteID
	Name    string
	Press   string // name of this form
	What    []choice
	Why     []choice
	Kept    template.HTML // what was just marked
	Undo    string        // the press that can be taken back
	Problem template.HTML
}

func (b *board) tallyPage(w http.ResponseWriter, r *http.Request, v visit) {
	b.showTally(w, r, v, http.StatusOK, fleet.SiteID(r.FormValue("site")), r.FormValue("what"), "")
}

// showTally draws the page; problem is a key below "tally.".
func (b *board) showTally(w http.ResponseWriter, r *http.Request, v visit, status int, site fleet.SiteID, what, problem string) {
	t := v.tell
	sites, err := b.mySites(v, staff.KeepTally)
	if err != nil {
		b.Log.Error("list the sites", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	c := tallyContent{Press: b.presses.fresh()}
	if len(sites) == 1 && site == "" {
		site = sites[0].ID
	}
	for _, s := range sites {
		if len(sites) > 1 {
			c.Sites = append(c.Sites, choice{string(s.ID), template.HTML(template.HTMLEscapeString(s.Name)), s.ID == site})
		}
		if s.ID == site {
			c.Site, c.Name = s.ID, s.Name
		}
	}
	if site != "" && c.Site == "" {
		b.fail(w, r, v, http.StatusNotFound, "not_found")
		return
	}
	for _, k := range figures.Errands() {
		c.What = append(c.What, choice{k, t.say("errand." + k), k == what})
	}
	for _, k := range figures.Reasons() {
		c.Why = append(c.Why, choice{string(k), t.say("reason." + string(k)), false})
	}
	if m, ok := b.presses.recent(r.FormValue("made")); ok && m.Site == c.Site {
		c.Undo, c.Kept = r.FormValue("made"), t.say("tally.kept_why", "why", t.say("reason."+string(m.Why)))
		if m.What != figures.Unsaid {
			c.Kept = t.say("tally.kept", "why", t.say("reason."+string(m.Why)), "what", t.say("errand."+m.What))
		}
	}
	if problem != "" {
		c.Problem = t.say("tally." + problem)
	}
	b.show(w, r, v, status, frame{Page: "tally", Title: t.say("tally.title"), Content: c})
}

// tallySite is the site of a form, as far as the person may keep its tally. A
// site that they may not see does not exist for them.
func (b *board) tallySite(w http.ResponseWriter, r *http.Request, v visit) (fleet.SiteID, bool) {
	site := fleet.SiteID(r.PostFormValue("site"))
	sites, err := b.mySites(v, staff.KeepTally)
	switch {
	case err != nil:
		b.Log.Error("list the sites", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
	case !slices.ContainsFunc(sites, func(s fleet.Site) bool { return s.ID == site }):
		b.fail(w, r, v, http.StatusNotFound, "not_found")
	default:
		return site, true
	}
	return "", false
}

// tally keeps one mark. It is not in the audit: that would say who was at the
// desk, and when somebody came to it.
func (b *board) tally(w http.ResponseWriter, r *http.Request, v visit) {
	site, ok := b.tallySite(w, r, v)
	if !ok {
		return
	}
	m := figures.Mark{Site: site, Day: b.Now().In(b.Location).Format(time.DateOnly),
		Why: figures.Reason(r.PostFormValue("why")), What: cmp.Or(r.PostFormValue("what"), figures.Unsaid)}
	name := r.PostFormValue("press")
	if !m.Valid() || len(name) < 20 || len(name) > 60 {
		b.showTally(w, r, v, http.StatusBadRequest, site, m.What, "wrong")
		return
	}
	if b.presses.take(name, m) {
		if err := b.Numbers.AddMark(m, false); err != nil {
			b.presses.drop(name)
			b.Log.Error("keep a mark", "err", err)
			b.fail(w, r, v, http.StatusInternalServerError, "broken")
			return
		}
	}
	back := url.Values{"made": {name}, "site": {string(site)}}
	http.Redirect(w, r, "/tally?"+back.Encode(), http.StatusSeeOther)
}

// tallyUndo takes the newest mark back.
func (b *board) tallyUndo(w http.ResponseWriter, r *http.Request, v visit) {
	site, ok := b.tallySite(w, r, v)
	if !ok {
		return
	}
	name, flash := r.PostFormValue("made"), "tally_late"
	if m, ok := b.presses.recent(name); ok && m.Site == site {
		if m, ok = b.presses.back(name); ok {
			if err := b.Numbers.AddMark(m, true); err != nil {
				b.presses.forth(name)
				b.Log.Error("take a mark back", "err", err)
				b.fail(w, r, v, http.StatusInternalServerError, "broken")
				return
			}
			flash = "tally_undone"
		}
	}
	b.Staff.SetFlash(r.Context(), flash)
	http.Redirect(w, r, "/tally?"+url.Values{"site": {string(site)}}.Encode(), http.StatusSeeOther)
}
