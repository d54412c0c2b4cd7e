package store_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
)

// With -freeze a store of this version is kept for the versions to come. Do so
// before the layout changes, and never again afterwards.
var freeze = flag.Bool("freeze", false, "keep a store as this version writes it in testdata")

// lived fills a store with something of everything.
func lived(t *testing.T, s *store.Store) {
	t.Helper()
	code := identity.HashCode("0000-0000-0000")
	_, err := s.PutSites(fleet.Site{ID: "ranta", Name: "Päiväkeskus Ranta"}, fleet.Site{ID: "tori", Name: "Tori"})
	must(t, err)
	must(t, s.PutSettings(fleet.DefaultSettings(), map[fleet.SiteID]fleet.Settings{"ranta": wide()}))
	must(t, s.PutCode(store.Code{Hash: code, Site: "ranta", Name: "Kone", Place: "aula", Uses: 9, Expires: noon.Add(time.Hour)}, "console", noon))
	for n := range 3 {
		_, _, err := s.Enrol(gate.Use{CodeHash: code, PublicKey: bytes.Repeat([]byte{byte(n)}, 32), Hardware: "PC", At: noon, NewID: livedKiosk(n)})
		must(t, err)
	}
	_, err = s.ApplyHelp(fleet.HelpCall{ID: "00000000000000aa", Kiosk: one, At: noon}, 1, "boot")
	must(t, err)
	_, err = s.AnswerHelp(one, "ranta", "00000000000000aa", store.HelpReply{By: "satu", Who: "Satu V.", Answer: fleet.ComingSoon, Minutes: 5, At: noon})
	must(t, err)
	_, err = s.ApplyCounts(one, 2, fleet.Counts{Day: "2026-11-22", Sessions: 7, HelpCalls: 1, Ends: map[fleet.End]uint32{"button": 7}}, time.Now())
	must(t, err)
	_, _, err = s.ApplyProof(one, 3, fleet.WipeProof{Kiosk: one, Seq: 1, At: noon, Prev: make([]byte, 32), Looks: []fleet.Look{{}}, Signature: []byte{1}}, true, noon)
	must(t, err)
	must(t, s.PutOrder("satu", gate.Order{Kiosk: one, Command: fleet.Command{ID: "00000000000000c1", Name: fleet.ShowMessage, Text: "hei"},
		Expires: noon.Add(time.Hour)}, "ranta", noon))
	must(t, s.PutFaults([]store.FaultChange{{Kiosk: one, Fault: state.Fault{Code: fleet.DiskFull, Since: noon}, At: noon, Open: true}},
		map[fleet.KioskID][]state.Fault{one: {{Code: fleet.DiskFull, Severity: fleet.SeverityWarning, Since: noon}}}))
	must(t, s.PutSeen(map[fleet.KioskID]time.Time{one: noon}))
	must(t, s.SetAddress("https://agent.example"))
	must(t, s.AddAccount(staff.Account{Name: "satu", Shown: "Satu", Grants: staff.At(staff.Staff, "ranta"), PasswordHash: "$argon2id$x", Epoch: 3, Created: noon}))
	must(t, s.AddAccount(staff.Account{Name: "uusi", Shown: "Uusi", Grants: staff.At(staff.Admin), CodeHash: []byte("hash of a one-time code"), CodeExpires: noon.Add(time.Hour), Created: noon}))
	must(t, s.AddToken(staff.Token{Hash: bytes.Repeat([]byte{5}, 32), Name: "monitor", Grants: staff.At(staff.Viewer), Created: noon}))
	must(t, s.Web(func() time.Time { return noon }).Commit("hash of a session token", []byte("who is signed in"), noon.Add(time.Hour)))
}

func livedKiosk(n int) fleet.KioskID { return fleet.KioskID(fmt.Sprintf("kaaaaaaaaaaa%c", 'a'+n)) }

