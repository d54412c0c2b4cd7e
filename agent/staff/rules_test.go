package staff

import (
	"errors"
	"fmt"
	"net/http/httptest"
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
				own, at fleet.SiteID
				reach   bool
			}{{"", "", true}, {"", "a", true}, {"a", "a", true}, {"a", "b", false}, {"a", "", false}} {
				p := Person{Name: "x", Role: role, Site: c.own}
				if got := May(p, a, c.at); got != (want && c.reach) {
					t.Errorf("May(%s of %q, %s at %q) = %v", role, c.own, a, c.at, got)
				}
			}
		}
		for _, p := range []Person{{}, {Role: Admin}, {Name: "x"}, {Name: "x", Role: "boss"}} {
			if May(p, a, "") {
				t.Errorf("May(%+v, %s)", p, a)
			}
		}
	}
	if May(Person{Name: "x", Role: Admin}, "no_such_action", "") {
		t.Error("an unknown action is allowed")
	}
}

func TestCheckPassword(t *testing.T) {
	for _, c := range []struct {
		password string
		want     error
	}{
		{"kolme punaista omenaa", nil}, {"ääkkösiä öisin", nil}, {"密码密码很长很长很长的", PasswordShort},
		{"elevenchars", PasswordShort}, {strings.Repeat("ab9 xy", 30), PasswordLong},
		{"salasana1234", PasswordCommon}, {"Password-1234", PasswordCommon}, {"aaaaaaaaaaaa", PasswordCommon},
		{"abcabcabcabc", PasswordCommon}, {"123456789012", PasswordCommon}, {"satu virtanen 1", PasswordCommon},
		{"Yhteiskone 2026", PasswordCommon}, {"yhteiskone on meidän", nil},
	} {
		if err := checkPassword(c.password, "Satu Virtanen"); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.password, err, c.want)
		}
	}
}

func FuzzCheckPassword(f *testing.F) {
	f.Add("salasana1234", "satu")
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
		if got := address(r); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestProblemsSayWhatToDo(t *testing.T) {
	for _, p := range []Problem{WrongPassword, WrongCode, TooManyTries, TooBusy, PasswordShort, PasswordLong, PasswordCommon, PasswordDiffer, PasswordSame} {
		if !strings.HasSuffix(p.Error(), ".") {
			t.Errorf("%s has no sentence", string(p))
		}
	}
}
