package staff_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pquerna/otp/totp"

	"yhteiskone/agent/staff"
)

// phone computes the codes of a secret, as an authenticator does.
func phone(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// secure switches the second factor on for who is signed in.
func (h house) secure(t *testing.T, jar http.CookieJar) (secret string, recovery []string) {
	t.Helper()
	_, err := h.do(jar, func(r *http.Request) error { return h.BeginFactor(r, good) })
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.do(jar, func(r *http.Request) error {
		p, ok, err := h.PendingFactor(r.Context())
		if err != nil || !ok || !strings.Contains(p.Address, "secret="+p.Secret) || !strings.HasPrefix(p.Address, "otpauth://totp/Yhteiskone:") {
			t.Errorf("pending %+v %v %v", p, ok, err)
		}
		secret = p.Secret
		if _, err := h.ConfirmFactor(r, "000000"); !errors.Is(err, staff.WrongSecond) {
			t.Errorf("a guess: %v", err)
		}
		recovery, err = h.ConfirmFactor(r, phone(t, secret, time.Now()))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return secret, recovery
}

func (h house) second(jar http.CookieJar, code string) error {
	_, err := h.do(jar, func(r *http.Request) error { return h.SignInSecond(r, code) })
	return err
}

func TestSecondFactor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, false)
		here := h.enter(t, "satu", staff.Staff)
		there, _, err := h.signIn(t, "satu", good)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.do(here, func(r *http.Request) error { return h.BeginFactor(r, "wrong") }); !errors.Is(err, staff.WrongOwn) {
			t.Errorf("begun without the password: %v", err)
		}
		secret, recovery := h.secure(t, here)
		if len(recovery) != 10 || h.who(here) != "satu" || h.who(there) != "" {
			t.Errorf("%d codes; here %q, there %q", len(recovery), h.who(here), h.who(there))
		}

		time.Sleep(time.Minute)
		jar, _, err := h.signIn(t, "satu", good)
		if !errors.Is(err, staff.ErrSecond) || h.who(jar) != "" {
			t.Fatalf("in with the password alone: %v, %q", err, h.who(jar))
		}
		code := phone(t, secret, time.Now())
		if err := h.second(newJar(t), code); !errors.Is(err, staff.SecondLate) {
			t.Errorf("a code without a password: %v", err)
		}
		for _, bad := range []string{"", "12345", "abcdef", phone(t, secret, time.Now().Add(-2*time.Minute)), recovery[0][:13]} {
			if err := h.second(jar, bad); !errors.Is(err, staff.WrongSecond) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		if err := h.second(jar, code); !errors.Is(err, staff.TooManyTries) { // five tries were made
			t.Errorf("the sixth try: %v", err)
		}
		time.Sleep(2 * time.Minute)
		code = phone(t, secret, time.Now().Add(-20*time.Second)) // the phone's clock is a little late
		if err := h.second(jar, code[:3]+" "+code[3:]); err != nil || h.who(jar) != "satu" {
			t.Errorf("the right code: %v", err)
		}

		// The same code does not work again, nor one of an earlier step.
		again, _, _ := h.signIn(t, "satu", good)
		if err := h.second(again, code); !errors.Is(err, staff.WrongSecond) {
			t.Errorf("the same code again: %v", err)
		}
		if err := h.second(again, strings.ToLower(strings.ReplaceAll(recovery[3], "-", " "))); err != nil || h.who(again) != "satu" {
			t.Errorf("a recovery code: %v", err)
		}
		more, _, _ := h.signIn(t, "satu", good)
		if err := h.second(more, recovery[3]); !errors.Is(err, staff.WrongSecond) {
			t.Errorf("a recovery code again: %v", err)
		}
		if m, _ := h.Member("satu"); m.Recovery != 9 || !m.Factor {
			t.Errorf("%+v", m)
		}

		// Half way is good for nothing, and not for ever.
		late, _, _ := h.signIn(t, "satu", good)
		time.Sleep(6 * time.Minute)
		if err := h.second(late, phone(t, secret, time.Now())); !errors.Is(err, staff.SecondLate) {
			t.Errorf("after six minutes: %v", err)
		}

		// A new set of codes makes the old one worthless.
		var fresh []string
		if _, err := h.do(again, func(r *http.Request) error { fresh, err = h.RenewRecovery(r, good); return err }); err != nil {
			t.Fatal(err)
		}
		old, _, _ := h.signIn(t, "satu", good)
		if err := h.second(old, recovery[4]); !errors.Is(err, staff.WrongSecond) {
			t.Errorf("an old recovery code: %v", err)
		}
		if err := h.second(old, fresh[0]); err != nil {
			t.Errorf("a new recovery code: %v", err)
		}

		// Who has lost everything is let in by an admin, and signed out.
		if err := h.ResetFactor("boss", "satu"); err != nil || h.who(old) != "" {
			t.Errorf("after the reset: %v, %q", err, h.who(old))
		}
		if plain, _, err := h.signIn(t, "satu", good); err != nil || h.who(plain) != "satu" {
			t.Errorf("after the reset: %v", err)
		}
	})
}

