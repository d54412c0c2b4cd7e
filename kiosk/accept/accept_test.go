package accept

import (
	"strings"
	"testing"

	"yhteiskone/internal/fleet"
)

func ptr[T any](v T) *T { return &v }

// good is a machine on which all is well.
func good() Readings {
	yes, no := ptr(true), ptr(false)
	r := Readings{State: fleet.Ready, Software: &[]string{}, Tried: true, Image: "1.2", Verity: true, Chain: yes,
		Proof: &fleet.ProofSummary{Seq: 4, Clean: true}, Services: Services{All: 3, Probed: 3}, Printing: Printing{Server: true, Printers: ptr(1)},
		UEFI: yes, SecureBoot: yes, Root: no, OwnUser: yes, Bounded: yes, Untrusted: yes, Wall: yes, Ports: &[]string{}, NoCores: yes, Missing: &[]string{},
		Policies: map[int]bool{}, NoConsoles: yes, NoZap: yes, NoRestart: yes, NoSysRq: yes, Power: yes, NoMounter: yes,
		Health: fleet.Health{MemoryTotal: ptr(uint64(4 << 30)), DiskTotal: ptr(uint64(128 << 20)), DiskFree: ptr(uint64(120 << 20)), DiskHealthy: yes, Screens: ptr(1),
			Resolution: ptr("1366x768"), Keyboards: ptr(1), Pointers: ptr(1), Touch: no, NetworkUp: yes, Sound: yes, CardReader: yes,
			ClockSet: yes, Swap: no, NewKeyboards: ptr(0)}}
	for n := 1; n <= fleet.WaysCount; n++ {
		if PoliciesStop(n) {
			r.Policies[n] = true
		}
	}
	return r
}

func result(r Readings) fleet.SheetResult {
	return fleet.Sheet{Proof: r.Proof, Rows: Rows(r)}.Result()
}

func TestGood(t *testing.T) {
	got := result(good())
	if !got.Accepted() || !got.WipeProved || got.Ways != (fleet.Tally{All: 47, Here: 31, Build: 14, Hand: 2}) {
		t.Errorf("%+v: %v", got, Rows(good()))
	}
}

// What was not read does not pass: with nothing read nothing does.
func TestNothing(t *testing.T) {
	for _, row := range Rows(Readings{}) {
		switch row.Mark {
		case fleet.Unknown, fleet.ByHand:
		case fleet.Absent:
			if row.Code != "printer" { // none is configured: that is known
				t.Errorf("%+v", row)
			}
		case fleet.Failed:
			if row.Code != "image" { // the kernel's command line names none
				t.Errorf("%+v", row)
			}
		default:
			t.Errorf("%+v", row)
		}
	}
}

