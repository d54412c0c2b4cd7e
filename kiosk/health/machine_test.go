package health

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"yhteiskone/internal/fleet"
)

func TestMachine(t *testing.T) {
	const heading = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
	type files = map[string]string
	for name, c := range map[string]struct {
		proc, sys, run files
		want           fleet.Health
	}{
		"nothing to read": {},
		"a desktop": {
			proc: files{"asound/cards": " 0 [PCH            ]: HDA-Intel - HDA Intel PCH\n                      HDA Intel PCH at 0xf7f10000 irq 30\n", "swaps": heading},
			want: fleet.Health{Sound: new(true), Swap: new(false)}},
		"no sound card": {
			proc: files{"asound/cards": "--- no soundcards ---\n"}, want: fleet.Health{Sound: new(false)}},
		"swap in memory": {
			proc: files{"swaps": heading + "/dev/zram0 partition\t1000\t0\t100\n"}, want: fleet.Health{Swap: new(false)}},
		"swap on a disk": {
			proc: files{"swaps": heading + "/dev/zram0 partition\t1000\t0\t100\n/dev/sda2 partition\t1000\t0\t-2\n"}, want: fleet.Health{Swap: new(true)}},
		"an empty list of swaps": {proc: files{"swaps": ""}},
		"a laptop on mains": {
			sys: files{"class/power_supply/AC/type": "Mains\n", "class/power_supply/AC/online": "1\n",
				"class/power_supply/BAT0/type": "Battery\n", "class/power_supply/BAT0/capacity": "97\n", "class/power_supply/BAT0/status": "Full\n"},
			want: fleet.Health{OnMains: new(true), Battery: new(97)}},
		"a laptop unplugged": {
			sys: files{"class/power_supply/AC/type": "Mains\n", "class/power_supply/AC/online": "0\n",
				"class/power_supply/BAT0/type": "Battery\n", "class/power_supply/BAT0/capacity": "104\n",
				"class/power_supply/BAT1/type": "Battery\n", "class/power_supply/BAT1/capacity": "12\n"},
			want: fleet.Health{OnMains: new(false), Battery: new(12)}},
		"one of two chargers": {
			sys: files{"class/power_supply/A/type": "USB\n", "class/power_supply/A/online": "1\n",
				"class/power_supply/B/type": "Mains\n", "class/power_supply/B/online": "0\n"},
			want: fleet.Health{OnMains: new(true)}},
		"a battery that discharges": {
			sys:  files{"class/power_supply/BAT0/type": "Battery\n", "class/power_supply/BAT0/status": "Discharging\n"},
			want: fleet.Health{OnMains: new(false)}},
		"a battery that does not know": {
			sys: files{"class/power_supply/BAT0/type": "Battery\n", "class/power_supply/BAT0/status": "Unknown\n", "class/power_supply/BAT0/capacity": "x\n"}},
		"a wireless mouse": {
			sys: files{"class/power_supply/hidpp/type": "Battery\n", "class/power_supply/hidpp/scope": "Device\n",
				"class/power_supply/hidpp/capacity": "5\n", "class/power_supply/hidpp/status": "Discharging\n"}},
		"a restart is asked for":  {run: files{"reboot-required": ""}, want: fleet.Health{Updates: new(1)}},
		"updates":                 {run: files{"yhteiskone/updates": "14\n", "reboot-required": ""}, want: fleet.Health{Updates: new(14)}},
		"no updates":              {run: files{"yhteiskone/updates": "0\n"}, want: fleet.Health{Updates: new(0)}},
		"updates written badly":   {run: files{"yhteiskone/updates": "-3"}},
		"a good disk":             {run: files{"yhteiskone/smart": "sda PASSED\n"}, want: fleet.Health{DiskHealthy: new(true)}},
		"one bad disk of two":     {run: files{"yhteiskone/smart": "sda FAILED\nsdb PASSED\n"}, want: fleet.Health{DiskHealthy: new(false)}},
		"a disk that says naught": {run: files{"yhteiskone/smart": "sda UNKNOWN\nwhat is this\n"}},
		"a good card": {
			sys: files{"block/mmcblk0/device/pre_eol_info": "0x01\n", "block/mmcblk0/device/life_time": "0x02 0x01\n"}, want: fleet.Health{DiskHealthy: new(true)}},
		"a worn card": {
			sys: files{"block/mmcblk0/device/pre_eol_info": "0x01\n", "block/mmcblk0/device/life_time": "0x02 0x0B\n"}, want: fleet.Health{DiskHealthy: new(false)}},
		"a card at its end": {
			sys: files{"block/mmcblk0/device/pre_eol_info": "0x03\n"}, want: fleet.Health{DiskHealthy: new(false)}},
		"a card that says naught": {sys: files{"block/mmcblk0/device/pre_eol_info": "0x00\n"}},
	} {
		proc, sys, run := tree(t, c.proc), tree(t, c.sys), tree(t, c.run)
		got := fleet.Health{Sound: sound(proc), Swap: swap(proc), Updates: updates(run), DiskHealthy: diskHealthy(sys, run)}
		got.OnMains, got.Battery = power(sys)
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// The kernel answers everybody; what it says is the machine's affair.
func TestClockSet(t *testing.T) {
	if clockSet(t.TempDir()) == nil {
		t.Error("the kernel does not say whether its clock is set")
	}
}

// Where asking is not allowed, what the time service notes is read.
func TestClockNoted(t *testing.T) {
	for name, c := range map[string]struct {
		run  map[string]string
		want *bool
	}{
		"another service":   {},
		"not yet":           {run: map[string]string{"systemd/timesync/clock": ""}, want: new(false)},
		"it keeps the time": {run: map[string]string{"systemd/timesync/synchronized": ""}, want: new(true)},
	} {
		if got := clockNoted(tree(t, c.run)); !cmp.Equal(c.want, got) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
