package notify

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
)

func TestCheck(t *testing.T) {
	allow := []string{"http://ntfy.lan:8080", "https://10.1.2.3"}
	ok := Target{Channel: ByJSON, Address: "https://hooks.example.fi/x", Lang: "fi", Faults: true, Digest: -1}
	for _, c := range []struct {
		change func(*Target)
		want   error
	}{
		{func(*Target) {}, nil},
		{func(t *Target) { t.Channel = "sms" }, ErrChannel},
		{func(t *Target) { t.Lang = "de" }, ErrLang},
		{func(t *Target) { t.Faults = false }, ErrNothing},
		{func(t *Target) { t.Quiet.From = 1440 }, ErrQuiet},
		{func(t *Target) { t.Digest = 1440 }, ErrDigest},
		{func(t *Target) { t.Address = "http://hooks.example.fi/x" }, ErrPlain},
		{func(t *Target) { t.Address = "http://ntfy.lan:8080/x" }, nil},
		{func(t *Target) { t.Address = "http://NTFY.lan:8080/x" }, nil},
		{func(t *Target) { t.Address = "http://ntfy.lan/x" }, ErrPlain},
		{func(t *Target) { t.Address = "https://10.1.2.3:443/x" }, nil},
		{func(t *Target) { t.Address = "https://10.1.2.4/x" }, ErrWhere},
		{func(t *Target) { t.Address = "https://localhost/x" }, ErrWhere},
		{func(t *Target) { t.Address = "https://LOCALHOST./x" }, ErrWhere},
		{func(t *Target) { t.Address = "https://[::1]/x" }, ErrWhere},
		{func(t *Target) { t.Address = "https://[::ffff:10.0.0.1]/x" }, ErrWhere},
		{func(t *Target) { t.Address = "https://169.254.169.254/latest" }, ErrWhere},
		{func(t *Target) { t.Address = "file:///etc/passwd" }, ErrURL},
		{func(t *Target) { t.Address = "gopher://x.fi/" }, ErrURL},
		{func(t *Target) { t.Address = "https://a:b@hooks.example.fi/" }, ErrURL},
		{func(t *Target) { t.Address = "https:///x" }, ErrURL},
		{func(t *Target) { t.Address = "https://hooks.example.fi/\r\nX: y" }, ErrURL},
		{func(t *Target) { t.Address = "https://hooks.example.fi/" + strings.Repeat("x", 500) }, ErrURL},
		{func(t *Target) { t.Channel, t.Address = ByNtfy, "https://ntfy.sh/" }, ErrTopic},
		{func(t *Target) { t.Channel, t.Address = ByNtfy, "https://ntfy.sh/topic" }, nil},
		{func(t *Target) { t.Channel, t.Address = ByMail, "satu@example.fi" }, nil},
		{func(t *Target) { t.Channel, t.Address = ByMail, "satu" }, ErrMail},
		{func(t *Target) { t.Channel, t.Address = ByMail, "satu@localhost" }, ErrMail},
		{func(t *Target) { t.Channel, t.Address = ByMail, "Satu <satu@example.fi>" }, ErrMail},
		{func(t *Target) { t.Channel, t.Address = ByMail, "a@b.fi,c@d.fi" }, ErrMail},
		{func(t *Target) { t.Channel, t.Address = ByMail, "a@b.fi\r\nBcc: c@d.fi" }, ErrMail},
	} {
		target := ok
		c.change(&target)
		if err := target.Check(allow); err != c.want {
			t.Errorf("%q: %v, want %v", target.Address, err, c.want)
		}
	}
}

