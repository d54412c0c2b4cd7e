package screen

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"yhteiskone/kiosk/catalogue"
	"yhteiskone/kiosk/display"
	"yhteiskone/kiosk/session"
)

// Every button of every page sends a press that is on the closed list, and
// nothing else is taken.
func TestPressKnown(t *testing.T) {
	tiles, err := catalogue.Default()
	if err != nil {
		t.Fatal(err)
	}
	s := &Screen{Config: Config{Catalogue: tiles}}
	r := renderer(t)
	sent := map[string]bool{}
	press := regexp.MustCompile(`data-press="([^"]*)"(?: data-arg="([^"]*)")?`)
	for name, v := range views() {
		for _, size := range session.Sizes() {
			v.Comfort.Size = size
			html, err := r.Render(v)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range press.FindAllStringSubmatch(html, -1) {
				sent[m[1]] = true
				if p := (session.Press{What: m[1], Arg: m[2]}); !s.known(p) && !strings.Contains(html, m[0]+" disabled") {
					t.Errorf("%s: nobody knows %+v", name, p)
				}
			}
		}
	}
	for _, what := range strings.Fields(`tile language end end_yes end_no continue more_time notice_ok done answer skip help
		help_cancel menu menu_close size contrast speak keyboard sticky say say_selected hide picture hide_cancel queue queue_over technician_check technician_close`) {
		if !sent[what] {
			t.Errorf("no page has a button for %q", what)
		}
	}
	for _, p := range []session.Press{{}, {What: "size"}, {What: "size", Arg: "175"}, {What: "size", Arg: "1e2"}, {What: "picture", Arg: "dog"},
		{What: "answer", Arg: "maybe"}, {What: "language", Arg: "xx"}, {What: "tile", Arg: "nowhere"}, {What: "end_yes", Arg: "x"}, {What: "exit"}} {
		if s.known(p) {
			t.Errorf("%+v is taken", p)
		}
	}
}

// sheetOf is a view as the page is told to draw it on the whole screen.
func sheetOf(t *testing.T, s *Screen, v session.View) string {
	t.Helper()
	html, err := s.render.Render(v)
	if err != nil {
		t.Fatal(err)
	}
	w, h := s.Display.Size()
	packed, err := json.Marshal(sheet{HTML: html, Kind: kindOf(v), Lang: "fi", Dir: "ltr", Scale: display.Scale(w, h), Size: 100, W: w, H: h})
	if err != nil {
		t.Fatal(err)
	}
	return string(packed)
}

