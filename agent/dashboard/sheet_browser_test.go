package dashboard

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// The sheet is one printed page of A4, in every language, when all is well and
// when much is not; with PICTURES set its pictures are left there.
func TestBrowserPrintsTheSheet(t *testing.T) {
	h := newHouse(t)
	h.town()
	h.paper(kioskID(4), "3.8 GiB", nil)
	h.paper(kioskID(5), "3.8 GiB", map[string]fleet.Mark{"sound": fleet.Failed, "disk_health": fleet.Unknown, "secure_boot": fleet.Failed, "services": fleet.Unknown,
		"way_30": fleet.Failed, "way_31": fleet.Failed, "way_08": fleet.Unknown, "printer": fleet.Absent, "clock": fleet.Failed, "ports": fleet.Failed})
	nothing, broken := map[string]fleet.Mark{}, map[string]fleet.Mark{}
	for _, code := range fleet.SheetCodes() {
		nothing[code], broken[code] = fleet.Unknown, fleet.Failed
	}
	h.paper(kioskID(6), "", nothing)
	h.paper(kioskID(7), strings.Repeat("x", fleet.SheetValueMost), broken)
	ctx := browser(t)
	h.enter(ctx, "teppo", staff.Technician)
	folder := os.Getenv("PICTURES")
	for _, lang := range languages() {
		for name, n := range map[string]int{"good": 4, "bad": 5, "nothing": 6, "broken": 7} {
			if lang != "fi" && name != "bad" { // the words are of much the same length
				continue
			}
			do(t, ctx, chromedp.Navigate(h.url+"/kiosks/"+string(kioskID(n))+"/sheet?lang="+lang))
			pdf, err := chromedp.Run(ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
			if err != nil {
				t.Fatal(err)
			}
			if pages := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(pdf, -1)); pages != 1 {
				t.Errorf("%s, %s: %d printed pages", lang, name, pages)
			}
			if folder == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(folder, "sheet-"+name+"-"+lang+".pdf"), pdf, 0o644); err != nil {
				t.Fatal(err)
			}
			for w, media := range map[int64]string{1366: "screen", 390: "screen", 703: "print"} { // A4 within its margins
				do(t, ctx, func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
					_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media})
					return chromedp.Void{}, err
				}, chromedp.EmulateViewport(w, 900))
				raw, err := chromedp.Run(ctx, chromedp.FullScreenshot(90))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(folder, "sheet-"+name+"-"+lang+"-"+strconv.FormatInt(w, 10)+".png"), raw, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
