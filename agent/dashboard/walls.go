package dashboard

import (
	"errors"
	"html/template"
	"net/http"
	"slices"

	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// wallsContent is the page where boards are made and taken away.
type wallsContent struct {
	Sites   []choice
	Walls   []wallLine
	Name    string // as it was written
	Made    string // the address of a new one, shown once
	Path    string // the same as a link
	Problem template.HTML
}

type wallLine struct {
	staff.Wall
	Place, Maker string
}

// wallsLimit is how many boards one site can have.
const wallsLimit = 20

func (b *board) wallsPage(w http.ResponseWriter, r *http.Request, v visit) {
	b.showWalls(w, r, v, http.StatusOK, wallsContent{}, "")
}

func (b *board) showWalls(w http.ResponseWriter, r *http.Request, v visit, status int, c wallsContent, site fleet.SiteID) {
	sites, err := b.mySites(v, staff.ManageWalls)
	if err == nil {
		var all []staff.Wall
		all, err = b.Walls.Walls()
		for _, one := range all {
			if !v.may(staff.ManageWalls, one.Site) {
				continue
			}
			line := wallLine{one, string(one.Site), b.shown(one.By)}
			if i := slices.IndexFunc(sites, func(s fleet.Site) bool { return s.ID == one.Site }); i >= 0 {
				line.Place = sites[i].Name
			}
			c.Walls = append(c.Walls, line)
		}
	}
	if err != nil {
		b.Log.Error("list the walls", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	for _, s := range sites {
		c.Sites = append(c.Sites, choice{string(s.ID), template.HTML(template.HTMLEscapeString(s.Name)), s.ID == site})
	}
	b.show(w, r, v, status, frame{Page: "walls", Title: v.tell.say("walls.title"), Content: c})
}

// addWall makes a board and shows its address, this once.
func (b *board) addWall(w http.ResponseWriter, r *http.Request, v visit) {
	site, c := fleet.SiteID(r.PostFormValue("site")), wallsContent{Name: r.PostFormValue("name")}
	sites, err := b.mySites(v, staff.ManageWalls)
	if err == nil && !slices.ContainsFunc(sites, func(s fleet.Site) bool { return s.ID == site }) {
		b.fail(w, r, v, http.StatusNotFound, "not_found")
		return
	}
	var have []staff.Wall
	if err == nil {
		have, err = b.Walls.Walls()
	}
	if err != nil {
		b.Log.Error("list the walls", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	if len(slices.DeleteFunc(have, func(one staff.Wall) bool { return one.Site != site })) >= wallsLimit {
		c.Problem = v.tell.say("walls.many", "n", wallsLimit)
		b.showWalls(w, r, v, http.StatusBadRequest, c, site)
		return
	}
	one, secret, err := staff.NewWall(site, c.Name, v.person.Name, b.Now())
	if err != nil { // the name cannot be used
		c.Problem = v.tell.say("walls.name_wrong", "n", fleet.NameLimit)
		b.showWalls(w, r, v, http.StatusBadRequest, c, site)
		return
	}
	if err := b.Walls.AddWall(one); err != nil {
		b.Log.Error("add a wall", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	c.Path, c.Name = "/wall/"+secret, ""
	c.Made = r.Host + c.Path
	b.showWalls(w, r, v, http.StatusOK, c, site)
}

func (b *board) removeWall(w http.ResponseWriter, r *http.Request, v visit) {
	all, err := b.Walls.Walls()
	i := slices.IndexFunc(all, func(one staff.Wall) bool {
		return one.ID() == r.PathValue("wall") && v.may(staff.ManageWalls, one.Site)
	})
	if err == nil && i < 0 {
		b.fail(w, r, v, http.StatusNotFound, "not_found")
		return
	}
	if err == nil {
		err = b.Walls.RemoveWall(all[i].Hash, v.person.Name, b.Now())
	}
	if err != nil && !errors.Is(err, staff.ErrNotFound) { // somebody else was quicker
		b.Log.Error("remove a wall", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	b.Staff.SetFlash(r.Context(), "wall_removed")
	http.Redirect(w, r, "/walls", http.StatusSeeOther)
}
