package main

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/session"
)

// Only a build of a commit as it is was tried by anybody.
func TestCommitted(t *testing.T) {
	set := func(kv ...string) *debug.BuildInfo {
		b := &debug.BuildInfo{}
		for i := 0; i < len(kv); i += 2 {
			b.Settings = append(b.Settings, debug.BuildSetting{Key: kv[i], Value: kv[i+1]})
		}
		return b
	}
	for _, c := range []struct {
		info *debug.BuildInfo
		want bool
	}{
		{set("vcs.revision", "0123456789abcdef", "vcs.modified", "false"), true},
		{set("vcs.revision", "0123456789abcdef", "vcs.modified", "true"), false},
		{set("vcs.revision", "0123456789abcdef"), false},
		{set("vcs.revision", "", "vcs.modified", "false"), false},
		{set(), false},
	} {
		if got := committed(c.info, true); got != c.want {
			t.Errorf("%v: %v", c.info.Settings, got)
		}
	}
	if committed(nil, false) {
		t.Error("a program without a history was tried")
	}
}

// A check waits until the machine is ready, but not for ever.
func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		settle(t.Context(), func() session.Status {
			switch took := time.Since(began); {
			case took < 3*time.Second:
				return session.Status{State: fleet.Erasing}
			case took < 5*time.Second:
				return session.Status{State: fleet.Starting}
			}
			return session.Status{State: fleet.Ready}
		})
		if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("waited %v", took)
		}
		began = time.Now()
		settle(t.Context(), func() session.Status { return session.Status{State: fleet.Starting} })
		if took := time.Since(began); took != settleTime {
			t.Errorf("waited %v for a machine that stays so", took)
		}
	})
}

// The kept proofs hold until somebody changes them.
func TestKeptProofsHold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "proofs.jsonl")
	_, key, _ := ed25519.GenerateKey(nil)
	p, err := openProver(path, key, "kabcdefghij23", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if p.verify() == nil {
		t.Error("a file that is not there holds")
	}
	for range 3 {
		if _, err := p.Prove([]fleet.Look{{At: "files"}}, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.verify(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cut := whole[:len(whole)-1]
	for cut[len(cut)-1] != '\n' {
		cut = cut[:len(cut)-1]
	}
	changed := append([]byte(nil), whole...)
	changed[len(changed)-20] ^= 1
	for name, text := range map[string][]byte{"the end is cut off": cut, "a byte is another": changed, "empty": nil} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if p.verify() == nil {
			t.Errorf("%s, and it holds", name)
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	p.kiosk = "kabcdefghij24"
	if p.verify() == nil {
		t.Error("another kiosk's holds")
	}
}
