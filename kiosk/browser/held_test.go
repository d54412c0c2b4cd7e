package browser

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"yhteiskone/kiosk/accept"
	"yhteiskone/kiosk/session"
)

// Whatever rule is gone or changed, the ways out that it stops are open, and no
// others. What cannot be read holds nothing.
func TestHeld(t *testing.T) {
	for mode, p := range testPolicies() {
		text, err := JSON(p.Rules(), p.Extension, said{})
		if err != nil {
			t.Fatal(err)
		}
		whole, err := held(p.Rules(), text)
		if err != nil {
			t.Fatal(err)
		}
		for n := range attempts() {
			if !whole[n] {
				t.Errorf("%s: %d is open", mode, n)
			}
		}
		for _, rule := range p.Rules() {
			changed := strings.Replace(string(text), `"`+rule.Name+`"`, `"No`+rule.Name+`"`, 1)
			now, err := held(p.Rules(), []byte(changed))
			if err != nil {
				t.Fatal(err)
			}
			for n := range attempts() {
				if now[n] == slices.Contains(rule.Stops, n) {
					t.Errorf("%s without %s: %d is %v", mode, rule.Name, n, now[n])
				}
			}
		}
		for _, bad := range []string{"", "[]", "null", string(text[:100])} {
			now, err := held(p.Rules(), []byte(bad))
			if err != nil || len(now) == 0 || slices.Contains(slices.Collect(maps.Values(now)), true) {
				t.Errorf("%s: %.20q holds %v, %v", mode, bad, now, err)
			}
		}
	}
}

// The acceptance sheet knows which ways out it has to look at the policies for.
func TestPoliciesStop(t *testing.T) {
	for n := 1; n <= 47; n++ {
		if _, ok := attempts()[n]; ok != accept.PoliciesStop(n) {
			t.Errorf("%d: policies stop it %v", n, ok)
		}
	}
}

// What is looked at is what the running browser has, while one runs.
func TestHeldOfTheRunning(t *testing.T) {
	b := &Browser{o: Options{Dir: t.TempDir(), Allow: func() []string { return nil }, rules: Policy.Rules}, server: &server{host: "127.0.0.1:1"}}
	if _, err := b.Held(); !errors.Is(err, ErrNoBrowser) {
		t.Errorf("before the first: %v", err)
	}
	r, err := b.reign(session.Setup{})
	if err != nil {
		t.Fatal(err)
	}
	if all, err := b.Held(); err != nil || !all[1] || !all[47] {
		t.Errorf("%v, %v", all, err)
	}
	if err := os.WriteFile(filepath.Join(r.book.dir, policyFile), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if all, err := b.Held(); err != nil || all[1] {
		t.Errorf("emptied: %v, %v", all, err)
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Held(); !errors.Is(err, ErrNoBrowser) {
		t.Errorf("after the last: %v", err)
	}
}
