package staff_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/staff/stafftest"
)

func TestFirstAdmin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, false)
		if h.FirstOpen() {
			t.Error("open before a code was made")
		}
		claim := func(code, name, password string) error {
			_, err := h.do(newJar(t), func(r *http.Request) error { return h.ClaimFirst(r, code, name, password) })
			return err
		}
		if err := claim("", "satu", good); !errors.Is(err, staff.WrongFirst) {
			t.Errorf("without a code: %v", err)
		}
		old, err := h.OpenFirst()
		if err != nil || old == "" {
			t.Fatal(old, err)
		}
		code, _ := h.OpenFirst() // as a restart does
		for _, c := range []struct {
			code, name, password string
			want                 error
		}{{old, "satu", good, staff.WrongFirst}, {"0000-0000-0000", "satu", good, staff.WrongFirst}, {code, "", good, staff.NameBad},
			{code, "console", good, staff.NameBad}, {code, "satu", "short", staff.PasswordShort}} {
			if err := claim(c.code, c.name, c.password); !errors.Is(err, c.want) {
				t.Errorf("%+v: %v", c, err)
			}
		}
		time.Sleep(25 * time.Hour)
		if err := claim(code, "satu", good); !errors.Is(err, staff.WrongFirst) || h.FirstOpen() {
			t.Errorf("a day later: %v", err)
		}
		code, _ = h.OpenFirst()
		var wg sync.WaitGroup
		results := make([]error, 3)
		for i := range results {
			wg.Go(func() { results[i] = claim(code, fmt.Sprint("satu ", i), good) })
		}
		wg.Wait()
		in := 0
		for _, err := range results {
			if err == nil {
				in++
			}
		}
		people, _ := h.People()
		if in != 1 || len(people) != 1 || staff.Greatest(people[0].Grants) != staff.Admin || people[0].Grants[0].Site != "" {
			t.Errorf("%d came in: %v; %+v", in, results, people)
		}
		if again, err := h.OpenFirst(); again != "" || err != nil || h.FirstOpen() {
			t.Error("a second first admin")
		}
	})
}

// An account that came by another way closes the door, whatever code is out.
func TestFirstAdminIsLate(t *testing.T) {
	h := open(t, false)
	code, _ := h.OpenFirst()
	h.invite(t, "pekka", staff.Viewer)
	_, err := h.do(newJar(t), func(r *http.Request) error { return h.ClaimFirst(r, code, "satu", good) })
	if !errors.Is(err, staff.WrongFirst) || h.FirstOpen() {
		t.Errorf("%v", err)
	}
}

// voucher is a provider that says what the test wants.
type voucher struct {
	who   staff.Identity
	err   error
	given staff.Passage
}

func (v *voucher) Start(_ context.Context, p staff.Passage) (string, error) {
	v.given = p
	return "https://login.test/?state=" + p.State, v.err
}

func (v *voucher) Finish(_ context.Context, code string, p staff.Passage) (staff.Identity, error) {
	if code != "good" || p != v.given {
		return staff.Identity{}, errors.New("not this one")
	}
	return v.who, v.err
}

