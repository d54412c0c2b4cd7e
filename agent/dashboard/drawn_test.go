package dashboard

import (
	"strings"
	"testing"

	"yhteiskone/internal/fleet"
)

// A card that says something else is drawn anew, and nobody gets the card of
// another language or with another's button.
func TestDrawings(t *testing.T) {
	h := newHouse(t)
	c := card{ID: kioskID(0), Name: "Kone 1", Look: lookOf(fleet.StatusFree)}
	changed, pressed := c, c
	changed.Look, pressed.Press = lookOf(fleet.StatusInUse), fleet.RestartKiosk
	for range 2 {
		for _, one := range []struct {
			lang  string
			of    card
			wants string
		}{{"fi", c, "Vapaa"}, {"fi", changed, "Käytössä"}, {"sv", c, "Ledig"}, {"fi", pressed, "restart_kiosk"}, {"fi", c, "Vapaa"}} {
			html, err := h.board.drawn(one.lang, one.of)
			if err != nil || !strings.Contains(string(html), one.wants) || one.of.Press == "" && strings.Contains(string(html), "<form") {
				t.Errorf("%+v: %s, %v", one, html, err)
			}
		}
	}
	draws := 0
	for range 3 {
		h.board.drawings.card("fi", c, func() (string, error) { draws++; return "", nil })
	}
	if draws != 0 {
		t.Errorf("what was drawn is drawn again, %d times", draws)
	}
}
