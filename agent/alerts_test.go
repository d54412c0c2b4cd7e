package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"yhteiskone/agent/dashboard"
	"yhteiskone/agent/notify"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// told lists what waits to be told.
func told(t *testing.T, a *alerts) (all []string) {
	t.Helper()
	letters, err := a.store.Letters()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range letters {
		all = append(all, fmt.Sprintf("%s %s", l.Event.Kind, l.Event.Code))
	}
	return all
}

// People are told once of what lasts, and once that it is over; a call for
// help that is answered in time is nobody else's business.
func TestFollow(t *testing.T) {
	act, id, call := staffed(t)
	act.config.location, act.config.Alerts.help = time.UTC, 2*time.Minute
	if err := act.store.PutSettings(fleet.DefaultSettings(), nil); err != nil {
		t.Fatal(err)
	}
	service, err := newStaff(staff.Config{Log: act.log}, act.store)
	if err != nil {
		t.Fatal(err)
	}
	act.people = &people{staff: service}
	a := newAlerts(act.agent)
	if err := a.store.AddAccount(staff.Account{Name: "satu", Grants: staff.At(staff.Staff, "ranta"), Created: time.Now()}); err != nil {
		t.Fatal(err)
	}
	for i, target := range []notify.Target{{Owner: "satu"}, {Owner: "nobody"}, {Site: "ranta"}, {Site: "muu"}} {
		target.ID, target.Channel, target.Address, target.Faults, target.Help, target.Lang, target.Digest = fmt.Sprintf("%016x", i), notify.ByMail, "a@b.fi", true, true, "fi", -1
		target.Changed = time.Now()
		if err := a.store.PutTarget("satu", target); err != nil {
			t.Fatal(err)
		}
	}
	a.board.PutSite("ranta", "Ranta", state.Place{Grace: 5 * time.Minute})
	begun := time.Now()
	look := func(after time.Duration, want ...string) {
		t.Helper()
		if err := a.look(begun.Add(after), false); err != nil {
			t.Fatal(err)
		}
		if got := told(t, a); strings.Join(got, ",") != strings.Join(want, ",") {
			t.Fatalf("after %v: %q, want %q", after, got, want)
		}
	}
	epoch := a.board.Connected(id)
	a.board.Report(id, epoch, fleet.Report{At: time.Now(), State: fleet.Ready, Faults: []fleet.Code{fleet.StateNotKept}})
	look(time.Minute)
	look(119 * time.Second)
	help, both := []string{"help_waits ", "help_waits "}, []string{"help_waits ", "help_waits ", "fault_opened state_not_kept", "fault_opened state_not_kept"}
	look(121*time.Second, help...)
	look(122*time.Second, help...)
	look(301*time.Second, both...)
	if err := act.Answer(t.Context(), "satu", id, call, dashboard.Reply{Answer: fleet.Coming}); err != nil {
		t.Fatal(err)
	}
	look(302*time.Second, both[2:]...) // nobody need be told of a call that was answered
	a.board.Report(id, epoch, fleet.Report{At: time.Now(), State: fleet.Ready})
	look(303*time.Second, both[2:]...)
	a.board.Report(id, epoch, fleet.Report{At: time.Now(), State: fleet.Ready, Faults: []fleet.Code{fleet.StateNotKept}})
	look(340*time.Second, both[2:]...)
	a.board.Report(id, epoch, fleet.Report{At: time.Now(), State: fleet.Ready})
	look(341*time.Second, both[2:]...)
	look(390*time.Second, both[2:]...) // it came back meanwhile: not yet well for long enough
	a = newAlerts(act.agent)           // a restart forgets nothing
	look(400*time.Second, both[2:]...)
	look(461*time.Second, append(both[2:], "fault_closed state_not_kept", "fault_closed state_not_kept")...)
}

