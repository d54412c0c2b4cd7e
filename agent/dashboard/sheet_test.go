package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// papers is the house's Sheets.
type papers struct {
	kept map[fleet.KioskID]state.KeptSheet
	did  func(string)
}

// Sheet implements Sheets.
func (p *papers) Sheet(id fleet.KioskID) (state.KeptSheet, error) { return p.kept[id], nil }

// Try implements Sheets.
func (p *papers) Try(_ context.Context, who string, id fleet.KioskID, command string, way int) error {
	k, ok := p.kept[id]
	if !ok || k.Sheet.Command != command || !slices.Contains(fleet.WaysByHand(), way) {
		return ErrNoSheet
	}
	k.Tried[way] = state.Tried{Who: who, At: time.Now()}
	p.did(fmt.Sprintf("%s tried %d at %s", who, way, id))
	return nil
}

// paper gives a machine a sheet on which all is well but for what is said.
func (h *house) paper(id fleet.KioskID, value string, but map[string]fleet.Mark) {
	v, _ := h.View(id)
	s := fleet.Sheet{Kiosk: id, Command: "00000000000000c1", At: h.board.Now(), Build: "abcdef012345", Image: "1.2", Hardware: "Dell OptiPlex 3020, 3.8 GiB",
		Proof: v.Proof, Signature: make([]byte, 64)}
	for _, code := range fleet.SheetCodes() {
		m, ok := but[code]
		switch {
		case ok:
		case slices.Contains([]string{"way_07", "way_09", "way_23"}, code):
			m = fleet.AtBuild
		default:
			m = fleet.Passed
		}
		row := fleet.SheetRow{Code: code, Mark: m}
		if code == "memory" {
			row.Value = value
		}
		s.Rows = append(s.Rows, row)
	}
	if h.papers.kept == nil {
		h.papers.kept = map[fleet.KioskID]state.KeptSheet{}
	}
	h.papers.did = h.note
	h.papers.kept[id] = state.KeptSheet{Sheet: s, Signed: s, Who: "teppo", At: h.board.Now(), Tried: map[int]state.Tried{}}
}

func TestSheetPage(t *testing.T) {
	h := newHouse(t)
	h.town()
	technician, person := h.person("teppo", staff.Technician, ""), h.person("satu", staff.Staff, "")
	path := "/kiosks/" + string(kioskID(4)) + "/sheet"
	_, html, _ := h.get(technician, path)
	in(t, plain(html), "Tarkasta kone", "Tätä konetta ei ole vielä tarkastettu.")
	h.paper(kioskID(4), "3.8 GiB", nil)
	_, html, _ = h.get(person, "/kiosks/"+string(kioskID(4)))
	in(t, html, `href="`+path+`"`)
	_, html, _ = h.get(person, path)
	in(t, plain(html), "45 / 47 kunnossa, tyhjennys todistettu. Kokeile vielä käsin: 2.", "Tällä koneella katsottiin: 42. Kokeiltiin, kun versio abcdef012345 tehtiin: 3. Kokeile käsin ja rastita: 2.",
		"Kokeile käsin", "36. Käynnistys toiselta levyltä", "salasanaa", "39. USB-verkko", "Laitteet", "Muisti kunnossa 3.8 GiB", "Keinot päästä ulos kioskista", "1. Koneen tiedostot kunnossa", "7. Datasta tehdyt sivut kokeiltu versiossa",
		"36. Käynnistys toiselta levyltä kokeile käsin", "Dell OptiPlex", "Levykuva 1.2", "Tyhjennyksen todistus numero 42")
	if strings.Contains(html, "<form class=\"unprinted\"") || strings.Contains(plain(html), "Tarkasta kone") || strings.Contains(plain(html), "47 / 47") || strings.Contains(plain(html), "Mitä pitää tehdä") {
		t.Error("staff may not check, nothing is to be done, and nobody has tried the last two")
	}
	// The technician says what they tried; then, and only then, it is all of them.
	for i, c := range []struct {
		form  url.Values
		flash string
	}{
		{url.Values{"way": {"36"}, "command": {"00000000000000c1"}}, "Tallennettu"}, {url.Values{"way": {"1"}, "command": {"00000000000000c1"}}, "ei tallennettu"},
		{url.Values{"way": {"39"}, "command": {"00000000000000c0"}}, "ei tallennettu"}, {url.Values{}, "ei tallennettu"},
		{url.Values{"way": {"39"}, "command": {"00000000000000c1"}}, "Tallennettu"},
	} {
		if status, _, head := h.post(technician, path, c.form); status != http.StatusSeeOther || head.Get("Location") != path {
			t.Errorf("%d to %s", status, head.Get("Location"))
		}
		_, html, _ = h.get(technician, path)
		in(t, plain(html), c.flash)
		if whole := strings.Contains(plain(html), "47 / 47, tyhjennys todistettu. Kone on valmis."); whole != (i == 4) {
			t.Errorf("step %d: 47 of 47 is %v", i, whole)
		}
	}
	in(t, plain(html), "Kokeili teppo", "ulos ei päässyt", "36. Käynnistys toiselta levyltä kokeiltu käsin")
	if did := h.done(); len(did) != 2 || did[0] != "teppo tried 36 at kaaaaaaaaaaae" {
		t.Errorf("%q", did)
	}
	// A proof in doubt is no proof, whatever the sheet says.
	h.change(kioskID(4), func(v *state.View) { v.Faults = []state.Fault{{Code: fleet.ProofInvalid}} })
	_, html, _ = h.get(technician, path+"?lang=en")
	in(t, plain(html), "The computer is not finished yet: 1 to mend or to check. The wipe is not proved.", "What to do", "Restart the computer. If that does not help", "Wipe proved")
	h.change(kioskID(4), func(v *state.View) { v.Faults, v.Proof = nil, &fleet.ProofSummary{Seq: 41, Clean: true} })
	_, html, _ = h.get(technician, path)
	in(t, plain(html), "The wipe is not proved.")
	// The same thing to do is said once.
	h.paper(kioskID(5), "x", map[string]fleet.Mark{"way_30": fleet.Failed, "way_31": fleet.Failed, "sound": fleet.Unknown})
	h.waits = map[fleet.KioskID][]fleet.Command{kioskID(5): {{Name: fleet.Check}}}
	_, html, _ = h.get(technician, "/kiosks/"+string(kioskID(5))+"/sheet")
	in(t, plain(html), "A new check is asked for.", "3 to mend or to check", "The image stops this. Write the image to the computer anew. Another console (Ctrl&#43;Alt&#43;F1–F12), Ending the screen by keys", "Sound NOT KNOWN")
	if n := strings.Count(html, "The image stops this."); n != 1 {
		t.Errorf("it is said %d times", n)
	}
	many := map[string]fleet.Mark{"software": fleet.Failed}
	for n := 1; n < 6; n++ {
		many[fleet.WayCode(n)] = fleet.Failed
	}
	h.paper(kioskID(6), "x", many)
	_, html, _ = h.get(technician, "/kiosks/"+string(kioskID(6))+"/sheet")
	in(t, plain(html), "Write the image to the computer anew. Programs and fonts", "Restart the computer and check again. If it stays, write the image anew. Ways out of the kiosk: 1 2 3 4 5 Try by hand")
	h.post(technician, "/kiosks/"+string(kioskID(5))+"/check", url.Values{"back": {"/kiosks/" + string(kioskID(5)) + "/sheet"}})
	if did := h.done(); did[len(did)-1] != "teppo orders kaaaaaaaaaaaf check now=false" {
		t.Errorf("%q", did)
	}
}