func TestSignInThroughProvider(t *testing.T) {
	mem, v := stafftest.New(time.Now), &voucher{}
	s, err := staff.New(staff.Config{Accounts: mem, Sessions: mem, Tokens: mem, Audit: mem, Rules: mem, Provider: v, Now: time.Now,
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	h := house{s, mem}
	for _, n := range []staff.Newcomer{{Name: "satu", Mail: "Satu@Example.fi", Grants: staff.At(staff.Staff, "ranta")}, {Name: "pekka", Grants: staff.At(staff.Admin)}} {
		if _, err := h.Invite("boss", n); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Invite("boss", staff.Newcomer{Name: "toinen", Mail: "satu@example.fi", Grants: staff.At(staff.Staff)}); !errors.Is(err, staff.ErrMailTaken) {
		t.Errorf("two people of one address: %v", err)
	}
	// out and back, as one browser; state is what comes back ("" for the right one).
	trip := func(jar http.CookieJar, who staff.Identity, state, code string) error {
		v.who = who
		to := ""
		if _, err := h.do(jar, func(r *http.Request) (err error) { to, err = h.StartProvider(r); return err }); err != nil {
			return err
		}
		if state == "" {
			_, state, _ = strings.Cut(to, "state=")
		}
		_, err := h.do(jar, func(r *http.Request) error { return h.FinishProvider(r, state, code) })
		return err
	}
	satu := staff.Identity{Subject: "https://login.test 7", Mail: "SATU@example.fi", Verified: true}
	for name, c := range map[string]struct {
		who         staff.Identity
		state, code string
		want        error
	}{
		"another state": {satu, "other", "good", staff.ProviderFailed},
		"no code":       {satu, "", "", staff.ProviderFailed},
		"a wrong code":  {satu, "", "bad", staff.ProviderFailed},
		"nobody":        {staff.Identity{Mail: "satu@example.fi", Verified: true}, "", "good", staff.ProviderFailed},
		"a stranger":    {staff.Identity{Subject: "x 8", Mail: "muu@example.fi", Verified: true}, "", "good", staff.ProviderUnknown},
		"not verified":  {staff.Identity{Subject: "x 8", Mail: "satu@example.fi"}, "", "good", staff.ProviderUnknown},
		"no mail":       {staff.Identity{Subject: "x 8", Verified: true}, "", "good", staff.ProviderUnknown},
	} {
		jar := newJar(t)
		if err := trip(jar, c.who, c.state, c.code); !errors.Is(err, c.want) || h.who(jar) != "" {
			t.Errorf("%s: %v, in as %q", name, err, h.who(jar))
		}
	}
	jar := newJar(t)
	if err := trip(jar, satu, "", "good"); err != nil || h.who(jar) != "satu" {
		t.Fatalf("%v, in as %q", err, h.who(jar))
	}
	m, _ := h.Member("satu")
	if !m.Linked || m.Invited || len(m.Grants) != 1 || m.Grants[0] != (staff.Grant{Role: staff.Staff, Site: "ranta"}) {
		t.Errorf("%+v", m)
	}
	// From now on the subject counts, not the address.
	satu.Mail, satu.Verified = "moved@example.fi", false
	if jar = newJar(t); trip(jar, satu, "", "good") != nil || h.who(jar) != "satu" {
		t.Error("not known by the subject")
	}
	thief := staff.Identity{Subject: "https://login.test 666", Mail: "satu@example.fi", Verified: true}
	if err := trip(newJar(t), thief, "", "good"); !errors.Is(err, staff.ProviderUnknown) {
		t.Errorf("another subject with the same address: %v", err)
	}
	// A return counts once, and only in the browser that set out.
	state := v.given.State
	if _, err := h.do(jar, func(r *http.Request) error { return h.FinishProvider(r, state, "good") }); !errors.Is(err, staff.ProviderFailed) {
		t.Errorf("a second return: %v", err)
	}
	if _, err := h.do(newJar(t), func(r *http.Request) (err error) { _, err = h.StartProvider(r); return err }); err != nil {
		t.Fatal(err)
	}
	if _, err := h.do(newJar(t), func(r *http.Request) error { return h.FinishProvider(r, v.given.State, "good") }); !errors.Is(err, staff.ProviderFailed) {
		t.Errorf("in another browser: %v", err)
	}
	h.SetDisabled("boss", "satu", true)
	if err := trip(newJar(t), satu, "", "good"); !errors.Is(err, staff.ProviderUnknown) {
		t.Errorf("disabled: %v", err)
	}
	v.err = errors.New("down")
	if err := trip(newJar(t), satu, "", "good"); !errors.Is(err, staff.ProviderFailed) {
		t.Errorf("down: %v", err)
	}
}
