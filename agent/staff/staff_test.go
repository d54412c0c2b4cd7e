package staff_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/staff/stafftest"
	"yhteiskone/internal/fleet"
)

const good = "kolme punaista omenaa"

type house struct {
	*staff.Service
	mem *stafftest.Memory
}

func open(t *testing.T, secure bool) house {
	t.Helper()
	mem := stafftest.New(time.Now)
	s, err := staff.New(staff.Config{Accounts: mem, Sessions: mem, Tokens: mem, Audit: mem, Rules: mem, Secure: secure,
		Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return house{s, mem}
}

func (h house) invite(t *testing.T, name string, role staff.Role) string {
	t.Helper()
	i, err := h.Invite(staff.Console, staff.Newcomer{Name: name, Grants: staff.At(role)})
	if err != nil {
		t.Fatal(err)
	}
	return i.Code
}

// do runs a step inside a request with the cookies of jar, and returns what
// the step returned and the response.
func (h house) do(jar http.CookieJar, step func(*http.Request) error) (*http.Response, error) {
	r := httptest.NewRequest("POST", "https://agent.test/", nil)
	r.RemoteAddr = "192.0.2.7:1000"
	for _, c := range jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	var err error
	w := httptest.NewRecorder()
	h.Load(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { err = step(r) })).ServeHTTP(w, r)
	jar.SetCookies(r.URL, w.Result().Cookies())
	return w.Result(), err
}

func (h house) who(jar http.CookieJar) string {
	var name string
	h.do(jar, func(r *http.Request) error {
		p, _ := staff.From(r.Context())
		name = p.Name
		return nil
	})
	return name
}

func newJar(t *testing.T) http.CookieJar {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return jar
}

func TestFirstSignInWithCode(t *testing.T) {
	h, jar := open(t, true), newJar(t)
	code := h.invite(t, "Satu V.", staff.Staff)
	try := func(name, code, password string) error {
		_, err := h.do(jar, func(r *http.Request) error { return h.SignInWithCode(r, name, code, password) })
		return err
	}
	for _, c := range []struct{ name, code, password string }{
		{"satu v.", "0000-0000-0000", good}, {"nobody", code, good}, {"satu v.", "xx", good},
	} {
		if err := try(c.name, c.code, c.password); !errors.Is(err, staff.WrongCode) {
			t.Errorf("%v: %v", c, err)
		}
	}
	if err := try("Satu V.", code, "short"); !errors.Is(err, staff.PasswordShort) {
		t.Errorf("short password: %v", err)
	}
	if h.who(jar) != "" {
		t.Fatal("signed in by a failed try")
	}
	// As people type it: other case, spaces.
	if err := try(" SATU  v.", strings.ToLower(strings.ReplaceAll(code, "-", " ")), good); err != nil {
		t.Fatal(err)
	}
	if h.who(jar) != "satu v." {
		t.Fatal("not signed in after the code")
	}
	if err := try("Satu V.", code, good+"2"); !errors.Is(err, staff.WrongCode) {
		t.Errorf("a code worked twice: %v", err)
	}
}

func TestCodeIsUsedOnceByTwoAtATime(t *testing.T) {
	h := open(t, false)
	code := h.invite(t, "satu", staff.Staff)
	var wg sync.WaitGroup
	results := make([]error, 4)
	for i := range results {
		wg.Go(func() {
			_, results[i] = h.do(newJar(t), func(r *http.Request) error { return h.SignInWithCode(r, "satu", code, good) })
		})
	}
	wg.Wait()
	ok := 0
	for _, err := range results {
		if err == nil {
			ok++
		}
	}
	if ok != 1 {
		t.Errorf("%d of 4 got in with one code: %v", ok, results)
	}
}

func TestCodeExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, false)
		code := h.invite(t, "satu", staff.Staff)
		time.Sleep(7*24*time.Hour + time.Second)
		_, err := h.do(newJar(t), func(r *http.Request) error { return h.SignInWithCode(r, "satu", code, good) })
		if !errors.Is(err, staff.WrongCode) {
			t.Errorf("an old code: %v", err)
		}
	})
}

// enter makes an account with the good password and signs it in.
func (h house) enter(t *testing.T, name string, role staff.Role) http.CookieJar {
	t.Helper()
	jar, code := newJar(t), h.invite(t, name, role)
	if _, err := h.do(jar, func(r *http.Request) error { return h.SignInWithCode(r, name, code, good) }); err != nil {
		t.Fatal(err)
	}
	return jar
}

