package screen

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
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
	wednesday := time.Date(2026, 11, 25, 11, 0, 0, 0, time.UTC)
	base := session.View{Lang: "fi", SiteName: "Illusia", KioskName: "Kone 3", LastClean: time.Date(2026, 3, 4, 10, 41, 0, 0, time.UTC),
		Comfort: session.Plain(), CanSpeak: true, CanType: true, CanStick: true, Phone: "040 123 4567",
		Support: fleet.Support{From: wednesday, To: wednesday.Add(2 * time.Hour)}}
	all := map[string]session.View{}
	add := func(name string, s fleet.State, change func(*session.View)) {
		v := base
		v.State = s
		if change != nil {
			change(&v)
		}
		all[name] = v
	}
	add("welcome", fleet.Ready, nil)
	add("welcome_first", fleet.Ready, func(v *session.View) {
		v.LastClean, v.SiteName, v.Phone, v.Support, v.Languages = time.Time{}, "", "", fleet.Support{}, "fi,sv,en"
	})
	add("welcome_message", fleet.Ready, func(v *session.View) { v.Message = "Kahvio sulkee klo 15. Tervetuloa huomenna!" })
	add("welcome_own", fleet.Ready, func(v *session.View) {
		v.Welcome = fleet.Text{FI: "Keitto on <valmis> & ilmaista.", SV: "Soppan är klar.", EN: "The soup is ready."}
	})
	add("welcome_down", fleet.Ready, func(v *session.View) { v.Down, v.Here, v.Preparing = "kela,suomifi,maisa", true, true })
	add("welcome_bare", fleet.Ready, func(v *session.View) { v.CanSpeak, v.CanType, v.CanStick, v.Phone = false, false, false, "" })
	add("opening", fleet.Ready, func(v *session.View) { v.Chosen, v.Preparing = "kela", true })
	add("erased", fleet.Ready, func(v *session.View) { v.Erased = true })
	add("erased_early", fleet.Erasing, func(v *session.View) { v.Erased = true })
	add("ask_done", fleet.Ready, func(v *session.View) { v.Erased, v.Ask = true, session.AskDone })
	add("ask_why", fleet.Ready, func(v *session.View) { v.Erased, v.Ask = true, session.AskWhy })
	add("starting", fleet.Starting, nil)
	add("snag", fleet.Starting, func(v *session.View) { v.Snag, v.SnagAt = session.SnagNoAgent, "https://agent.example:8443" })
	add("snag_data", fleet.Starting, func(v *session.View) { v.Snag = session.SnagDataGone }) // mended by a restart: it does not say that it goes on trying
	about := session.About{Build: "20261129.224605-7418eeb", Image: "20261129.224605-7418eeb", Agent: "https://agent.example:8443"}
	add("technician", fleet.Ready, func(v *session.View) {
		v.Technician = &session.Technician{About: about, Connected: true, Proof: fleet.ProofSummary{Seq: 41, Clean: true}}
	})
	add("technician_runs", fleet.Closed, func(v *session.View) {
		v.Technician = &session.Technician{About: session.About{Build: about.Build}, Check: session.CheckRuns}
	})
	add("technician_sheet", fleet.OutOfOrder, func(v *session.View) {
		v.Trouble = fleet.WipeUnverified
		sheet := fleet.Sheet{Build: about.Build}
		for i, code := range fleet.SheetCodes() {
			sheet.Rows = append(sheet.Rows, fleet.SheetRow{Code: code, Mark: []fleet.Mark{fleet.Passed, fleet.Failed, fleet.Unknown, fleet.AtBuild}[min(i%7, 3)], Value: "3.8 GiB"})
		}
		v.Technician = &session.Technician{About: about, Faults: "wipe_unverified,disk_full", Proof: fleet.ProofSummary{Seq: 41}, Check: session.CheckMade, Sheet: &sheet}
	})
	add("erasing", fleet.Erasing, nil)
	add("closed", fleet.Closed, nil)
	add("closed_opens", fleet.Closed, func(v *session.View) { v.OpensAt = time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC) })
	add("out_of_service", fleet.OutOfService, func(v *session.View) { v.Message = "Kone huolletaan." })
	add("out_of_order", fleet.OutOfOrder, func(v *session.View) { v.Trouble = fleet.WipeUnverified })
	add("identify", fleet.Ready, func(v *session.View) { v.Identify = true })
	add("strip", fleet.InUse, func(v *session.View) { v.Left = 23 * time.Minute })
	add("strip_no_limit", fleet.InUse, nil)
	add("menu", fleet.InUse, func(v *session.View) { v.Menu, v.Left = true, 23*time.Minute })
	add("menu_on", fleet.InUse, func(v *session.View) {
		v.Menu, v.Waiting, v.Comfort = true, true, session.Comfort{Size: 100, Speak: true, Keyboard: true, Sticky: true}
	})
	add("menu_pale", fleet.InUse, func(v *session.View) {
		v.Menu, v.Pale, v.Comfort.Contrast = true, true, true
	})
	add("confirm", fleet.InUse, func(v *session.View) { v.Confirm, v.Left = true, time.Minute })
	add("confirm_late", fleet.Warning, func(v *session.View) { v.Confirm, v.EndsIn = true, 40*time.Second })
	add("idle_early", fleet.Warning, func(v *session.View) { v.EndsIn = 150 * time.Second })
	add("idle", fleet.Warning, func(v *session.View) { v.EndsIn = 119 * time.Second })
	add("idle_late", fleet.Warning, func(v *session.View) { v.EndsIn, v.Left = 54*time.Second, 12*time.Minute })
	add("limit", fleet.Warning, func(v *session.View) { v.EndsIn, v.Why = 12*time.Second, session.ByLimit })
	add("limit_more", fleet.Warning, func(v *session.View) { v.EndsIn, v.Why, v.MoreTime = 90*time.Second, session.ByQueue, true })
	add("last_call", fleet.Warning, func(v *session.View) { v.EndsIn = 17 * time.Second })
	add("last_second", fleet.Warning, func(v *session.View) { v.EndsIn = time.Second })
	add("notice", fleet.InUse, func(v *session.View) { v.Notice, v.Why, v.Left = 10, session.ByClosing, 10*time.Minute })
	add("notice_queue", fleet.InUse, func(v *session.View) {
		v.Notice, v.Why, v.Left, v.MoreTime = 5, session.ByQueue, 5*time.Minute, true
	})
	add("notice_limit", fleet.InUse, func(v *session.View) {
		v.Notice, v.Why, v.Left, v.MoreTime = 1, session.ByLimit, time.Minute, true
	})
	add("message", fleet.InUse, func(v *session.View) { v.Message, v.Left = "Keitto on <valmis> & ilmaista.", time.Minute })
	add("identify_here", fleet.InUse, func(v *session.View) { v.Identify, v.Left = true, time.Hour })
	add("hide_choose", fleet.InUse, func(v *session.View) { v.Hide, v.Picked = session.HideChoose, 1 })
	add("hide_on", fleet.InUse, func(v *session.View) { v.Hide, v.HideLeft = session.HideOn, 10*time.Minute })
	add("hide_pause", fleet.InUse, func(v *session.View) { v.Hide, v.HideLeft = session.HidePause, 14*time.Minute })
	add("hide_wrong", fleet.InUse, func(v *session.View) { v.Hide, v.HideLeft = session.HideWrong, 2*time.Minute })
	add("hide_late", fleet.Warning, func(v *session.View) {
		v.Hide, v.HideLeft, v.EndsIn, v.Picked = session.HideOn, time.Minute, 19*time.Second, 2
	})
	add("hide_confirm", fleet.InUse, func(v *session.View) { v.Hide, v.HideLeft, v.Confirm = session.HideOn, 10*time.Minute, true })
	for _, h := range []session.HelpState{session.HelpTrying, session.HelpRinging, session.HelpOffline, session.HelpComing,
		session.HelpSoon, session.HelpNobody} {
		add("strip_help_"+string(h), fleet.InUse, func(v *session.View) {
			v.Help, v.Left, v.HelpWho = h, 23*time.Minute, "Anna"
		})
		add("welcome_help_"+string(h), fleet.Ready, func(v *session.View) { v.Help, v.HelpWho, v.HelpIn = h, "Anna", 5 })
	}
	add("menu_help", fleet.InUse, func(v *session.View) { v.Menu, v.Help = true, session.HelpOffline })
	add("out_of_order_help", fleet.OutOfOrder, func(v *session.View) { v.Trouble, v.Help = fleet.WipeUnverified, session.HelpNobody })
	add("welcome_help_anybody", fleet.Ready, func(v *session.View) { v.Help, v.HelpIn = session.HelpSoon, 1 })
	add("hide_help", fleet.InUse, func(v *session.View) {
		v.Hide, v.HideLeft, v.Help = session.HideOn, 10*time.Minute, session.HelpRinging
	})
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
			for _, lang := range []string{"fi", "sv", "en", "ar"} {
				v.Lang = lang
				page, err := r.Render(v)
				if err != nil {
					t.Fatal(err)
				}
				golden(t, filepath.Join("testdata", "golden", lang, name+".html"), page)
				words, err := r.Spoken(v)
				if err != nil {
					t.Fatal(err)
				}
				golden(t, filepath.Join("testdata", "golden", lang, name+".txt"), words+"\n")
			}
		})
	}
}

