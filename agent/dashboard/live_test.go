package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"yhteiskone/agent/notify"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

func TestBrowserSignsIn(t *testing.T) {
	h := newHouse(t)
	h.town()
	ctx := browser(t)
	h.enter(ctx, "Satu V.", staff.Staff)
	wait(t, ctx, 5*time.Second, `document.querySelector("h1").textContent === "Koneista 8 / 11 toimii"`)
	follow(t, ctx, chromedp.Click(chromedp.CSS("form[action='/sign-out'] button")))
	do(t, ctx, chromedp.Navigate(h.url+"/kiosks/"+string(kioskID(3))),
		chromedp.SendKeys(chromedp.CSS("#name"), "satu v."), chromedp.SendKeys(chromedp.CSS("#password"), "wrong"))
	follow(t, ctx, chromedp.Click(chromedp.CSS("#go")))
	wait(t, ctx, 5*time.Second, `document.querySelector("[role=alert]").textContent.includes("väärä")`)
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#password"), password))
	follow(t, ctx, chromedp.Click(chromedp.CSS("#go")))
	wait(t, ctx, 5*time.Second, `document.querySelector("h1").textContent === "Kone 4"`)
}

// TestBrowserSeesAChange also holds a card with the keyboard's focus in place
// while it is replaced and moved.
func TestBrowserSeesAChange(t *testing.T) {
	h := newHouse(t)
	h.town()
	ctx := browser(t)
	h.enter(ctx, "satu", staff.Staff)
	card := `document.getElementById("card-` + string(kioskID(4)) + `")`
	wait(t, ctx, 5*time.Second, card+`.textContent.includes("Vapaa")`)
	do(t, ctx, chromedp.Focus(chromedp.CSS("#link-"+string(kioskID(4)))))
	h.change(kioskID(4), func(v *state.View) { v.Status, v.Report.State = fleet.StatusInUse, fleet.InUse })
	took := wait(t, ctx, time.Second, card+`.textContent.includes("Käytössä") && document.querySelector("#summary").textContent.includes("3 käytössä")`)
	t.Logf("a change was seen after %v", took)
	h.change(kioskID(4), func(v *state.View) {
		v.Status, v.Faults = fleet.StatusOutOfOrder, []state.Fault{{Code: fleet.WipeUnverified}}
	})
	wait(t, ctx, time.Second, card+`.textContent.includes("virtanapista") && document.querySelector("h1").textContent === "Koneista 7 / 11 toimii" && document.title.startsWith("Koneista 7 / 11")`)
	wait(t, ctx, time.Second, card+`.previousElementSibling.textContent.includes("Kone 4") && `+card+`.nextElementSibling.textContent.includes("Kone 1")`)
	wait(t, ctx, time.Second, `document.activeElement.id === "link-`+string(kioskID(4))+`"`)
}

