package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"yhteiskone/agent/figures"
	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// pressOf reads the name of the form that a page of the tally holds.
func pressOf(html string) string {
	m := regexp.MustCompile(`name="press" value="([A-Z2-7]+)"`).FindStringSubmatch(html)
	if m == nil {
		return ""
	}
	return m[1]
}

func TestTallyTwoPresses(t *testing.T) {
	h := newHouse(t)
	h.town()
	h.autumn()
	h.ledger.marks = nil
	c := h.person("satu", staff.Staff, "illusia")
	_, html, _ := h.get(c, "/tally")
	in(t, plain(html), "Mikä ei onnistunut?", "Paikka: Illusia", "Pankki", "Ei pankkitunnuksia", "Ei puhelinta", "Palvelu ei toiminut", "Liian vaikeaa")
	form := url.Values{"site": {"illusia"}, "press": {pressOf(html)}, "what": {"bank"}, "why": {"no_codes"}}
	status, _, head := h.post(c, "/tally", form)
	if status != http.StatusSeeOther {
		t.Fatal(status)
	}
	h.post(c, "/tally", form) // the finger pressed twice
	if got := h.ledger.tallied(); !slices.Equal(got, []string{"2026-11-21 illusia no_codes bank 1"}) {
		t.Fatalf("marked %q", got)
	}
	_, html, _ = h.get(c, head.Get("Location"))
	in(t, plain(html), "Merkitty: Ei pankkitunnuksia (Pankki).", "Peru merkintä")
	undo := url.Values{"site": {"illusia"}, "made": form["press"]}
	for i, says := range []string{"Merkintä on peruttu.", "Merkintää ei voi enää perua."} {
		h.post(c, "/tally/undo", undo)
		if got := h.ledger.tallied(); len(got) != 0 {
			t.Fatalf("after undo %d: %q", i, got)
		}
		_, html, _ = h.get(c, "/tally")
		in(t, plain(html), says)
	}
	h.post(c, "/tally", form) // a form that was taken back is not pressed again by going back in the browser
	if got := h.ledger.tallied(); len(got) != 0 {
		t.Errorf("an old form marked %q", got)
	}
	h.post(c, "/tally", url.Values{"site": {"illusia"}, "press": {pressOf(html)}, "why": {"too_hard"}})
	if got := h.ledger.tallied(); !slices.Equal(got, []string{"2026-11-21 illusia too_hard unsaid 1"}) {
		t.Errorf("one press marked %q", got)
	}
	if entries, _ := h.mem.Entries("", 100); slices.ContainsFunc(entries, func(e staff.Entry) bool {
		return e.Site == "illusia" && e.Who == "satu" && e.Action != "signed_in" && e.Action != "password_set"
	}) {
		t.Errorf("the audit tells of the desk: %v", entries)
	}
}

