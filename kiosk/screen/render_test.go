package screen

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/catalogue"
	"yhteiskone/kiosk/session"
)

var update = flag.Bool("update", false, "write the golden files anew")

func renderer(t testing.TB) *Renderer {
	t.Helper()
	tiles, err := catalogue.Default()
	if err != nil {
		t.Fatal(err)
	}
	texts, err := LoadTexts()
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRenderer(tiles, texts, time.FixedZone("EET", 2*60*60))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// views are one of everything that the shell can be asked to draw.
func views() map[string]session.View {
	base := session.View{Lang: "fi", SiteName: "Illusia", KioskName: "Kone 3", LastClean: time.Date(2026, 3, 4, 10, 41, 0, 0, time.UTC)}
	make := func(s fleet.State, change func(*session.View)) session.View {
		v := base
		v.State = s
		if change != nil {
			change(&v)
		}
		return v
	}
	all := map[string]session.View{
		"welcome":         make(fleet.Ready, nil),
		"welcome_first":   make(fleet.Ready, func(v *session.View) { v.LastClean, v.SiteName = time.Time{}, "" }),
		"welcome_message": make(fleet.Ready, func(v *session.View) { v.Message = "Kahvio sulkee klo 15. Tervetuloa huomenna!" }),
		"erased":          make(fleet.Ready, func(v *session.View) { v.Erased = true }),
		"erased_early":    make(fleet.Erasing, func(v *session.View) { v.Erased = true }),
		"starting":        make(fleet.Starting, nil),
		"erasing":         make(fleet.Erasing, nil),
		"closed":          make(fleet.Closed, nil),
		"out_of_service":  make(fleet.OutOfService, nil),
		"out_of_order":    make(fleet.OutOfOrder, func(v *session.View) { v.Trouble = fleet.WipeUnverified }),
		"identify":        make(fleet.Ready, func(v *session.View) { v.Identify = true }),
		"strip":           make(fleet.InUse, func(v *session.View) { v.Left = 23 * time.Minute }),
		"strip_no_limit":  make(fleet.InUse, nil),
		"confirm":         make(fleet.InUse, func(v *session.View) { v.Confirm, v.Left = true, time.Minute }),
		"confirm_late": make(fleet.Warning, func(v *session.View) {
			v.Confirm, v.EndsIn = true, 40*time.Second
		}),
		"warning":       make(fleet.Warning, func(v *session.View) { v.EndsIn, v.Left = 54*time.Second, 12*time.Minute }),
		"warning_limit": make(fleet.Warning, func(v *session.View) { v.EndsIn, v.Why = 12*time.Second, session.ByLimit }),
		"last_call":     make(fleet.Warning, func(v *session.View) { v.EndsIn = 17 * time.Second }),
		"last_second":   make(fleet.Warning, func(v *session.View) { v.EndsIn = time.Second }),
		"message":       make(fleet.InUse, func(v *session.View) { v.Message, v.Left = "Keitto on <valmis> & ilmaista.", time.Minute }),
		"identify_here": make(fleet.InUse, func(v *session.View) { v.Identify, v.Left = true, time.Hour }),
	}
	for _, h := range []session.HelpState{session.HelpTrying, session.HelpRinging, session.HelpOffline, session.HelpComing,
		session.HelpSoon, session.HelpNobody} {
		all["strip_help_"+string(h)] = make(fleet.InUse, func(v *session.View) { v.Help, v.Left = h, 23*time.Minute })
		all["welcome_help_"+string(h)] = make(fleet.Ready, func(v *session.View) { v.Help = h })
	}
	return all
}

func TestRenderGolden(t *testing.T) {
	r := renderer(t)
	for name, v := range views() {
		t.Run(name, func(t *testing.T) {
			got, err := r.Render(v)
			if err != nil {
				t.Fatal(err)
			}
			again, err := r.Render(v)
			if err != nil || got != again {
				t.Fatalf("two equal views look different (%v)", err)
			}
			file := filepath.Join("testdata", "golden", name+".html")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("differs from %s (-want +got):\n%s", file, d)
			}
		})
	}
}

