package dashboard

import (
	"cmp"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// siteContent is the page of one site.
type siteContent struct {
	Name  string
	Hours template.HTML
	Cards siteCards
	Past  past
}

// siteOf finds the site that the address names.
func siteOf(pattern string, r *http.Request) (id fleet.SiteID, named bool) {
	return fleet.SiteID(r.PathValue("id")), strings.Contains(pattern, " /sites/{id}")
}

func (b *board) sitePage(w http.ResponseWriter, r *http.Request, v visit) {
	s, ok := b.Fleet.Site(fleet.SiteID(r.PathValue("id")))
	if !ok {
		b.fail(w, r, v, http.StatusNotFound, "not_found")
		return
	}
	views := slices.DeleteFunc(b.seen(v), func(k state.View) bool { return k.Kiosk.Site != s.ID })
	c := siteContent{Name: s.Name, Hours: v.tell.hours(s.Around), Cards: siteCards{ID: s.ID, Name: s.Name}}
	if all := b.sites(v, views, true); len(all) > 0 {
		c.Cards = all[0]
	}
	open := b.open(v, "", "", s.Faults)
	for _, k := range views {
		open = append(open, b.open(v, k.Kiosk.ID, k.Kiosk.Name, k.Faults)...)
	}
	slices.SortStableFunc(open, func(x, y incident) int { return cmp.Compare(y.Since.UnixNano(), x.Since.UnixNano()) })
	var err error
	if c.Past, err = b.past(v, s.ID, views, true, open); err != nil {
		b.Log.Error("read the history", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	b.show(w, r, v, http.StatusOK, frame{Page: "site", Title: template.HTML(template.HTMLEscapeString(s.Name)), Events: "/events?page=fleet&site=" + string(s.ID), Refresh: true, Content: c})
}

// hours says whether a site is open, and until when.
func (t teller) hours(a state.Around) template.HTML {
	switch {
	case a.Closed && a.Next.IsZero():
		return t.say("site.closed")
	case a.Closed:
		return t.say("site.closed_until", "when", t.next(a.Next))
	case a.Next.IsZero():
		return t.say("site.open")
	}
	return t.say("site.open_until", "when", t.next(a.Next))
}

// next is a point in the near future: "klo 15", "ma 23.11. klo 9".
func (t teller) next(at time.Time) template.HTML {
	now, local := t.now().In(t.loc), at.In(t.loc)
	if sameDay(now, local) {
		return t.when(at)
	}
	clock := strings.TrimPrefix(local.Format(t.words["when.time"]), "0")
	return t.stamp(at, t.say("when.date", "date", local.Format(t.words["when.day"]), "time", clock))
}

// siteFaults are those of sites as a whole that the person may see, for the
// first page.
func (b *board) siteFaults(v visit) map[fleet.SiteID]state.Fault {
	worst := map[fleet.SiteID]state.Fault{}
	for _, s := range b.Fleet.Sites() {
		for _, f := range s.Faults {
			if f.Away.IsZero() && v.may(staff.SeeFleet, s.ID) {
				worst[s.ID] = f
				break
			}
		}
	}
	return worst
}