// One code of the phone is good for one sign-in, also when two come at once.
func TestSecondFactorOnceByTwoAtATime(t *testing.T) {
	h := open(t, false)
	secret, recovery := h.secure(t, h.enter(t, "satu", staff.Staff))
	for _, code := range []string{phone(t, secret, time.Now().Add(30*time.Second)), recovery[0]} {
		var jars []http.CookieJar
		for range 4 {
			jar, _, err := h.signIn(t, "satu", good)
			if !errors.Is(err, staff.ErrSecond) {
				t.Fatal(err)
			}
			jars = append(jars, jar)
		}
		var wg sync.WaitGroup
		results := make([]error, len(jars))
		for i, jar := range jars {
			wg.Go(func() { results[i] = h.second(jar, code) })
		}
		wg.Wait()
		if n := len(slices.DeleteFunc(results, func(err error) bool { return err != nil })); n != 1 {
			t.Errorf("%d got in with one code", n)
		}
	}
}

func TestFactorRule(t *testing.T) {
	h := open(t, false)
	jar := h.enter(t, "satu", staff.Technician)
	if err := h.SetRules("boss", staff.Rules{Factor: []staff.Role{staff.Technician}}); err != nil {
		t.Fatal(err)
	}
	person := func() (p staff.Person) {
		h.do(jar, func(r *http.Request) error { p, _ = staff.From(r.Context()); return nil })
		return p
	}
	if p := person(); !p.Bare || staff.May(p, staff.SeeFleet, "") || !staff.May(p, staff.ChangeOwn, "") {
		t.Errorf("%+v", p)
	}
	h.secure(t, jar)
	if p := person(); p.Bare || !staff.May(p, staff.SeeFleet, "") {
		t.Errorf("with one: %+v", p)
	}
	remove := func() error {
		_, err := h.do(jar, func(r *http.Request) error { return h.RemoveFactor(r, good) })
		return err
	}
	if err := remove(); !errors.Is(err, staff.FactorNeeded) {
		t.Errorf("removed in spite of the rule: %v", err)
	}
	if err := h.SetRules("boss", staff.Rules{Factor: []staff.Role{"king"}}); err == nil {
		t.Error("a rule for no role")
	}
	if err := h.SetRules("boss", staff.Rules{}); err != nil {
		t.Fatal(err)
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
	if m, _ := h.Member("satu"); m.Factor {
		t.Error("it is still there")
	}
}

// What is stored tells no password, no code and no recovery code.
func TestStoredSecrets(t *testing.T) {
	h := open(t, false)
	_, recovery := h.secure(t, h.enter(t, "satu", staff.Staff))
	invited, err := h.Invite("boss", staff.Newcomer{Name: "uusi", Grants: staff.At(staff.Viewer)})
	if err != nil {
		t.Fatal(err)
	}
	accounts, _ := h.mem.Accounts()
	entries, _ := h.mem.Entries("", 100)
	sessions, _ := h.mem.All()
	var all bytes.Buffer
	for _, v := range []any{accounts, entries, sessions} {
		if err := gob.NewEncoder(&all).Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	for _, secret := range append(recovery, invited.Code, good) {
		for _, form := range []string{secret, strings.ReplaceAll(secret, "-", "")} {
			if bytes.Contains(all.Bytes(), []byte(form)) {
				t.Errorf("%q is stored", form)
			}
		}
	}
}

func TestDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, false)
		here := h.enter(t, "satu", staff.Staff)
		time.Sleep(time.Minute)
		there, _, _ := h.signIn(t, "satu", good)
		third, _, _ := h.signIn(t, "satu", good)
		other := h.enter(t, "pekka", staff.Staff)
		time.Sleep(time.Minute)
		h.who(here)
		list := func(jar http.CookieJar, name string) (all []staff.Device) {
			h.do(jar, func(r *http.Request) (err error) { all, err = h.Devices(r.Context(), name); return err })
			return all
		}
		all := list(here, "satu")
		if len(all) != 3 || !all[0].Here || all[1].Here || time.Since(all[0].Seen) > 0 || time.Since(all[0].Began) != 2*time.Minute || all[0].ID == all[1].ID {
			t.Fatalf("%+v", all)
		}
		var live, mine context.Context
		h.do(there, func(r *http.Request) error { live, _ = h.Live(r.Context()); return nil })
		h.do(here, func(r *http.Request) error { mine, _ = h.Live(r.Context()); return nil })
		id := ""
		for _, d := range list(there, "satu") {
			if d.Here {
				id = d.ID
			}
		}
		if err := h.EndDevice("pekka", "pekka", id); !errors.Is(err, staff.ErrNotFound) || h.who(there) == "" {
			t.Errorf("somebody else's session: %v", err)
		}
		if err := h.EndDevice("satu", "satu", ""); !errors.Is(err, staff.ErrNotFound) {
			t.Errorf("no session: %v", err)
		}
		// A request that is on its way does not bring the session back.
		h.do(there, func(*http.Request) error { return h.EndDevice("satu", "satu", id) })
		if h.who(there) != "" || live.Err() == nil || mine.Err() != nil || h.who(here) == "" || h.who(third) == "" {
			t.Errorf("there %q, its stream %v, own stream %v", h.who(there), live.Err(), mine.Err())
		}
		h.do(here, func(r *http.Request) error { return h.EndOthers(r.Context()) })
		if h.who(third) != "" || h.who(here) == "" || h.who(other) == "" || mine.Err() != nil {
			t.Error("the others were not ended, or more than those")
		}
		if err := h.EndAll("boss", "satu"); err != nil || h.who(here) != "" || mine.Err() == nil || len(list(other, "satu")) != 0 {
			t.Errorf("all were not ended: %v", err)
		}
	})
}

func TestRoleChangesCutStreams(t *testing.T) {
	h := open(t, false)
	jar := h.enter(t, "satu", staff.Admin)
	var live context.Context
	h.do(jar, func(r *http.Request) error { live, _ = h.Live(r.Context()); return nil })
	if err := h.SetRole("boss", "satu", "ranta", staff.Viewer); err != nil || live.Err() == nil {
		t.Errorf("%v, stream %v", err, live.Err())
	}
	if err := h.SetRole("boss", "satu", "", ""); err != nil {
		t.Fatal(err)
	}
	if m, _ := h.Member("satu"); !slices.Equal(m.Grants, staff.At(staff.Viewer, "ranta")) {
		t.Errorf("%+v", m.Grants)
	}
	if err := h.SetRole("boss", "satu", "ranta", ""); !errors.Is(err, staff.ErrLastRole) {
		t.Errorf("the last role: %v", err)
	}
	if err := h.Remove("boss", "satu"); err != nil || h.who(jar) != "" {
		t.Errorf("%v, still %q", err, h.who(jar))
	}
	if err := h.Remove("boss", "satu"); !errors.Is(err, staff.ErrNotFound) {
		t.Errorf("twice: %v", err)
	}
}
