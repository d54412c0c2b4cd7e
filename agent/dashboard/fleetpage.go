package dashboard

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
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
		Content: fleetContent{s, b.sites(v, views, false)}})
}

// shape changes when cards come, go or move between sites: then they are drawn
// anew as a whole, otherwise one by one.
func shape(sites []siteCards) string {
	var s strings.Builder
	for _, site := range sites {
		var ids []string
		for _, c := range site.Cards {
			ids = append(ids, string(c.ID))
		}
		slices.Sort(ids)
		fmt.Fprintf(&s, "%s/%s/%d/%s\n", site.ID, site.Name, site.Folded, strings.Join(ids, ","))
	}
	return s.String()
}
