package escape

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"yhteiskone/internal/e2e/hand"
)

// Place is a point of the screen.
type Place struct{ X, Y int }

// shown is what a page of the site says when it is on the screen.
type shown struct {
	N       string `json:"-"`
	Places  map[string]Place
	History int
	W, H    int
}

// at is where the element with that id is.
func (s shown) at(id string) Place { return s.Places[id] }

// bar gives the keyboard to the address bar, by mouse: after a key a busy page
// may still get the next letters. Everything in it is chosen.
func (r *room) bar() {
	r.Helper()
	r.click(Place{r.display.W * 2 / 5, 63})
	r.key("ctrl+a")
}

// enter types an address into the address bar and presses Enter.
func (r *room) enter(address string) {
	r.Helper()
	r.bar()
	r.write(address)
	r.key("Delete", "Return") // what the bar would complete is not meant
}

// open goes to a page of the site and waits until it is on the screen.
func (r *room) open(page string) shown {
	r.Helper()
	r.pages++
	n := "p" + strconv.Itoa(r.pages)
	sign := "?"
	if strings.Contains(page, "?") {
		sign = "&"
	}
	var e Event
	var err error
	for try := range 5 { // a dialog of the row before may take the first words, the kiosk's own page for a blocked one their place
		r.key("Escape", "Escape")
		address := r.here("/" + page + sign + "n=" + n)
		if try == 0 {
			r.enter(address)
		} else { // the bars may look otherwise than they did
			r.key("ctrl+l", "ctrl+l", "ctrl+a")
			r.write(address)
			r.key("Delete", "Return")
		}
		wait := patience / 2
		if try < 3 {
			wait = 2 * time.Second // mostly it is there in one
		}
		ctx, cancel := r.in(wait)
		e, err = r.site.Wait(ctx, n, "shown")
		cancel()
		if err == nil {
			break
		}
		r.key("Escape")
	}
	r.do(err)
	s := shown{N: n}
	r.do(json.Unmarshal(e.Detail, &s))
	// What is pressed before a page has drawn is dropped by the browser, on a
	// slow machine for a second and more.
	r.reaches(n, "q")
	return s
}

// press presses something on the page until the page says that it was.
func (r *room) press(s shown, id, event string) {
	r.Helper()
	before := r.site.Times(s.N, event)
	for try := range 4 {
		r.click(s.at(id))
		if r.later(again(try), func() bool { return r.site.Times(s.N, event) > before }) {
			return
		}
	}
	r.Fatalf("a press on %s does not reach page %s", id, s.N)
}

// hear waits for what a page says.
func (r *room) hear(n, event string) Event {
	r.Helper()
	ctx, cancel := r.in(patience)
	defer cancel()
	e, err := r.site.Wait(ctx, n, event)
	r.do(err)
	return e
}

// told waits for the first of several events, for those that end either way.
func (r *room) told(n string, events ...string) string {
	r.Helper()
	found := ""
	ctx, cancel := r.in(patience)
	defer cancel()
	err := r.site.Until(ctx, func() bool {
		for _, e := range events {
			if r.site.Said(n, e) {
				found = e
				return true
			}
		}
		return false
	})
	if err != nil {
		r.Fatalf("page %s said none of %q", n, events)
	}
	return found
}

// reaches sends a key to the page and waits until the page has it: the sign
// that the keyboard is the page's and that all keys before have been dealt
// with. A page that does not have the keyboard gets it by a press near its edge.
func (r *room) reaches(n, key string) {
	r.Helper()
	event := "key:" + strings.ToLower(key)
	before := r.site.Times(n, event)
	for try := range 7 {
		r.key(key)
		if r.later(min(patience/32<<try, patience/4), func() bool { return r.site.Times(n, event) > before }) {
			return
		}
		r.key("Escape") // a question that came late
		r.click(Place{r.display.W - 40, r.display.H / 2})
	}
	r.Fatalf("%s does not reach page %s", key, n)
}

// again is how long the hands wait before they do it once more: what is lost is
// lost in the first moment of a page, and on most machines soon seen to be.
func again(try int) time.Duration {
	if try < 2 {
		return patience / 8
	}
	return patience / 4
}

// alive checks that the page still has the keyboard: an ordinary letter comes.
func (r *room) alive(n string) {
	r.Helper()
	r.reaches(n, "q")
}

