package notify_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"yhteiskone/agent/notify"
	"yhteiskone/agent/store"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
)

// office is a notifier over a real store.
type office struct {
	*notify.Notifier
	store *store.Store
	log   *bytes.Buffer
	reach func(string, fleet.SiteID) bool
}

func openOffice(t *testing.T, change func(*notify.Config)) *office {
	t.Helper()
	st, err := store.Open(t.TempDir(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	o := &office{store: st, log: &bytes.Buffer{}, reach: func(string, fleet.SiteID) bool { return true }}
	c := notify.Config{Store: st, Texts: watch.Texts{}, Address: func() string { return "https://agent.example.fi" }, Location: helsinki(t),
		Reach: func(p string, s fleet.SiteID) bool { return o.reach(p, s) }, Log: slog.New(slog.NewTextHandler(o.log, nil))}
	if change != nil {
		change(&c)
	}
	o.Notifier = notify.New(c)
	return o
}

func helsinki(t testing.TB) *time.Location {
	t.Helper()
	at, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func (o *office) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { o.Run(ctx); close(done) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func (o *office) put(t *testing.T, targets ...notify.Target) {
	t.Helper()
	for i, target := range targets {
		if target.ID == "" {
			target.ID = fmt.Sprintf("%016x", i+1)
		}
		if target.Lang == "" {
			target.Lang = "fi"
		}
		if err := o.Check(target); err != nil {
			t.Fatalf("target %d: %v", i, err)
		}
		if err := o.store.PutTarget("satu", target); err != nil {
			t.Fatal(err)
		}
	}
}

func (o *office) tell(t *testing.T, events ...notify.Event) {
	t.Helper()
	for _, e := range events {
		if err := o.Tell(e, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

func broken(n int, at time.Time) notify.Event {
	return notify.Event{Kind: notify.FaultOpened, Incident: fmt.Sprintf("i%d", n), At: at, Began: at.Add(-5 * time.Minute), Site: "illusia",
		SiteName: "Illusia", Kiosk: "kaaaaaaaaaaaa", Name: fmt.Sprintf("Kone %d", n), Code: fleet.NoConnection, Severity: fleet.SeverityError}
}

func calls(n int, at time.Time) notify.Event {
	return notify.Event{Kind: notify.HelpWaits, Incident: fmt.Sprintf("c%d", n), At: at, Began: at.Add(-2 * time.Minute), Site: "illusia",
		SiteName: "Illusia", Kiosk: "kaaaaaaaaaaaa", Name: fmt.Sprintf("Kone %d", n)}
}

func over(e notify.Event, at time.Time) notify.Event {
	e.At = at
	e.Kind = map[notify.Kind]notify.Kind{notify.FaultOpened: notify.FaultClosed, notify.HelpWaits: notify.HelpOver}[e.Kind]
	return e
}

func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(40 * time.Second); !ok(); {
		select {
		case <-late:
			t.Fatalf("not in time: %s", what)
		case <-tick.C:
		}
	}
}

func plainMail(b *letterbox) func(*notify.Config) {
	return func(c *notify.Config) {
		c.Mail = &notify.Mail{Host: b.host, Port: b.port, From: "yhteiskone@example.fi", TLS: notify.Plain}
	}
}

// What is told goes to those who asked for it, in their language, once, and
// what goes wrong at once comes in one message.
func TestMail(t *testing.T) {
	box := newLetterbox(t, nil)
	o := openOffice(t, plainMail(box))
	faults := notify.Target{Channel: notify.ByMail, Faults: true, Digest: -1}
	fi, sv, other, help, mine := faults, faults, faults, faults, faults
	fi.Address, sv.Address, sv.Lang, other.Address, other.Site = "fi@example.fi", "sv@example.fi", "sv", "other@example.fi", "mesta"
	help.Address, help.Faults, help.Help = "help@example.fi", false, true
	mine.Address, mine.Owner = "mine@example.fi", "gone"
	o.reach = func(p string, s fleet.SiteID) bool { return p != "gone" }
	o.put(t, fi, sv, other, help, mine)
	now := time.Now()
	o.tell(t, broken(1, now), broken(2, now), broken(1, now))
	notice := broken(3, now)
	notice.Severity = fleet.SeverityNotice
	o.tell(t, notice, over(broken(9, now), now)) // what was never opened is not closed
	o.run(t)
	wait(t, "two mails", func() bool { return len(box.all()) >= 2 })
	o.tell(t, calls(4, now))
	wait(t, "the call for help", func() bool { return len(box.all()) >= 3 })
	o.tell(t, over(broken(1, now), now.Add(time.Hour)))
	wait(t, "two more mails", func() bool { return len(box.all()) >= 5 })
	byTo := map[string][]received{}
	for _, m := range box.all() {
		byTo[m.to] = append(byTo[m.to], m)
	}
	if len(byTo["fi@example.fi"]) != 2 || len(byTo["sv@example.fi"]) != 2 || len(byTo["help@example.fi"]) != 1 || len(byTo) != 3 {
		t.Fatalf("%+v", byTo)
	}
	m := byTo["fi@example.fi"][0]
	for _, want := range []string{"Illusia, Kone 1: Koneeseen ei saada yhteyttä.\nKatso, onko kone päällä", "Illusia, Kone 2: Koneeseen",
		"https://agent.example.fi/", "Alkoi "} {
		if !strings.Contains(m.body, want) {
			t.Errorf("%q is not in\n%s", want, m.body)
		}
	}
	if m.subject != "2 asiaa koneista" || strings.Count(m.body, "Kone 1") != 1 || strings.Contains(m.body, "Kone 3") ||
		m.head.Get("Auto-Submitted") != "auto-generated" || !strings.HasSuffix(m.id, "@example.fi>") {
		t.Errorf("%+v", m)
	}
	if m := byTo["fi@example.fi"][1]; m.subject != "Illusia, Kone 1 on taas kunnossa." || !strings.Contains(m.body, "Vika: Koneeseen ei saada yhteyttä.") ||
		!strings.Contains(m.body, "https://agent.example.fi/kiosks/kaaaaaaaaaaaa") {
		t.Errorf("%+v", m)
	}
	if m := byTo["sv@example.fi"][0]; !strings.Contains(m.body, "Det går inte att få kontakt med datorn.") {
		t.Errorf("%+v", m)
	}
	if m := byTo["help@example.fi"][0]; m.subject != "Illusia, Kone 4: asiakas pyytää apua." {
		t.Errorf("%+v", m)
	}
	wait(t, "an empty outbox", func() bool { m, err := o.store.Messages(); return err == nil && len(m) == 0 })
}

// Over STARTTLS and with a password; a server without it gets nothing.
func TestMailIsSecret(t *testing.T) {
	web := httptest.NewTLSServer(nil)
	t.Cleanup(web.Close)
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	try := func(box *letterbox, roots *x509.CertPool) notify.Why {
		o := openOffice(t, func(c *notify.Config) {
			c.Mail = &notify.Mail{Host: box.host, Port: box.port, From: "a@example.fi", User: "u", Password: "p", Roots: roots}
		})
		return o.Try(t.Context(), notify.Target{Channel: notify.ByMail, Address: "a@example.fi", Lang: "en", Faults: true}, "")
	}
	box := newLetterbox(t, web.TLS)
	if why := try(box, roots); why != notify.WhyNone || len(box.all()) != 1 || !box.all()[0].secret || box.all()[0].subject != "This is a test message." {
		t.Errorf("%q, %+v", why, box.all())
	}
	if why := try(box, nil); why != notify.WhyTrust || len(box.all()) != 1 {
		t.Errorf("a certificate that nobody knows: %q", why)
	}
	open := newLetterbox(t, nil)
	if why := try(open, roots); why == notify.WhyNone || len(open.all()) != 0 {
		t.Errorf("a server without TLS: %q", why)
	}
	box.answer("AUTH", "535 no")
	if why := try(box, roots); why != notify.WhySignIn {
		t.Errorf("a wrong password: %q", why)
	}
	box.answer("AUTH", "")
	box.answer("RCPT", "550 no such person")
	if why := try(box, roots); why != notify.WhyRefused {
		t.Errorf("an unknown address: %q", why)
	}
}

// hook is a real HTTP server that keeps what it gets.
type hook struct {
	*httptest.Server
	mu   sync.Mutex
	got  []map[string]any
	keys []string
	path []string
	say  func(http.ResponseWriter, *http.Request, int) // the n-th request; nil: fine
}

func newHook(t *testing.T) *hook {
	h := &hook{}
	h.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		v := map[string]any{}
		json.Unmarshal(raw, &v)
		h.mu.Lock()
		h.got, h.keys, h.path = append(h.got, v), append(h.keys, r.Header.Get("Idempotency-Key")), append(h.path, r.Method+" "+r.URL.Path)
		n, say := len(h.got), h.say
		h.mu.Unlock()
		if say != nil {
			say(w, r, n)
		}
	}))
	h.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(h.Close)
	return h
}

func (h *hook) count() int { h.mu.Lock(); defer h.mu.Unlock(); return len(h.got) }

func (h *hook) near(c *notify.Config) {
	c.Allow = []string{h.URL}
	c.Roots = x509.NewCertPool()
	c.Roots.AddCert(h.Certificate())
}

// Each kind of webhook gets its own form; a failed one is tried again under
// the same key.
func TestWebhooks(t *testing.T) {
	h := newHook(t)
	h.say = func(w http.ResponseWriter, _ *http.Request, n int) {
		if n == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			io.WriteString(w, "secret of the other end")
		}
	}
	o := openOffice(t, h.near)
	o.put(t, notify.Target{Channel: notify.ByNtfy, Address: h.URL + "/base/topic-secret", Help: true, Digest: -1})
	now := time.Now()
	o.tell(t, calls(1, now))
	o.run(t)
	wait(t, "the second try", func() bool { return h.count() >= 2 })
	wait(t, "an empty outbox", func() bool { m, err := o.store.Messages(); return err == nil && len(m) == 0 })
	got := h.got[1]
	if h.keys[0] == "" || h.keys[0] != h.keys[1] || h.path[1] != "POST /base/" || got["topic"] != "topic-secret" || got["priority"] != 5.0 ||
		got["title"] != "Illusia, Kone 1: asiakas pyytää apua." || got["click"] != "https://agent.example.fi/kiosks/kaaaaaaaaaaaa" {
		t.Errorf("%v %v %v", h.keys, h.path, got)
	}
	e := broken(1, now)
	e.SiteName = "Illusia *[x](https://evil.example)*"
	o.put(t, notify.Target{Channel: notify.ByTeams, Address: h.URL + "/teams?sig=1", Faults: true, Digest: -1},
		notify.Target{ID: "00000000000000ff", Channel: notify.ByJSON, Address: h.URL + "/json", Faults: true, Digest: -1})
	o.tell(t, e)
	wait(t, "both", func() bool { return h.count() >= 4 })
	for i := 2; i < 4; i++ {
		text, _ := json.Marshal(h.got[i])
		switch h.path[i] {
		case "POST /teams":
			if !strings.Contains(string(text), "AdaptiveCard") || !strings.Contains(string(text), `Illusia \\*\\[x\\]`) {
				t.Errorf("%s", text)
			}
		case "POST /json":
			if !strings.Contains(string(text), `"code":"no_connection"`) || !strings.Contains(string(text), `"incident":"i1"`) {
				t.Errorf("%s", text)
			}
		default:
			t.Errorf("%s", h.path[i])
		}
	}
	if s := o.log.String(); strings.Contains(s, "secret") || strings.Contains(s, "/json") {
		t.Errorf("the log holds an address or an answer: %s", s)
	}
}

// A redirect is not followed, and what is near is not connected to whatever
// name leads there.
func TestNearIsRefused(t *testing.T) {
	h := newHook(t)
	other := newHook(t)
	h.say = func(w http.ResponseWriter, r *http.Request, _ int) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}
	o := openOffice(t, h.near)
	try := func(address string) notify.Why {
		return o.Try(t.Context(), notify.Target{Channel: notify.ByJSON, Address: address, Lang: "fi", Faults: true, Digest: -1}, "")
	}
	if why := try(h.URL + "/x"); why != notify.WhyRedirect || other.count() != 0 {
		t.Errorf("a redirect: %q, followed %d times", why, other.count())
	}
	if why := try(other.URL + "/x"); why != notify.WhyAddress || other.count() != 0 {
		t.Errorf("this machine, not excepted: %q", why)
	}
	// A name that leads to this machine passes the first look and is stopped by the second.
	port := other.URL[strings.LastIndex(other.URL, ":"):]
	for _, name := range []string{"localhost.localdomain", "ip6-localhost", "ip6-loopback"} {
		if why := try("https://" + name + port + "/x"); why != notify.WhyAddress && why != notify.WhyName {
			t.Errorf("%s: %q", name, why)
		}
	}
	if other.count() != 0 {
		t.Error("this machine was connected to")
	}
}

// What nobody takes for long enough is given up, and kept as such; a call for
// help is given up sooner, and one that is over is not sent at all.
func TestGivingUp(t *testing.T) {
	h := newHook(t)
	h.say = func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusNotFound) }
	o := openOffice(t, h.near)
	o.put(t, notify.Target{Channel: notify.ByJSON, Address: h.URL + "/x", Faults: true, Help: true, Digest: -1})
	now := time.Now()
	made := func(e notify.Event, id string, at time.Time) {
		t.Helper()
		if _, err := o.store.Tell(e, nil); err != nil {
			t.Fatal(err)
		}
		if err := o.store.Compose(notify.Message{ID: id, Target: "0000000000000001", Events: []notify.Event{e}, Made: at, Next: at}, nil); err != nil {
			t.Fatal(err)
		}
	}
	made(calls(1, now), "00000000000000a1", now.Add(-notify.HelpLife))
	made(broken(1, now), "00000000000000a2", now.Add(-notify.FaultLife))
	made(broken(2, now), "00000000000000a3", now.Add(-notify.HelpLife))
	made(calls(2, now), "00000000000000a4", now)
	o.tell(t, over(calls(2, now), now))
	stop := o.run(t)
	wait(t, "what is left", func() bool {
		m, err := o.store.Messages()
		return err == nil && len(m) == 1 && m[0].ID == "00000000000000a3" && m[0].Tries == 1
	})
	stop()
	all, err := o.store.Troubles()
	if err != nil || len(all) != 1 || all[0].Lost != 2 || all[0].Why != notify.WhyRefused || all[0].Target != "0000000000000001" || h.count() != 3 {
		t.Errorf("%+v, %v, %d requests", all, err, h.count())
	}
}
