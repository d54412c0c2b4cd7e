package screen

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"yhteiskone/kiosk/display"
	"yhteiskone/kiosk/session"
)

// levelsOf are the second levels that a view has, "" first.
func levelsOf(v session.View) []string {
	switch kindOf(v) {
	case welcome:
		if v.Help != "" || v.Message != "" {
			return []string{""} // the others look as they do without
		}
		return []string{"", "bank", "health", "email", "languages", "comfort"}
	case menu:
		return []string{"", "languages"}
	}
	return []string{""}
}

// Whatever the view, the language, the size of the text and the colours:
// nothing is cut off, nothing is too small to read or to hit, and End is there.
func TestBrowserEverythingFits(t *testing.T) {
	r := renderer(t)
	for _, screen := range []string{"1366x768", "1024x768", "1920x1080"} {
		t.Run(screen, func(t *testing.T) {
			d := room(t, screen)
			s := open(t, d)
			show(t, s, views()["welcome"])
			w, h := d.Size()
			if _, err := current(s).eval(t.Context(), fitScript); err != nil {
				t.Fatal(err)
			}
			looked := 0
			for _, size := range session.Sizes() {
				for i, l := range Languages() {
					if i%2 == 1 && screen == "1920x1080" {
						continue // the same in proportion as the first screen
					}
					type look struct {
						Page   sheet    `json:"page"`
						Name   string   `json:"name"`
						Levels []string `json:"levels"`
						Least  int      `json:"least"`
						Cover  bool     `json:"cover"`
						Scroll bool     `json:"scroll"`
					}
					var looks []look
					for _, name := range slices.Sorted(maps.Keys(views())) {
						v := views()[name]
						v.Lang, v.Comfort.Size = l.Code, size
						v.Comfort.Contrast = (looked+i)%2 == 1 // both, over all
						html, err := r.Render(v)
						if err != nil {
							t.Fatal(err)
						}
						k, scale := kindOf(v), display.Scale(w, h)
						looks = append(looks, look{Name: name, Levels: levelsOf(v), Least: int(float64(k.height(v))*scale + 0.5), Cover: k.covers(),
							Scroll: size > 100 || w < 1200 || strings.Contains(name, "help") || k == technical,
							Page: sheet{HTML: html, Kind: k, Lang: l.Code, Dir: l.Dir, Scale: scale, Size: size,
								Contrast: v.Comfort.Contrast, W: w, H: h}})
						looked++
					}
					// A page that is busy for long is taken for a frozen one.
					for some := range slices.Chunk(looks, 5) {
						packed, err := json.Marshal(some)
						if err != nil {
							t.Fatal(err)
						}
						got, err := current(s).eval(t.Context(), "fitCheck("+string(packed)+")")
						if err != nil {
							t.Fatal(err)
						}
						var bad []string
						if err := json.Unmarshal(got, &bad); err != nil {
							t.Fatalf("%s: %v", got, err)
						}
						for _, b := range bad {
							t.Errorf("%d %% %s: %s", size, l.Code, b)
						}
					}
				}
			}
			t.Logf("%d pages looked at", looked)
		})
	}
}