// copied is what the keys put on the clipboard; "" if nothing came.
func (r *room) copied(keys ...string) string {
	r.Helper()
	const nothing = "nothing was copied"
	clip := r.clip()
	stop, err := clip.Put(r.Ctx, nothing)
	r.do(err)
	defer stop()
	read := func() string {
		ctx, cancel := r.in(3 * time.Second)
		defer cancel()
		s, _ := clip.Selection(ctx, "clipboard")
		return s
	}
	if !r.later(patience, func() bool { return read() == nothing }) {
		r.Fatal("the clipboard does not become ours")
	}
	got := nothing
	for range 3 {
		r.key(keys...)
		if r.later(2*time.Second, func() bool { got = read(); return got != nothing && got != "" }) {
			break
		}
	}
	if got == nothing {
		return ""
	}
	return got
}

// clip is hands for the clipboard that the X server trusts as little as the
// client's browser: it keeps the two kinds apart. They are made anew each time,
// because such cookies do not live long.
func (r *room) clip() hand.Hand {
	r.Helper()
	h := hand.Hand{Display: r.display.Hand.Display, Xauthority: r.Write("clip", "")}
	if code, _, errs := r.Run(r.display.Env(), "xauth", "-q", "-f", h.Xauthority, "generate", h.Display, ".", "untrusted", "timeout", "600"); code != 0 {
		r.Fatalf("make a cookie for the clipboard: %s", errs)
	}
	return h
}

// selection is what a selection holds, and whether anybody has it. An owner
// that does not answer holds nothing.
func (r *room) selection(name string) (string, bool) {
	r.Helper()
	ctx, cancel := r.in(3 * time.Second)
	defer cancel()
	return r.clip().Selection(ctx, name)
}

// address is what the address bar says.
func (r *room) address() string {
	r.Helper()
	r.bar()
	a := r.copied("ctrl+a", "ctrl+c")
	r.key("Escape", "Escape")
	return a
}

// text is all words of the page. A press near its edge gives it the keyboard.
func (r *room) text() string {
	r.Helper()
	r.click(Place{r.display.W - 40, r.display.H / 2})
	return r.copied("ctrl+a", "ctrl+c")
}

// isBlockedPage reports whether a page's words are those of a blocked one: the
// browser's own in Finnish, or the kiosk's. Its language is what keys chose that
// came to the welcome page, after a session that ended in the middle of typing.
func isBlockedPage(words string) bool {
	return containsAny(words, "Tämä sivu on estetty", "Tämä sivu ei aukea tällä koneella", "Den här sidan öppnas inte på den här datorn",
		"This page does not open on this computer")
}

// isHome reports whether a title is that of the kiosk's own first page.
func isHome(title string) bool {
	return containsAny(title, "Takaisin alkuun", "Tillbaka till början", "Back to the start")
}

func containsAny(text string, all ...string) bool {
	return slices.ContainsFunc(all, func(s string) bool { return strings.Contains(text, s) })
}

// pageBox is where the page is.
func (r *room) pageBox() hand.Box {
	return hand.Box{Y: barHeight + 1, W: r.display.W, H: r.display.H - stripHeight - barHeight - 1}
}

// page is what the page shows.
func (r *room) page() []byte {
	r.Helper()
	px, err := r.display.Pixels(r.Ctx, r.pageBox())
	r.do(err)
	return px
}

// drag takes what is at one place to another.
func (r *room) drag(from, to Place) {
	r.Helper()
	r.do(r.display.Drag(r.Ctx, hand.Box{X: from.X, Y: from.Y}, hand.Box{X: to.X, Y: to.Y}))
}

// oneWindow closes the windows that a row opened, by the keyboard.
func (r *room) oneWindow() {
	r.Helper()
	r.Until(patience, "one window is left", func() (bool, string) {
		n := r.count("browser") + r.count("pop-up")
		if n <= 1 {
			return true, ""
		}
		r.key("Escape", "ctrl+shift+w")
		r.later(time.Second, func() bool { return r.count("browser")+r.count("pop-up") < n })
		return false, fmt.Sprintf("%d windows", n)
	})
}

// back closes the tab that came over the page, if one came.
func (r *room) back(title string) (came bool) {
	r.Helper()
	if r.later(700*time.Millisecond, func() bool { return !strings.HasPrefix(r.title(), title) }) {
		r.key("ctrl+w")
		r.Until(patience, "the page is in front again", func() (bool, string) { return strings.HasPrefix(r.title(), title), r.title() })
		return true
	}
	return false
}
