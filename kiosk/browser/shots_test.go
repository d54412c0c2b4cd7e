package browser_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"yhteiskone/internal/e2e/hand"
	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/browser"
	"yhteiskone/kiosk/session"
)

// TestBrowserShots takes pictures of our pages in the client's browser into the
// folder SHOTS, for people to look at.
func TestBrowserShots(t *testing.T) {
	folder := os.Getenv("SHOTS")
	if folder == "" {
		t.Skip("SHOTS names no folder")
	}
	for _, c := range []struct {
		name, opens, title string
		setup              session.Setup
	}{
		{"blocked-fi", "muu.localhost", "Tämä sivu", session.Setup{Lang: "fi", Mode: fleet.Errands}},
		{"blocked-sv", "muu.localhost", "Den här", session.Setup{Lang: "sv", Mode: fleet.Errands}},
		{"blocked-en", "muu.localhost", "This page", session.Setup{Lang: "en", Mode: fleet.Errands}},
		{"blocked-ar", "muu.localhost", "هذه", session.Setup{Lang: "ar", Mode: fleet.Errands}},
		{"blocked-list", "kasino.localhost", "Tämä sivu", session.Setup{Lang: "fi", Blocked: []string{"kasino.localhost"}}},
		{"blocked-200", "muu.localhost", "Tämä sivu", session.Setup{Lang: "fi", Mode: fleet.Errands, Comfort: session.Comfort{Size: 200}}},
		{"blocked-300", "muu.localhost", "Tämä sivu", session.Setup{Lang: "fi", Mode: fleet.Errands, Comfort: session.Comfort{Size: 300}}},
		{"blocked-contrast", "muu.localhost", "Tämä sivu", session.Setup{Lang: "fi", Mode: fleet.Errands, Comfort: session.Comfort{Size: 100, Contrast: true}}},
		{"home-errands-fi", "", "Takaisin", session.Setup{Lang: "fi", Mode: fleet.Errands}},
		{"home-200", "", "Takaisin", session.Setup{Lang: "fi", Comfort: session.Comfort{Size: 200}}},
		{"home-contrast", "", "Takaisin", session.Setup{Lang: "fi", Comfort: session.Comfort{Size: 100, Contrast: true}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			s := newStreet(t, d)
			o := d.options()
			o.Links = func(string) []browser.Link {
				return []browser.Link{{Name: "Kela", Address: "https://www.kela.fi/"}, {Name: "OP", Address: "https://www.op.fi/"},
					{Name: "Suomi.fi", Address: "https://www.suomi.fi/"}, {Name: "Oma Säästöpankki", Address: "https://www.omasp.fi/"}}
			}
			r := startAs(t, newBrowser(t, o), begin(t, d.wiper(t)), c.setup)
			address := ""
			if c.opens != "" {
				address = s.at(c.opens)
			}
			if err := r.Open(address); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if t.Failed() {
					_ = d.hand().Picture(context.Background(), filepath.Join(folder, c.name+"-failed.png"))
				}
			})
			d.titled(t, c.title)
			last, err := "", error(nil)
			await(t, "a page that stays as it is", 20*time.Second, func() bool {
				before := last
				w, h := d.display.Size()
				last, err = d.hand().Look(t.Context(), hand.Box{W: w, H: h})
				return err == nil && last == before
			})
			if err := d.hand().Picture(t.Context(), filepath.Join(folder, c.name+".png")); err != nil {
				t.Fatal(err)
			}
		})
	}
}
