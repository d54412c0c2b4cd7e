package dashboard

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// BenchmarkFirstPage draws the first page of a thousand machines.
func BenchmarkFirstPage(b *testing.B) {
	h := &house{views: map[fleet.KioskID]state.View{}}
	h.board = newBoard(Deps{Fleet: h, Texts: plainTexts{}, Now: clock(), Location: helsinki(), Version: "1"}, nil)
	for i := range 1000 {
		v := kiosk(0, fleet.SiteID(fmt.Sprint("site", i%6)), fmt.Sprint("Paikka ", i%6), fmt.Sprint("Kone ", i), "aula")
		v.Kiosk.ID = fleet.KioskID(fmt.Sprintf("k%012d", i))
		switch i % 10 {
		case 0:
			v.Status, v.Faults = fleet.StatusNeedsAttention, []state.Fault{{Code: fleet.DiskFull, Severity: fleet.SeverityError, Since: v.Since}}
		case 1, 2, 3:
			v.Status, v.Report.State = fleet.StatusInUse, fleet.InUse
		}
		h.views[v.Kiosk.ID] = v
	}
	all := h.Views()
	h.board.Fleet = still{h, all}
	who := visit{tell: h.board.teller("fi"), person: staff.Person{Name: "satu", Grants: staff.At(staff.Staff)}}
	for b.Loop() {
		views := h.board.seen(who)
		s := h.board.summary(who, views)
		f := frame{Page: "fleet", Title: s.Title, Content: fleetContent{s, h.board.sites(who, views, true)}}
		w := httptest.NewRecorder()
		if err := h.board.pages.get("fi", "fleet").Execute(w, &f); err != nil || w.Code != http.StatusOK {
			b.Fatal(err)
		}
	}
}

// still is a fleet in which nothing happens.
type still struct {
	*house
	all []state.View
}

// Views implements Fleet.
func (s still) Views() []state.View { return append([]state.View(nil), s.all...) }