func TestMayReach(t *testing.T) {
	for _, s := range []string{"127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255",
		"169.254.169.254", "224.0.0.1", "255.255.255.255", "198.18.0.1", "::1", "::", "::ffff:127.0.0.1", "::ffff:192.168.0.1", "fd00:ec2::254", "fc00::1",
		"fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::1", "2001::1", "::10.0.0.1",
		"::ffff:0:127.0.0.1", "100::1", "5f00::1", "4000::1", "1::1", "c000::1"} {
		if mayReach(netip.MustParseAddr(s)) {
			t.Errorf("%s may be reached", s)
		}
	}
	for _, s := range []string{"1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "193.166.3.2", "2001:4860:4860::8888", "2a00:1450::1", "::ffff:1.1.1.1"} {
		if !mayReach(netip.MustParseAddr(s)) {
			t.Errorf("%s may not be reached", s)
		}
	}
	if mayReach(netip.Addr{}) {
		t.Error("no address may be reached")
	}
}

func TestDue(t *testing.T) {
	at, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	clock := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, at)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	night := fleet.Span{From: 20 * 60, To: 7 * 60}
	for _, c := range []struct {
		quiet     fleet.Span
		digest    int
		kind      Kind
		now, want string
	}{
		{fleet.Span{}, -1, FaultOpened, "2026-11-28 03:00", "2026-11-28 03:00"},
		{night, -1, FaultOpened, "2026-11-28 12:00", "2026-11-28 12:00"},
		{night, -1, FaultOpened, "2026-11-28 20:00", "2026-11-29 07:00"},
		{night, -1, FaultOpened, "2026-11-28 03:00", "2026-11-28 07:00"},
		{night, -1, FaultOpened, "2026-11-28 07:00", "2026-11-28 07:00"},
		{night, 8 * 60, FaultOpened, "2026-11-28 12:00", "2026-11-29 08:00"},
		{night, 6 * 60, FaultOpened, "2026-11-28 12:00", "2026-11-29 07:00"},        // a digest in quiet hours waits for their end
		{fleet.Span{}, 8 * 60, FaultOpened, "2026-10-24 12:00", "2026-10-25 08:00"}, // clocks change in that night
		{fleet.Span{}, 8 * 60, FaultOpened, "2026-03-28 12:00", "2026-03-29 08:00"},
		{night, 8 * 60, HelpWaits, "2026-11-28 12:00", "2026-11-28 12:00"},
		{night, -1, HelpWaits, "2026-11-28 23:00", ""},
		{fleet.Span{From: 12 * 60, To: 13 * 60}, -1, HelpWaits, "2026-11-28 12:30", ""},
		{fleet.Span{From: 0, To: 1440}, -1, HelpWaits, "2026-11-28 12:30", ""},
	} {
		due, ever := Target{Quiet: c.quiet, Digest: c.digest}.due(Event{Kind: c.kind}, clock(c.now), at)
		if ever != (c.want != "") || ever && !due.Equal(clock(c.want)) {
			t.Errorf("%+v: %v, %v", c, due, ever)
		}
	}
}

// Whoever asked for some faults only is not told of others, and always of what
// concerns everybody.
func TestAudience(t *testing.T) {
	for _, c := range []struct {
		only, of Audience
		want     bool
	}{
		{Everybody, Everybody, true}, {Everybody, ForStaff, true}, {Everybody, ForTechnician, true},
		{ForStaff, Everybody, true}, {ForStaff, ForStaff, true}, {ForStaff, ForTechnician, false},
		{ForTechnician, Everybody, true}, {ForTechnician, ForStaff, false}, {ForTechnician, ForTechnician, true},
	} {
		for _, kind := range []Kind{FaultOpened, FaultClosed} {
			e := Event{Kind: kind, Site: "ranta", Severity: fleet.SeverityError, To: c.of}
			if got := (Target{Site: "ranta", Faults: true, Only: c.only}).wants(e, nil); got != c.want {
				t.Errorf("%q is told of what is for %q: %v", c.only, c.of, got)
			}
		}
		if !(Target{Site: "ranta", Help: true, Only: c.only}).wants(Event{Kind: HelpWaits, Site: "ranta"}, nil) {
			t.Errorf("%q is not told of a call for help", c.only)
		}
	}
	if err := (Target{Channel: ByMail, Address: "a@b.fi", Lang: "fi", Faults: true, Only: "cleaners", Digest: -1}).Check(nil); !errors.Is(err, ErrNothing) {
		t.Errorf("an audience that there is not: %v", err)
	}
}