func TestTallyBadInput(t *testing.T) {
	h := newHouse(t)
	h.town()
	h.autumn()
	h.ledger.marks = nil
	here, all := h.person("satu", staff.Staff, "illusia"), h.person("kai", staff.Staff, "")
	good := url.Values{"site": {"illusia"}, "press": {h.board.presses.fresh()}, "what": {"bank"}, "why": {"no_codes"}}
	for _, bad := range []struct {
		c      *http.Client
		key    string
		value  string
		status int
	}{
		{here, "site", "mesta", 404}, {here, "site", "", 404}, {all, "site", "nowhere", 404}, {all, "site", "", 404},
		{here, "why", "", 400}, {here, "why", "=1", 400}, {here, "what", "kissa", 400}, {here, "press", "", 400}, {here, "press", "short", 400},
	} {
		form := url.Values{}
		for k, v := range good {
			form[k] = v
		}
		form.Set(bad.key, bad.value)
		status, html, _ := h.post(bad.c, "/tally", form)
		if status != bad.status {
			t.Errorf("%s=%q: %d", bad.key, bad.value, status)
		}
		if status == 400 {
			in(t, plain(html), "Valitse syy uudelleen. Mitään ei merkitty.")
		}
		if bad.key == "why" {
			in(t, html, `value="bank" checked`) // what was chosen is kept
		}
	}
	for _, path := range []string{"/tally?site=mesta", "/tally?site=nowhere"} {
		if status, _, _ := h.get(here, path); status != 404 {
			t.Errorf("%s: %d", path, status)
		}
	}
	if got := h.ledger.tallied(); len(got) != 0 {
		t.Errorf("marked %q", got)
	}
	_, html, _ := h.get(all, "/tally")
	in(t, plain(html), "Valitse paikka")
	if pressOf(html) != "" && regexp.MustCompile(`name="why"`).MatchString(html) {
		t.Error("marks without a place")
	}
	h.ledger.stuck = errors.New("the disk is full")
	if status, _, _ := h.post(here, "/tally", good); status != 500 {
		t.Errorf("with a full disk: %d", status)
	}
	h.ledger.stuck = nil
	h.post(here, "/tally", good) // what was not kept can be tried again
	if got := h.ledger.tallied(); len(got) != 1 {
		t.Errorf("marked %q", got)
	}
}

func TestPresses(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	p := newPresses(func() time.Time { return now })
	m := figures.Mark{Site: "illusia", Day: "2026-11-21", Why: figures.NoPhone, What: "bank"}
	var all sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for range 30 {
		all.Go(func() {
			if p.take("one", m) {
				mu.Lock()
				taken++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if taken != 1 {
		t.Errorf("a form was taken %d times", taken)
	}
	now = now.Add(undoTime + time.Second)
	if _, ok := p.back("one"); ok {
		t.Error("taken back when it was too late")
	}
	p.take("two", m)
	backs := 0
	for range 30 {
		all.Go(func() {
			if _, ok := p.back("two"); ok {
				mu.Lock()
				backs++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if backs != 1 {
		t.Errorf("taken back %d times", backs)
	}
	p.forth("two")
	if _, ok := p.back("two"); !ok {
		t.Error("cannot be taken back after it failed")
	}
	for i := range pressLimit + 10 {
		p.take(fmt.Sprint("n", i), m)
	}
	if len(p.made) > pressLimit {
		t.Errorf("%d presses are remembered", len(p.made))
	}
	now = now.Add(pressTime + time.Second)
	p.take("last", m)
	if len(p.made) != 1 {
		t.Errorf("%d presses are remembered after a day", len(p.made))
	}
}

// TestBrowserTally marks with fingers: what, why, and back.
func TestBrowserTally(t *testing.T) {
	h := newHouse(t)
	h.town()
	h.ledger.sites = []fleet.Site{{ID: "illusia", Name: "Illusia"}}
	ctx := browser(t)
	h.enter(ctx, "satu", staff.Admin)
	do(t, ctx, chromedp.Navigate(h.url+"/tally?site=illusia"), chromedp.Click(chromedp.CSS("label:has([value=bank])")))
	wait(t, ctx, 5*time.Second, `document.querySelector("[value=bank]").checked`)
	follow(t, ctx, chromedp.Click(chromedp.CSS("button[value=no_codes]")))
	wait(t, ctx, 5*time.Second, `document.querySelector(".undo").textContent.includes("Ei pankkitunnuksia (Pankki)")`)
	if got := h.ledger.tallied(); !slices.Equal(got, []string{"2026-11-21 illusia no_codes bank 1"}) {
		t.Errorf("marked %q", got)
	}
	follow(t, ctx, chromedp.Click(chromedp.CSS("#undo")))
	wait(t, ctx, 5*time.Second, `document.querySelector(".flash").textContent.includes("peruttu")`)
	if got := h.ledger.tallied(); len(got) != 0 {
		t.Errorf("marked %q", got)
	}
}
