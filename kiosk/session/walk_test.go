package session

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/internal/fleet"
)

// walk is one random walk through everything that can happen to a machine, in
// any order, and what must hold meanwhile.
type walk struct {
	*testing.T
	w      *world
	m      *Machine
	r      *rand.Rand
	log    []string
	chosen []string // the pictures, as the client knows them
	tried  []string
	before View
	wrong  string // what a view showed
	stop   func()

	uncovered int
}

func (k *walk) failf(format string, args ...any) {
	k.Helper()
	k.Fatalf("%s\nafter %v", fmt.Sprintf(format, args...), k.log[max(0, len(k.log)-30):])
}

// start runs a machine on the world, as every start of the program does.
func (k *walk) start() {
	k.m = k.w.machine(k.settings())
	ctx, cancel := context.WithCancel(k.Context())
	stopped := make(chan error, 1)
	m := k.m
	go func() { stopped <- m.Run(ctx); close(stopped) }()
	synctest.Wait()
	k.stop = func() {
		cancel()
		if err := <-stopped; err != nil && k.w.found == 0 {
			k.failf("the machine stopped with %v", err)
		}
	}
}

func (k *walk) settings() fleet.Settings {
	s := fleet.DefaultSettings()
	if k.r.IntN(3) == 0 {
		s.Limit = time.Duration(5+k.r.IntN(30)) * time.Minute
	}
	if k.r.IntN(3) == 0 {
		s.Mode = fleet.Errands
	}
	if k.r.IntN(3) == 0 {
		s.Hours = &fleet.Hours{}
		from := k.r.IntN(12 * 60)
		for d := range s.Hours.Week {
			s.Hours.Week[d] = []fleet.Span{{From: from, To: from + 60 + k.r.IntN(600)}}
		}
	}
	return s
}

// shown is what must hold of every view that is drawn. It is called by the
// machine, so it only takes note.
func (k *walk) shown(v View) {
	if k.wrong != "" {
		return
	}
	w := k.w
	in := v.State.InSession()
	switch {
	case (v.State == fleet.Ready || v.State == fleet.Closed || v.State == fleet.OutOfService) && w.dirty.Load():
		k.wrong = fmt.Sprintf("%s without a proof since the last session", v.State)
	case v.Erased && w.dirty.Load():
		k.wrong = "says that it erased without a proof"
	case v.Erased && (v.Comfort.Speak || v.Comfort.Keyboard || v.Comfort.Sticky):
		k.wrong = fmt.Sprintf("the aids of the one before: %+v", v.Comfort)
	case k.before.Erased && !v.Erased && v.Comfort != Plain():
		k.wrong = fmt.Sprintf("the comfort of the one before: %+v", v.Comfort)
	case !in && (v.Confirm || v.Notice != 0 || v.Waiting || v.EndsIn != 0 || v.Left != 0 || v.Web || v.Hide != HideNone || v.HideLeft != 0):
		k.wrong = fmt.Sprintf("something of a session outlives it: %+v", v)
	case in && (v.Erased || v.Preparing || v.Chosen != "" || v.Ask != AskNone):
		k.wrong = fmt.Sprintf("something of the welcome page in a session: %+v", v)
	case (v.State == fleet.Warning) != (v.EndsIn > 0):
		k.wrong = fmt.Sprintf("a warning without its countdown, or the other way round: %+v", v)
	case v.Ask != AskNone && !v.Erased:
		k.wrong = fmt.Sprintf("a question on its own: %+v", v)
	}
}

