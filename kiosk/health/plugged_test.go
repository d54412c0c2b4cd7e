package health

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yhteiskone/internal/fleet"
)

// tree writes files below a folder of the test's own.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	plant(t, dir, files)
	return dir
}

func plant(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// What real machines list.
const (
	powerButton = `I: Bus=0019 Vendor=0000 Product=0001 Version=0000
N: Name="Power Button"
P: Phys=PNP0C0C/button/input0
S: Sysfs=/devices/LNXSYSTM:00/LNXSYBUS:00/PNP0C0C:00/input/input0
U: Uniq=
H: Handlers=kbd event0
B: PROP=0
B: EV=3
B: KEY=10000000000000 0

`
	ps2Keyboard = `I: Bus=0011 Vendor=0001 Product=0001 Version=ab41
N: Name="AT Translated Set 2 keyboard"
P: Phys=isa0060/serio0/input0
S: Sysfs=/devices/platform/i8042/serio0/input/input2
U: Uniq=
H: Handlers=sysrq kbd leds event2
B: PROP=0
B: EV=120013
B: KEY=402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe
B: MSC=10
B: LED=7

`
	usbKeyboard = `I: Bus=0003 Vendor=413c Product=2113 Version=0111
N: Name="Dell KB216 Wired Keyboard"
P: Phys=usb-0000:00:14.0-1/input0
S: Sysfs=/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/0003:413C:2113.0001/input/input5
U: Uniq=
H: Handlers=sysrq kbd leds event5
B: PROP=0
B: EV=120013
B: KEY=1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe
B: MSC=10
B: LED=1f

I: Bus=0003 Vendor=413c Product=2113 Version=0111
N: Name="Dell KB216 Wired Keyboard Consumer Control"
P: Phys=usb-0000:00:14.0-1/input1
S: Sysfs=/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.1/0003:413C:2113.0002/input/input7
U: Uniq=
H: Handlers=kbd event7
B: PROP=0
B: EV=1f
B: KEY=300ff 0 0 483ffff17aff32d bfd4444600000000 1 130c730b17c000 267bfad9415fed 9e168000004400 10000002
B: REL=1040
B: ABS=100000000
B: MSC=10

`
	usbMouse = `I: Bus=0003 Vendor=046d Product=c077 Version=0111
N: Name="Logitech USB Optical Mouse"
P: Phys=usb-0000:00:14.0-2/input0
S: Sysfs=/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/0003:046D:C077.0003/input/input8
U: Uniq=
H: Handlers=mouse0 event8
B: PROP=0
B: EV=17
B: KEY=ff0000 0 0 0 0
B: REL=903
B: MSC=10

`
	touchPad = `I: Bus=0011 Vendor=0002 Product=0007 Version=01b1
N: Name="SynPS/2 Synaptics TouchPad"
P: Phys=isa0060/serio1/input0
S: Sysfs=/devices/platform/i8042/serio1/input/input6
U: Uniq=
H: Handlers=mouse1 event6
B: PROP=5
B: EV=b
B: KEY=e520 10000 0 0 0 0
B: ABS=660800011000003

`
	touchScreen = `I: Bus=0003 Vendor=04f3 Product=2234 Version=0110
N: Name="ELAN Touchscreen"
P: Phys=usb-0000:00:14.0-4/input0
S: Sysfs=/devices/pci0000:00/0000:00:14.0/usb1/1-4/1-4:1.0/0003:04F3:2234.0004/input/input9
U: Uniq=
H: Handlers=mouse2 event9
B: PROP=2
B: EV=1b
B: KEY=400 0 0 0 0 0
B: ABS=3273800000000003
B: MSC=20

`
	tablet = `I: Bus=0003 Vendor=0627 Product=0001 Version=0001
N: Name="QEMU QEMU USB Tablet"
P: Phys=usb-0000:00:04.0-1/input0
S: Sysfs=/devices/pci0000:00/0000:00:04.0/usb1/1-1/1-1:1.0/0003:0627:0001.0001/input/input3
U: Uniq=
H: Handlers=mouse0 event3
B: PROP=0
B: EV=1f
B: KEY=70000 0 0 0 0
B: REL=900
B: ABS=3
B: MSC=10

`
	headset = `I: Bus=0003 Vendor=0d8c Product=0014 Version=0100
N: Name="C-Media USB Headphone Set"
P: Phys=usb-0000:00:14.0-3/input3
S: Sysfs=/devices/pci0000:00/0000:00:14.0/usb1/1-3/1-3:1.3/0003:0D8C:0014.0005/input/input11
U: Uniq=
H: Handlers=kbd event11
B: PROP=0
B: EV=13
B: KEY=e000000000000 0
B: MSC=10

`
)

func TestInputs(t *testing.T) {
	for name, c := range map[string]struct {
		list                string
		keyboards, pointers int
		touch               bool
	}{
		"an office PC":                {powerButton + usbKeyboard + usbMouse, 1, 1, false},
		"a laptop":                    {powerButton + ps2Keyboard + touchPad, 1, 1, false},
		"a laptop with USB ones":      {ps2Keyboard + touchPad + usbKeyboard + usbMouse, 2, 2, false},
		"a touch screen":              {powerButton + touchScreen, 0, 0, true},
		"a touch screen that clicks":  {strings.ReplaceAll(touchScreen, "KEY=400 0 ", "KEY=400 10000 "), 0, 0, true},
		"a guest with a tablet":       {ps2Keyboard + tablet, 1, 1, false},
		"nothing to write with":       {powerButton + headset + usbMouse, 0, 1, false},
		"nothing at all":              {"", 0, 0, false},
		"two mice on one hub":         {usbMouse + strings.ReplaceAll(usbMouse, "14.0-2", "14.0-3"), 0, 2, false},
		"two that do not say where":   {strings.ReplaceAll(usbMouse+usbMouse, "P: Phys=usb-0000:00:14.0-2/input0", "P: Phys="), 0, 2, false},
		"a list that breaks off":      {usbKeyboard + "I: Bus=0003\nB: KEY=zz\nB: REL", 1, 0, false},
		"a map with too many letters": {strings.ReplaceAll(usbMouse, "KEY=ff0000", "KEY=ffffffffffffffffff"), 0, 0, false},
	} {
		s := New(Config{})
		s.proc, s.sys = tree(t, map[string]string{"bus/input/devices": c.list}), t.TempDir()
		var h fleet.Health
		s.plugged(&h, time.Minute)
		want := fleet.Health{Keyboards: &c.keyboards, Pointers: &c.pointers, Touch: &c.touch}
		if d := cmp.Diff(want, h); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// port is what the kernel shows of one device: its classes, an interface each.
func port(name, number, maker, product string, classes ...string) map[string]string {
	files := map[string]string{"bus/usb/devices/" + name + "/devnum": number + "\n",
		"bus/usb/devices/" + name + "/idVendor": maker + "\n", "bus/usb/devices/" + name + "/idProduct": product + "\n"}
	for i, c := range classes {
		at := "bus/usb/devices/" + name + ":1." + string(rune('0'+i)) + "/"
		f := strings.Split(c, "/")
		files[at+"bInterfaceClass"], files[at+"bInterfaceSubClass"], files[at+"bInterfaceProtocol"] = f[0]+"\n", f[1]+"\n", f[2]+"\n"
	}
	return files
}

func unplug(t *testing.T, sys, name string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(sys, "bus/usb/devices", name+"*"))
	if err != nil || len(all) == 0 {
		t.Fatalf("%s is not plugged in: %v", name, err)
	}
	for _, f := range all {
		if err := os.RemoveAll(f); err != nil {
			t.Fatal(err)
		}
	}
}

// usbMachine is a machine with a keyboard and a mouse, looked at as often as a
// test wants.
type usbMachine struct {
	t            *testing.T
	sys, runtime string
	proc         string
	s            *Sensors
	uptime       time.Duration
}

func newUSBMachine(t *testing.T) *usbMachine {
	files := port("1-1", "2", "413c", "2113", "03/01/01", "03/00/00")
	maps.Copy(files, port("1-2", "3", "046d", "c077", "03/01/02"))
	maps.Copy(files, port("usb1", "1", "1d6b", "0002", "09/00/01"))
	m := &usbMachine{t: t, sys: tree(t, files), runtime: t.TempDir(), uptime: 20 * time.Second,
		proc: tree(t, map[string]string{"bus/input/devices": usbKeyboard + usbMouse, "sys/kernel/random/boot_id": "boot-1\n"})}
	m.restart()
	return m
}

func (m *usbMachine) restart() {
	m.s = New(Config{Runtime: m.runtime})
	m.s.proc, m.s.sys = m.proc, m.sys
}

// says looks again, later, and compares.
func (m *usbMachine) says(what string, changes, keyboards int) {
	m.t.Helper()
	m.uptime += 15 * time.Second
	var h fleet.Health
	m.s.plugged(&h, m.uptime)
	if h.USBChanges == nil || *h.USBChanges != changes || h.NewKeyboards == nil || *h.NewKeyboards != keyboards {
		m.t.Errorf("%s: %s, want %d changes and %d new keyboards", what, cmp.Diff(fleet.Health{}, h), changes, keyboards)
	}
}

func TestPluggedSinceBoot(t *testing.T) {
	m := newUSBMachine(t)
	m.says("at first", 0, 0)
	plant(t, m.sys, port("1-3", "4", "08e6", "3437", "0b/00/00"))
	m.says("a reader that the kernel found late", 0, 0)
	m.says("a little later", 0, 0)
	m.says("settled", 0, 0)
	plant(t, m.sys, port("1-4", "5", "04e8", "6860", "06/01/01"))
	m.says("a phone", 1, 0)
	plant(t, m.sys, port("1-5", "6", "dead", "beef", "03/01/01"))
	m.says("a second keyboard", 2, 1)
	m.restart()
	m.says("the kiosk starts anew", 2, 1)
	unplug(t, m.sys, "1-4")
	m.says("the phone is gone again", 1, 1)
	unplug(t, m.sys, "1-5")
	m.says("and the keyboard", 0, 0)
	unplug(t, m.sys, "1-1")
	m.says("its own keyboard is pulled out", 1, 0)
	plant(t, m.sys, port("1-1", "7", "413c", "2113", "03/01/01", "03/00/00"))
	m.says("and put back", 1, 0)
	unplug(t, m.sys, "1-2")
	plant(t, m.sys, port("1-2", "8", "046d", "c31c", "03/01/01"))
	m.says("a keyboard where the mouse was", 3, 1)

	plant(t, m.proc, map[string]string{"sys/kernel/random/boot_id": "boot-2\n"})
	m.uptime = 0
	m.says("after a boot", 0, 0)
}

// A device that writes without saying that firmware understands it is a
// keyboard all the same; one without interfaces is not yet there.
func TestKeyboardsInDisguise(t *testing.T) {
	m := newUSBMachine(t)
	m.says("at first", 0, 0)
	m.uptime += time.Minute
	plant(t, m.sys, port("1-1.4", "9", "feed", "face", "03/00/00"))
	plant(t, m.proc, map[string]string{"bus/input/devices": usbKeyboard + strings.ReplaceAll(usbKeyboard, "usb1/1-1/1-1:", "usb1/1-1/1-1.4/1-1.4:")})
	m.says("a stick that writes", 1, 1)
	plant(t, m.sys, port("1-6", "10", "dead", "beef"))
	m.says("one that is still getting known", 1, 1)
}

// Neither maker nor serial number of what is plugged in is kept: a client's
// phone has them.
func TestPluggedKeepsNoNames(t *testing.T) {
	m := newUSBMachine(t)
	plant(t, m.sys, port("1-4", "5", "04e8", "6860", "06/01/01"))
	plant(t, m.sys, map[string]string{"bus/usb/devices/1-4/serial": "R58N12ABCDE", "bus/usb/devices/1-4/product": "Galaxy"})
	m.says("with a phone", 0, 0)
	text, err := os.ReadFile(filepath.Join(m.runtime, "plugged.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"04e8", "6860", "R58N", "Galaxy"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("%q is kept: %s", secret, text)
		}
	}
	if info, err := os.Stat(filepath.Join(m.runtime, "plugged.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestDamagedBaseline(t *testing.T) {
	m := newUSBMachine(t)
	m.says("at first", 0, 0)
	m.uptime += time.Minute
	plant(t, m.sys, port("1-5", "6", "dead", "beef", "03/01/01"))
	plant(t, m.runtime, map[string]string{"plugged.json": `{"boot": 7`})
	m.restart()
	m.says("a damaged file begins anew", 0, 0)
	m.restart()
	m.says("and is whole again", 0, 0)
}

func TestCardReader(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  *bool
	}{
		"no USB":                  {nil, nil},
		"nothing plugged in":      {port("usb1", "1", "1d6b", "0002", "09/00/01"), new(false)},
		"a reader":                {port("1-1", "2", "08e6", "3437", "0b/00/00"), new(true)},
		"a keyboard with one":     {port("1-1", "2", "04f2", "1469", "03/01/01", "0b/00/00"), new(true)},
		"one of the old ones":     {port("1-1", "2", "072f", "9000", "ff/00/00"), new(true)},
		"a stranger of the maker": {port("1-1", "2", "072f", "1111", "ff/00/00"), new(false)},
	} {
		s := New(Config{})
		s.proc, s.sys = t.TempDir(), tree(t, c.files)
		var h fleet.Health
		s.plugged(&h, time.Minute)
		if d := cmp.Diff(c.want, h.CardReader); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		if got := CardReader(s.sys); got != (c.want != nil && *c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
