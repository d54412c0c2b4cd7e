package dashboard

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// hall is Walls in memory.
type hall struct {
	mu    sync.Mutex
	walls []staff.Wall
	set   map[fleet.SiteID]fleet.Settings
}

// AddWall implements Walls.
func (l *hall) AddWall(w staff.Wall) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.walls = append(l.walls, w)
	return nil
}

// Walls implements Walls.
func (l *hall) Walls() ([]staff.Wall, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.walls), nil
}

// Wall implements Walls.
func (l *hall) Wall(hash []byte) (staff.Wall, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.walls {
		if string(w.Hash) == string(hash) {
			return w, nil
		}
	}
	return staff.Wall{}, staff.ErrNotFound
}

// RemoveWall implements Walls.
func (l *hall) RemoveWall(hash []byte, _ string, _ time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.walls = slices.DeleteFunc(l.walls, func(w staff.Wall) bool { return string(w.Hash) == string(hash) })
	return nil
}

// Place implements Walls.
func (l *hall) Place(site fleet.SiteID) (fleet.Settings, error) {
	s := l.set[site]
	if s.SiteName == "" {
		s.SiteName = string(site)
	}
	return s, nil
}

// hang makes a board for a site and returns its address.
func (h *house) hang(site fleet.SiteID) string {
	h.t.Helper()
	w, secret, err := staff.NewWall(site, "Aulan näyttö", "satu", h.board.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	h.hall.AddWall(w)
	return "/wall/" + secret
}

func TestWallShowsTheRoom(t *testing.T) {
	h := newHouse(t)
	h.town()
	now := h.board.Now()
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, helsinki()) }
	h.hall.set = map[fleet.SiteID]fleet.Settings{"illusia": {SiteName: "Illusia", Languages: []string{"ru", "sv", "fi"},
		Support: []fleet.Support{{From: now.AddDate(0, 0, -2), To: now.AddDate(0, 0, -2)}, {From: at(24, 10), To: at(24, 12)}}}}
	h.change(kioskID(1), func(v *state.View) {
		v.Help = &fleet.HelpCall{ID: callID(kioskID(1)), Kiosk: kioskID(1), At: now, Answer: fleet.Coming, Who: "Satu Virtanen", AnsweredBy: "satu"}
	})
	path := h.hang("illusia")
	status, html, head := h.get(h.client(), path)
	if status != 200 || head.Get("Referrer-Policy") != "no-referrer" || head.Get("Cache-Control") != "no-store" || head.Get("Set-Cookie") != "" {
		t.Errorf("%d, %v", status, head)
	}
	in(t, html, `<html lang="sv">`, `http-equiv="refresh"`)
	in(t, plain(html), "Illusia", "3 datorer lediga", "1 används", "Kone 1", "Ledig", "Kone 2", "Används", "Kone 3", "Ledig", "Kone 4", "Inte i bruk", "Kone 10",
		"Digitalt stöd här tisdag 24.11 kl. 10.00–12.00", "Uppgifterna uppdaterades")
	_, html, _ = h.get(h.client(), path+"?lang=en")
	in(t, plain(html), "3 computers free", "Digital support here on Tuesday 24 Nov 10:00–12:00")
	// Signed in or not, it shows the same, and nothing of people or other sites.
	for _, c := range []*http.Client{h.client(), h.person("Satu Virtanen", staff.Admin, "")} {
		_, html, _ = h.get(c, path)
		for _, word := range []string{"Satu", "satu", "Mesta", callID(kioskID(1)), "Kom", "Virtanen", "apu", "levy", "/kiosks", "sign", string(kioskID(1))} {
			if strings.Contains(strings.ReplaceAll(html, "design", ""), word) {
				t.Errorf("%q is on the board:\n%s", word, html)
			}
		}
	}
	for _, wrong := range []string{"/wall/", "/wall/x", path + "x", "/wall/" + strings.Repeat("a", 5000), "/wall/x/events"} {
		if status, _, _ := h.get(h.client(), wrong); status != 404 && !(wrong == "/wall/" && status == 303) {
			t.Errorf("%.20s: %d", wrong, status)
		}
	}
	if status, _, _ := h.get(h.client(), "/wall/"+strings.ToUpper(path[6:])); status != 200 {
		t.Errorf("typed with large letters: %d", status)
	}
}

