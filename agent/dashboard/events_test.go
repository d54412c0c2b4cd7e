package dashboard

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// listen opens a stream and returns its events, as "name data".
func (h *house) listen(c *http.Client, path string) <-chan string {
	h.t.Helper()
	resp, err := c.Do(must(http.NewRequest("GET", h.url+path, nil)))
	if err != nil {
		h.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		h.t.Fatalf("%s: %d %s", path, resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	h.t.Cleanup(func() { resp.Body.Close() })
	out := make(chan string, 1000)
	go func() {
		defer close(out)
		in := bufio.NewReader(resp.Body)
		name, data := "", ""
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			switch line = strings.TrimSuffix(line, "\n"); {
			case strings.HasPrefix(line, "event: "):
				name = line[7:]
			case strings.HasPrefix(line, "data: "):
				data += line[6:] + "\n"
			case line == "" && name != "":
				out <- name + " " + strings.TrimSpace(data)
				name, data = "", ""
			}
		}
	}()
	return out
}

// until reads events until one holds the words.
func until(t *testing.T, events <-chan string, words string) string {
	t.Helper()
	limit := time.After(5 * time.Second)
	for {
		select {
		case e, ok := <-events:
			if !ok {
				t.Fatalf("the stream ended before %q", words)
			}
			if strings.Contains(e, words) {
				return e
			}
		case <-limit:
			t.Fatalf("no event with %q", words)
		}
	}
}

// quiet checks that nothing comes for a moment.
func quiet(t *testing.T, events <-chan string) {
	t.Helper()
	select {
	case e, ok := <-events:
		t.Errorf("an event came (%v): %s", ok, e)
	case <-time.After(3 * gather):
	}
}

func TestStreamSendsOnlyWhatChanged(t *testing.T) {
	h := newHouse(t)
	h.town()
	events := h.listen(h.person("satu", staff.Staff, ""), "/events?page=fleet")
	for _, id := range []string{`id="calls"`, `id="summary"`, `id="fleet"`} {
		until(t, events, id)
	}
	quiet(t, events)

	h.change(kioskID(2), func(v *state.View) { v.Status, v.Report.State = fleet.StatusInUse, fleet.InUse })
	if e := until(t, events, `id="summary"`); !strings.Contains(e, "4 vapaana, 3 käytössä") {
		t.Error(e)
	}
	if e := until(t, events, `id="card-`+string(kioskID(2))); !strings.Contains(e, "Käytössä") || !strings.Contains(e, `data-rank="4 kone 000000003"`) {
		t.Error(e)
	}
	quiet(t, events)

	// A report that changes nothing that is seen sends nothing.
	h.change(kioskID(2), func(v *state.View) { v.LastSeen = v.LastSeen.Add(time.Second) })
	quiet(t, events)

	h.change(kioskID(2), func(v *state.View) { v.Status = fleet.StatusOutOfOrder })
	until(t, events, `id="site-illusia"`)

	h.call(kioskID(1), 0)
	if e := until(t, events, `id="calls"`); !strings.Contains(e, "Apua pyydetään: Illusia, Kone 2") {
		t.Error(e)
	}

	// A new machine: the cards come anew as a whole.
	h.put(kiosk(15, "uusi", "Uusi paikka", "Kone 1", ""))
	if e := until(t, events, `id="fleet"`); !strings.Contains(e, "Uusi paikka") || !strings.Contains(e, "Illusia") {
		t.Error(e)
	}
}

func TestStreamOfOneKiosk(t *testing.T) {
	h := newHouse(t)
	h.town()
	events := h.listen(h.person("satu", staff.Staff, ""), "/events?page=kiosk&kiosk="+string(kioskID(2)))
	until(t, events, `id="kiosk-health"`)
	h.change(kioskID(3), func(v *state.View) { v.Status = fleet.StatusFree })
	quiet(t, events)
	h.change(kioskID(2), func(v *state.View) { v.Status, v.Report.State = fleet.StatusInUse, fleet.InUse })
	until(t, events, "Käytössä")
	if e := until(t, events, `id="kiosk-do"`); !strings.Contains(e, "Lopeta istunto") {
		t.Error(e)
	}
}

func TestStreamGathersManyChanges(t *testing.T) {
	h := newHouse(t)
	h.town()
	events := h.listen(h.person("satu", staff.Staff, ""), "/events?page=fleet")
	until(t, events, `id="fleet"`)
	quiet(t, events)
	began := time.Now()
	sent := 0
	for time.Since(began) < time.Second {
		h.change(kioskID(2), func(v *state.View) { v.Kiosk.Place = time.Now().String() })
		for more := true; more; {
			select {
			case <-events:
				sent++
			case <-time.After(time.Millisecond):
				more = false
			}
		}
	}
	if sent < 5 || sent > 13 {
		t.Errorf("%d events for a second of changes; want about ten", sent)
	}
	h.change(kioskID(2), func(v *state.View) { v.Kiosk.Place = "viimeinen" })
	until(t, events, "viimeinen")
}

func TestStreamEnds(t *testing.T) {
	gone := func(t *testing.T, events <-chan string, bye bool) {
		t.Helper()
		limit := time.After(5 * time.Second)
		last := ""
		for {
			select {
			case e, ok := <-events:
				if !ok {
					if (strings.TrimSpace(last) == "bye") != bye {
						t.Errorf("the last event was %q", last)
					}
					return
				}
				last = e
			case <-limit:
				t.Fatal("the stream goes on")
			}
		}
	}
	t.Run("sign out", func(t *testing.T) {
		h := newHouse(t)
		c := h.person("satu", staff.Staff, "")
		events := h.listen(c, "/events?page=fleet")
		until(t, events, "fleet")
		h.post(c, "/sign-out", nil)
		gone(t, events, true)
	})
	t.Run("password changed elsewhere", func(t *testing.T) {
		h := newHouse(t)
		events := h.listen(h.person("satu", staff.Staff, ""), "/events?page=fleet")
		until(t, events, "fleet")
		there := h.client()
		h.post(there, "/sign-in", url.Values{"name": {"satu"}, "password": {password}})
		h.post(there, "/account/password", url.Values{"old": {password}, "new": {"ihan uusi salasana"}, "again": {"ihan uusi salasana"}})
		gone(t, events, true)
	})
	t.Run("shut out", func(t *testing.T) {
		h := newHouse(t)
		events := h.listen(h.person("satu", staff.Staff, ""), "/events?page=fleet")
		until(t, events, "fleet")
		if err := h.staff.SetDisabled("pomo", "satu", true); err != nil {
			t.Fatal(err)
		}
		gone(t, events, true)
	})
	t.Run("agent stops", func(t *testing.T) {
		h := newHouse(t)
		events := h.listen(h.person("satu", staff.Staff, ""), "/events?page=fleet")
		until(t, events, "fleet")
		stop := make(chan struct{})
		h.stop, stop = stop, h.stop
		close(stop)
		gone(t, events, false)
	})
}

func TestStreamsAreBounded(t *testing.T) {
	h := newHouse(t)
	c := h.person("satu", staff.Staff, "")
	for range streamLimit {
		h.board.streams <- struct{}{}
	}
	resp, err := c.Get(h.url + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "Liian monta avointa sivua") {
		t.Errorf("%d", resp.StatusCode)
	}
}

func TestStreamOutlivesTheServersLimits(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS and HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := openHouse(t, secure)
			h.town()
			events := h.listen(h.person("satu", staff.Staff, ""), "/events?page=fleet")
			until(t, events, `id="fleet"`)
			quiet(t, events)
			select {
			case e, ok := <-events:
				t.Fatalf("%v %s", ok, e)
			case <-time.After(h.server.Config.WriteTimeout + 500*time.Millisecond):
			}
			h.change(kioskID(2), func(v *state.View) { v.Status = fleet.StatusOutOfOrder })
			until(t, events, "Ei käytössä")
		})
	}
}

// Over HTTP/2, as in life, a stream on which nothing happens stays: what limits
// how long a browser may take does not run between two things that are sent.
func TestQuietStreamStays(t *testing.T) {
	h := openHouse(t, true)
	h.board.beat, h.board.wait = 400*time.Millisecond, 150*time.Millisecond
	h.town()
	c := h.person("satu", staff.Viewer, "")
	for _, path := range []string{"/events?page=fleet", h.hang("illusia") + "/events"} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		resp, err := c.Do(must(http.NewRequestWithContext(ctx, "GET", h.url+path, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if resp.ProtoMajor != 2 {
			t.Fatalf("%s: this looks at HTTP/%d", path, resp.ProtoMajor)
		}
		beats, lines := 0, bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 1<<20)
		for beats < 4 && lines.Scan() {
			if lines.Text() == "event: beat" {
				beats++
			}
		}
		if beats < 4 {
			t.Errorf("%s was cut after %d beats: %v", path, beats, lines.Err())
		}
		cancel()
		resp.Body.Close()
	}
}
