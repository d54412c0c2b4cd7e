package premises

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
)

func base() Values {
	return Values{Settings: fleet.DefaultSettings(), Call: Call{After: 2 * time.Minute}}
}

func helsinki(t testing.TB) *time.Location {
	at, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// What is written is read back the same, and what differs is exactly what was
// changed.
func TestRoundTrip(t *testing.T) {
	at := helsinki(t)
	f := FormOf(base(), at)
	if v, err := f.Values(base(), at); err != nil || len(Between(base(), v).Fields) != 0 {
		t.Fatalf("%+v, %v", Between(base(), v), err)
	}
	f.Always = false
	for d := 1; d <= 5; d++ {
		f.Week[d] = "9-12, 13–15.30"
	}
	f.Days, f.Support = "24.12.2026 suljettu\n2026-12-31 9-11\n", " 1.12.2026 10-12 \n\n24.11.2026 9:30-12\n"
	f.Welcome = fleet.Text{FI: " Kahvi on kuumaa. ", SV: "Kaffet är hett.", EN: "The coffee is hot."}
	f.Phone, f.Languages, f.Mode, f.Blocked = "09 123 4567", []string{"fi", "sv"}, "errands", "Casino.example\n*.casino.example\ncasino.example"
	f.Idle, f.Limit, f.Notice, f.HelpAfter, f.HelpTo = "2,5", "60", "20", "0", "mesta"
	v, err := f.Values(base(), at)
	if err != nil {
		t.Fatal(err)
	}
	e := Between(base(), v)
	if !slices.Equal(e.Fields, Fields()) {
		t.Errorf("%v", e.Fields)
	}
	if v.Idle != 150*time.Second || v.Limit != time.Hour || !slices.Equal(v.Blocked, []string{"casino.example", "*.casino.example"}) ||
		v.Support[0].From.Format(time.RFC3339) != "2026-11-24T09:30:00+02:00" || len(v.Hours.Days["2026-12-24"]) != 0 ||
		!slices.Equal(v.Hours.Week[1], []fleet.Span{{From: 540, To: 720}, {From: 780, To: 930}}) || v.Call != (Call{0, "mesta"}) || v.Welcome.FI != "Kahvi on kuumaa." {
		t.Errorf("%+v", v)
	}
	again, err := FormOf(v, at).Values(base(), at)
	if err != nil || !reflect.DeepEqual(again.plain(), v.plain()) {
		t.Errorf("%+v\n%+v, %v", again.plain(), v.plain(), err)
	}
	if got := e.Over(base()); !reflect.DeepEqual(got.plain(), v.plain()) {
		t.Errorf("%+v", got)
	}
	// What was not decided follows the configuration.
	later := base()
	later.Phone, later.Warn = "1", time.Minute
	e = Between(base(), func() Values { v := base(); v.Idle = time.Hour; return v }())
	if got := e.Over(later); got.Phone != "1" || got.Idle != time.Hour || got.Warn != time.Minute || !slices.Equal(e.Fields, []Field{Idle}) {
		t.Errorf("%+v", got)
	}
}

func TestProblems(t *testing.T) {
	at := helsinki(t)
	for _, c := range []struct {
		change func(*Form)
		field  Field
		line   string
	}{
		{func(f *Form) { f.Week[1] = "9-25" }, Hours, "9-25"},
		{func(f *Form) { f.Week[1] = "15-9" }, Hours, "15-9"},
		{func(f *Form) { f.Week[0] = "aina" }, Hours, "aina"},
		{func(f *Form) { f.Days = "24.12. suljettu" }, Days, "24.12. suljettu"},
		{func(f *Form) { f.Days = "24.12.2026" }, Days, "24.12.2026"},
		{func(f *Form) { f.Days = "24.12.2026 -\n24.12.2026 9-10" }, Days, "24.12.2026 9-10"},
		{func(f *Form) { f.Days = "30.2.2026 9-10" }, Days, "30.2.2026 9-10"},
		{func(f *Form) { f.Support = "1.12.2026" }, Support, "1.12.2026"},
		{func(f *Form) { f.Support = "1.12.2026 10-12, 13-14" }, Support, "1.12.2026 10-12, 13-14"},
		{func(f *Form) { f.Support = strings.Repeat("1.12.2026 10-12\n", 21) }, Support, "1.12.2026 10-12"},
		{func(f *Form) { f.Phone = "soita Sadulle" }, Phone, "soita Sadulle"},
		{func(f *Form) { f.Welcome = fleet.Text{FI: "Hei", EN: "Hi"} }, Welcome, "sv"},
		{func(f *Form) { f.Welcome = fleet.Text{FI: strings.Repeat("ä", 101), SV: "Hej", EN: "Hi"} }, Welcome, "fi"},
		{func(f *Form) { f.Welcome = fleet.Text{FI: "Hei", SV: "Hej", EN: "Hi\u202e"} }, Welcome, "en"},
		{func(f *Form) { f.Mode = "shop" }, Mode, "shop"},
		{func(f *Form) { f.Blocked = "ok.fi\nhttps://casino.example/" }, Blocked, "https://casino.example/"},
		{func(f *Form) { f.Idle = "" }, Idle, ""},
		{func(f *Form) { f.Idle = "2" }, Idle, "2"}, // not longer than the warning
		{func(f *Form) { f.Idle = "NaN" }, Idle, "NaN"},
		{func(f *Form) { f.Limit = "2" }, Limit, "2"},
		{func(f *Form) { f.Limit = "9999" }, Limit, "9999"},
		{func(f *Form) { f.Notice = "-1" }, Notice, "-1"},
		{func(f *Form) { f.HelpAfter = "pian" }, Help, "pian"},
	} {
		f := FormOf(base(), at)
		f.Always = false
		c.change(&f)
		_, err := f.Values(base(), at)
		var p Problem
		if !errors.As(err, &p) || p != (Problem{c.field, c.line}) {
			t.Errorf("%s %q: %v", c.field, c.line, err)
		}
	}
}

// Whatever is accepted is good for a kiosk.
func FuzzForm(f *testing.F) {
	f.Add("9-15", "24.12.2026 -", "1.12.2026 10-12", "kela.fi", "12", "0")
	f.Add("9:00-12:00, 13.00-15:30", "", "", "*.a.fi", "2,5", "")
	f.Add("0-24", "x", "\n\n", "", "1e2", "Inf")
	f.Fuzz(func(t *testing.T, hours, days, support, blocked, idle, limit string) {
		form := FormOf(base(), time.UTC)
		form.Always, form.Week[2], form.Days, form.Support, form.Blocked, form.Idle, form.Limit = false, hours, days, support, blocked, idle, limit
		v, err := form.Values(base(), time.UTC)
		if err != nil {
			return
		}
		if err := v.Validate(); err != nil {
			t.Errorf("%+v: %v", form, err)
		}
		if again, err := FormOf(v, time.UTC).Values(base(), time.UTC); err != nil || !reflect.DeepEqual(again.plain(), v.plain()) {
			t.Errorf("%+v is read back as %+v, %v", v, again, err)
		}
	})
}