func TestWallWords(t *testing.T) {
	h := newHouse(t)
	h.hall.set = map[fleet.SiteID]fleet.Settings{}
	now := h.board.Now() // Saturday, 12.43
	day := []fleet.Span{{From: 9 * 60, To: 15 * 60}}
	hours := &fleet.Hours{Week: [7][]fleet.Span{nil, day}}
	for name, c := range map[string]struct {
		status  fleet.Status
		set     fleet.Settings
		says    []string
		machine bool
	}{
		"no machines":    {"", fleet.Settings{}, []string{"0 konetta vapaana", "Seuraavaa digituen aikaa ei ole sovittu."}, false},
		"closed":         {fleet.StatusClosed, fleet.Settings{Hours: hours}, []string{"Suljettu. Avataan maanantaina 23.11. klo 9.00.", "Suljettu"}, true},
		"closed, always": {fleet.StatusClosed, fleet.Settings{}, []string{"Koneet on suljettu"}, true},
		"support now":    {fleet.StatusFree, fleet.Settings{Support: []fleet.Support{{From: now.Add(-time.Hour), To: now.Add(time.Hour)}}}, []string{"1 kone vapaana", "Saat digitukea täällä nyt, klo 13.43 asti"}, true},
		"tomorrow":       {fleet.StatusOutOfOrder, fleet.Settings{Support: []fleet.Support{{From: now.Add(24 * time.Hour), To: now.Add(26 * time.Hour)}}}, []string{"0 konetta vapaana", "Ei käytössä", "Digitukea täällä huomenna klo 12.43–14.43"}, true},
		"today":          {fleet.StatusCleaning, fleet.Settings{Support: []fleet.Support{{From: now.Add(time.Hour), To: now.Add(2 * time.Hour)}}}, []string{"Vapaa hetken päästä", "Digitukea täällä tänään klo 13.43–14.43"}, true},
	} {
		site := fleet.SiteID("s" + strings.ReplaceAll(strings.ReplaceAll(name, " ", ""), ",", ""))
		h.hall.set[site] = c.set
		h.mu.Lock()
		clear(h.views)
		h.mu.Unlock()
		if c.machine {
			v := kiosk(0, site, "S", "Kone 1", "")
			v.Status = c.status
			h.put(v)
		}
		_, html, _ := h.get(h.client(), h.hang(site))
		t.Run(name, func(t *testing.T) { in(t, plain(html), c.says...) })
	}
}

func TestWallsAreMadeAndTakenAway(t *testing.T) {
	h := newHouse(t)
	h.town()
	c, there := h.person("tekla", staff.Technician, "illusia"), h.person("topi", staff.Technician, "mesta")
	status, html, _ := h.post(c, "/walls", url.Values{"site": {"illusia"}, "name": {"Aulan <näyttö>"}})
	m := regexp.MustCompile(`href="(/wall/([a-z2-7]{26}))"`).FindStringSubmatch(html)
	if status != 200 || m == nil {
		t.Fatalf("%d: %s", status, html)
	}
	path := m[1]
	if status, _, _ := h.get(h.client(), path); status != 200 {
		t.Errorf("the new board: %d", status)
	}
	_, html, _ = h.get(c, "/walls")
	in(t, plain(html), "Aulan &lt;näyttö&gt;", "Illusia", "tekla teki")
	if strings.Contains(html, m[2]) {
		t.Error("the secret is shown again")
	}
	id := h.hall.walls[0].ID()
	for _, bad := range []struct {
		c      *http.Client
		path   string
		form   url.Values
		status int
	}{
		{there, "/walls", url.Values{"site": {"illusia"}, "name": {"x"}}, 404}, {there, "/walls/" + id + "/remove", nil, 404}, {c, "/walls/0000/remove", nil, 404},
		{c, "/walls", url.Values{"site": {"illusia"}, "name": {""}}, 400}, {c, "/walls", url.Values{"site": {"illusia"}, "name": {strings.Repeat("a", 61)}}, 400},
		{c, "/walls", url.Values{"site": {"illusia"}, "name": {"a\x00b"}}, 400}, {c, "/walls", url.Values{"name": {"x"}}, 404},
	} {
		if status, _, _ := h.post(bad.c, bad.path, bad.form); status != bad.status || len(h.hall.walls) != 1 {
			t.Errorf("%s %v: %d, %d boards", bad.path, bad.form, status, len(h.hall.walls))
		}
	}
	_, html, _ = h.get(there, "/walls")
	if strings.Contains(html, id) || strings.Contains(html, "tekla") {
		t.Error("another site's board is listed")
	}
	if status, _, _ := h.post(c, "/walls/"+id+"/remove", nil); status != http.StatusSeeOther {
		t.Error(status)
	}
	if status, html, _ := h.get(h.client(), path); status != 404 {
		t.Errorf("a board that was taken away: %d", status)
	} else {
		in(t, plain(html), "Taulu ei ole enää käytössä")
	}
	for range wallsLimit {
		h.post(c, "/walls", url.Values{"site": {"illusia"}, "name": {"x"}})
	}
	if status, html, _ := h.post(c, "/walls", url.Values{"site": {"illusia"}, "name": {"yli"}}); status != 400 || len(h.hall.walls) != wallsLimit {
		t.Errorf("%d, %d boards", status, len(h.hall.walls))
	} else {
		in(t, html, `value="yli"`)
	}
}

