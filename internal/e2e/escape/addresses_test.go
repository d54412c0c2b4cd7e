package escape

import (
	"fmt"
	"strings"
	"time"
)

// isBlocked types an address and checks that the browser goes there and says
// that the page is blocked. The title tells that the new page is there.
func (t *trial) isBlocked(typed, becomes string) {
	t.Helper()
	if isBlockedPage(t.title()) { // the next one would look the same, and nobody could tell when it is there
		t.open("plain.html")
	}
	before := t.title()
	for try := 0; ; try++ { // a busy machine may lose a letter: that is another address
		t.enter(typed)
		t.later(patience/4, func() bool { return t.title() != before })
		t.settled()
		if own := strings.HasPrefix(becomes, "chrome") || strings.HasPrefix(becomes, "devtools"); own && !t.status().InSession() && try < 3 {
			// Chromium crashes when an address of its own is typed while it is
			// on its way to another page. Nobody got anywhere by it.
			t.ended()
			t.found(over)
			t.begin()
			before = t.title()
			continue
		}
		if got := t.address(); strings.HasPrefix(got, becomes) || t.onBlocked(got) {
			break
		} else if try == 3 {
			t.Errorf("%s: the address bar says %.40q", typed, got)
			return
		}
	}
	t.showsBlocked(typed)
}

// showsBlocked checks that the page says that it is blocked. The kiosk's own
// words come a moment after the browser's.
func (t *trial) showsBlocked(what string) {
	t.Helper()
	got := ""
	if t.later(patience, func() bool { got = t.text(); return isBlockedPage(got) }) {
		// The kiosk's own page takes the place of the browser's words, also of
		// whatever is opened just then; so it is waited for.
		t.later(2*time.Second, func() bool { return isBlockedPage(t.title()) })
		t.found(blocked)
		return
	}
	t.picture(fmt.Sprintf("%02d-page", t.row.N))
	if got == "" { // an empty page shows neither
		t.Fatalf("%s: the page has no words", what)
	}
	t.Errorf("%s is not blocked: its page has %d letters and begins %.60q", what, len(got), got)
}

// settled gives the kiosk's own page the time to take the place of the browser's
// words: reading the address ends with Escape, which would stop it on its way
// and leave an empty page.
func (r *room) settled() {
	r.later(3*time.Second, func() bool { return isBlockedPage(r.title()) })
}

// landed is what the address bar says when that is over.
func (r *room) landed() string {
	r.Helper()
	r.settled()
	return r.address()
}

// onBlocked reports whether the address is that of the kiosk's own page for
// blocked ones.
func (r *room) onBlocked(address string) bool {
	page, _, _ := strings.Cut(address, "#") // it names the host to the client
	page, _, _ = strings.Cut(page, "?")
	return strings.HasSuffix(page, "/blocked") && !strings.Contains(page, Here) && !strings.Contains(page, Elsewhere)
}

// isNothing types an address and checks that the page before stays, and works.
func (t *trial) isNothing(typed string) {
	t.Helper()
	s := t.open("plain.html")
	t.enter(typed)
	t.later(300*time.Millisecond, func() bool { return !strings.HasPrefix(t.title(), "koe plain") })
	got := t.address()
	if t.onBlocked(got) && isBlockedPage(t.text()) {
		t.found(blocked)
		return
	}
	if got != t.here("/plain.html?n="+s.N) && !strings.HasPrefix(got, strings.SplitN(typed, ":", 2)[0]+":") {
		t.Errorf("%s: the address is now %.60q", typed, got)
	}
	if got := t.text(); !strings.Contains(got, "PLAIN-PAGE") && !isBlockedPage(got) {
		t.Errorf("%s: the page begins %.60q", typed, got)
	}
	t.alive(s.N)
	t.found(nothing)
}

// opens is the control of what is typed: an allowed page opens by the same
// hands, and its words are read by the same way.
func (t *trial) opens() {
	t.Helper()
	t.open("plain.html")
	if got := t.text(); !strings.Contains(got, "PLAIN-PAGE") {
		t.Fatalf("an allowed page cannot be read: %.60q", got)
	}
}