func js(t *testing.T, s *Screen, code string) string {
	t.Helper()
	v, err := current(s).eval(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Trim(string(v), `"`)
}

// A view that comes up beneath a finger is not pressed by it: neither by a
// press that began before, nor by one that comes too soon to be meant.
func TestBrowserViewChangesUnderFinger(t *testing.T) {
	s := open(t, room(t, "1366x768"))
	show(t, s, views()["hide_choose"])
	settle(t, s)
	x, y := find(t, s, `[data-arg="sun"]`)
	xdo(t, "mousemove", x, y, "mousedown", "1")
	show(t, s, views()["hide_on"]) // the same button, in the same place, of another view
	settle(t, s)
	xdo(t, "mouseup", "1")
	none(t, s, "a press that began on another view")
	js(t, s, `show(`+sheetOf(t, s, views()["ask_done"])+`); document.querySelector('[data-arg="no"]').click(); document.querySelector('[data-press="skip"]').click(); true`)
	none(t, s, "a press in the first moment")
	settle(t, s)
	js(t, s, `document.querySelector('[data-press="skip"]').click(); true`)
	want(t, s, session.Press{What: "skip"})
	// What ends or hides wakes up later still.
	js(t, s, `show(`+sheetOf(t, s, views()["hide_confirm"])+`); new Promise(r => setTimeout(() => { document.querySelector('[data-press="end_yes"]').click(); r(true) }, 450))`)
	none(t, s, "a guarded press")
}

// The strip's menu by mouse, and what grows stays above the strip's own row.
func TestBrowserMenu(t *testing.T) {
	d := room(t, "1366x768")
	s := open(t, d)
	show(t, s, views()["strip"])
	settle(t, s)
	click(t, s, `[data-press="menu"]`)
	want(t, s, session.Press{What: "menu"})
	v := views()["menu"]
	show(t, s, v)
	at, _, err := d.Geometry(current(s).window)
	if err != nil || at.Y+at.H != 768 || at.H < 320 || at.H > 500 {
		t.Errorf("the menu is at %v (%v)", at, err)
	}
	settle(t, s)
	click(t, s, `[data-press="size"]:not([disabled])`)
	want(t, s, session.Press{What: "size", Arg: "125"})
	v.Comfort.Size = 125
	show(t, s, v)
	settle(t, s)
	click(t, s, `[data-press="contrast"]`)
	want(t, s, session.Press{What: "contrast"})
	v.Comfort.Contrast = true
	show(t, s, v)
	if got := js(t, s, `getComputedStyle(document.querySelector('.strip')).backgroundColor`); got != "rgb(0, 0, 0)" {
		t.Errorf("with contrast the paper is %s", got)
	}
	settle(t, s)
	click(t, s, `[data-open="languages"]`)
	settle(t, s)
	click(t, s, `[data-arg="ar"]`)
	want(t, s, session.Press{What: "language", Arg: "ar"})
	v.Lang = "ar"
	show(t, s, v)
	if got := js(t, s, `document.documentElement.dir + " " + (document.querySelector('[data-press="end"]').getBoundingClientRect().left < 40)`); got != "rtl true" {
		t.Errorf("in Arabic End is not at the reading end: %s", got)
	}
	settle(t, s)
	xdo(t, "key", "Escape")
	want(t, s, session.Press{What: "menu_close"})
}

// A size so large that the page is longer than the screen: arrows lead to its end.
func TestBrowserLargeTextScrolls(t *testing.T) {
	s := open(t, room(t, "1024x768"))
	v := views()["welcome"]
	v.Comfort.Size = 300
	show(t, s, v)
	settle(t, s)
	for range 20 {
		if js(t, s, `document.querySelector('[data-scroll="1"]').ariaDisabled`) == "true" {
			break
		}
		click(t, s, `[data-scroll="1"]`)
		settle(t, s)
	}
	if got := js(t, s, `(() => { const r = document.querySelector('.info').getBoundingClientRect(), f = document.querySelector('footer').getBoundingClientRect(); return r.bottom <= f.top + 1 })()`); got != "true" {
		t.Error("the arrows do not lead to the page's end")
	}
	none(t, s, "scrolling")
}

// Without a mouse every button is reached, by Tab and by the arrows.
func TestBrowserEveryButtonByKeyboard(t *testing.T) {
	s := open(t, room(t, "1366x768"))
	for _, name := range []string{"welcome", "hide_on", "ask_why", "menu"} {
		show(t, s, views()[name])
		settle(t, s)
		js(t, s, `document.activeElement.blur(); window.been = new Set(); addEventListener('focusin', e => been.add(e.target)); true`)
		all := js(t, s, `[...document.querySelectorAll('#view button:not([disabled])')].filter(b => b.offsetParent).length + ""`)
		var n int
		if _, err := fmt.Sscan(all, &n); err != nil {
			t.Fatal(err)
		}
		for range n {
			xdo(t, "key", "Tab")
		}
		until(t, "Tab leads to all "+all+" buttons of "+name, func() bool { return js(t, s, `[...been].filter(b => b.offsetParent).length + ""`) == all })
	}
	show(t, s, views()["hide_on"])
	settle(t, s)
	js(t, s, `document.querySelector('[data-arg="sun"]').focus(); true`)
	for _, c := range []struct{ key, at string }{{"Up", "tree"}, {"Left", "cat"}, {"Down", "cup"}, {"Right", "sun"}, {"Down", "star"}} {
		xdo(t, "key", c.key)
		until(t, c.key+" leads to "+c.at, func() bool { return js(t, s, `document.activeElement.dataset.arg`) == c.at })
	}
	xdo(t, "key", "space")
	want(t, s, session.Press{What: "picture", Arg: "star"})
}
