package dashboard

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// TestBrowserShotsOfThePast leaves pictures of the pages that show what was, as
// TestBrowserShots does.
func TestBrowserShotsOfThePast(t *testing.T) {
	folder := os.Getenv("PICTURES")
	if folder == "" {
		t.Skip("PICTURES names no folder")
	}
	h := newHouse(t)
	h.town()
	h.remember()
	at := h.board.Now().Add(-10 * time.Minute)
	h.change(kioskID(0), func(v *state.View) {
		v.Faults[0].Times = 3
		v.Folded = []state.Fault{{Code: fleet.StateNotKept, Under: v.Faults[0].Code}}
	})
	h.sites = map[fleet.SiteID]state.Site{"mesta": {ID: "mesta", Name: "Mesta", Faults: []state.Fault{{Code: fleet.SiteSilent, Since: at}}}}
	for i := 5; i < 9; i++ {
		h.change(kioskID(i), func(v *state.View) {
			v.Status, v.Connected = fleet.StatusNoConnection, false
			v.Faults = []state.Fault{{Code: fleet.SiteSilent, Since: at}}
		})
	}
	ctx := browser(t)
	h.enter(ctx, "Satu V.", staff.Staff)
	open := chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := chromedp.Evaluate[bool](`document.querySelectorAll("details.numbers").forEach((d) => { d.open = true }); true`)(ctx, tab)
		return err
	})
	for name, path := range map[string]string{"first": "/", "site": "/sites/illusia", "machine": "/kiosks/" + string(kioskID(0)), "lost-site": "/sites/mesta"} {
		for _, scheme := range []string{"light", "dark"} {
			for _, w := range []int64{1366, 390} {
				do(t, ctx, func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
					_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
						Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
					return chromedp.Void{}, err
				}, chromedp.EmulateViewport(w, 900), chromedp.Navigate(h.url+path), open)
				raw, err := chromedp.Run(ctx, chromedp.FullScreenshot(90))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%s-%d.png", name, scheme, w)), raw, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