// moves are everything that can happen.
func (k *walk) moves() []func() {
	w, m, r := k.w, k.m, k.r
	press := func(what string, args ...string) func() {
		return func() {
			arg := ""
			if len(args) > 0 {
				arg = args[r.IntN(len(args))]
			}
			k.log = append(k.log, what+" "+arg)
			w.press(what, arg)
		}
	}
	say := func(name string, f func()) func() {
		return func() { k.log = append(k.log, name); f(); synctest.Wait() }
	}
	command := func(n fleet.CommandName) func() {
		return say(string(n), func() {
			m.Command(context.Background(), fleet.Command{ID: newID(), Name: n, Text: "Hei", Now: r.IntN(2) == 0, TTL: time.Hour}, func(fleet.Result) {})
		})
	}
	picture := func() {
		name := string(rune('a' + r.IntN(2)))
		k.log = append(k.log, "picture "+name)
		before := w.last()
		w.press("picture", name)
		after := w.last()
		if before.Hide == HideNone || before.Picked == after.Picked && before.Hide == after.Hide {
			return
		}
		into := &k.tried
		if before.Hide == HideChoose {
			into = &k.chosen
		}
		if before.Picked == 0 {
			*into = nil
		}
		*into = append(*into, name)
	}
	wait := func(most time.Duration) func() {
		return say("wait", func() { w.pass(time.Duration(r.Int64N(int64(most)))) })
	}
	presses := []func(){
		press("tile", "kela"), press("tile", "nothing"), press("end"), press("end_yes"), press("end_no"), press("continue"),
		press("more_time"), press("notice_ok"), press("done"), press("answer", "yes", "partly", "no", "no_codes", "other", "nonsense"),
		press("skip"), press("help"), press("help_cancel"), press("menu"), press("menu_close"), press("back"),
		press("language", "fi", "sv", "en"), press("size", "100", "200", "1"), press("contrast"), press("speak"), press("keyboard"),
		press("sticky"), press("say"), press("say_selected"), press("hide"), press("hide_cancel"), press("queue"), press("queue_over"),
		press("nonsense"), picture, picture,
	}
	waits := []func(){wait(time.Second), wait(3 * time.Second), wait(30 * time.Second), wait(4 * time.Minute),
		say("touch", func() { w.touch() })}
	staff := []func(){
		wait(20 * time.Minute), command(fleet.EndSession), command(fleet.Identify), command(fleet.ShowMessage), command(fleet.SomeoneWaits),
		command(fleet.NobodyWaits), command(fleet.OpenWeb), command(fleet.TakeOutOfService), command(fleet.PutInService),
		say("end", func() { m.End(context.Background(), fleet.EndLocal) }),
		say("start", func() { m.Start(context.Background(), "kela") }),
		say("settings", func() { m.Update(k.settings()) }),
		say("restart", func() { k.stop(); k.start() }),
	}
	losses := []func(){
		say("browser lost", func() { r := w.run(); r.once.Do(func() { close(r.lost) }) }),
		say("browser frozen", func() { w.run().frozen = true }),
		say("shell lost", func() { w.lost <- struct{}{} }),
		say("screen lost", func() { m.ScreenLost(context.Background()) }),
		say("clock", func() { w.off += time.Duration(r.Int64N(int64(4 * time.Hour))) }),
		say("fails", func() { w.fails(r.IntN(4) == 0, r.IntN(4) == 0, r.IntN(4) == 0) }),
		say("no paint", func() { w.slow = true }),
	}
	if r.IntN(20) == 0 {
		losses = append(losses, say("left over", func() { w.found = 1 }))
	}
	heals := []func(){say("heals", func() {
		w.fails(false, false, false)
		w.slow, w.off = false, 0
		m.ScreenBack(context.Background())
	}), say("settings", func() { m.Update(fleet.DefaultSettings()) }), command(fleet.PutInService)}
	v := w.last()
	var apt []func() // what somebody who looks at the screen would do
	switch {
	case v.Hide != HideNone:
		apt = []func(){picture, picture, picture, picture}
	case v.Confirm:
		apt = []func(){press("end_yes"), press("end_no")}
	case v.Ask != AskNone:
		apt = []func(){press("answer", "yes", "partly", "no"), press("answer", "no_codes", "other"), press("skip")}
	case v.State == fleet.Ready:
		apt = []func(){press("tile", "kela")}
	case v.State.InSession():
		apt = []func(){press("hide"), press("end"), press("queue"), press("notice_ok", ""), press("more_time")}
	default:
		apt = append(heals, wait(5*time.Second))
	}
	switch n := r.IntN(100); {
	case n < 35:
		return apt
	case n < 70:
		return presses
	case n < 88:
		return waits
	case n < 93:
		return staff
	case n < 96:
		return losses
	}
	return heals
}