func tryFiles(t *trial) {
	t.opens()
	for _, a := range [][2]string{
		{"file:///etc/passwd", "file:///etc/passwd"}, {"file://localhost/etc/hosts", "file://localhost/etc/hosts"}, {"/proc/self/environ", "file:///proc/self/environ"},
		{"~/", "file:///home/client"}, {"FILE:/usr", "file:///usr"}, {"file:///home/client/Lataukset/", "file:///home/client/Lataukset"},
	} {
		t.isBlocked(a[0], a[1])
	}
	// Linked: pressed, opened, framed, fetched and redirected to.
	for _, id := range []string{"link", "tab", "open", "go"} {
		t.leads("file.html", id)
	}
	s := t.open("file.html")
	t.hear(s.N, "refused:fetch")
	t.found(refused)
	if t.told(s.N, "framed:empty", "framed:full") == "framed:full" {
		t.Error("a frame shows a file")
	}
	if got := t.text(); strings.Contains(got, "client:x:") || strings.Contains(got, "root:") {
		t.Error("a page shows the content of a file")
	}
	before := t.title()
	t.enter(t.here("/goto?to=file:///etc/passwd"))
	t.later(patience, func() bool { return t.title() != before })
	if got := t.text(); strings.Contains(got, ":x:") {
		t.Error("a redirect shows the content of a file")
	}
	t.found(nothing)
}

// leads presses something on a page and checks that it leads nowhere: the page
// stays, or an empty or blocked one comes.
func (t *trial) leads(page, id string) {
	t.Helper()
	s := t.open(page)
	title := "koe " + strings.TrimSuffix(page, ".html")
	t.press(s, id, "pressed:"+id)
	if !t.later(1200*time.Millisecond, func() bool { return !strings.HasPrefix(t.title(), title) }) {
		t.alive(s.N)
		t.found(nothing)
		return
	}
	if at := t.landed(); at == "" || strings.HasPrefix(at, "about:blank") {
		t.found(empty)
		return
	}
	t.showsBlocked(page + " " + id)
}

func trySource(t *trial) {
	t.isBlocked("view-source:"+t.here("/plain.html"), "view-source:")
	s := t.open("plain.html")
	t.noTools(s, "ctrl+u")
}

func tryInternal(t *trial) {
	t.opens()
	for _, page := range []string{"settings", "flags", "extensions", "net-export", "inspect", "version", "policy", "downloads", "history", "chrome-urls", "settings/content"} {
		t.isBlocked("chrome://"+page, "chrome://")
	}
	t.isBlocked("about:about", "chrome://")
	// The print preview is allowed, for printing; opened alone it does nothing.
	t.enter("chrome://print")
	t.Until(patience, "the preview opens", func() (bool, string) { return strings.HasPrefix(t.address(), "chrome://print"), "" })
	t.key("Return", "Escape")
	t.opens()
	t.found(nothing)
}

func tryDevtools(t *trial) {
	t.isBlocked("devtools://devtools/bundled/inspector.html", "devtools://")
	t.isBlocked("chrome-untrusted://terminal/", "chrome-untrusted://")
	t.isBlocked("chrome-search://local-ntp/", "chrome-search://")
	t.isBlocked("devtools://devtools/bundled/devtools_app.html", "devtools://")
}

func tryCrash(t *trial) {
	for _, page := range []string{"kill", "crash", "quit", "restart", "hang", "gpucrash", "inducebrowsercrashforrealz"} {
		t.isNothing("chrome://" + page)
	}
}

func tryScript(t *trial) {
	script := "fetch('" + t.here("/hit/") + "%',{mode:'no-cors'})"
	// The same script does arrive when the page itself runs it.
	s := t.open("script.html")
	t.click(s.at("button"))
	t.do(t.arrives("/hit/own"))
	t.isNothing("javascript:" + strings.ReplaceAll(script, "%", "typed"))
	t.isNothing(" JavaScript:" + strings.ReplaceAll(script, "%", "typed"))
	// A bookmarklet: no bookmark can be made, and dropping the link on the
	// tabs runs nothing.
	s = t.open("script.html")
	t.reaches(s.N, "ctrl+d")
	t.drag(s.at("bookmarklet"), Place{500, 20})
	t.hear(s.N, "dragstart")
	t.key("ctrl+t")
	t.drag(s.at("bookmarklet"), Place{600, 63})
	t.oneWindow()
	t.opens()
	if n := t.site.Asked(Here, "/hit/typed") + t.site.Asked(Here, "/hit/dropped"); n != 0 {
		t.Errorf("a script of the address bar ran %d times", n)
	}
	t.found(nothing)
}

