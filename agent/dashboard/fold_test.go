package dashboard

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// Somebody who sees hundreds of machines is shown those that need somebody, and
// how many more there are; a site's own page has all, and both stay alive.
func TestManyMachinesAreFolded(t *testing.T) {
	h := newHouse(t)
	id := func(i int) fleet.KioskID {
		return fleet.KioskID("k" + strings.NewReplacer("0", "a", "1", "b", "8", "c", "9", "d").Replace(fmt.Sprintf("%012d", i)))
	}
	many := func(site fleet.SiteID, name string, from, n int) {
		for i := from; i < from+n; i++ {
			v := kiosk(0, site, name, fmt.Sprintf("Kone %d", i), "")
			v.Kiosk.ID = id(i)
			if site == "suuri" && i%5 == 0 {
				v.Status, v.Faults = fleet.StatusOutOfOrder, []state.Fault{{Code: fleet.WipeUnverified, Since: v.Since}}
			}
			h.put(v)
		}
	}
	many("suuri", "Suuri", 0, 100)
	many("rauha", "Rauha", 100, 101)
	c := h.person("satu", staff.Staff, "")
	status, html, _ := h.get(c, "/")
	if n := strings.Count(html, `<li class="card`); status != http.StatusOK || n != 12 {
		t.Errorf("%d: %d cards on the first page", status, n)
	}
	in(t, plain(html), "Rauha", "101 / 101 toimii", "Näytä myös 101 muuta konetta", "Suuri", "80 / 100 toimii", "Kone 0", "Näytä myös 88 muuta konetta")
	_, html, _ = h.get(c, "/sites/suuri")
	if n := strings.Count(html, `<li class="card`); n != 100 || strings.Contains(html, "Näytä myös") {
		t.Errorf("%d cards on the site's page", n)
	}
	if !strings.Contains(html, `data-events="/events?page=fleet&amp;site=suuri"`) {
		t.Error("the site's page listens to other sites")
	}
	one := h.person("aino", staff.Staff, "rauha") // who sees few sees all
	if _, html, _ = h.get(one, "/"); strings.Count(html, `<li class="card`) != 101 {
		t.Errorf("%d cards of one site", strings.Count(html, `<li class="card`))
	}

	first, page := h.listen(c, "/events?page=fleet"), h.listen(c, "/events?page=fleet&site=rauha")
	if e := until(t, first, `id="fleet"`); strings.Count(e, `<li class="card`) != 12 {
		t.Error("the stream begins with other cards than the page")
	}
	until(t, page, `id="fleet"`)
	quiet(t, first)
	quiet(t, page)
	h.change(id(101), func(v *state.View) { v.Status, v.Report.State = fleet.StatusInUse, fleet.InUse }) // of use to nobody
	until(t, page, "card-"+string(id(101)))
	until(t, first, `id="summary"`)
	quiet(t, first)
	h.change(id(102), func(v *state.View) { v.Status = fleet.StatusNoConnection })
	if e := until(t, first, `id="fleet"`); !strings.Contains(e, "card-"+string(id(102))) || !strings.Contains(e, "Näytä myös 100 muuta konetta") {
		t.Error("a machine that needs somebody has no card")
	}
	h.change(id(5), func(v *state.View) { v.Status = fleet.StatusFree })
	for range 3 { // the other site's page hears nothing of its cards
		select {
		case e := <-page:
			if strings.Contains(e, string(id(5))) {
				t.Error("another site's card")
			}
		default:
		}
	}
}