// recalled says what a store that lived has to know, whatever version wrote it.
// What lets somebody in is in a store, but not in a copy of it.
func recalled(t *testing.T, s *store.Store, isCopy bool) {
	t.Helper()
	kiosks, err := s.Kiosks()
	if err != nil || len(kiosks) != 3 || kiosks[0].Name != "Kone 1" || kiosks[0].Place != "aula" || kiosks[2].PublicKey[0] != 2 {
		t.Fatalf("%+v, %v", kiosks, err)
	}
	if sites, _ := s.Sites(); len(sites) != 2 || sites[0].Name != "Päiväkeskus Ranta" {
		t.Errorf("%+v", sites)
	}
	if set, err := s.Settings(kiosks[0]); err != nil || set.Phone != wide().Phone || len(set.Support) != 1 || set.Hours == nil || set.Version == 0 {
		t.Errorf("%+v %v", set, err)
	}
	if n, _ := s.Applied(one); n != 3 {
		t.Errorf("applied %d", n)
	}
	if c, boot, ok, _ := s.Help(one); !ok || boot != "boot" || c.Answer != fleet.ComingSoon || c.Minutes != 5 || c.Who != "Satu V." || !c.At.Equal(noon) {
		t.Errorf("%+v %q", c, boot)
	}
	if p, _ := s.Proof(one); p.Newest == nil || p.Newest.Seq != 1 || !p.Invalid.IsZero() {
		t.Errorf("%+v", p)
	}
	if o, _ := s.Orders(one, noon); len(o) != 1 || o[0].Command.Text != "hei" {
		t.Errorf("%+v", o)
	}
	if f, _ := s.OpenFaults(one); len(f) != 1 || f[0].Code != fleet.DiskFull || !f[0].Since.Equal(noon) {
		t.Errorf("%+v", f)
	}
	if seen, _ := s.Seen(); !seen[one].Equal(noon) {
		t.Errorf("%v", seen)
	}
	if a, _ := s.Address(); a != "https://agent.example" {
		t.Error(a)
	}
	if a, err := s.Account("satu"); err != nil || fmt.Sprint(a.Grants) != "[{staff ranta}]" || a.Epoch != 3 || a.PasswordHash != "$argon2id$x" {
		t.Errorf("%+v %v", a, err)
	}
	if tok, err := s.Token(bytes.Repeat([]byte{5}, 32)); err != nil || tok.Name != "monitor" {
		t.Errorf("%+v %v", tok, err)
	}
	if e, _ := s.Entries(one, 9); len(e) != 3 {
		t.Errorf("%+v", e)
	}
	a, err := s.Account("uusi")
	if err != nil || (len(a.CodeHash) > 0) == isCopy {
		t.Errorf("a one-time code: %+v %v", a, err)
	}
	if _, found, _ := s.Web(func() time.Time { return noon }).Find("hash of a session token"); found == isCopy {
		t.Errorf("a session: %v", found)
	}
	_, _, err = s.Enrol(gate.Use{CodeHash: identity.HashCode("0000-0000-0000"), PublicKey: bytes.Repeat([]byte{8}, 32), At: noon, NewID: "kzzzzzzzzzzzz"})
	if isCopy != errors.Is(err, gate.ErrCodeUnknown) || !isCopy && err != nil {
		t.Errorf("an enrolment code: %v", err)
	}
}

// What every version before this one wrote is opened by this one, and kept as
// it was if anything of it had to change.
func TestFrozen(t *testing.T) {
	path := filepath.Join("testdata", fmt.Sprintf("schema-%d.db.gz", store.Schema()))
	if *freeze {
		freezeTo(t, path)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("no store of this layout is kept; run go test ./agent/store -run TestFrozen -freeze (%v)", err)
	}
	files, err := filepath.Glob("testdata/schema-*.db.gz")
	must(t, err)
	for _, f := range files {
		dir := t.TempDir()
		thaw(t, f, filepath.Join(dir, store.FileName))
		s := open(t, dir)
		recalled(t, s, false)
		if h, err := s.Check(); err != nil || h.Schema != store.Schema() {
			t.Errorf("%s: %+v %v", f, h, err)
		}
	}
}

func freezeTo(t *testing.T, path string) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir)
	lived(t, s)
	must(t, s.Close())
	raw, err := os.ReadFile(filepath.Join(dir, store.FileName))
	must(t, err)
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	must(t, err)
	zip := gzip.NewWriter(out)
	_, err = zip.Write(raw)
	must(t, errors.Join(err, zip.Close(), out.Close()))
}

func thaw(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	must(t, err)
	defer in.Close()
	zip, err := gzip.NewReader(in)
	must(t, err)
	raw, err := io.ReadAll(zip)
	must(t, err)
	must(t, os.WriteFile(to, raw, 0o600))
}