// fitScript defines fitCheck, which lays pages out one after the other and
// names what is wrong with them.
const fitScript = `window.fitCheck = async looks => {
  const root = document.getElementById('view'), bad = [];
  for (const {page, name, levels, least, cover, scroll} of looks) for (const level of levels) {
    const say = what => bad.push(name + (level && '/' + level) + ': ' + what);
    page.H = cover ? page.h : Math.min(page.h, Math.max(least, page.kind === 'strip' ? 0 : fit.measure(page)));
    root.style.height = page.H + 'px';
    document.documentElement.dir = page.dir;
    root.innerHTML = page.html;
    for (const l of root.querySelectorAll('[data-level]')) l.hidden = l.dataset.level !== level;
    fit.sheet(root, page);
    const u = page.scale, area = root.getBoundingClientRect(), box = root.querySelector('.scroll');
    const frame = box && getComputedStyle(box).display !== 'contents' ? box.getBoundingClientRect() : null;
    const arrows = root.querySelector('.arrows');
    const long = frame && box.scrollHeight > box.clientHeight + 2;
    if (long && (!arrows || arrows.hidden)) say('longer than the screen, without arrows');
    if (long && !scroll && level !== 'bank') say('must be scrolled');
    if (long && page.H < page.h) say('scrolls in ' + page.H + ' pixels');
    const shown = e => e.offsetParent !== null && getComputedStyle(e).visibility !== 'hidden';
    const buttons = [...root.querySelectorAll('button')].filter(shown);
    for (const e of root.querySelectorAll('*')) {
      if (e.closest('svg') || !shown(e)) continue;
      const r = e.getBoundingClientRect(), what = e.tagName + '.' + e.className + ' ' + e.textContent.trim().slice(0, 30);
      const scrolled = frame && box.contains(e) && e !== box;
      if (r.left < area.left - 1 || r.right > area.right + 1) say('outside: ' + what);
      if (!scrolled && (r.top < area.top - 1 || r.bottom > area.bottom + 1)) say('outside: ' + what);
      if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth && getComputedStyle(e).display !== 'inline') say('cut off: ' + what);
      const p = e.parentElement.getBoundingClientRect();
      if (e.parentElement !== box && getComputedStyle(e.parentElement).display !== 'contents' &&
          (r.right > p.right + 1 || r.bottom > p.bottom + 1.5 || r.top < p.top - 1.5 || r.left < p.left - 1) &&
          getComputedStyle(e).display !== 'inline') say('sticks out: ' + what);
      if ([...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && parseFloat(getComputedStyle(e).fontSize) < 16 * u - .1) say('tiny: ' + what);
    }
    for (const b of buttons) {
      const r = b.getBoundingClientRect(), what = b.textContent.trim().slice(0, 30);
      if (r.height < 64 * u - .6 || r.width < 64 * u - .6) say('small: ' + what + ' ' + r.width + 'x' + r.height);
      for (const o of buttons) {
        const q = o.getBoundingClientRect();
        if (o !== b && r.left < q.right - .5 && q.left < r.right - .5 && r.top < q.bottom - .5 && q.top < r.bottom - .5 && !(long && box.contains(o) !== box.contains(b)))
          say('overlap: ' + what + ' and ' + o.textContent.trim().slice(0, 20));
      }
    }
    if (/^(strip|idle|limit|notice|message|identify_here|menu|hide_on)$/.test(page.kind)) {
      const end = buttons.find(b => b.dataset.press === 'end');
      const r = end && end.getBoundingClientRect();
      if (!end || r.left < area.left - 1 || r.right > area.right + 1 || r.top < area.top - 1 || r.bottom > area.bottom + 1) say('no End');
    }
  }
  root.style.height = '';
  await new Promise(done => requestAnimationFrame(done)); // others want frames too
  return [...new Set(bad)];
}; true`

// TestBrowserShots takes pictures of the views into the folder SHOTS, for
// people to look at. SHOTS_OF names views, languages, sizes and screens, for
// example "welcome,strip fi,ar 100,300 1366x768".
func TestBrowserShots(t *testing.T) {
	dir := os.Getenv("SHOTS")
	if dir == "" {
		t.Skip("SHOTS names no folder")
	}
	names, langs, sizes, screens := slices.Sorted(maps.Keys(views())), []string{"fi"}, []string{"100"}, []string{"1366x768"}
	for i, of := range strings.Fields(os.Getenv("SHOTS_OF")) {
		if of != "*" {
			*[]*[]string{&names, &langs, &sizes, &screens}[i] = strings.Split(of, ",")
		}
	}
	for _, screen := range screens {
		s := open(t, room(t, screen))
		if out, err := exec.Command("xsetroot", "-solid", "#dde3ea").CombinedOutput(); err != nil {
			t.Logf("%v %s", err, out)
		}
		for _, name := range names {
			for _, lang := range langs {
				for _, size := range sizes {
					v, ok := views()[name]
					if !ok {
						t.Fatalf("no view %q", name)
					}
					v.Lang = lang
					percent, contrast := strings.CutSuffix(size, "c")
					v.Comfort.Contrast = contrast
					if _, err := fmt.Sscan(percent, &v.Comfort.Size); err != nil {
						t.Fatal(err)
					}
					show(t, s, v)
					for _, level := range levelsOf(v) {
						if level != "" {
							if _, err := current(s).eval(t.Context(), fmt.Sprintf(`(() => { for (const l of document.querySelectorAll('[data-level]')) l.hidden = l.dataset.level !== %q;
								fit.room(document.body); return probe() })()`, level)); err != nil {
								t.Fatal(err)
							}
							settle(t, s)
						}
						file := filepath.Join(dir, strings.Join([]string{name + level, lang, size, screen}, "-")+".png")
						if out, err := exec.Command("import", "-window", "root", file).CombinedOutput(); err != nil {
							t.Fatalf("%v %s", err, out)
						}
					}
					show(t, s, views()["starting"])
				}
			}
		}
		_ = s.Close()
	}
}