func TestRows(t *testing.T) {
	yes, no := ptr(true), ptr(false)
	for _, c := range []struct {
		code   string
		change func(*Readings)
		mark   fleet.Mark
		value  string
	}{
		{"memory", func(r *Readings) {}, fleet.Passed, "4.0 GiB"},
		{"memory", func(r *Readings) { r.Health.MemoryTotal = ptr(uint64(1 << 30)) }, fleet.Failed, "1.0 GiB"},
		{"memory", func(r *Readings) { r.Health.MemoryTotal = nil }, fleet.Unknown, ""},
		{"disk_space", func(r *Readings) {}, fleet.Passed, "120/128 MiB"},
		{"disk_space", func(r *Readings) { r.Health.DiskFree = ptr(uint64(1 << 20)) }, fleet.Failed, "1/128 MiB"},
		{"disk_health", func(r *Readings) { r.Health.DiskHealthy = no }, fleet.Failed, ""},
		{"disk_health", func(r *Readings) { r.Health.DiskHealthy = nil }, fleet.Unknown, ""},
		{"display", func(r *Readings) { r.Health.Resolution = ptr("800x600") }, fleet.Failed, "800x600"},
		{"display", func(r *Readings) { r.Health.Screens = ptr(0) }, fleet.Failed, "1366x768"},
		{"display", func(r *Readings) { r.Health.Screens = nil }, fleet.Unknown, ""},
		{"display", func(r *Readings) { r.Health.Resolution = ptr("wide") }, fleet.Failed, "wide"},
		{"input", func(r *Readings) {}, fleet.Passed, "1+1"},
		{"input", func(r *Readings) { r.Health.Pointers = ptr(0) }, fleet.Failed, "1+0"},
		{"input", func(r *Readings) { r.Health.Pointers, r.Health.Touch = ptr(0), yes }, fleet.Passed, "1+0"},
		{"input", func(r *Readings) { r.Health.Keyboards = nil }, fleet.Unknown, ""},
		{"network", func(r *Readings) { r.Health.NetworkUp = no }, fleet.Failed, ""},
		{"sound", func(r *Readings) { r.Health.Sound = no }, fleet.Failed, ""},
		{"printer", func(r *Readings) {}, fleet.Passed, "1"},
		{"printer", func(r *Readings) { r.Printing.Printers = ptr(0) }, fleet.Absent, "0"},
		{"printer", func(r *Readings) { r.Printing.Printers = nil }, fleet.Unknown, ""},
		{"printer", func(r *Readings) { r.Printing = Printing{} }, fleet.Absent, ""},
		{"card_reader", func(r *Readings) { r.Health.CardReader = no }, fleet.Absent, ""},
		{"card_reader", func(r *Readings) { r.Health.CardReader = nil }, fleet.Unknown, ""},
		{"secure_boot", func(r *Readings) { r.UEFI, r.SecureBoot = no, nil }, fleet.Absent, "BIOS"},
		{"secure_boot", func(r *Readings) { r.SecureBoot = no }, fleet.Failed, "UEFI"},
		{"secure_boot", func(r *Readings) { r.SecureBoot = nil }, fleet.Unknown, "UEFI"},
		{"secure_boot", func(r *Readings) { r.UEFI, r.SecureBoot = nil, nil }, fleet.Unknown, ""},
		{"clock", func(r *Readings) { r.Health.ClockSet = no }, fleet.Failed, ""},
		{"software", func(r *Readings) { r.Software = &[]string{"fonts", "state"} }, fleet.Failed, "fonts state"},
		{"software", func(r *Readings) { r.Software = nil }, fleet.Unknown, ""},
		{"image", func(r *Readings) {}, fleet.Passed, "1.2"},
		{"image", func(r *Readings) { r.Verity = false }, fleet.Failed, "1.2"},
		{"kernel", func(r *Readings) { r.Missing = &[]string{"init_on_free=1"} }, fleet.Failed, "init_on_free=1"},
		{"kernel", func(r *Readings) { r.Missing = nil }, fleet.Unknown, ""},
		{"user", func(r *Readings) { r.Root = yes }, fleet.Failed, ""},
		{"user", func(r *Readings) { r.Root = nil }, fleet.Unknown, ""},
		{"client_user", func(r *Readings) { r.OwnUser = no }, fleet.Failed, ""},
		{"group", func(r *Readings) { r.Bounded = no }, fleet.Failed, ""},
		{"x_trust", func(r *Readings) { r.Untrusted = no }, fleet.Failed, ""},
		{"x_trust", func(r *Readings) { r.Untrusted, r.Health.Touch = no, yes }, fleet.Absent, "touch"},
		{"nft", func(r *Readings) { r.Wall = no }, fleet.Failed, ""},
		{"nft", func(r *Readings) { r.Wall = nil }, fleet.Unknown, ""},
		{"ports", func(r *Readings) { r.Ports = &[]string{"22"} }, fleet.Failed, "22"},
		{"ports", func(r *Readings) { r.Ports = nil }, fleet.Unknown, ""},
		{"swap", func(r *Readings) { r.Health.Swap = yes }, fleet.Failed, ""},
		{"swap", func(r *Readings) { r.Health.Swap = nil }, fleet.Unknown, ""},
		{"cores", func(r *Readings) { r.NoCores = no }, fleet.Failed, ""},
		{"wipe", func(r *Readings) {}, fleet.Passed, "4"},
		{"wipe", func(r *Readings) { r.Proof.Clean = false }, fleet.Failed, "4"},
		{"wipe", func(r *Readings) { r.Chain = no }, fleet.Failed, "4"},
		{"wipe", func(r *Readings) { r.Chain = nil }, fleet.Unknown, "4"},
		{"wipe", func(r *Readings) { r.State = fleet.OutOfOrder }, fleet.Failed, "4"},
		{"wipe", func(r *Readings) { r.Proof = nil }, fleet.Unknown, ""},
		{"wipe", func(r *Readings) { r.Proof, r.State = nil, fleet.OutOfOrder }, fleet.Failed, ""},
		{"services", func(r *Readings) {}, fleet.Passed, "3/3"},
		{"services", func(r *Readings) { r.Services.Probed = 1 }, fleet.Unknown, "1/3"},
		{"services", func(r *Readings) { r.Services.Probed = 0 }, fleet.Unknown, ""},
		{"services", func(r *Readings) { r.Services.Down = []string{"Kela"} }, fleet.Failed, "2/3 Kela"},
		{"services", func(r *Readings) { r.Services = Services{} }, fleet.Unknown, ""},
		{"way_01", func(r *Readings) {}, fleet.Passed, ""},
		{"way_01", func(r *Readings) { r.Policies[1] = false }, fleet.Failed, ""},
		{"way_01", func(r *Readings) { delete(r.Policies, 1) }, fleet.Unknown, ""},
		{"way_01", func(r *Readings) { r.Policies = nil }, fleet.Unknown, ""},
		{"way_01", func(r *Readings) { r.Tried = false }, fleet.Unknown, ""},
		{"way_01", func(r *Readings) { r.Tried, r.Policies[1] = false, false }, fleet.Failed, ""},
		{"way_07", func(r *Readings) {}, fleet.AtBuild, ""},
		{"way_07", func(r *Readings) { r.Tried = false }, fleet.Unknown, ""},
		{"way_30", func(r *Readings) { r.NoConsoles = no }, fleet.Failed, ""},
		{"way_30", func(r *Readings) { r.NoConsoles = nil }, fleet.Unknown, ""},
		{"way_31", func(r *Readings) { r.NoZap = no }, fleet.Failed, ""},
		{"way_32", func(r *Readings) { r.NoRestart = no }, fleet.Failed, ""},
		{"way_33", func(r *Readings) { r.NoSysRq = no }, fleet.Failed, ""},
		{"way_35", func(r *Readings) { r.Power = no }, fleet.Failed, ""},
		{"way_36", func(r *Readings) {}, fleet.ByHand, ""},
		{"way_37", func(r *Readings) { r.NoMounter = no }, fleet.Failed, ""},
		{"way_38", func(r *Readings) {}, fleet.Passed, ""},
		{"way_38", func(r *Readings) { r.Health.NewKeyboards = ptr(1) }, fleet.Failed, ""},
		{"way_38", func(r *Readings) { r.Health.NewKeyboards = nil }, fleet.Unknown, ""},
		{"way_39", func(r *Readings) {}, fleet.ByHand, ""},
	} {
		r := good()
		c.change(&r)
		rows := Rows(r)
		for _, row := range rows {
			if row.Code == c.code && (row.Mark != c.mark || row.Value != c.value) {
				t.Errorf("%s: %s %q, want %s %q", c.code, row.Mark, row.Value, c.mark, c.value)
			}
		}
		// Nothing else changes, but what hangs on the same reading.
		if open, now := result(r).Rest.Open()+result(r).Ways.Open() > 0, c.mark == fleet.Failed || c.mark == fleet.Unknown; open != now {
			t.Errorf("%s %s: open %v", c.code, c.mark, open)
		}
	}
}

// What settings stop is stopped whoever built the program; what its tests have
// to try is not known of a build that is no commit.
func TestUnknownBuild(t *testing.T) {
	r := good()
	r.Tried = false
	if got := result(r); got.Ways != (fleet.Tally{All: 47, Here: 7, Hand: 2, Unknown: 38}) || got.Accepted() {
		t.Errorf("%+v", got)
	}
}

func TestCut(t *testing.T) {
	for in, want := range map[string]string{"": "", " a\nb ": "a b", "\x00\xff": "", strings.Repeat("ä", 40): strings.Repeat("ä", 32), strings.Repeat("x", 70): strings.Repeat("x", 64)} {
		if got := Cut(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