func (h house) signIn(t *testing.T, name, password string) (http.CookieJar, *http.Response, error) {
	jar := newJar(t)
	w, err := h.do(jar, func(r *http.Request) error { return h.SignIn(r, name, password) })
	return jar, w, err
}

func TestSignIn(t *testing.T) {
	h := open(t, true)
	h.enter(t, "Satu", staff.Staff)
	h.invite(t, "new", staff.Staff)
	for _, c := range []struct{ name, password string }{
		{"satu", good + "x"}, {"satu", ""}, {"nobody", good}, {"new", ""}, {"new", "nobody's password"}, {"nobody", "nobody's password"},
		{strings.Repeat("a", 10_000), good},
	} {
		if jar, _, err := h.signIn(t, c.name, c.password); !errors.Is(err, staff.WrongPassword) || h.who(jar) != "" {
			t.Errorf("%.20v: %v", c, err)
		}
	}
	jar, w, err := h.signIn(t, "SATU", good)
	if err != nil || h.who(jar) != "satu" {
		t.Fatalf("sign in: %v", err)
	}
	c := w.Cookies()[0]
	if c.Name != "__Host-yhteiskone" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.MaxAge != 0 {
		t.Errorf("cookie %+v", c)
	}
	for _, k := range h.mem.SessionKeys() {
		if k == c.Value {
			t.Error("the token itself is stored, not its hash")
		}
	}
	if err := h.SetDisabled("boss", "satu", true); err != nil || h.who(jar) != "" {
		t.Errorf("a disabled person is still signed in (%v)", err)
	}
	if _, _, err := h.signIn(t, "satu", good); !errors.Is(err, staff.WrongPassword) {
		t.Errorf("a disabled person signed in: %v", err)
	}
}

func TestSignInRenewsTheToken(t *testing.T) {
	h := open(t, false)
	jar := h.enter(t, "satu", staff.Staff)
	before := h.mem.SessionKeys()
	if _, err := h.do(jar, func(r *http.Request) error { return h.SignIn(r, "satu", good) }); err != nil {
		t.Fatal(err)
	}
	if after := h.mem.SessionKeys(); len(after) != 1 || after[0] == before[0] {
		t.Errorf("sessions before %v, after %v", before, after)
	}
}

func TestSessionEnds(t *testing.T) {
	for _, c := range []struct {
		name  string
		every time.Duration
		until time.Duration
	}{{"idle", 0, staff.IdleLimit + time.Minute}, {"absolute", 11 * time.Hour, staff.LifeLimit + 11*time.Hour}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, false)
				jar := h.enter(t, "satu", staff.Staff)
				start := time.Now()
				if c.every > 0 {
					for time.Since(start) < staff.LifeLimit-c.every {
						time.Sleep(c.every)
						if h.who(jar) == "" {
							t.Fatalf("signed out after %v in spite of being active", time.Since(start))
						}
					}
				}
				time.Sleep(c.until - time.Since(start))
				if h.who(jar) != "" {
					t.Errorf("still signed in after %v", c.until)
				}
			})
		})
	}
}

func TestChangePasswordSignsOutElsewhere(t *testing.T) {
	h := open(t, false)
	here := h.enter(t, "satu", staff.Staff)
	there, _, err := h.signIn(t, "satu", good)
	if err != nil {
		t.Fatal(err)
	}
	var live context.Context
	var still func() bool
	h.do(there, func(r *http.Request) error {
		live, _ = h.Live(r.Context())
		still = func() bool { return h.Still(r.Context()) }
		return nil
	})
	if !still() || live.Err() != nil {
		t.Fatal("a live stream ended at once")
	}
	change := func(old, new string) error {
		_, err := h.do(here, func(r *http.Request) error { return h.ChangePassword(r, old, new) })
		return err
	}
	for want, p := range map[staff.Problem][2]string{
		staff.WrongOwn: {"wrong", "uusi ja hyvin pitkä"}, staff.PasswordSame: {good, good}, staff.PasswordShort: {good, "short"},
	} {
		if err := change(p[0], p[1]); !errors.Is(err, want) {
			t.Errorf("%v: %v", want, err)
		}
	}
	if err := change(good, "uusi ja hyvin pitkä"); err != nil {
		t.Fatal(err)
	}
	if h.who(here) != "satu" || h.who(there) != "" {
		t.Errorf("after the change: here %q, there %q", h.who(here), h.who(there))
	}
	if live.Err() == nil || still() {
		t.Error("the live stream elsewhere was not cut")
	}
	if _, _, err := h.signIn(t, "satu", good); !errors.Is(err, staff.WrongPassword) {
		t.Errorf("the old password: %v", err)
	}
}