// arrives waits until the path was asked for.
func (r *room) arrives(path string) error {
	ctx, cancel := r.in(patience)
	defer cancel()
	return r.site.Until(ctx, func() bool { return r.site.Asked(Here, path) > 0 })
}

func tryData(t *trial) {
	hit := t.here("/hit/data")
	away := t.site.Address(Elsewhere, "/hit/framed")
	elsewhere := t.site.AskedHost(Elsewhere)
	t.enter("data:text/html,<title>DATA</title>DATA<img src=" + hit + "><iframe src=file:///etc/passwd></iframe><iframe src=chrome://settings></iframe><iframe src=" + away + "></iframe>")
	t.Until(patience, "the page opens or is blocked", func() (bool, string) {
		return strings.HasPrefix(t.title(), "DATA") || isBlockedPage(t.text()), t.title()
	})
	got := t.text()
	switch {
	case isBlockedPage(got):
		t.found(blocked)
	case strings.Contains(got, ":x:") || strings.Contains(got, "root:"):
		t.Error("a data: page shows a file")
	default:
		t.found(nothing)
	}
	if n := t.site.AskedHost(Elsewhere) - elsewhere; n > 0 && !t.anywhere() {
		t.Errorf("a data: page reached a site that is not allowed, %d times", n)
	}
	// A page cannot lead to one, nor to a blob: that has more rights than itself.
	for _, id := range []string{"link", "open", "go"} {
		t.leads("data.html", id)
	}
	s := t.open("data.html")
	t.click(s.at("blob"))
	if n := t.told("blob", "refused:file", "did:file"); n == "did:file" {
		t.Error("a blob: page read a file")
	}
	t.found(refused)
	t.oneWindow()
}

// trySchemes presses links that would start programs on a desktop.
func trySchemes(t *trial) {
	for _, scheme := range []string{"mailto:a@b.fi", "tel:0401234567", "sms:0401234567", "news:a.b", "telnet:koe", "intent:x", "market:x", "ms-word:x", "steam:x", "ftp:x", "irc:x", "ssh:x"} {
		t.program(scheme)
	}
}

// tryApps presses links of the kind that opens a bank's or an identification
// service's own program.
func tryApps(t *trial) {
	for _, link := range []string{"bankid:///?autostarttoken=1", "opmobiili://x", "mobiilivarmenne:x", "web+koe:x"} {
		t.program(link)
	}
}

// program presses a link with a scheme of its own and says yes to whatever the
// browser asks: no program starts, and the page stays as it was.
func (t *trial) program(link string) {
	t.Helper()
	s := t.open("scheme.html?to=" + strings.NewReplacer(":", "%3A", "/", "%2F", "?", "%3F", "=", "%3D", "@", "%40", "+", "%2B").Replace(link))
	px := t.still(t.pageBox())
	t.press(s, "link", "pressed:link")
	asked := t.later(time.Second, func() bool { return alike(t.page(), px) < 0.9 || t.site.Said(s.N, "left") })
	if t.site.Said(s.N, "left") {
		if got := t.text(); !isBlockedPage(got) {
			t.Errorf("%s opens a page that begins %.60q", link, got)
		}
		t.found(blocked)
		return
	}
	if asked { // the question stands on "cancel"; the button after it says yes
		t.key("Tab")
		t.later(700*time.Millisecond, func() bool { return false }) // a press that comes very soon is ignored
		t.Until(patience, "the question goes away on yes", func() (bool, string) {
			t.key("Return")
			return t.later(3*time.Second, func() bool { return alike(t.page(), px) > 0.9 }), ""
		})
	}
	// A press too many opened the question again: it is put away.
	t.Until(patience, "the page has the keyboard again", func() (bool, string) {
		t.key("Escape")
		t.click(s.at("text"))
		t.key("q")
		return t.later(time.Second, func() bool { return t.site.Said(s.N, "key:q") }), ""
	})
	if asked {
		t.found("a question, and then nothing")
		return
	}
	t.found(nothing)
}