// Every view can be drawn in every language, and in none that we lack.
func TestRenderEveryLanguage(t *testing.T) {
	r := renderer(t)
	for name, v := range views() {
		seen := map[string]bool{}
		for _, lang := range []string{"fi", "sv", "en", "ru", ""} {
			v.Lang = lang
			got, err := r.Render(v)
			if err != nil {
				t.Errorf("%s in %q: %v", name, lang, err)
			}
			if strings.Contains(got, "{") {
				t.Errorf("%s in %q shows a brace: %s", name, lang, got)
			}
			seen[got] = true
		}
		if len(seen) != 3 {
			t.Errorf("%s: %d different pages in three languages", name, len(seen))
		}
	}
}

func TestKindOf(t *testing.T) {
	type v = session.View
	for _, c := range []struct {
		name string
		view v
		want kind
	}{
		{"nothing known", v{}, starting},
		{"unverified machine never says erased", v{State: fleet.OutOfOrder, Erased: true}, outOfOrder},
		{"warning keeps off the page", v{State: fleet.Warning, EndsIn: 21 * time.Second}, warning},
		{"last seconds cover it", v{State: fleet.Warning, EndsIn: 20 * time.Second}, lastCall},
		{"no press moves the limit: never covered", v{State: fleet.Warning, EndsIn: 5 * time.Second, Why: session.ByLimit}, warning},
		{"last seconds before the question", v{State: fleet.Warning, EndsIn: 5 * time.Second, Confirm: true}, lastCall},
		{"question before message and name", v{State: fleet.InUse, Confirm: true, Message: "x", Identify: true}, confirm},
		{"no question without a session", v{State: fleet.Ready, Confirm: true}, welcome},
	} {
		if got := kindOf(c.view); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	for _, s := range fleet.States() {
		if covers := kindOf(v{State: s}).height() == 0; s == fleet.InUse && covers || !s.InSession() && !covers {
			t.Errorf("%s: covers everything: %v", s, covers)
		}
	}
}

// Words of staff are text, never markup.
func TestMessageIsEscaped(t *testing.T) {
	got, err := renderer(t).Render(views()["message"])
	if err != nil || strings.Contains(got, "<valmis>") || !strings.Contains(got, "&lt;valmis&gt; &amp; ilmaista") {
		t.Errorf("%v: %s", err, got)
	}
}

// Every key has words in every language, and every word is used.
func TestTextKeys(t *testing.T) {
	texts, err := LoadTexts()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	call := regexp.MustCompile(`(?:T|say|count)(?:\(p\.Lang,|\()? ?"([a-z_]+)"|"((?:help|erase|limit)_[a-z_]+)"|\.T "([a-z_]+)"`)
	for _, pattern := range []string{"pages/*.html", "render.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range call.FindAllStringSubmatch(string(data), -1) {
				used[m[1]+m[2]+m[3]] = true
			}
		}
	}
	for _, counted := range []string{"left", "erase_in", "limit_in"} { // count adds the form
		delete(used, counted)
		used[counted+"_one"], used[counted+"_many"] = true, true
	}
	delete(used, "identify_here")
	hole := regexp.MustCompile(`\{[a-z]+\}`)
	for lang, words := range texts {
		for key := range used {
			if words[key] == "" {
				t.Errorf("%s: no words for %q", lang, key)
			}
		}
		for key, w := range words {
			if !used[key] {
				t.Errorf("%s: %q is used nowhere", lang, key)
			}
			if got, want := hole.FindAllString(w, -1), hole.FindAllString(texts["fi"][key], -1); !slices.Equal(got, want) {
				t.Errorf("%s: %q has the holes %v, in Finnish %v", lang, key, got, want)
			}
		}
	}
}

// Right to left needs logical properties only.
func TestStyleIsLogical(t *testing.T) {
	data, err := os.ReadFile("static/shell.css")
	if err != nil {
		t.Fatal(err)
	}
	physical := regexp.MustCompile(`(?:margin|padding|border|inset)-(?:left|right)|text-align: (?:left|right)|[ ;{](?:left|right):|float:`)
	if m := physical.FindString(string(data)); m != "" {
		t.Errorf("the style sheet has %q, which does not mirror", m)
	}
	if strings.Contains(string(data), "animation") || strings.Contains(string(data), "transition") {
		t.Error("something moves by itself")
	}
}
