package watch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"yhteiskone/agent/state"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
)

// codes reads every fault's code out of package fleet.
func codes(t *testing.T) (all []fleet.Code) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../internal/fleet/fault.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && v.Type != nil {
			if id, ok := v.Type.(*ast.Ident); ok && id.Name == "Code" {
				s, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, fleet.Code(s))
			}
		}
		return true
	})
	if len(all) < 33 {
		t.Fatalf("only %d codes found: is the test still looking in the right place?", len(all))
	}
	return all
}

// Every code of fleet has one row, and no row has another code.
func TestEveryCodeHasOneRow(t *testing.T) {
	rows := map[fleet.Code]int{}
	for _, r := range watch.Catalogue() {
		rows[r.Code]++
	}
	all := codes(t)
	for _, c := range all {
		if rows[c] != 1 {
			t.Errorf("%s has %d rows", c, rows[c])
		}
	}
	if len(rows) != len(all) {
		t.Errorf("%d rows for %d codes", len(rows), len(all))
	}
}

// What a row says is possible: a cause stands before what it explains, and is
// at least as bad, or it would never explain it.
func TestRowsAreSound(t *testing.T) {
	weight := map[fleet.Severity]int{fleet.SeverityNotice: 1, fleet.SeverityWarning: 2, fleet.SeverityError: 3}
	seen := map[fleet.Code]watch.Row{}
	for _, r := range watch.Catalogue() {
		if weight[r.Severity] == 0 {
			t.Errorf("%s: severity %q", r.Code, r.Severity)
		}
		for _, c := range r.Under {
			cause, ok := seen[c]
			if !ok {
				t.Errorf("%s is explained by %s, which does not stand before it", r.Code, c)
			} else if weight[cause.Severity] < weight[r.Severity] {
				t.Errorf("%s is explained by %s, which is milder", r.Code, c)
			}
		}
		if r.Severity == fleet.SeverityNotice && r.Told != watch.Never {
			t.Errorf("%s is worth knowing only, and people are alerted", r.Code)
		}
		if r.After < 0 || r.After > 7*24*time.Hour {
			t.Errorf("%s is visible after %v", r.Code, r.After)
		}
		seen[r.Code] = r
	}
}

// Texts are there in three languages, are one sentence or two, and tell faults
// apart; the thing to do is short.
func TestTexts(t *testing.T) {
	seen := map[string]fleet.Code{}
	for _, code := range codes(t) {
		for _, lang := range []string{"fi", "sv", "en"} {
			text, todo := watch.Texts{}.Fault(lang, code)
			if other, ok := seen[lang+text]; ok {
				t.Errorf("%s and %s say the same in %q", code, other, lang)
			}
			seen[lang+text] = code
			for what, s := range map[string]string{"text": text, "todo": todo} {
				if !strings.HasSuffix(s, ".") || len(s) < 10 || strings.Count(s, ".") > 3 || strings.Contains(s, "  ") {
					t.Errorf("%s: the %s in %q is %q", code, what, lang, s)
				}
			}
			if strings.Contains(text, string(code)) {
				t.Errorf("%s has no text of its own in %q", code, lang)
			}
		}
		fi, _ := watch.Texts{}.Fault("fi", code)
		if de, _ := (watch.Texts{}).Fault("de", code); de != fi {
			t.Errorf("%s: another language does not read Finnish: %q", code, de)
		}
	}
	if text, todo := (watch.Texts{}).Fault("en", "printer_on_fire"); !strings.Contains(text, "printer_on_fire") || todo == "" {
		t.Errorf("a fault of tomorrow: %q, %q", text, todo)
	}
}

// reading is a value of a report that makes a fault, or the reason why it makes
// none.
type reading struct {
	code fleet.Code
	bad  func(*state.Facts)
	why  string
}

func h(bad func(*fleet.Health)) func(*state.Facts) {
	return func(f *state.Facts) { bad(&f.Report.Health) }
}

