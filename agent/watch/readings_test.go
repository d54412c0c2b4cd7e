package watch_test

import (
	"slices"
	"testing"
	"time"

	"yhteiskone/agent/state"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
)

// healthy is a machine at which nothing is wrong.
func healthy(h *fleet.Health) {
	h.Keyboards, h.Pointers, h.Touch, h.Screens = ptr(1), ptr(1), ptr(false), ptr(1)
	h.USBChanges, h.NewKeyboards, h.Updates = ptr(0), ptr(0), ptr(0)
	h.Sound, h.DiskHealthy, h.ClockSet, h.OnMains, h.Swap = ptr(true), ptr(true), ptr(true), ptr(true), ptr(false)
	h.CardReader, h.Battery = ptr(false), ptr(3)
}

// judged is what is shown for readings that last so long.
func judged(f state.Facts, lasted time.Duration) (codes []fleet.Code, status fleet.Status) {
	first := watch.Judge(f, nil)
	f.Now = f.Now.Add(lasted)
	v := watch.Judge(f, first.Open)
	for _, s := range v.Shown {
		codes = append(codes, s.Code)
	}
	return codes, v.Status
}

// Each reading that is bad is shown once it lasts, not before, and says
// whether somebody must come.
func TestReadings(t *testing.T) {
	for name, c := range map[string]struct {
		bad    func(*fleet.Health)
		after  time.Duration // it must not be shown a second earlier
		shown  []fleet.Code
		status fleet.Status
	}{
		"nothing":           {func(*fleet.Health) {}, 48 * time.Hour, nil, fleet.StatusFree},
		"no readings":       {func(h *fleet.Health) { *h = fleet.Health{} }, 48 * time.Hour, nil, fleet.StatusFree},
		"no keyboard":       {func(h *fleet.Health) { h.Keyboards = ptr(0) }, time.Minute, []fleet.Code{fleet.NoKeyboard}, fleet.StatusNeedsAttention},
		"no mouse":          {func(h *fleet.Health) { h.Pointers = ptr(0) }, time.Minute, []fleet.Code{fleet.NoMouse}, fleet.StatusNeedsAttention},
		"touch is enough":   {func(h *fleet.Health) { h.Pointers, h.Keyboards, h.Touch = ptr(0), ptr(0), ptr(true) }, time.Hour, nil, fleet.StatusFree},
		"no screen":         {func(h *fleet.Health) { h.Screens = ptr(0) }, time.Minute, []fleet.Code{fleet.NoScreen}, fleet.StatusNeedsAttention},
		"a new keyboard":    {func(h *fleet.Health) { h.NewKeyboards, h.USBChanges = ptr(1), ptr(1) }, 10 * time.Second, []fleet.Code{fleet.NewKeyboard}, fleet.StatusNeedsAttention},
		"a phone charging":  {func(h *fleet.Health) { h.USBChanges = ptr(1) }, 20 * time.Minute, []fleet.Code{fleet.USBChanged}, fleet.StatusFree},
		"the keyboard gone": {func(h *fleet.Health) { h.USBChanges, h.Keyboards = ptr(1), ptr(0) }, time.Minute, []fleet.Code{fleet.NoKeyboard}, fleet.StatusNeedsAttention},
		"no sound":          {func(h *fleet.Health) { h.Sound = ptr(false) }, 5 * time.Minute, []fleet.Code{fleet.NoSound}, fleet.StatusFree},
		"disk":              {func(h *fleet.Health) { h.DiskHealthy = ptr(false) }, 0, []fleet.Code{fleet.DiskFailing}, fleet.StatusNeedsAttention},
		"clock":             {func(h *fleet.Health) { h.ClockSet = ptr(false) }, 30 * time.Minute, []fleet.Code{fleet.ClockUnset}, fleet.StatusFree},
		"updates":           {func(h *fleet.Health) { h.Updates = ptr(3) }, 24 * time.Hour, []fleet.Code{fleet.UpdatesWaiting}, fleet.StatusFree},
		"battery":           {func(h *fleet.Health) { h.OnMains = ptr(false) }, 2 * time.Minute, []fleet.Code{fleet.OnBattery}, fleet.StatusNeedsAttention},
		"swap":              {func(h *fleet.Health) { h.Swap = ptr(true) }, time.Minute, []fleet.Code{fleet.SwapOn}, fleet.StatusFree},
	} {
		f := facts(fleet.Ready)
		healthy(&f.Report.Health)
		c.bad(&f.Report.Health)
		shown, status := judged(f, c.after)
		if !slices.Equal(shown, c.shown) || status != c.status {
			t.Errorf("%s, after %v: %v and %q, want %v and %q", name, c.after, shown, status, c.shown, c.status)
		}
		if c.after == 0 || c.shown == nil {
			continue
		}
		if early, _ := judged(f, c.after-time.Second); slices.Contains(early, c.shown[0]) {
			t.Errorf("%s is shown too early: %v", name, early)
		}
		gone(&f)
		if old, status := judged(f, c.after); !slices.Equal(old, []fleet.Code{fleet.NoConnection}) || status != fleet.StatusNoConnection {
			t.Errorf("%s, and then silence: %v and %q", name, old, status)
		}
	}
}

// A service that does not answer is not the machine's fault, and a machine
// without a network says nothing of services.
func TestServicesDown(t *testing.T) {
	down := func(f *state.Facts) { f.Report.Serves.Probed, f.Report.Serves.Down = 20, []string{"Kela"} }
	noNet := func(f *state.Facts) { f.Report.Health.NetworkUp = ptr(false) }
	if shown, status := judged(facts(fleet.Ready, down), 0); !slices.Equal(shown, []fleet.Code{fleet.ServicesDown}) || status != fleet.StatusFree {
		t.Errorf("Kela is down: %v, %q", shown, status)
	}
	if shown, _ := judged(facts(fleet.Ready, down, noNet), time.Minute); !slices.Equal(shown, []fleet.Code{fleet.NetworkDown}) {
		t.Errorf("without a network: %v", shown)
	}
	if shown, _ := judged(facts(fleet.Ready, down, gone), time.Minute); !slices.Equal(shown, []fleet.Code{fleet.NoConnection}) {
		t.Errorf("silent: %v", shown)
	}
	if text, _ := (watch.Texts{}).Fault("fi", fleet.ServicesDown); text != "Jokin palvelu ei vastaa. Vika ei ole koneessa." {
		t.Errorf("staff read %q", text)
	}
}

// A wrong clock explains one that no server sets.
func TestClockUnsetIsExplained(t *testing.T) {
	f := facts(fleet.Ready, func(f *state.Facts) { f.ClockOff, f.Report.Health.ClockSet = time.Hour, ptr(false) })
	if shown, _ := judged(f, time.Hour); !slices.Equal(shown, []fleet.Code{fleet.ClockWrong}) {
		t.Errorf("%v", shown)
	}
}
