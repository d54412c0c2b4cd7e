package staff

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/internal/fleet"
)

func TestMay(t *testing.T) {
	for _, a := range Actions() {
		for i, role := range Roles() {
			want := false
			for j, r := range Roles() {
				want = want || least()[a] == r && j <= i
			}
			for _, c := range []struct {
				own   []Grant
				at    fleet.SiteID
				reach bool
			}{
				{At(role), "", true}, {At(role), "a", true}, {At(role), Somewhere, true},
				{At(role, "a"), "a", true}, {At(role, "a"), Somewhere, true}, {At(role, "a"), "b", false}, {At(role, "a"), "", false},
				{At(role, "a", "c"), "c", true}, {At(role, "a", "c"), "b", false}, {At(role, "a", "c"), "", false},
				{nil, "a", false}, {nil, Somewhere, false},
			} {
				p := Person{Name: "x", Grants: c.own}
				if got := May(p, a, c.at); got != (want && c.reach) {
					t.Errorf("May(%v, %s at %q) = %v", c.own, a, c.at, got)
				}
				p.Bare = true
				if got := May(p, a, c.at); got != (want && c.reach && a == ChangeOwn) {
					t.Errorf("without the second factor: May(%v, %s at %q) = %v", c.own, a, c.at, got)
				}
			}
		}
		for _, p := range []Person{{}, {Grants: At(Admin)}, {Name: "x"}, {Name: "x", Grants: At("boss")}} {
			if May(p, a, "") || May(p, a, Somewhere) {
				t.Errorf("May(%+v, %s)", p, a)
			}
		}
	}
	if May(Person{Name: "x", Grants: At(Admin)}, "no_such_action", "") {
		t.Error("an unknown action is allowed")
	}
	// A role at one site is none at another.
	p := Person{Name: "x", Grants: []Grant{{Viewer, "a"}, {Admin, "b"}}}
	if May(p, AnswerHelp, "a") || !May(p, AnswerHelp, "b") || May(p, ChangeStaff, "a") || !May(p, SeeFleet, "a") {
		t.Error("roles of two sites are mixed")
	}
}

func TestCheckGrants(t *testing.T) {
	got, err := CheckGrants([]Grant{{Staff, "b"}, {Viewer, "a"}, {Admin, "b"}, {Viewer, "b"}})
	if err != nil || !slices.Equal(got, []Grant{{Viewer, "a"}, {Admin, "b"}}) {
		t.Errorf("%v %v", got, err)
	}
	many := []Grant{}
	for i := range grantLimit + 1 {
		many = append(many, Grant{Viewer, fleet.SiteID(fmt.Sprintf("s%d", i))})
	}
	for _, bad := range [][]Grant{nil, {{"", "a"}}, {{"boss", ""}}, {{Staff, "Ei Näin"}}, {{Staff, Somewhere}}, many} {
		if _, err := CheckGrants(bad); err == nil {
			t.Errorf("%.60v passed", bad)
		}
	}
}

func TestFoldMail(t *testing.T) {
	for in, want := range map[string]string{"": "", " Satu.V@Example.FI ": "satu.v@example.fi", "a@b.fi": "a@b.fi",
		"satu": "!", "@b.fi": "!", "a@b": "!", "a@b.": "!", "a@@b.fi": "!", "a b@c.fi": "!", "<a@b.fi>": "!", "a@b.fi\r\nTo: x@y.fi": "!"} {
		if got, err := FoldMail(in); err == nil && got != want || err != nil && want != "!" {
			t.Errorf("%q: %q %v", in, got, err)
		}
	}
}

func TestCheckPassword(t *testing.T) {
	for _, c := range []struct {
		password string
		want     error
	}{
		{"kolme punaista omenaa", nil}, {"ääkkösiä öisin!", nil}, {"密码密码很长很长很长的", PasswordShort}, {"密码真的很长很长很长的密码不错吧", nil},
		{"fourteen chars", PasswordShort}, {strings.Repeat("ab9 xy", 30), PasswordLong}, {strings.Repeat("ab9 xz ", 9) + "x", nil},
		{"salasana1234567", PasswordCommon}, {"Password-1234567", PasswordCommon}, {"aaaaaaaaaaaaaaa", PasswordCommon},
		{"abcabcabcabcabc", PasswordCommon}, {"123456789012345", PasswordCommon}, {"satu virtanen 12", PasswordCommon},
		{"Virtanen Satu!!!", PasswordCommon}, {"Yhteiskone 202611", PasswordCommon}, {"salasana kesä 2026", PasswordCommon},
		{"paivakeskus admin 1", PasswordCommon}, {"yhteiskone on meidän", nil}, {"vain pieniä kirjaimia", nil},
	} {
		if err := checkPassword(c.password, "Satu Virtanen"); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.password, err, c.want)
		}
	}
}

func FuzzCheckPassword(f *testing.F) {
	f.Add("salasana1234567", "satu virtanen")
	f.Add("\xff\xfe", "")
	f.Fuzz(func(t *testing.T, password, name string) {
		if checkPassword(password, name) == nil && len([]rune(password)) > 4*PasswordMax {
			t.Errorf("%q passed", password)
		}
	})
}

func TestHasherLetsTwoIn(t *testing.T) {
	h, err := newHasher()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"m=19456", "t=2", "p=1", "$argon2id$"} {
		if !strings.Contains(h.nobody, s) {
			t.Errorf("%s is not in %s", s, h.nobody)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		h.turn = make(chan struct{}, 2)
		for range 2 {
			if err := h.take(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		if _, err := h.check(t.Context(), "x", h.nobody); !errors.Is(err, TooBusy) || time.Since(start) != hashWait {
			t.Errorf("the third one: %v after %v", err, time.Since(start))
		}
		h.leave()
		if ok, err := h.check(t.Context(), "nobody's password", ""); ok || err != nil {
			t.Errorf("nobody signed in: %v, %v", ok, err)
		}
		hash, err := h.make(t.Context(), "the right password")
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := h.check(t.Context(), "the right password", hash); !ok || err != nil {
			t.Errorf("the right password: %v, %v", ok, err)
		}
	})
}

func TestThrottleIsBounded(t *testing.T) {
	th := newThrottle(1, time.Hour)
	now := time.Unix(0, 0)
	for i := range 3 * throttleSize {
		th.allow(fmt.Sprint(i), now)
	}
	if len(th.known) != throttleSize || th.order.Len() != throttleSize {
		t.Errorf("%d keys, %d in order", len(th.known), th.order.Len())
	}
	if th.allow(fmt.Sprint(3*throttleSize-1), now) {
		t.Error("the newest key was forgotten")
	}
}

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7:80": "192.0.2.7", "[2001:db8:1:2:3::4]:80": "2001:db8:1:2::/64",
		"[::ffff:192.0.2.7]:80": "192.0.2.7", "[fe80::1%eth0]:80": "fe80::/64", "odd": "odd",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = in
		if got := (&Service{client: func(r *http.Request) string { return r.RemoteAddr }}).address(r); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestProblemsSayWhatToDo(t *testing.T) {
	for _, p := range Problems() {
		if !strings.HasSuffix(p.Error(), ".") {
			t.Errorf("%s has no sentence", string(p))
		}
	}
}
