package dashboard

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// Out of service with a note: the sign says it in three languages, whatever
// the reader's, and the note is escaped.
func TestSign(t *testing.T) {
	h := newHouse(t)
	h.town()
	c := h.person("satu", staff.Staff, "symppis")
	base := "/kiosks/" + string(kioskID(10))
	h.post(c, base+"/out_of_service", url.Values{"text": {" Hiiri\r\n<b>puuttuu</b> "}})
	if did := h.done(); len(did) != 1 || !strings.HasSuffix(did[0], "out_of_service now=false Hiiri <b>puuttuu</b>") {
		t.Fatalf("%q", did)
	}
	h.post(c, base+"/out_of_service", url.Values{"text": {strings.Repeat("ä", 201)}})
	if len(h.done()) != 1 {
		t.Error("a note that is too long is taken")
	}
	h.notes = map[fleet.KioskID]Note{kioskID(10): {"Hiiri <b>puuttuu</b>", "satu", h.board.Now()}}
	h.waits = map[fleet.KioskID][]fleet.Command{kioskID(10): {{Name: fleet.RestartKiosk}}}
	_, html, _ := h.get(c, base)
	in(t, plain(html), "Tulosta lappu koneeseen", "Kone ei ole vielä vastannut käskyyn: Käynnistä uudelleen.")
	_, html, _ = h.get(c, base+"/sign?lang=en")
	in(t, html, `<div lang="fi"><h2>Ei käytössä</h2>`, `<div lang="sv"><h2>Ur bruk</h2>`, `<div lang="en"><h2>Out of service</h2>`, "Hiiri &lt;b&gt;puuttuu", "21.11.2026")
	if status, _, _ := h.get(c, "/kiosks/"+string(kioskID(1))+"/sign"); status != http.StatusNotFound {
		t.Errorf("another site's: %d", status)
	}
}