// golden compares with a file, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
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
}

// Every view can be drawn in every language, and in none that we lack.
func TestRenderEveryLanguage(t *testing.T) {
	r := renderer(t)
	for name, v := range views() {
		seen := map[string]bool{}
		for _, l := range append(Languages(), Language{Code: "xx"}, Language{}) {
			lang := l.Code
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
		if len(seen) != len(Languages()) {
			t.Errorf("%s: %d different pages in %d languages", name, len(seen), len(Languages()))
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
		{"unverified machine never says erased", v{State: fleet.OutOfOrder, Erased: true, Ask: session.AskDone}, outOfOrder},
		{"the question comes with what was erased only", v{State: fleet.Ready, Ask: session.AskDone}, welcome},
		{"warning keeps off the page", v{State: fleet.Warning, EndsIn: 21 * time.Second}, idle},
		{"last seconds cover it", v{State: fleet.Warning, EndsIn: 20 * time.Second}, lastCall},
		{"no press moves the limit: never covered", v{State: fleet.Warning, EndsIn: 5 * time.Second, Why: session.ByLimit}, limit},
		{"last seconds before the question", v{State: fleet.Warning, EndsIn: 5 * time.Second, Confirm: true}, lastCall},
		{"last seconds before choosing pictures", v{State: fleet.Warning, EndsIn: 5 * time.Second, Hide: session.HideChoose}, lastCall},
		{"question before message and name", v{State: fleet.InUse, Confirm: true, Message: "x", Identify: true, Menu: true, Notice: 5}, confirm},
		{"notice before message and menu", v{State: fleet.InUse, Message: "x", Menu: true, Notice: 5}, notice},
		{"no question without a session", v{State: fleet.Ready, Confirm: true}, welcome},
		{"a pressed tile", v{State: fleet.Ready, Chosen: "kela"}, opening},
		{"a pressed tile while the browser starts anew", v{State: fleet.Starting, Chosen: "kela"}, opening},
		{"no hiding without a session", v{State: fleet.Ready, Hide: session.HideOn, Menu: true, Notice: 5}, welcome},
	} {
		if got := kindOf(c.view); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	for _, s := range fleet.States() {
		if covers := kindOf(v{State: s}).covers(); s == fleet.InUse && covers || !s.InSession() && !covers {
			t.Errorf("%s: covers everything: %v", s, covers)
		}
	}
}

// While the screen is hidden nothing whatever uncovers the page beneath.
func TestHiddenStaysCovered(t *testing.T) {
	for _, h := range []session.HideStep{session.HideOn, session.HideWrong, session.HidePause} {
		for _, s := range []fleet.State{fleet.InUse, fleet.Warning} {
			for bits := range 1 << 6 {
				v := session.View{State: s, Hide: h, Confirm: bits&1 != 0, Menu: bits&2 != 0, Identify: bits&4 != 0, EndsIn: 30 * time.Second}
				if bits&8 != 0 {
					v.Message = "x"
				}
				if bits&16 != 0 {
					v.Notice = 5
				}
				if bits&32 != 0 {
					v.Why = session.ByQueue
				}
				if k := kindOf(v); !k.covers() || !k.takesKeys() {
					t.Fatalf("%+v is drawn as %s", v, k)
				}
			}
		}
	}
}

// The idle warning grows; no session's end without a way to stop it covers the page.
func TestHeights(t *testing.T) {
	last := 0
	for left := 10 * time.Minute; left > lastCallFrom; left -= time.Second {
		v := session.View{State: fleet.Warning, EndsIn: left}
		if h := kindOf(v).height(v); h < last || h == 0 {
			t.Fatalf("%v before the end: %d units after %d", left, h, last)
		} else {
			last = h
		}
		v.Why = session.ByClosing
		if kindOf(v).covers() {
			t.Fatalf("%v before closing: covered", left)
		}
	}
	for left, want := range map[time.Duration]int{121 * time.Second: 72, 2 * time.Minute: 144, 61 * time.Second: 144, time.Minute: 216, 21 * time.Second: 216} {
		if got := idle.height(session.View{EndsIn: left}); got != want {
			t.Errorf("%v before the end: %d units, want %d", left, got, want)
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

// Right to left needs logical properties only.
func TestStyleIsLogical(t *testing.T) {
	var data []byte
	files, err := filepath.Glob("static/*.css")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		one, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, one...)
	}
	physical := regexp.MustCompile(`(?:margin|padding|border|inset)-(?:left|right)|text-align: (?:left|right)|[ ;{](?:left|right):|float:`)
	if m := physical.FindString(string(data)); m != "" {
		t.Errorf("the style sheet has %q, which does not mirror", m)
	}
	if strings.Contains(string(data), "animation") || strings.Contains(string(data), "transition") {
		t.Error("something moves by itself")
	}
	if strings.Contains(string(data), ":hover") {
		t.Error("something shows to a mouse alone")
	}
}
