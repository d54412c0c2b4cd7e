package browser_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	"yhteiskone/kiosk/browser"
	"yhteiskone/kiosk/session"
)

// busyPage does at a key what makes a browser slow to answer, or ask something.
const busyPage = `<!doctype html><meta charset=utf-8><title>x</title>
<p draggable=true style="position:fixed; left:0; top:0; width:100%; height:300px; font-size:80px">drag</p>
<input type=file id=file style="position:fixed; bottom:0">
<script>
const tell = what => fetch('/told', {method: 'POST', body: what});
const spin = ms => { for (const end = performance.now() + ms; performance.now() < end;); };
const soon = (what, act) => tell(what).then(() => setTimeout(act, 100));
const acts = {
  h: () => soon('heavy', () => spin(8000)),
  l: () => soon('large', () => { for (let i = 0; i < 150000; i++) document.body.append(Object.assign(document.createElement('i'), {textContent: i, style: 'float: left'})); setTimeout(() => document.body.querySelectorAll('i').forEach(e => e.remove()), 4000) }),
  w: () => soon('workers', () => { const u = URL.createObjectURL(new Blob(['for (const end = Date.now() + 8000; Date.now() < end;);'])); for (let i = 0; i < 24; i++) new Worker(u) }),
  a: () => soon('alert', () => { alert('x'); tell('closed') }),
  p: () => soon('print', () => { print(); tell('closed') }),
  f: () => { document.getElementById('file').click(); tell('file') },
};
addEventListener('keydown', e => acts[e.key]?.());
addEventListener('dragstart', () => tell('drag'));
addEventListener('contextmenu', () => tell('menu'));
const active = () => document.hasFocus() ? tell('active') : setTimeout(active, 50);
active();
</script>`

// A browser that is busy, asks something or is hidden is not taken for one that
// hangs: it answers all the same, though X does not trust it.
func TestBrowserAnswersWhateverItDoes(t *testing.T) {
	d := newDesk(t)
	told := make(chan string, 1000)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			b, _ := io.ReadAll(io.LimitReader(r.Body, 100))
			told <- string(b)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, busyPage)
	}))
	t.Cleanup(site.Close)
	d.reach = append(d.reach, netip.MustParseAddrPort(site.Listener.Addr().String()))
	o := d.options()
	o.Untrusted = d.display.UntrustedCookie
	r := start(t, newBrowser(t, o), begin(t, d.wiper(t)))
	if err := r.Open(site.URL + "/"); err != nil {
		t.Fatal(err)
	}
	if err := r.Raise(); err != nil {
		t.Fatal(err)
	}
	b := &busy{T: t, d: d, r: r, told: told}
	b.hear("active")
	await(t, "the window in its place", 10*time.Second, func() bool { return r.Look().Placed })
	settle(t)
	b.answers("at rest")
	for _, c := range []struct{ key, what string }{{"h", "heavy"}, {"l", "large"}, {"w", "workers"}} {
		b.hand("key", c.key)
		b.hear(c.what)
		b.answers("with " + c.what)
		settle(t)
	}
	for _, c := range []struct{ key, what string }{{"a", "alert"}, {"p", "print"}} {
		b.hand("key", c.key)
		b.hear(c.what)
		b.answers("with " + c.what)
		select {
		case <-told:
			t.Errorf("%s was closed by itself", c.what)
		default:
		}
		b.hand("key", "Escape")
		b.hear("closed")
		settle(t)
	}
	windows := b.windows()
	b.hand("key", "f")
	b.hear("file")
	await(t, "a file chooser", 20*time.Second, func() bool { return b.windows() > windows })
	b.answers("with file chooser")
	b.hand("key", "Escape")
	await(t, "the file chooser to go", 20*time.Second, func() bool { return b.windows() == windows })
	b.hand("mousemove", "600", "200", "click", "3")
	b.hear("menu")
	b.answers("with a menu open")
	b.hand("key", "Escape")
	settle(t)
	b.hand("mousemove", "100", "250", "mousedown", "1")
	for x := 110; x < 300; x += 20 {
		b.hand("mousemove", fmt.Sprint(x), "260")
	}
	b.hear("drag")
	b.answers("in the middle of a drag")
	b.hand("mouseup", "1")
	settle(t)
	if err := d.display.Cover(); err != nil {
		t.Fatal(err)
	}
	b.answers("under the curtain")
	main, found, err := d.display.FindRole(browser.Class, "browser")
	if err != nil || !found {
		t.Fatal(found, err)
	}
	b.hand("windowminimize", fmt.Sprint(main))
	await(t, "the window to go", 5*time.Second, func() bool { _, mapped, _, err := d.Where(browser.Class); return err == nil && !mapped })
	b.answers("put away")
}

// busy is the hand and the ear of the test.
type busy struct {
	*testing.T
	d    *desk
	r    session.Running
	told chan string
}

// answers looks at the browser for a while, as the kiosk does. What it owes at
// any time must be far below what is taken for frozen.
func (b *busy) answers(when string) {
	b.Helper()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	most := time.Duration(0)
	for end := time.Now().Add(6 * time.Second); time.Now().Before(end); <-tick.C {
		if l := b.r.Look(); !l.Answers || !l.Alive {
			b.Fatalf("%s: %+v", when, l)
		}
		most = max(most, b.d.display.Silent(browser.Class))
	}
	b.Logf("%s: the longest silence is %v", when, most.Round(time.Millisecond))
	if most >= 4*time.Second {
		b.Errorf("%s: it owed an answer for %v", when, most)
	}
}

func (b *busy) hear(what string) {
	b.Helper()
	for end := time.After(30 * time.Second); ; {
		select {
		case got := <-b.told:
			if got == what {
				return
			}
		case <-end:
			b.Fatalf("the page did not say %q", what)
		}
	}
}

func (b *busy) hand(args ...string) {
	b.Helper()
	if out, err := exec.Command("xdotool", args...).CombinedOutput(); err != nil {
		b.Fatalf("xdotool %v: %v %s", args, err, out)
	}
}

func (b *busy) windows() int {
	b.Helper()
	n, err := b.d.display.Count(browser.Class)
	if err != nil {
		b.Fatal(err)
	}
	return n
}
