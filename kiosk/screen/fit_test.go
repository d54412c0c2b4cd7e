package screen

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"yhteiskone/kiosk/display"
)

// Whatever the view and the language, nothing is cut off and nothing is too
// small to hit.
func TestBrowserEverythingFits(t *testing.T) {
	for _, size := range []string{"1366x768", "1280x720", "1024x768", "1920x1080"} {
		t.Run(size, func(t *testing.T) {
			d := room(t, size)
			s := open(t, d)
			scale := display.Scale(d.Size())
			for name, v := range views() {
				least := 64 * scale
				if kindOf(v).height() != 0 {
					least = 56 * scale
				}
				for _, l := range languages() {
					v.Lang = l.Code
					show(t, s, v)
					levels := []string{""}
					if name == "welcome" {
						levels = []string{"", "bank", "health", "email"}
					} else if kindOf(v) == strip {
						levels = []string{"", "languages"}
					}
					for _, level := range levels {
						got, err := current(s).eval(t.Context(), fmt.Sprintf(fitScript, level, least-0.6))
						if err != nil || string(got) != `""` {
							t.Errorf("%s %s %q: %s %v", name, l.Code, level, got, err)
						}
					}
				}
			}
		})
	}
}

// fitScript opens a level and names what does not fit.
const fitScript = `(() => {
  const bad = [];
  for (const l of document.querySelectorAll('[data-level]')) l.hidden = l.dataset.level !== %q;
  for (const e of document.querySelectorAll('#view *')) {
    if (e.closest('svg') || e.offsetParent === null) continue;
    const r = e.getBoundingClientRect(), what = e.tagName + '.' + e.className + ' ' + e.textContent.trim().slice(0, 30);
    if (r.left < -1 || r.top < -1 || r.right > innerWidth + 1 || r.bottom > innerHeight + 1) bad.push('outside: ' + what);
    if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth) bad.push('cut off: ' + what);
    if (e.tagName === 'BUTTON' && r.height < %f) bad.push('low: ' + what + ' ' + r.height);
    for (const o of e.tagName === 'BUTTON' ? document.querySelectorAll('#view button') : []) {
      const q = o.getBoundingClientRect();
      if (o !== e && o.offsetParent !== null && r.left < q.right && q.left < r.right && r.top < q.bottom && q.top < r.bottom) bad.push('overlap: ' + what);
    }
    const p = e.parentElement.getBoundingClientRect();
    if (r.right > p.right + 1 || r.bottom > p.bottom + 1 || r.top < p.top - 1 || r.left < p.left - 1) bad.push('sticks out: ' + what);
  }
  return bad.join('; ');
})()`

// TestBrowserShots takes a picture of every view in every language into the
// folder SHOTS, for people to look at.
func TestBrowserShots(t *testing.T) {
	dir := os.Getenv("SHOTS")
	if dir == "" {
		t.Skip("SHOTS names no folder")
	}
	for _, size := range []string{"1366x768", "1024x768"} {
		s := open(t, room(t, size))
		for name, v := range views() {
			for _, l := range languages() {
				v.Lang = l.Code
				show(t, s, v)
				levels := []string{""}
				if name == "welcome" {
					levels = []string{"", "bank", "health"}
				} else if name == "strip" {
					levels = []string{"", "languages"}
				}
				for _, level := range levels {
					if level != "" {
						xdo(t, "sleep", "0.5")
						click(t, s, `[data-open="`+level+`"]`)
						xdo(t, "sleep", "0.2")
					}
					file := filepath.Join(dir, size+"-"+name+level+"-"+l.Code+".png")
					if out, err := exec.Command("import", "-window", "root", file).CombinedOutput(); err != nil {
						t.Fatalf("%v %s", err, out)
					}
					if level != "" {
						xdo(t, "sleep", "0.5")
						if _, err := current(s).eval(t.Context(), `document.querySelector('[data-level]:not([hidden]) [data-open=""]').click()`); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
		}
		_ = s.Close()
	}
}