// holds is what must hold between two moves.
func (k *walk) holds() {
	w := k.w
	v, s := w.last(), k.m.Status()
	hid := func(v View) bool { return v.Hide == HideOn || v.Hide == HideWrong || v.Hide == HidePause }
	live := 0
	for _, r := range w.runs {
		if !r.killed {
			live++
		}
	}
	in := 0
	if s.State.InSession() {
		in = 1
	}
	last := k.log[len(k.log)-1]
	switch {
	case k.wrong != "":
		k.failf("%s", k.wrong)
	case live > 1:
		k.failf("%d browsers run", live)
	case w.opened != len(w.ended)+in:
		k.failf("%d sessions began, %d were counted, and %d runs", w.opened, len(w.ended), in)
	case hid(k.before) && v.Hide == HideChoose:
		k.failf("other pictures can be chosen")
	case hid(k.before) && v.Hide == HideNone && v.State.InSession() && w.opened == w.before && !(strings.HasPrefix(last, "picture") && slices.Equal(k.chosen, k.tried)):
		k.failf("uncovered by %q; chosen %v, tried %v", last, k.chosen, k.tried)
	case v.Hide != HideNone && w.board != "":
		k.failf("the keyboard types into a covered page")
	case !k.m.blind() && v.State == s.State && w.stuck != v.Comfort.Sticky:
		k.failf("sticky keys are %v, and the view says %v", w.stuck, v.Comfort.Sticky)
	case s.State == fleet.Ready && v.State == fleet.Ready && !v.Erased && time.Since(w.idleFrom) > forgetTime+2*time.Second && (v.Comfort != Plain() || v.Lang != "fi" || v.Chosen != ""):
		k.failf("what one person left waits for the next: %+v", v)
	case v.State == fleet.Ready && k.before.State.InSession() && v.Comfort != Plain():
		k.failf("the next client finds %+v", v.Comfort)
	}
	if hid(k.before) && v.Hide == HideNone && v.State.InSession() && w.opened == w.before {
		k.uncovered++
	}
	k.before = v
}

// settles waits until the machine is where it must come to by itself.
func (k *walk) settles() {
	w, m := k.w, k.m
	w.fails(false, false, false)
	w.slow, w.off = false, 0
	m.ScreenBack(context.Background())
	m.Command(context.Background(), fleet.Command{ID: newID(), Name: fleet.PutInService, TTL: time.Hour}, func(fleet.Result) {})
	m.Update(fleet.DefaultSettings())
	synctest.Wait()
	want := fleet.Ready
	if w.found != 0 {
		w.press("language", "en")
		w.press("tile", "kela")
		w.pass(20 * time.Minute)
		w.run().once.Do(func() { close(w.run().lost) })
		want = fleet.OutOfOrder
	}
	w.pass(20 * time.Minute)
	if s := m.Status(); s.State != want {
		k.failf("left alone it is %s with %v, not %s", s.State, s.Faults, want)
	}
	if v := w.last(); want == fleet.Ready && (v.State != fleet.Ready || v.Preparing || v.Erased || v.Comfort != Plain() || v.Lang != "fi") {
		k.failf("left alone it shows %+v", v)
	}
}

// TestWalks goes many random ways. A failing seed fails again.
func TestWalks(t *testing.T) {
	walks, steps := uint64(80), 400
	if testing.Short() {
		walks = 20
	}
	var mu sync.Mutex
	sessions, uncovered, outcomes, ends := 0, 0, 0, map[fleet.End]int{}
	t.Cleanup(func() {
		t.Logf("%d walks: %d sessions, ended %v; %d screens uncovered by their pictures; %d answers", walks, sessions, ends, uncovered, outcomes)
		if len(ends) < 8 || uncovered == 0 || outcomes == 0 {
			t.Error("these walks see too little")
		}
	})
	for seed := range walks {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{presses: make(chan Press), lost: make(chan struct{}), online: true, idleFrom: time.Now(), can: true}
				k := &walk{T: t, w: w, r: rand.New(rand.NewPCG(seed, 1))}
				w.check = k.shown
				k.start()
				defer func() { k.stop() }()
				w.pass(time.Second)
				for range steps {
					w.before = w.opened
					list := k.moves()
					list[k.r.IntN(len(list))]()
					k.holds()
				}
				k.settles()
				k.stop()
				if w.opened != len(w.ended) {
					k.failf("%d sessions, counted %d", w.opened, len(w.ended))
				}
				if w.mark != nil && w.found == 0 {
					k.failf("a mark is left")
				}
				mu.Lock()
				defer mu.Unlock()
				sessions += w.opened
				uncovered += k.uncovered
				outcomes += len(w.outcomes)
				for _, e := range w.ended {
					ends[e]++
				}
			})
		})
	}
}