func TestEveryLanguageHasEveryText(t *testing.T) {
	for lang, w := range words() {
		for key := range words()["fi"] {
			if w[key] == "" {
				t.Errorf("%s is missing in %s", key, lang)
			}
		}
		if len(w) != len(words()["fi"]) {
			t.Errorf("%s has %d texts, Finnish %d", lang, len(w), len(words()["fi"]))
		}
	}
}

// What came and went within one message is said once.
func TestLetterFolds(t *testing.T) {
	n := New(Config{Texts: noTexts{}, Address: func() string { return "https://a.fi/" }, Location: time.UTC})
	at := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	open := Event{Kind: FaultOpened, Incident: "1", Began: at, SiteName: "Illusia", Kiosk: "k", Name: "Kone 1", Code: fleet.NoConnection}
	shut := open
	shut.Kind, shut.At = FaultClosed, at.Add(30*time.Minute)
	l := n.teller("fi", at).letter([]Event{open, shut})
	if l.Subject != "Illusia, Kone 1: rikki" || l.plain() != "Illusia, Kone 1: rikki\nAlkoi klo 9.00, päättyi klo 9.30.\n" {
		t.Errorf("%+v", l)
	}
	if l := n.teller("en", at.AddDate(0, 0, 1)).letter([]Event{shut}); l.plain() != "Illusia, Kone 1 works again.\nIt was: rikki\nIt began on 28 Nov at 9:00 and ended on 28 Nov at 9:30.\n" {
		t.Errorf("%q", l.plain())
	}
}

type noTexts struct{}

func (noTexts) Fault(string, fleet.Code) (string, string) { return "rikki", "katso" }

func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{"https://ntfy.sh/topic", "https://localhost/x", "https://[::1]:1/x", "https://1.1.1.1/x", "http://x/", "https://0x7f.1/", "https://2130706433/", "https://a@b/", "://", "https://127.0.0.1.nip.io/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		target := Target{Channel: ByJSON, Address: address, Lang: "fi", Faults: true, Digest: -1}
		if target.Check(nil) != nil {
			return
		}
		if !strings.HasPrefix(strings.ToLower(address), "https://") {
			t.Errorf("%q passes", address)
		}
		if _, err := request(t.Context(), target, "1", letterOf{}, nil); err != nil {
			t.Errorf("%q passes and makes no request: %v", address, err)
		}
	})
}

// Where somebody set their own alerts does not hold: they are told of what they
// may see now. The site's own keep to the site.
func TestWantsWhatTheOwnerMaySee(t *testing.T) {
	now := map[string]fleet.SiteID{"satu": "mesta"} // moved there from "illusia"
	reach := func(who string, site fleet.SiteID) bool { return now[who] == site }
	for _, c := range []struct {
		owner string
		site  fleet.SiteID
		at    fleet.SiteID
		want  bool
	}{
		{"satu", "illusia", "mesta", true}, {"satu", "illusia", "illusia", false}, {"satu", "", "mesta", true}, {"satu", "", "illusia", false},
		{"olli", "mesta", "mesta", false}, {"", "illusia", "illusia", true}, {"", "illusia", "mesta", false}, {"", "", "mesta", true},
	} {
		target := Target{Owner: c.owner, Site: c.site, Faults: true}
		if got := target.wants(Event{Kind: FaultOpened, Site: c.at, Severity: fleet.SeverityError}, reach); got != c.want {
			t.Errorf("%q, set at %q, of %s: %v", c.owner, c.site, c.at, got)
		}
	}
}
