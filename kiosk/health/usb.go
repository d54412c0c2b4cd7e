package health

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

// settleTime is how long after the first look what comes still belongs to the
// machine: slow hubs are found late.
const settleTime = 30 * time.Second

// usbDevice is one thing that is plugged in. It is known by the port and by
// what it can do; who made it and its serial number are neither kept nor told,
// because a client's phone has them too.
type usbDevice struct {
	Port    string   `json:"port"`    // for example "1-1.4"
	Classes []string `json:"classes"` // of its interfaces, for example "03/01/01"
	Number  string   `json:"number"`  // given anew each time it is plugged in

	keyboard, reader bool
}

// same reports whether it is the same kind of thing in the same port.
func (d usbDevice) same(o usbDevice) bool {
	return d.Port == o.Port && slices.Equal(d.Classes, o.Classes)
}

// Classes of interfaces: of a keyboard that firmware understands, and of a
// reader of smart cards.
const (
	classKeyboard = "03/01/01"
	classReader   = "0b/"
)

// oldReaders are readers of smart cards from before they had a class of their
// own.
func oldReaders() []string { return []string{"072f:9000", "08e6:0430", "08e6:0432"} }

// usb lists what is plugged in; ok is false where there is no USB to look at.
// What the kernel is still getting to know is left out.
func usb(sys string, inputs []device) (all []usbDevice, ok bool) {
	dir := filepath.Join(sys, "bus/usb/devices")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, false
	}
	classes := map[string][]string{}
	for _, e := range entries {
		port, _, isInterface := strings.Cut(e.Name(), ":")
		if !isInterface {
			continue
		}
		at := filepath.Join(dir, e.Name())
		classes[port] = append(classes[port], strings.Join([]string{attribute(at, "bInterfaceClass"),
			attribute(at, "bInterfaceSubClass"), attribute(at, "bInterfaceProtocol")}, "/"))
	}
	for _, e := range entries {
		port := e.Name()
		c := classes[port]
		if strings.Contains(port, ":") || strings.HasPrefix(port, "usb") || len(c) == 0 {
			continue // an interface, a root hub, or nothing yet
		}
		slices.Sort(c)
		at := filepath.Join(dir, port)
		d := usbDevice{Port: port, Classes: c, Number: attribute(at, "devnum")}
		d.keyboard = slices.Contains(c, classKeyboard) || slices.ContainsFunc(inputs, func(i device) bool {
			return i.keyboard() && strings.Contains(i.sysfs, "/"+port+"/"+port+":")
		})
		d.reader = slices.ContainsFunc(c, func(s string) bool { return strings.HasPrefix(s, classReader) }) ||
			slices.Contains(oldReaders(), attribute(at, "idVendor")+":"+attribute(at, "idProduct"))
		all = append(all, d)
	}
	return all, true
}

func attribute(dir, name string) string {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// baseline is what was plugged in when the kiosk first started after the
// machine's boot. It outlives the kiosk, not the boot.
type baseline struct {
	Boot    string        `json:"boot"`
	First   time.Duration `json:"first"` // the machine's uptime at the first look
	Devices []usbDevice   `json:"devices"`
}

// compare counts what came or went since the first look, and the keyboards
// among what came. What was pulled out and put back counts as one change.
func (b *baseline) compare(now []usbDevice) (changes, keyboards int) {
	for _, d := range now {
		i := slices.IndexFunc(b.Devices, d.same)
		switch {
		case i < 0:
			changes++
			if d.keyboard {
				keyboards++
			}
		case b.Devices[i].Number != d.Number:
			changes++
		}
	}
	for _, d := range b.Devices {
		if !slices.ContainsFunc(now, d.same) {
			changes++
		}
	}
	return changes, keyboards
}

// look compares with the baseline of this boot, which it makes if there is
// none, and keeps it in the file; an empty path keeps it in memory only.
func (b *baseline) look(path, boot string, uptime time.Duration, now []usbDevice) (changes, keyboards int) {
	if b.Boot == "" && path != "" {
		if text, err := os.ReadFile(path); err == nil {
			var kept baseline
			if json.Unmarshal(text, &kept) == nil {
				*b = kept
			}
		}
	}
	grown := false
	if b.Boot == "" || b.Boot != boot {
		*b, grown = baseline{Boot: boot, First: uptime, Devices: now}, true
	}
	if since := uptime - b.First; !grown && since >= 0 && since < settleTime {
		for _, d := range now {
			if i := slices.IndexFunc(b.Devices, d.same); i < 0 {
				b.Devices, grown = append(b.Devices, d), true
			} else if b.Devices[i].Number != d.Number {
				b.Devices[i], grown = d, true
			}
		}
	}
	if grown && path != "" {
		if text, err := json.Marshal(b); err == nil {
			// If it cannot be kept, a restart of the kiosk begins anew: the
			// only loss is a change before it.
			_ = renameio.WriteFile(path, text, 0o600, renameio.WithTempDir(filepath.Dir(path)))
		}
	}
	return b.compare(now)
}
