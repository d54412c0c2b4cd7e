package browser_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/e2e/hand"
	"yhteiskone/internal/e2e/slow"
	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/browser"
	"yhteiskone/kiosk/session"
)

// street is a few services on this machine, told apart by their hosts. Every
// page says what it sees, and goes where its address says.
type street struct {
	*httptest.Server
	said chan saying
}

type saying struct {
	Host      string
	Path      string
	Event     string
	Ratio     float64
	Forced    bool
	Languages []string
	History   int
}

const streetPage = `<!doctype html><meta charset=utf-8><title>%[1]s</title><link rel=icon href="data:,"><h1>%[1]s</h1>
<script>
const say = Event => fetch('/said', { method: 'POST', keepalive: true, body: JSON.stringify({ Host: location.hostname, Path: location.pathname, Event,
  Ratio: devicePixelRatio, Forced: matchMedia('(forced-colors: active)').matches, Languages: navigator.languages, History: history.length }) });
addEventListener('pageshow', e => say(e.persisted ? 'again' : 'shown'));
addEventListener('resize', () => say('resized'));
const doing = new URLSearchParams(location.search);
if (doing.get('go')) setTimeout(() => { location.href = doing.get('go'); say('went'); }, 200);
setTimeout(() => say('stays'), 2500);
if (doing.get('link')) {
  const a = document.createElement('a');
  a.href = doing.get('link'); a.textContent = 'on'; document.body.append(a);
  const focus = () => { if (document.hasFocus()) { a.focus(); say('focus'); } else setTimeout(focus, 50); };
  addEventListener('pageshow', e => { if (e.persisted) focus(); });
  focus();
}
if (doing.get('pdf')) {
  const w = open(URL.createObjectURL(new Blob(['<title>blob</title>'], { type: 'text/html' })));
  const look = setInterval(() => { try { if (w.document.title === 'blob') { clearInterval(look); say('blob'); } } catch { } }, 50);
}
if (doing.get('frame')) {
  const f = document.createElement('iframe');
  f.src = doing.get('frame');
  document.body.append(f);
}
</script>`

func newStreet(t *testing.T, d *desk) *street {
	t.Helper()
	s := &street{said: make(chan saying, 64)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/said" {
			var x saying
			if err := json.NewDecoder(r.Body).Decode(&x); err != nil {
				t.Error(err)
			}
			s.said <- x
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, streetPage, strings.Split(r.Host, ":")[0])
	}))
	t.Cleanup(s.Close)
	d.reach = append(d.reach, netip.MustParseAddrPort(strings.TrimPrefix(s.URL, "http://")))
	return s
}

// at is the address of a host's page; more are pairs of what the page does.
func (s *street) at(host string, more ...string) string {
	u, _ := url.Parse(s.URL)
	q := url.Values{}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return (&url.URL{Scheme: "http", Host: host + ":" + u.Port(), Path: "/", RawQuery: q.Encode()}).String()
}

// hear waits until a page of the host says so, and drops what is said before.
func (s *street) hear(t *testing.T, host, event string) saying {
	t.Helper()
	x, ok := s.heard(host, event, 30*time.Second)
	if !ok {
		t.Fatalf("%s did not say %q", host, event)
	}
	return x
}

func (s *street) heard(host, event string, within time.Duration) (saying, bool) {
	end := time.After(slow.Stretch(within))
	for {
		select {
		case x := <-s.said:
			if x.Host == host && x.Event == event {
				return x, true
			}
		case <-end:
			return saying{}, false
		}
	}
}

// title is that of the newest window of the client's browser.
func (d *desk) title(t *testing.T) string {
	t.Helper()
	h := d.hand()
	windows := h.Windows(t.Context(), browser.Class)
	if len(windows) == 0 {
		return ""
	}
	c := exec.CommandContext(t.Context(), "xdotool", "getwindowname", windows[len(windows)-1])
	c.Env = append(c.Environ(), "DISPLAY="+d.name, "XAUTHORITY="+d.cookies)
	out, _ := c.Output()
	return string(out)
}