func TestSignOutStays(t *testing.T) {
	h := open(t, false)
	jar := h.enter(t, "satu", staff.Staff)
	// A request that began before the sign-out ends after it.
	_, err := h.do(jar, func(*http.Request) error {
		_, err := h.do(jar, func(r *http.Request) error { return h.SignOut(r.Context()) })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(h.mem.SessionKeys()); n != 0 {
		t.Errorf("%d sessions are stored after the sign-out", n)
	}
}

func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, false)
		h.enter(t, "satu", staff.Staff)
		var err error
		for range 10 {
			if _, _, err = h.signIn(t, "satu", "wrong"); !errors.Is(err, staff.WrongPassword) {
				t.Fatal(err)
			}
		}
		if _, _, err = h.signIn(t, "satu", good); !errors.Is(err, staff.TooManyTries) {
			t.Errorf("the eleventh try: %v", err)
		}
		time.Sleep(time.Minute)
		if _, _, err = h.signIn(t, "satu", good); err != nil {
			t.Errorf("after a minute: %v", err)
		}
		// One address with ever new names.
		for i := range 60 {
			_, _, err = h.signIn(t, strings.Repeat("n", i+1), "wrong")
		}
		if !errors.Is(err, staff.TooManyTries) {
			t.Errorf("sixty names from one address: %v", err)
		}
	})
}

func TestTokens(t *testing.T) {
	h := open(t, false)
	token, err := h.AddToken(staff.Console, "wall", staff.At(staff.Viewer, "illusia"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := h.TokenPerson(t.Context(), "Bearer "+token)
	if err != nil || !slices.Equal(p.Grants, staff.At(staff.Viewer, "illusia")) {
		t.Fatalf("%+v, %v", p, err)
	}
	for _, bad := range []string{"", "Bearer", "Bearer ", "Bearer yk_", "Basic " + token, token, "Bearer " + token + "x", "Bearer yk_" + strings.Repeat("A", 500)} {
		if _, err := h.TokenPerson(t.Context(), bad); !errors.Is(err, staff.ErrToken) {
			t.Errorf("%.30q: %v", bad, err)
		}
	}
	if err := h.RemoveToken(staff.Console, "wall"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.TokenPerson(t.Context(), "Bearer "+token); !errors.Is(err, staff.ErrToken) {
		t.Errorf("a removed token: %v", err)
	}
}

func TestInviteRefuses(t *testing.T) {
	h := open(t, false)
	h.invite(t, "satu", staff.Staff)
	for _, c := range []struct {
		name string
		role staff.Role
		site fleet.SiteID
	}{
		{"", staff.Staff, ""}, {"Console", staff.Staff, ""}, {"a\x1b[2J", staff.Staff, ""},
		{"SATU", staff.Staff, ""}, {"token wall", staff.Staff, ""}, {"..", staff.Staff, ""}, {"b", "boss", ""}, {"b", staff.Staff, "Ei Näin"},
	} {
		if _, err := h.Invite(staff.Console, staff.Newcomer{Name: c.name, Grants: []staff.Grant{{Role: c.role, Site: c.site}}}); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

func TestEverythingIsAudited(t *testing.T) {
	h := open(t, false)
	jar := h.enter(t, "satu", staff.Staff)
	h.do(jar, func(r *http.Request) error { return h.ChangePassword(r, good, "uusi ja hyvin pitkä") })
	h.do(jar, func(r *http.Request) error { return h.SignOut(r.Context()) })
	h.signIn(t, "satu", "uusi ja hyvin pitkä")
	h.Renew("boss", "satu")
	h.SetDisabled("boss", "satu", true)
	h.SetDisabled("boss", "satu", false)
	h.AddToken("boss", "wall", staff.At(staff.Viewer))
	h.RemoveToken("boss", "wall")
	entries, _ := h.mem.Entries("", 100)
	var got []string
	for _, e := range entries {
		got = append([]string{e.Who + " " + e.Action}, got...)
	}
	want := "console account_added, satu password_set, satu password_changed, satu signed_out, satu signed_in, " +
		"boss code_renewed, boss account_disabled, boss account_enabled, boss token_added, boss token_removed"
	if strings.Join(got, ", ") != want {
		t.Errorf("audit:\n%s\nwant:\n%s", strings.Join(got, ", "), want)
	}
}