func TestBrowserRingsAndAnswers(t *testing.T) {
	h := newHouse(t)
	h.town()
	ctx := browser(t)
	h.enter(ctx, "Satu V.", staff.Staff)
	// A fresh page has to be told once that it may sound.
	do(t, ctx, chromedp.Navigate("about:blank"), chromedp.Navigate(h.url+"/"))
	sound := `document.getElementById("sound").dataset.state`
	wait(t, ctx, 5*time.Second, sound+` === "ask"`)
	rung := `Number(document.documentElement.dataset.rung || 0)`
	h.call(kioskID(1), 0)
	wait(t, ctx, time.Second, `document.title.startsWith("(1) ") && document.querySelector("#calls").textContent.includes("Apua pyydetään: Illusia, Kone 2")`)
	wait(t, ctx, time.Second, rung+` === 0`)
	do(t, ctx, chromedp.Click(chromedp.CSS("#sound")))
	wait(t, ctx, 5*time.Second, sound+` === "on" && `+rung+` >= 1`)
	// Mute, and it stays so on the next page.
	do(t, ctx, chromedp.Click(chromedp.CSS("#sound")))
	wait(t, ctx, 5*time.Second, sound+` === "off"`)
	before, err := chromedp.Run(ctx, chromedp.Evaluate[int](rung))
	if err != nil {
		t.Fatal(err)
	}
	h.call(kioskID(6), 0)
	wait(t, ctx, time.Second, `document.title.startsWith("(2) ")`)
	wait(t, ctx, time.Second, fmt.Sprintf("%s === %d", rung, before))
	h.change(kioskID(6), func(v *state.View) { v.Help = nil })
	wait(t, ctx, time.Second, `document.title.startsWith("(1) ")`)
	do(t, ctx, chromedp.Navigate(h.url+"/help"))
	wait(t, ctx, 5*time.Second, sound+` === "off" && `+rung+` === 0 && document.title.startsWith("(1) ")`)
	do(t, ctx, chromedp.Click(chromedp.CSS("#sound")))
	wait(t, ctx, 5*time.Second, sound+` === "on" && `+rung+` >= 1`)
	follow(t, ctx, chromedp.Click(chromedp.CSS("#answer-"+callID(kioskID(1))+"-coming")))
	wait(t, ctx, 5*time.Second, `!document.title.startsWith("(") && document.querySelector("#calls").textContent.includes("Satu V. tulee heti")`)
	if got := h.done(); len(got) != 1 || !strings.HasSuffix(got[0], "coming as Satu V.") {
		t.Errorf("did %q", got)
	}
	// The session ends: the call is gone by itself.
	h.change(kioskID(1), func(v *state.View) { v.Help = nil })
	wait(t, ctx, time.Second, `document.querySelectorAll("#calls .call").length === 0`)
}

func TestBrowserSaysWhenTheConnectionIsLost(t *testing.T) {
	h := newHouse(t)
	h.town()
	ctx := browser(t)
	h.enter(ctx, "satu", staff.Staff)
	wait(t, ctx, 5*time.Second, `document.getElementById("lost").hidden`)
	h.down.Store(true)
	h.server.CloseClientConnections()
	wait(t, ctx, 10*time.Second, `!document.getElementById("lost").hidden && document.getElementById("lost").textContent.includes("poikki")`)
	h.change(kioskID(2), func(v *state.View) { v.Status = fleet.StatusOutOfOrder })
	h.down.Store(false)
	wait(t, ctx, 20*time.Second, `document.getElementById("lost").hidden && document.querySelector("h1").textContent === "Koneista 7 / 11 toimii"`)
}

func TestBrowserIsSentToTheSignIn(t *testing.T) {
	h := newHouse(t)
	h.town()
	ctx := browser(t)
	h.enter(ctx, "satu", staff.Staff)
	wait(t, ctx, 5*time.Second, `document.querySelector("h1").textContent.startsWith("Koneista")`)
	if err := h.staff.SetDisabled("pomo", "satu", true); err != nil {
		t.Fatal(err)
	}
	wait(t, ctx, 10*time.Second, `location.pathname === "/sign-in"`)
}

// TestBrowserKeepsWhatSomebodyDoes replaces parts of a page under a hand.
func TestBrowserKeepsWhatSomebodyDoes(t *testing.T) {
	h := newHouse(t)
	h.town()
	ctx := browser(t)
	h.enter(ctx, "satu", staff.Staff)
	do(t, ctx, chromedp.Navigate(h.url+"/kiosks/"+string(kioskID(1))), chromedp.SendKeys(chromedp.CSS("#text"), "Suljemme"),
		chromedp.Click(chromedp.CSS("#ask-restart_kiosk summary")))
	wait(t, ctx, 5*time.Second, `document.getElementById("ask-restart_kiosk").open`)
	h.change(kioskID(1), func(v *state.View) { v.Status, v.Report.State = fleet.StatusFree, fleet.Ready })
	wait(t, ctx, time.Second, `document.getElementById("kiosk-now").textContent.includes("Vapaa") && !document.getElementById("ask-end_session")`)
	wait(t, ctx, time.Second, `document.getElementById("ask-restart_kiosk").open && document.getElementById("text").value === "Suljemme"`)
	follow(t, ctx, chromedp.Click(chromedp.CSS("#do-restart_kiosk")))
	if got := h.done(); len(got) != 1 || !strings.Contains(got[0], "restart_kiosk now=false") {
		t.Errorf("did %q", got)
	}
}