// TestWallStream reads what a board is sent: changes of its own site at once,
// none of another's, and an end when the board is taken away.
func TestWallStream(t *testing.T) {
	h := newHouse(t)
	h.town()
	path := h.hang("illusia")
	ctx, stop := context.WithTimeout(t.Context(), 40*time.Second)
	defer stop()
	resp, err := http.DefaultClient.Do(must(http.NewRequestWithContext(ctx, "GET", h.url+path+"/events", nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	until := func(word string) (read string) {
		t.Helper()
		for lines.Scan() {
			read += lines.Text() + "\n"
			if strings.Contains(lines.Text(), word) {
				return read
			}
		}
		t.Fatalf("%q did not come: %v\n%s", word, lines.Err(), read)
		return ""
	}
	until("3 konetta vapaana")
	h.change(kioskID(6), func(v *state.View) { v.Kiosk.Name = "toisaalla" })
	began := time.Now()
	h.change(kioskID(4), func(v *state.View) { v.Status = fleet.StatusInUse })
	if read := until("2 konetta vapaana"); strings.Contains(read, "toisaalla") {
		t.Error("another site is in the stream")
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("a change took %v", took)
	}
	h.hall.RemoveWall(h.hall.walls[0].Hash, "", time.Time{})
	until("event: bye")
}

// TestBrowserWall sees a board change, lose its connection, say so, and come
// back; and that what is said can be read from five metres: on a screen one
// metre wide that is about 2.5 cm high for the count, 1 cm for the rest.
func TestBrowserWall(t *testing.T) {
	h := newHouse(t)
	h.town()
	path := h.hang("illusia")
	ctx := browser(t)
	do(t, ctx, chromedp.EmulateViewport(1920, 1080), chromedp.Navigate(h.url+path))
	wait(t, ctx, 5*time.Second, `document.querySelector(".count strong").textContent === "3 konetta vapaana"`)
	wait(t, ctx, time.Second, `parseFloat(getComputedStyle(document.querySelector(".count strong")).fontSize) > 90 && parseFloat(getComputedStyle(document.querySelector(".word")).fontSize) > 40 && parseFloat(getComputedStyle(document.querySelector(".machine")).fontSize) > 28`)
	wait(t, ctx, time.Second, `document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth`)
	h.change(kioskID(4), func(v *state.View) { v.Status = fleet.StatusInUse })
	wait(t, ctx, 2*time.Second, `document.querySelector(".count strong").textContent === "2 konetta vapaana"`)
	h.down.Store(true)
	h.server.CloseClientConnections()
	wait(t, ctx, 5*time.Second, `!document.getElementById("lost").hidden && document.getElementById("lost").textContent.includes("ei ole ajan tasalla")`)
	h.change(kioskID(4), func(v *state.View) { v.Status = fleet.StatusFree })
	h.down.Store(false)
	wait(t, ctx, 15*time.Second, `document.getElementById("lost").hidden && document.querySelector(".count strong").textContent === "3 konetta vapaana"`)
	h.hall.RemoveWall(h.hall.walls[0].Hash, "", time.Time{})
	wait(t, ctx, 25*time.Second, `document.body.textContent.includes("Taulu ei ole enää käytössä")`)
}
