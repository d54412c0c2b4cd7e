package store

import (
	"testing"
	"time"

	"yhteiskone/agent/notify"
	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// With an account goes what its owner was told of, and what waits for them:
// somebody else may get the same name.
func TestOwnTargetsGoWithTheAccount(t *testing.T) {
	s := opened(t, t.TempDir())
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, name := range []string{"satu", "olli"} {
		if err := s.AddAccount(staff.Account{Name: name, Grants: staff.At(staff.Staff), Created: now}); err != nil {
			t.Fatal(err)
		}
	}
	var letters []notify.Letter
	for id, owner := range map[string]string{"1": "satu", "2": "olli", "3": ""} {
		if err := s.PutTarget("satu", notify.Target{ID: id, Owner: owner, Channel: notify.ByMail, Address: "a@b.fi", Lang: "fi", Help: true, Digest: -1, Changed: now}); err != nil {
			t.Fatal(err)
		}
		letters = append(letters, notify.Letter{ID: "letter " + id, Target: id, Due: now})
	}
	if _, err := s.Tell(notify.Event{Kind: notify.HelpWaits, Incident: "help/1", At: now, Site: fleet.SiteID("ranta")}, letters); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteAccount("satu"); err != nil {
		t.Fatal(err)
	}
	targets, err := s.Targets()
	if err != nil || len(targets) != 2 || targets[0].ID != "2" || targets[1].ID != "3" {
		t.Errorf("%+v, %v", targets, err)
	}
	waiting, err := s.Letters()
	if err != nil || len(waiting) != 2 {
		t.Errorf("%+v, %v", waiting, err)
	}
	for _, l := range waiting {
		if l.Target == "1" {
			t.Error("a letter waits for somebody who is gone")
		}
	}
}