// TestBrowserPagesAreAccessible runs axe-core over every page, in light and
// dark, on a desk and on a phone, and looks that nothing sticks out sideways.
func TestBrowserPagesAreAccessible(t *testing.T) {
	axe, err := os.ReadFile("testdata/axe/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	h.town()
	h.call(kioskID(1), 2)
	h.call(kioskID(6), 9)
	h.change(kioskID(6), func(v *state.View) { v.Help.Answer, v.Help.AnsweredBy = fleet.ComingSoon, "satu" })
	ctx := browser(t)
	look := func(path string, after ...chromedp.Action[chromedp.Void]) {
		for _, scheme := range []string{"light", "dark"} {
			for _, size := range [][2]int64{{1366, 960}, {390, 844}, {683, 480}} { // the last one is a desk at 200 %
				do(t, ctx, func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
					_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
						Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
					return chromedp.Void{}, err
				}, chromedp.EmulateViewport(size[0], size[1]), chromedp.Navigate(h.url+path))
				do(t, ctx, after...)
				where := fmt.Sprintf("%s, %s, %d wide", path, scheme, size[0])
				if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](string(axe)+"; true")); err != nil {
					t.Fatal(err)
				}
				result, err := chromedp.Run(ctx, chromedp.Evaluate[json.RawMessage](`axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then((r) => r.violations.map((v) => ({id: v.id, nodes: v.nodes.map((n) => n.html + " | " + n.failureSummary)})))`, chromedp.EvalAwaitPromise))
				if err != nil {
					t.Fatalf("%s: %v", where, err)
				}
				var broken []struct {
					ID    string
					Nodes []string
				}
				if err := json.Unmarshal(result, &broken); err != nil {
					t.Fatal(err)
				}
				for _, b := range broken {
					t.Errorf("%s: %s:\n\t%s", where, b.ID, strings.Join(b.Nodes, "\n\t"))
				}
				wide, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
				if err != nil || wide > 0 {
					t.Errorf("%s: %d pixels stick out (%v)", where, wide, err)
				}
			}
		}
	}
	open := chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := chromedp.Evaluate[bool](`document.querySelectorAll("details").forEach((d) => { d.open = true }); true`)(ctx, tab)
		return err
	})
	look("/sign-in", open)
	h.enter(ctx, "Satu", staff.Admin)
	h.mem.AppendAudit(staff.Entry{At: h.board.Now(), Who: "satu", Action: "command", Detail: "identify", Kiosk: kioskID(9), Site: "symppis"})
	h.mem.AppendAudit(staff.Entry{At: h.board.Now(), Who: "satu", Action: "help_answered", Detail: "coming", Kiosk: kioskID(1), Site: "illusia"})
	h.autumn()
	for _, p := range []string{"/", "/help", "/audit", "/staff", "/agent", "/nothing", "/reports?month=2026-10", "/reports?month=2026-10&site=mesta", "/tally", "/tally?site=illusia", h.hang("illusia"), "/kiosks/" + string(kioskID(0)), "/kiosks/" + string(kioskID(9))} {
		look(p)
	}
	look("/kiosks/"+string(kioskID(1)), open)
	look("/walls", open)
	look("/releases")
	h.shelve()
	look("/releases", open)
	h.remember()
	h.change(kioskID(0), func(v *state.View) {
		v.Faults[0].Times = 3
		v.Folded = []state.Fault{{Code: fleet.StateNotKept, Under: v.Faults[0].Code}}
	})
	h.sites = map[fleet.SiteID]state.Site{"illusia": {ID: "illusia", Name: "Illusia", Faults: []state.Fault{{Code: fleet.SiteSilent, Since: h.board.Now(), Times: 3}}}}
	for _, p := range []string{"/", "/sites/illusia", "/sites/mesta", "/kiosks/" + string(kioskID(0))} {
		look(p, open)
	}
	// What people fill in, also with something wrong in it, and the sign.
	h.alerts.targets = []notify.Target{{ID: "00000000000000aa", Owner: "satu", Channel: notify.ByMail, Address: "satu@example.fi", Faults: true, Help: true, Lang: "fi", Digest: -1},
		{ID: "00000000000000bb", Site: "illusia", Channel: notify.ByMail, Address: "muut@example.fi", Faults: true, Lang: "sv", Digest: 480}}
	h.alerts.troubles = []notify.Trouble{{Target: "00000000000000aa", At: h.board.Now(), Lost: 3, Why: notify.WhyTime}}
	wrong := func(field, value string) chromedp.Action[chromedp.Void] {
		return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
			_, err := chromedp.Evaluate[bool](fmt.Sprintf(`{ const f = document.getElementById(%q); f.form.noValidate = true; f.value = %q; f.form.requestSubmit(); true }`, field, value))(ctx, tab)
			return err
		})
	}
	says := chromedp.WaitVisible(chromedp.CSS("p.problem[role=alert]"))
	look("/alerts", open)
	look("/alerts", wrong("own-address", "satu"), says, open)
	look("/sites/illusia/settings", open)
	look("/sites/illusia/settings", wrong("phone", "soita Sadulle"), says, open)
	look("/sites/illusia/settings", wrong("welcome_sv", "Hej"), says, open)
	look("/sites/illusia/settings", wrong("blocked", "https://casino.example/"), says, open)
	h.notes = map[fleet.KioskID]Note{kioskID(10): {"Hiiri puuttuu", "satu", h.board.Now()}}
	look("/kiosks/" + string(kioskID(10)) + "/sign")
	h.paper(kioskID(3), "3.8 GiB", map[string]fleet.Mark{"sound": fleet.Failed, "way_30": fleet.Unknown})
	h.paper(kioskID(4), "3.8 GiB", nil)
	look("/kiosks/" + string(kioskID(2)) + "/sheet")
	look("/kiosks/"+string(kioskID(3))+"/sheet", open)
	look("/kiosks/" + string(kioskID(4)) + "/sheet")
	h.errand()
	look("/")
	look("/kiosks/"+string(kioskID(1)), open)
}

