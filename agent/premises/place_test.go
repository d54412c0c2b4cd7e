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
	f.Places = map[string]string{"kela": "3", "bank": " 1 ", "email": ""}
	f.Own = []OwnForm{{}, {fleet.Text{FI: "Ruokajono ", SV: "Matkö", EN: "Food aid"}, " https://ruoka.example/jono", "*.Ruoka.example\r\n\r\ntunnistus.example\n*.ruoka.example", "2"},
		{fleet.Text{FI: "Myöhemmin", SV: "Senare", EN: "Later"}, "https://later.example/", "", ""}}
	v, err := f.Values(base(), at)
	if err != nil {
		t.Fatal(err)
	}
	if o := v.Offer; o == nil || strings.Join(o.Shown, " ") != "bank own-1 kela" || len(o.Own) != 2 || o.Own[0].Name.FI != "Ruokajono" ||
		o.Own[0].Address != "https://ruoka.example/jono" || strings.Join(o.Own[0].Hosts, " ") != "*.ruoka.example tunnistus.example" {
		t.Errorf("%+v", o)
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
		if !errors.As(err, &p) || p != (Problem{Field: c.field, Line: c.line}) {
			t.Errorf("%s %q: %v", c.field, c.line, err)
		}
	}
}

// What is wrong with services names the service, and one thing.
func TestOfferProblems(t *testing.T) {
	own := func(change func(*OwnForm)) func(*Form) {
		return func(f *Form) {
			f.Places["email"] = ""
			f.Own = []OwnForm{{}, {fleet.Text{FI: "Jono", SV: "Kö", EN: "Queue"}, "https://jono.example/", "", "7"}}
			change(&f.Own[1])
		}
	}
	address := func(a string) func(*Form) { return own(func(o *OwnForm) { o.Address = a }) }
	hosts := func(h string) func(*Form) { return own(func(o *OwnForm) { o.Hosts = h }) }
	name := func(n string) func(*Form) { return own(func(o *OwnForm) { o.Name.SV = n }) }
	for i, c := range []struct {
		change    func(*Form)
		line, why string
	}{
		{func(f *Form) { f.Places = nil }, "", WhyNone},
		{func(f *Form) { f.Places["kela"] = "9" }, "kela", WhyPlace},
		{func(f *Form) { f.Places["kela"] = "0" }, "kela", WhyPlace},
		{func(f *Form) { f.Places["kela"] = "-1" }, "kela", WhyPlace},
		{func(f *Form) { f.Places["kela"] = "eka" }, "kela", WhyPlace},
		{func(f *Form) { f.Places["bank"] = "1" }, "bank", WhyPlace},
		{own(func(o *OwnForm) { o.Place = "1" }), "own-2", WhyPlace},
		{own(func(o *OwnForm) { o.Place = "x" }), "own-2", WhyPlace},
		{name(""), "own-2", WhyName}, {name(strings.Repeat("ä", 29)), "own-2", WhyName}, {name("K\u0007"), "own-2", WhyName},
		{address(""), "own-2", WhyAddress}, {address("http://jono.example/"), "own-2", WhyAddress}, {address("jono.example"), "own-2", WhyAddress},
		{address("https://localhost/"), "own-2", WhyAddress}, {address("https://192.168.1.1/"), "own-2", WhyAddress}, {address("javascript:alert(1)"), "own-2", WhyAddress},
		{address("https://jono.example:8443/"), "own-2", WhyAddress}, {address("https://a@jono.example/"), "own-2", WhyAddress},
		{hosts("ok.example\nhttps://jono.example/"), "own-2", WhyHosts}, {hosts("*.fi"), "own-2", WhyHosts}, {hosts("10.0.0.1"), "own-2", WhyHosts},
		{hosts("a.b c.d"), "own-2", WhyHosts}, {hosts("a1.example\na2.example\na3.example\na4.example\na5.example\na6.example\na7.example\na8.example\na9.example\na10.example\na11.example"), "own-2", WhyHosts},
	} {
		f := FormOf(base(), time.UTC)
		c.change(&f)
		_, err := f.Values(base(), time.UTC)
		var p Problem
		if !errors.As(err, &p) || p != (Problem{Field: Offer, Line: c.line, Why: c.why}) {
			t.Errorf("%d: %s %s: %v", i, c.line, c.why, err)
		}
	}
	f := FormOf(base(), time.UTC)
	own(func(*OwnForm) {})(&f)
	if v, err := f.Values(base(), time.UTC); err != nil || v.Offer.Shown[6] != "own-1" || v.Validate() != nil {
		t.Errorf("what is right is refused: %+v, %v", v.Offer, err)
	}
}

// Whatever is accepted is good for a kiosk.
func FuzzForm(f *testing.F) {
	f.Add("9-15", "24.12.2026 -", "1.12.2026 10-12", "kela.fi", "12", "0", "https://a.example/", "8")
	f.Add("9:00-12:00, 13.00-15:30", "", "", "*.a.fi", "2,5", "", "https://127.0.0.1/", "x")
	f.Add("0-24", "x", "\n\n", "", "1e2", "Inf", "", "")
	f.Fuzz(func(t *testing.T, hours, days, support, blocked, idle, limit, address, place string) {
		form := FormOf(base(), time.UTC)
		if address+place != "" {
			form.Places["other"] = ""
			form.Own = []OwnForm{{fleet.Text{FI: "Oma", SV: "Egen", EN: "Own"}, address, blocked, place}}
		}
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
