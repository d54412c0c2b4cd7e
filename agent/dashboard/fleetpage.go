package dashboard

import (
	"net/http"
	"strings"

	"yhteiskone/agent/state"
)

// fleetContent is the first page.
type fleetContent struct {
	Summary summary
	Sites   []siteCards
}

func (b *board) fleetPage(w http.ResponseWriter, r *http.Request, v visit) {
	views := b.seen(v)
	s := b.summary(v, views)
	b.show(w, r, v, http.StatusOK, frame{Page: "fleet", Title: s.Title, Events: "/events?page=fleet", Refresh: true,
		Content: fleetContent{s, b.sites(v, views)}})
}

// shape changes when machines come, go or move between sites: then the cards
// are drawn anew as a whole, otherwise one by one.
func shape(views []state.View) string {
	var s strings.Builder
	for _, v := range views {
		s.WriteString(string(v.Kiosk.Site) + "/" + string(v.Kiosk.ID) + "/" + v.SiteName + "\n")
	}
	return s.String()
}