// TestBrowserKeyboard reaches what can be pressed on the first page by the Tab
// key alone, and sees where it is.
func TestBrowserKeyboard(t *testing.T) {
	h := newHouse(t)
	h.town()
	h.call(kioskID(1), 1)
	ctx := browser(t)
	h.enter(ctx, "satu", staff.Staff)
	wait(t, ctx, 5*time.Second, `document.querySelector("[data-ring]") !== null && document.activeElement === document.body`)
	var reached []string
	for range 60 {
		do(t, ctx, chromedp.KeyEvent(kb.Tab))
		at, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(() => {
			const e = document.activeElement, ring = [getComputedStyle(e), getComputedStyle(e, "::after")].some((s) => s.outlineStyle === "solid" && parseInt(s.outlineWidth) >= 3);
			if (e === document.body) return "BODY";
			return (ring ? "" : "UNSEEN ") + (e.id || e.getAttribute("href") || e.textContent.trim() || e.tagName);
		})()`))
		if err != nil {
			t.Fatal(err)
		}
		if at == "BODY" {
			break
		}
		reached = append(reached, at)
	}
	all := strings.Join(reached, "\n")
	if strings.Contains(all, "UNSEEN") {
		t.Errorf("the focus is not to be seen:\n%s", all)
	}
	in(t, all, "#main", "/help", "/reports", "Lisää", "sound", "/account", "Kirjaudu ulos", "answer-"+callID(kioskID(1))+"-coming", "answer-"+callID(kioskID(1))+"-cannot_come",
		"press-"+string(kioskID(10)), "link-"+string(kioskID(3)), "link-"+string(kioskID(8)), "/?lang=en")
	follow(t, ctx, chromedp.Steps(chromedp.Focus(chromedp.CSS("#answer-"+callID(kioskID(1))+"-coming")), chromedp.KeyEvent(kb.Enter)))
	if got := h.done(); len(got) != 1 {
		t.Errorf("did %q", got)
	}
}

// TestWithoutJavaScript does a day's work with nothing but requests: the
// browser of this test runs no script at all.
func TestWithoutJavaScript(t *testing.T) {
	h := newHouse(t)
	h.town()
	c := h.person("satu", staff.Staff, "")
	_, html, _ := h.get(c, "/")
	in(t, html, `<noscript><meta http-equiv="refresh" content="30"></noscript>`)
	h.call(kioskID(1), 0)
	_, html, _ = h.get(c, "/")
	in(t, html, `action="/kiosks/`+string(kioskID(1))+`/help"`, `name="answer" value="coming"`)
	for path, form := range map[string]url.Values{
		"/kiosks/" + string(kioskID(1)) + "/help":          {"call": {callID(kioskID(1))}, "answer": {"coming"}, "back": {"/"}},
		"/kiosks/" + string(kioskID(1)) + "/end_session":   {"back": {"/"}},
		"/kiosks/" + string(kioskID(10)) + "/in_service":   {"back": {"/"}},
		"/kiosks/" + string(kioskID(3)) + "/restart_kiosk": {"back": {"/"}},
	} {
		if status, _, head := h.post(c, path, form); status != http.StatusSeeOther || head.Get("Location") != "/" {
			t.Errorf("%s: %d to %s", path, status, head.Get("Location"))
		}
	}
	if n := len(h.done()); n != 4 {
		t.Errorf("%d things were done: %q", n, h.done())
	}
}

// TestBrowserSizes: on a phone the bar's places stand in one row in every
// language, and a screen on the wall is used: what is said grows with it.
func TestBrowserSizes(t *testing.T) {
	h := newHouse(t)
	h.town()
	ctx := browser(t)
	h.enter(ctx, "satu", staff.Admin)
	for _, lang := range languages() {
		do(t, ctx, chromedp.EmulateViewport(360, 740), chromedp.Navigate(h.url+"/?lang="+lang))
		wait(t, ctx, 5*time.Second, `(() => { const tops = [...document.querySelectorAll(".top nav > ul > li")].map((l) => l.getBoundingClientRect().top); return tops.length > 3 && Math.max(...tops) - Math.min(...tops) < 12; })()`)
		wait(t, ctx, time.Second, `[...document.querySelectorAll(".top nav a, .top nav summary")].filter((a) => a.offsetHeight > 0).every((a) => a.offsetHeight >= 24)`)
	}
	for wide, most := range map[int64]float64{1280: 17.5, 2560: 25, 3840: 37} {
		do(t, ctx, chromedp.EmulateViewport(wide, wide*9/16), chromedp.Navigate(h.url+"/"))
		size, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`parseFloat(getComputedStyle(document.querySelector(".card .line")).fontSize)`))
		if err != nil || size < most-1.5 || size > most {
			t.Errorf("%d wide: letters of %v pixels (%v)", wide, size, err)
		}
		used, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`document.querySelector("main").offsetWidth / innerWidth`))
		if err != nil || used < 0.9 {
			t.Errorf("%d wide: the page takes %v of it (%v)", wide, used, err)
		}
	}
}
