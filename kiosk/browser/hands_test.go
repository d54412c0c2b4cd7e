package browser_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"yhteiskone/internal/e2e/slow"
)

// handsPage says what the hands did to it, and where things are.
const handsPage = `<!doctype html><meta charset=utf-8><title>x</title>
<style>* {font-size: 20px} input, select {display: block; width: 500px; height: 50px; margin: 10px}</style>
<input id=a><input id=b><input id=r type=range value=0><select id=s><option>yksi<option>kaksi<option>kolme</select>
<script>
const tell = (what, more) => fetch('/told', {method: 'POST', body: JSON.stringify({what, more: String(more)})});
for (const id of 'abrs') document.getElementById(id).addEventListener('input', e => tell(id, e.target.value));
addEventListener('contextmenu', () => tell('menu', ''));
addEventListener('beforeprint', () => tell('print', ''));
addEventListener('wheel', () => tell('wheel', ''), {once: true});
const where = e => {
  const at = {};
  for (const id of 'abrs') { const r = document.getElementById(id).getBoundingClientRect(); at[id] = [Math.round(r.x + 40 - e.clientX), Math.round(r.y + 25 - e.clientY)] }
  tell('at', JSON.stringify(at));
};
addEventListener('mousedown', where, {once: true});
const active = () => document.hasFocus() ? tell('active', '') : setTimeout(active, 50);
active();
</script>`

// What a client does with mouse and keyboard works, whether X trusts the
// browser or not.
func TestBrowserObeysHands(t *testing.T) {
	for name, trusted := range map[string]bool{"untrusted": false, "trusted": true} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			if out, err := exec.Command("setxkbmap", "fi").CombinedOutput(); err != nil {
				t.Fatalf("a Finnish keyboard: %v %s", err, out)
			}
			type event struct{ What, More string }
			events := make(chan event, 1000)
			site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					var e event
					if json.NewDecoder(r.Body).Decode(&e) == nil {
						events <- e
					}
					return
				}
				w.Header().Set("Content-Type", "text/html")
				io.WriteString(w, handsPage)
			}))
			t.Cleanup(site.Close)
			d.reach = append(d.reach, netip.MustParseAddrPort(site.Listener.Addr().String()))
			o := d.options()
			if !trusted {
				o.Untrusted = d.display.UntrustedCookie
			}
			r := start(t, newBrowser(t, o), begin(t, d.wiper(t)))
			var heard []event
			within := func(d time.Duration, what, more string) (string, bool) {
				for end := time.After(slow.Stretch(d)); ; {
					select {
					case e := <-events:
						heard = append(heard, e)
						if e.What == what && (more == "" || e.More == more) {
							return e.More, true
						}
					case <-end:
						return "", false
					}
				}
			}
			hear := func(what, more string) string {
				t.Helper()
				heard = nil
				said, ok := within(20*time.Second, what, more)
				if !ok {
					t.Fatalf("the page did not say %q %q, but %q", what, more, heard)
				}
				return said
			}
			hand := func(args ...string) {
				t.Helper()
				if out, err := exec.Command("xdotool", args...).CombinedOutput(); err != nil {
					t.Fatalf("xdotool %v: %v %s", args, err, out)
				}
			}
			if err := r.Open(site.URL + "/"); err != nil {
				t.Fatal(err)
			}
			if err := r.Raise(); err != nil {
				t.Fatal(err)
			}
			hear("active", "")
			// The window may still be on its way to its place.
			await(t, "the window in its place", 10*time.Second, func() bool { return r.Look().Placed })
			settle(t)
			// Where things are the page knows from where it was pressed. What is
			// pressed before a page has drawn is lost.
			const x, y = 1000, 600
			said, ok := "", false
			for try := 0; !ok && try < 10; try++ {
				hand("mousemove", strconv.Itoa(x), strconv.Itoa(y), "click", "1")
				said, ok = within(2*time.Second, "at", "")
			}
			var at map[string][2]int
			if err := json.Unmarshal([]byte(said), &at); err != nil {
				t.Fatalf("the page did not say where things are, but %q: %v", heard, err)
			}
			move := func(id string) {
				t.Helper()
				hand("mousemove", strconv.Itoa(x+at[id][0]), strconv.Itoa(y+at[id][1]))
			}
			click := func(id, button string) { t.Helper(); move(id); hand("click", button) }

			click("a", "1")
			settle(t)
			hand("type", "--delay", "40", "abc ABC 123 @")
			hear("a", "abc ABC 123 @")
			hand("type", "--delay", "120", "åäö€")
			hear("a", "abc ABC 123 @åäö€")
			hand("key", "BackSpace")
			hear("a", "abc ABC 123 @åäö")
			hand("key", "ctrl+a")
			hand("key", "ctrl+c")
			hand("key", "Tab")
			hand("key", "ctrl+v")
			hear("b", "abc ABC 123 @åäö")
			// the menu of the right button: its first entries work by the keyboard
			click("b", "3")
			hear("menu", "")
			settle(t)
			hand("key", "Escape")
			settle(t)
			// dragging a handle along
			move("r")
			hand("mousedown", "1")
			for i := range 12 {
				hand("mousemove", strconv.Itoa(x+at["r"][0]+20*(i+1)), strconv.Itoa(y+at["r"][1]))
			}
			hand("mouseup", "1")
			hear("r", "")
			// a list that opens as a window of its own
			click("s", "1")
			settle(t)
			hand("key", "Down")
			hand("key", "Return")
			hear("s", "kaksi")
			hand("click", "5")
			hear("wheel", "")
			hand("key", "ctrl+p")
			hear("print", "")
			hand("key", "Escape")
		})
	}
}

// settle gives the browser the time of a hand's movement.
func settle(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("xdotool", "sleep", "0.15").CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("%w: %s", err, out))
	}
}
