package dashboard

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"yhteiskone/agent/staff"
)

// An invitation's link fills the form, and the secret leaves the address.
func TestBrowserInvitation(t *testing.T) {
	h := newHouse(t)
	h.town()
	i, err := h.staff.Invite(staff.Console, staff.Newcomer{Name: "Satu Åberg / 2", Grants: staff.At(staff.Staff)})
	if err != nil {
		t.Fatal(err)
	}
	ctx := browser(t)
	do(t, ctx, chromedp.Navigate(h.url+InviteFragment("/invite", i.Code, i.Shown)))
	wait(t, ctx, 10*time.Second, `document.getElementById("code").value === "`+i.Code+`" && document.getElementById("name").value === "Satu Åberg / 2" && location.href.endsWith("/invite") && document.activeElement.id === "new"`)
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#new"), password), chromedp.SendKeys(chromedp.CSS("#again"), password))
	follow(t, ctx, chromedp.Click(chromedp.CSS("#go")))
	wait(t, ctx, 10*time.Second, `document.querySelector("h1").textContent.includes("toimii")`)
	do(t, ctx, chromedp.Navigate(h.url+personPath("satu åberg / 2"))) // a name with everything in it has a page
	wait(t, ctx, 10*time.Second, `document.title.length > 0`)
}

// TestBrowserPeopleAreAccessible looks at every page about people.
func TestBrowserPeopleAreAccessible(t *testing.T) {
	h := newHouse(t)
	h.town()
	ctx := browser(t)
	axe := must(os.ReadFile("testdata/axe/axe.min.js"))
	pictures := os.Getenv("PICTURES")
	look := func(name string) {
		t.Helper()
		wait(t, ctx, 10*time.Second, `document.readyState === "complete"`)
		do(t, ctx, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
			_, err := chromedp.Evaluate[bool](`document.querySelectorAll("main details").forEach((d) => { d.open = true }); true`)(ctx, tab) // the bar's own would lie over the page
			return err
		}))
		for _, wide := range []int64{1366, 390} {
			do(t, ctx, chromedp.EmulateViewport(wide, 900))
			if pictures != "" {
				raw := must(chromedp.Run(ctx, chromedp.FullScreenshot(80)))
				if err := os.WriteFile(filepath.Join(pictures, name+map[int64]string{1366: "", 390: "-phone"}[wide]+".png"), raw, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](string(axe)+"; true")); err != nil {
				t.Fatal(err)
			}
			broken, err := chromedp.Run(ctx, chromedp.Evaluate[string](`axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then((r) => r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.html + " | " + n.failureSummary).join("\n")).join("\n"))`, chromedp.EvalAwaitPromise))
			if err != nil || broken != "" {
				t.Errorf("%s, %d wide: %s %v", name, wide, broken, err)
			}
			if out, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`)); err != nil || out > 0 {
				t.Errorf("%s, %d wide: %d pixels stick out (%v)", name, wide, out, err)
			}
		}
		do(t, ctx, chromedp.EmulateViewport(1366, 900))
	}
	open := func(name, path string) {
		t.Helper()
		do(t, ctx, chromedp.Navigate(h.url+path))
		look(name)
	}
	if _, err := h.staff.OpenFirst(); err != nil {
		t.Fatal(err)
	}
	open("first", "/first?lang=fi")
	open("sign-in-empty", "/sign-in")
	open("invite", "/invite")
	h.enter(ctx, "Satu Virtanen", staff.Admin)
	h.granted("Pekka", staff.Grant{Role: staff.Staff, Site: "illusia"}, staff.Grant{Role: staff.Technician, Site: "mesta"})
	for name, n := range map[string]staff.Newcomer{"Aino": {Mail: "aino@example.fi", Grants: staff.At(staff.Viewer, "symppis")}, "Kalle": {Grants: staff.At(staff.Admin)}} {
		n.Name = name
		if _, err := h.staff.Invite("satu virtanen", n); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.staff.SetDisabled("satu virtanen", "Kalle", true); err != nil {
		t.Fatal(err)
	}
	open("staff", "/staff")
	open("member", "/staff/pekka")
	open("member-own", "/staff/satu%20virtanen")
	do(t, ctx, chromedp.Navigate(h.url+"/staff/aino"))
	follow(t, ctx, chromedp.Click(chromedp.CSS("#do-code")))
	look("invited")
	open("account", "/account")
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#factor-password"), password))
	follow(t, ctx, chromedp.Click(chromedp.CSS("#do-factor")))
	look("factor")
	secret, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("#by-hand code").textContent.replaceAll(" ", "")`))
	if err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#code"), must(totp.GenerateCode(secret, h.board.Now()))))
	follow(t, ctx, chromedp.Click(chromedp.CSS("#go")))
	look("codes")
	open("account-secured", "/account")
	follow(t, ctx, chromedp.Click(chromedp.CSS("header form button")))
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#name"), "satu virtanen"), chromedp.SendKeys(chromedp.CSS("#password"), password))
	follow(t, ctx, chromedp.Click(chromedp.CSS("#go")))
	look("second")
	if err := h.staff.SetRules(staff.Console, staff.Rules{Factor: []staff.Role{staff.Viewer}}); err != nil {
		t.Fatal(err)
	}
	h.enter(ctx, "Uusi", staff.Viewer)
	open("account-needed", "/")
}