func (d *desk) hand() hand.Hand { return hand.Hand{Display: d.name, Xauthority: d.cookies} }

func (d *desk) titled(t *testing.T, words string) {
	t.Helper()
	await(t, "a window titled "+words, 30*time.Second, func() bool { return strings.Contains(d.title(t), words) })
}

// shows reports whether the newest window gets the title soon.
func (d *desk) shows(t *testing.T, words string) bool {
	t.Helper()
	for end := time.Now().Add(slow.Stretch(8 * time.Second)); time.Now().Before(end); {
		if strings.Contains(d.title(t), words) {
			return true
		}
	}
	return false
}

// until presses keys again until they do what they should: on a busy machine
// some are lost.
func (d *desk) until(t *testing.T, what string, press func() error, done func() bool) {
	t.Helper()
	for range 4 {
		if err := press(); err != nil {
			t.Fatal(err)
		}
		if done() {
			return
		}
	}
	t.Fatalf("%s: pressed in vain", what)
}

// types types an address where a client would, until it has its effect.
func (d *desk) types(t *testing.T, address string, done func() bool) {
	t.Helper()
	h := d.hand()
	d.until(t, "type "+address, func() error {
		return errors.Join(h.Key(t.Context(), "ctrl+l"), h.Key(t.Context(), "ctrl+a"), h.Type(t.Context(), address), h.Key(t.Context(), "Return"))
	}, done)
}

// A host that is not on the list is not opened, and the client is told so in
// plain words, by a page that rings for help and leads back; and when staff
// open the web, to the page.
func TestBrowserBlockedPage(t *testing.T) {
	d := newDesk(t)
	s := newStreet(t, d)
	o := d.options()
	o.Allow = func() []string { return []string{"pankki.localhost"} }
	b := newBrowser(t, o)
	r := startAs(t, b, begin(t, d.wiper(t)), session.Setup{Lang: "fi", Mode: fleet.Errands, Blocked: []string{"kasino.localhost"}})
	if err := r.Open(s.at("pankki.localhost", "link", s.at("muu.localhost"))); err != nil {
		t.Fatal(err)
	}
	if err := r.Raise(); err != nil {
		t.Fatal(err)
	}
	follow := func() {
		t.Helper()
		d.until(t, "follow the link", func() error { return d.hand().Key(t.Context(), "Return") },
			func() bool { return d.shows(t, "Tämä sivu ei aukea") })
	}
	s.hear(t, "pankki.localhost", "focus")
	follow()
	// Back leads to the page before, past the one that was blocked.
	back := func() bool { _, ok := s.heard("pankki.localhost", "focus", 8*time.Second); return ok }
	d.until(t, "Back", func() error { return d.hand().Key(t.Context(), "alt+Left") }, back)
	follow()
	// So does the page's own button.
	d.until(t, "the page's own way back", func() error { return d.hand().Key(t.Context(), "Tab", "Return") }, back)
	follow()
	asked := func() bool {
		select {
		case <-b.Help():
			return true
		case <-time.After(5 * time.Second):
			return false
		}
	}
	d.until(t, "ask for help", func() error { return d.hand().Key(t.Context(), "Return") }, asked)
	began := time.Now()
	if err := r.OpenWeb(); err != nil {
		t.Fatal(err)
	}
	d.titled(t, "Nyt voit avata sivun")
	t.Logf("OpenWeb -> the page says so: %v", time.Since(began))
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the web was open after %v", took)
	}
	other := func() bool { _, ok := s.heard("muu.localhost", "shown", 8*time.Second); return ok }
	d.until(t, "open the page", func() error { return d.hand().Key(t.Context(), "Return") }, other)
	// The centre's own list holds all the same, and so does Chromium's inside.
	for _, address := range []string{s.at("kasino.localhost"), "chrome://settings", "file:///etc/passwd", "view-source:" + s.at("muu.localhost")} {
		d.types(t, address, func() bool { return d.shows(t, "Tämä sivu ei aukea") })
		d.types(t, s.at("muu.localhost"), other)
	}
	// The next session is as the first was.
	kill(t, r)
	r = startAs(t, b, begin(t, d.wiper(t)), session.Setup{Lang: "sv", Mode: fleet.Errands})
	if err := r.Open(s.at("muu.localhost")); err != nil {
		t.Fatal(err)
	}
	d.titled(t, "Den här sidan öppnas inte")
}