// Who asked for a kind of faults is told of that kind, by the row of each fault
// in the catalogue, also when it is over.
func TestFollowByAudience(t *testing.T) {
	act, id, call := staffed(t)
	act.config.location = time.UTC
	if err := act.store.PutSettings(fleet.DefaultSettings(), nil); err != nil {
		t.Fatal(err)
	}
	act.board.HelpOver(id, call)
	a := newAlerts(act.agent)
	for _, only := range notify.Audiences() {
		target := notify.Target{ID: fmt.Sprintf("%016d", len(only)), Site: "ranta", Channel: notify.ByMail, Address: "a@b.fi", Lang: "fi", Faults: true, Only: only, Digest: -1, Changed: time.Now()}
		if err := a.store.PutTarget("satu", target); err != nil {
			t.Fatal(err)
		}
		if all, err := a.store.Targets(); err != nil || !slices.ContainsFunc(all, func(t notify.Target) bool { return t.ID == target.ID && t.Only == only }) {
			t.Fatalf("kept %+v, %v", all, err)
		}
	}
	a.board.PutSite("ranta", "Ranta", state.Place{Grace: time.Minute})
	begun := time.Now()
	heard := func() map[string]string {
		letters, err := a.store.Letters()
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		for _, l := range letters {
			all[l.Target] += string(l.Event.Kind) + " " + string(l.Event.Code) + ","
		}
		return all
	}
	look := func(after time.Duration) {
		if err := a.look(begun.Add(after), false); err != nil {
			t.Fatal(err)
		}
	}
	epoch := a.board.Connected(id)
	healthy := false
	a.board.Report(id, epoch, fleet.Report{At: time.Now(), State: fleet.OutOfOrder, Faults: []fleet.Code{fleet.BrowserFailing}, Health: fleet.Health{DiskHealthy: &healthy}})
	look(time.Hour)
	a.board.Report(id, epoch, fleet.Report{At: time.Now(), State: fleet.Ready})
	look(2 * time.Hour)
	look(3 * time.Hour)
	all, both := heard(), func(code fleet.Code) string {
		return "fault_opened " + string(code) + ",fault_closed " + string(code) + ","
	}
	for only, want := range map[notify.Audience]string{notify.ForStaff: both(fleet.BrowserFailing), notify.ForTechnician: both(fleet.DiskFailing)} {
		if got := all[fmt.Sprintf("%016d", len(only))]; got != want {
			t.Errorf("%q is told %q, want %q", only, got, want)
		}
	}
	if got := all[fmt.Sprintf("%016d", 0)]; strings.Count(got, "fault_opened") != 2 || strings.Count(got, "fault_closed") != 2 {
		t.Errorf("everybody is told %q", got)
	}
}

func TestMailConfig(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("sala sana\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := configured(t, "[mail]\nserver = \"smtp.example.fi:587\"\nfrom = \"a@example.fi\"\nuser = \"u\"\npassword_file = \""+secret+"\"\n[alerts]\ngrace = \"1m\"\nallow = [\"http://ntfy.lan:8080\"]\n")
	if err != nil || c.Mail.checked.Password != "sala sana" || c.Mail.checked.TLS != notify.StartTLS || c.Alerts.grace != time.Minute || c.Alerts.help != 2*time.Minute {
		t.Errorf("%+v, %v", c.Mail, err)
	}
	for text, says := range map[string]string{
		"[mail]\nserver = \"smtp\"\nfrom = \"a@b.fi\"":                            "mail: server:",
		"[mail]\nserver = \"smtp:0\"\nfrom = \"a@b.fi\"":                          "mail: server:",
		"[mail]\nserver = \"smtp:25\"\nfrom = \"x\"":                              "mail: from:",
		"[mail]\nserver = \"smtp:25\"\nfrom = \"a@b.fi\"\ntls = \"none\"":         "mail: tls:",
		"[mail]\nserver = \"smtp:25\"\nfrom = \"a@b.fi\"\ntls = \"ssl\"":          "mail: tls is",
		"[mail]\nserver = \"smtp:25\"\nfrom = \"a@b.fi\"\nuser = \"u\"":           "belong together",
		"[mail]\nserver = \"smtp:25\"\nfrom = \"a@b.fi\"\npassword_file = \"/x\"": "password_file",
		"[alerts]\nallow = [\"ntfy.lan\"]":                                        "alerts: allow:",
		"[alerts]\nallow = [\"https://ntfy.lan/topic\"]":                          "alerts: allow:",
		"[alerts]\ngrace = \"25h\"":                                               "alerts: grace",
	} {
		if _, err := configured(t, text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

// Who is reached is asked of the one place that decides, with the account as
// it is now.
func TestReach(t *testing.T) {
	act, _, _ := staffed(t)
	service, err := newStaff(staff.Config{Log: act.log}, act.store)
	if err != nil {
		t.Fatal(err)
	}
	act.people = &people{staff: service}
	for _, a := range []staff.Account{
		{Name: "two", Grants: []staff.Grant{{Role: staff.Viewer, Site: "ranta"}, {Role: staff.Staff, Site: "tori"}}},
		{Name: "all", Grants: staff.At(staff.Viewer)},
		{Name: "off", Grants: staff.At(staff.Viewer), Disabled: true},
		{Name: "bare", Grants: staff.At(staff.Admin)},
		{Name: "safe", Grants: staff.At(staff.Admin), Factor: staff.Factor{Secret: []byte("x")}},
	} {
		if err := act.store.AddAccount(a); err != nil {
			t.Fatal(err)
		}
	}
	if err := service.SetRules(staff.Console, staff.Rules{Factor: []staff.Role{staff.Admin}}); err != nil {
		t.Fatal(err)
	}
	for who, where := range map[string]string{"two": "ranta tori", "all": "ranta tori muu", "off": "", "bare": "", "safe": "ranta tori muu", "nobody": "", "": ""} {
		for _, site := range []string{"ranta", "tori", "muu"} {
			if got, want := act.reach(who, fleet.SiteID(site)), strings.Contains(where, site); got != want {
				t.Errorf("%q at %s: %v", who, site, got)
			}
		}
	}
}