// readings says of every field of what a kiosk reports which rule looks at it.
func readings() map[string]reading {
	return map[string]reading{
		"Report.At":     {code: fleet.ClockWrong, bad: func(f *state.Facts) { f.ClockOff = time.Hour }},
		"Report.State":  {why: "it is the status itself"},
		"Report.Since":  {why: "how long a state lasts says when somebody came; nothing is concluded from it"},
		"Report.Uptime": {why: "machines may stay on; starts that come too often are seen by restarts_often"},
		"Report.Faults": {code: fleet.WipeUnverified, bad: says(fleet.WipeUnverified)},
		"Report.Health": {why: "each of its readings has a row here"},
		"Report.Proof":  {code: fleet.WipeUnverified, bad: proofAt(3, false)},
		"Report.Serves": {why: "each of its fields has a row here"},

		"Serves.Mode":     {why: "staff chose it"},
		"Serves.Web":      {why: "staff chose it"},
		"Serves.Waiting":  {why: "staff chose it"},
		"Serves.Settings": {why: "new settings wait for the next welcome screen; the dashboard says how many machines have them"},
		"Serves.Probed":   {why: "how many were asked; services_down looks at those that did not answer"},
		"Serves.Down":     {code: fleet.ServicesDown, bad: func(f *state.Facts) { f.Report.Serves.Down = []string{"Kela"} }},

		"Health.CPUPercent":     {code: fleet.CPUBusy, bad: h(func(h *fleet.Health) { h.CPUPercent = ptr(96.0) })},
		"Health.MemoryTotal":    {code: fleet.MemoryLow, bad: h(func(h *fleet.Health) { h.MemoryTotal, h.MemoryFree = ptr(uint64(64<<30)), ptr(uint64(1<<30)) })},
		"Health.MemoryFree":     {code: fleet.MemoryLow, bad: h(func(h *fleet.Health) { h.MemoryFree = ptr(uint64(1 << 20)) })},
		"Health.DiskTotal":      {code: fleet.DiskFull, bad: h(func(h *fleet.Health) { h.DiskTotal, h.DiskFree = ptr(uint64(100<<30)), ptr(uint64(1<<30)) })},
		"Health.DiskFree":       {code: fleet.DiskFull, bad: h(func(h *fleet.Health) { h.DiskFree = ptr(uint64(1 << 20)) })},
		"Health.Load1":          {why: "on a slow disk it is high while all is well; cpu_busy and memory_low say what it would"},
		"Health.TemperatureC":   {code: fleet.TooHot, bad: h(func(h *fleet.Health) { h.TemperatureC = ptr(95.0) })},
		"Health.NetworkUp":      {code: fleet.NetworkDown, bad: h(func(h *fleet.Health) { h.NetworkUp = ptr(false) })},
		"Health.BytesIn":        {why: "how much a client downloads is theirs, and no trouble"},
		"Health.BytesOut":       {why: "how much a client sends is theirs, and no trouble"},
		"Health.ShellPaints":    {code: fleet.ShellNotPainting, bad: h(func(h *fleet.Health) { h.ShellPaints = ptr(false) })},
		"Health.BrowserAlive":   {code: fleet.BrowserFailing, bad: func(f *state.Facts) { f.Report.State, f.Report.Health.BrowserAlive = fleet.InUse, ptr(false) }},
		"Health.BrowserInPlace": {code: fleet.BrowserMisplaced, bad: func(f *state.Facts) { f.Report.State, f.Report.Health.BrowserInPlace = fleet.InUse, ptr(false) }},
		"Health.Keyboards":      {code: fleet.NoKeyboard, bad: h(func(h *fleet.Health) { h.Keyboards = ptr(0) })},
		"Health.Pointers":       {code: fleet.NoMouse, bad: h(func(h *fleet.Health) { h.Pointers = ptr(0) })},
		"Health.Touch":          {why: "few machines have one; no_keyboard and no_mouse ask whether it is there"},
		"Health.Screens":        {code: fleet.NoScreen, bad: h(func(h *fleet.Health) { h.Screens = ptr(0) })},
		"Health.Resolution":     {why: "every size will do; the kiosk scales with it"},
		"Health.USBChanges":     {code: fleet.USBChanged, bad: h(func(h *fleet.Health) { h.USBChanges = ptr(1) })},
		"Health.NewKeyboards":   {code: fleet.NewKeyboard, bad: h(func(h *fleet.Health) { h.NewKeyboards = ptr(1) })},
		"Health.Sound":          {code: fleet.NoSound, bad: h(func(h *fleet.Health) { h.Sound = ptr(false) })},
		"Health.CardReader":     {why: "few machines have one, and none misses it"},
		"Health.DiskHealthy":    {code: fleet.DiskFailing, bad: h(func(h *fleet.Health) { h.DiskHealthy = ptr(false) })},
		"Health.ClockSet":       {code: fleet.ClockUnset, bad: h(func(h *fleet.Health) { h.ClockSet = ptr(false) })},
		"Health.Updates":        {code: fleet.UpdatesWaiting, bad: h(func(h *fleet.Health) { h.Updates = ptr(2) })},
		"Health.OnMains":        {code: fleet.OnBattery, bad: h(func(h *fleet.Health) { h.OnMains = ptr(false) })},
		"Health.Battery":        {why: "how full it is matters only while on_battery is there, which comes first"},
		"Health.WiredMAC":       {why: "it says how to wake the machine, not how it is"},
		"Health.Swap":           {code: fleet.SwapOn, bad: h(func(h *fleet.Health) { h.Swap = ptr(true) })},
	}
}

// Every field of a report has a rule that looks at it, or a reason for none,
// and the rule sees it.
func TestEveryReadingHasARule(t *testing.T) {
	want := map[string]bool{}
	for name, v := range map[string]any{"Report": fleet.Report{}, "Serves": fleet.Serves{}, "Health": fleet.Health{}} {
		for i := range reflect.TypeOf(v).NumField() {
			want[name+"."+reflect.TypeOf(v).Field(i).Name] = true
		}
	}
	for field, r := range readings() {
		if !want[field] {
			t.Errorf("there is no %s", field)
		}
		delete(want, field)
		if (r.code == "") == (r.why == "") {
			t.Errorf("%s has neither a rule nor a reason, or both", field)
		}
		if r.code == "" {
			continue
		}
		f := facts(fleet.Ready)
		if shown, _ := judged(f, 7*24*time.Hour); len(shown) > 0 {
			t.Fatalf("a machine that is well shows %v", shown)
		}
		r.bad(&f)
		if shown, _ := judged(f, 7*24*time.Hour); !slices.Equal(shown, []fleet.Code{r.code}) {
			t.Errorf("%s is bad: %v, want %s", field, shown, r.code)
		}
	}
	for field := range want {
		t.Errorf("%s has no rule and no reason for none", field)
	}
}