// What errands need works on the hosts of the list: frames, PDFs that a page
// makes itself, and links that start a program where there is one.
func TestBrowserErrandsNeeds(t *testing.T) {
	d := newDesk(t)
	s := newStreet(t, d)
	o := d.options()
	o.Allow = func() []string { return []string{"pankki.localhost", "*.tunnistus.localhost"} }
	b := newBrowser(t, o)
	r := startAs(t, b, begin(t, d.wiper(t)), session.Setup{Lang: "fi", Mode: fleet.Errands})
	if err := r.Open(s.at("pankki.localhost", "frame", s.at("a.tunnistus.localhost"))); err != nil {
		t.Fatal(err)
	}
	s.hear(t, "a.tunnistus.localhost", "shown")
	says := func(host, event string) func() bool {
		return func() bool { _, ok := s.heard(host, event, 8*time.Second); return ok }
	}
	for _, link := range []string{"mailto:a@b.example", "tel:+358295000", "sms:+358295000"} {
		d.types(t, s.at("pankki.localhost", "go", link), says("pankki.localhost", "went"))
		s.hear(t, "pankki.localhost", "stays")
	}
	d.types(t, s.at("pankki.localhost", "pdf", "1"), says("pankki.localhost", "blob"))
	d.types(t, "kuinka haen asumistukea", func() bool { return d.shows(t, "Takaisin alkuun") })
	// Only what is below it was named.
	d.types(t, s.at("tunnistus.localhost"), func() bool { return d.shows(t, "Tämä sivu ei aukea") })
}

// Pages follow the client's language, size and contrast, from the start and
// while they are open.
func TestBrowserComfort(t *testing.T) {
	d := newDesk(t)
	s := newStreet(t, d)
	b := newBrowser(t, d.options())
	for _, c := range []struct {
		setup session.Setup
		first string
	}{
		{session.Setup{Lang: "fi"}, "fi-FI"},
		{session.Setup{Lang: "so", Comfort: session.Comfort{Size: 150}}, "so"},
		{session.Setup{Lang: "ar", Comfort: session.Comfort{Size: 100, Contrast: true}}, "ar"},
	} {
		t.Run(c.setup.Lang, func(t *testing.T) {
			r := startAs(t, b, begin(t, d.wiper(t)), c.setup)
			if err := r.Open(s.at("a.localhost")); err != nil {
				t.Fatal(err)
			}
			x := s.hear(t, "a.localhost", "shown")
			want := float64(max(c.setup.Comfort.Size, 100)) / 100
			if x.Languages[0] != c.first || !near(x.Ratio, want) || x.Forced != c.setup.Comfort.Contrast {
				t.Errorf("the page sees %+v", x)
			}
			for _, size := range []int{200, 100} {
				began, ok := time.Now(), false
				if err := r.Adjust(session.Comfort{Size: size}); err != nil {
					t.Fatal(err)
				}
				for {
					if x = s.hear(t, "a.localhost", "resized"); near(x.Ratio, float64(size)/100) {
						break
					}
				}
				t.Logf("Adjust -> the page has %d %%: %v", size, time.Since(began))
				// A page of another host has it too, and this one when it comes again.
				for _, host := range []string{fmt.Sprintf("b%d.localhost", size), "a.localhost"} {
					d.types(t, s.at(host), func() bool { x, ok = s.heard(host, "shown", 8*time.Second); return ok })
					for !near(x.Ratio, float64(size)/100) {
						x = s.hear(t, host, "resized")
					}
				}
			}
			kill(t, r)
		})
	}
}

func near(a, b float64) bool { return a > b*0.98 && a < b*1.02 }
