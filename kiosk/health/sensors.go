// Package health reads how the machine is: processor, memory, disk, load,
// temperature, network, uptime, and what is plugged in. It is the only
// importer of gopsutil.
//
// It is for the kiosk's reports and for the one line that a machine says of
// itself at enrolment. It never reads anything of a session, never decides
// whether a reading is good (the agent does), and writes nothing but what was
// plugged in at the first look after boot.
//
// Caveats: a reading that cannot be taken is nil, never zero. The processor's
// share is that since the collection before, so one Sensors serves one
// reporter, and its first collection may have none. Temperatures come from
// whatever the machine's drivers offer; many have nothing. SATA and NVMe disks
// tell their health to root only: without the machine's timer (see
// diskHealthy) it is unknown. A mouse that says it can write counts as a
// keyboard, and a wireless receiver is what it could receive. A keyboard that
// is exchanged for another in the same port counts as a change, not as new.
package health

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/disk"
	"github.com/shirou/gopsutil/v3/host"
	"github.com/shirou/gopsutil/v3/load"
	"github.com/shirou/gopsutil/v3/mem"
	psnet "github.com/shirou/gopsutil/v3/net"

	"yhteiskone/internal/fleet"
)

// Own is what only the kiosk itself can tell; nil is "not known now", for
// example while there is no client's browser to look at.
type Own struct {
	ShellPaints    *bool
	BrowserAlive   *bool
	BrowserInPlace *bool
	Screens        *int
	Resolution     *string
}

// Config says where to look.
type Config struct {
	State   string // the folder of the kiosk's state, for the space on its disk
	Runtime string // the folder of what lives until the next boot; empty for none
	// Own tells the kiosk's own readings; may be nil.
	Own func() Own
}

// Reading is one collection.
type Reading struct {
	At     time.Time     // the machine's clock, as it is
	Uptime time.Duration // since boot; 0 if unknown
	Health fleet.Health
}

// Sensors collects readings. Its methods may be called from any goroutine.
type Sensors struct {
	c              Config
	proc, sys, run string // other folders than the machine's in tests
	interfaces     func() ([]card, error)
	clock          func() *bool

	mu    sync.Mutex
	last  *cpu.TimesStat
	usb   baseline
	disks *bool // as they were at
	asked time.Time
}

// diskTime is how long what disks say of themselves holds.
const diskTime = time.Minute

// card is what NetworkUp and WiredMAC are concluded from.
type card struct {
	Loopback bool
	Running  bool   // up, and with a cable or a radio link
	Address  bool   // has an address that reaches beyond the wire
	Wired    string // the hardware address of a card with a socket for a cable; else empty
}

// New returns Sensors.
func New(c Config) *Sensors {
	if c.Own == nil {
		c.Own = func() Own { return Own{} }
	}
	return &Sensors{c: c, proc: "/proc", sys: "/sys", run: "/run", interfaces: interfaces, clock: func() *bool { return clockSet("/run") }}
}

// Collect takes all readings.
func (s *Sensors) Collect(ctx context.Context) Reading {
	own := s.c.Own()
	r := Reading{At: time.Now(), Health: fleet.Health{
		ShellPaints: own.ShellPaints, BrowserAlive: own.BrowserAlive, BrowserInPlace: own.BrowserInPlace,
		Screens: own.Screens, Resolution: own.Resolution}}
	h := &r.Health
	for _, read := range []func(){
		func() { h.CPUPercent = s.cpu(ctx) },
		func() { h.MemoryTotal, h.MemoryFree = memory(ctx) },
		func() { h.DiskTotal, h.DiskFree = space(ctx, s.c.State) },
		func() { h.Load1 = load1(ctx) },
		func() { h.TemperatureC = hottest(ctx) },
		func() { h.NetworkUp, h.WiredMAC = s.network() },
		func() { h.BytesIn, h.BytesOut = traffic(ctx) },
		func() {
			if up, err := host.UptimeWithContext(ctx); err == nil {
				r.Uptime = time.Duration(up) * time.Second
			}
		},
		func() { s.plugged(h, r.Uptime) },
		func() { h.Sound = sound(s.proc) },
		func() { h.Swap = swap(s.proc) },
		func() { h.ClockSet = s.clock() },
		func() { h.Updates = updates(s.run) },
		func() { h.OnMains, h.Battery = power(s.sys) },
		func() { h.DiskHealthy = s.diskHealthy() },
	} {
		try(read)
	}
	return r
}

// plugged reads what people plug in and out.
func (s *Sensors) plugged(h *fleet.Health, uptime time.Duration) {
	in, known := inputs(s.proc)
	if known {
		h.Keyboards, h.Pointers = count(in, device.keyboard), count(in, device.pointer)
		h.Touch = new(slices.ContainsFunc(in, device.touch))
	}
	devices, known := usb(s.sys, in)
	if !known {
		return
	}
	h.CardReader = new(slices.ContainsFunc(devices, func(d usbDevice) bool { return d.reader }))
	boot := attribute(filepath.Join(s.proc, "sys/kernel/random"), "boot_id")
	if boot == "" || uptime == 0 {
		return
	}
	path := ""
	if s.c.Runtime != "" {
		path = filepath.Join(s.c.Runtime, "plugged.json")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	changes, keyboards := s.usb.look(path, boot, uptime, devices)
	h.USBChanges, h.NewKeyboards = &changes, &keyboards
}

func (s *Sensors) diskHealthy() *bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked.IsZero() || time.Since(s.asked) >= diskTime {
		s.disks, s.asked = diskHealthy(s.sys, s.run), time.Now()
	}
	return s.disks
}

// try takes one reading. gopsutil indexes into the kernel's files without
// looking; a file of another shape must cost a reading, not the kiosk.
func try(read func()) {
	defer func() { _ = recover() }()
	read()
}

func (s *Sensors) cpu(ctx context.Context) *float64 {
	times, err := cpu.TimesWithContext(ctx, false)
	if err != nil || len(times) == 0 {
		return nil
	}
	now := times[0]
	s.mu.Lock()
	last := s.last
	s.last = &now
	s.mu.Unlock()
	if last == nil {
		return nil
	}
	busy := work(now) - work(*last)
	all := busy + now.Idle + now.Iowait - last.Idle - last.Iowait
	if all <= 0 {
		return nil
	}
	// idle time may step back a little between two looks on real kernels
	return new(min(max(100*busy/all, 0), 100))
}

// work is the time in which something ran. Guests are in User already.
func work(t cpu.TimesStat) float64 {
	return t.User + t.Nice + t.System + t.Irq + t.Softirq + t.Steal
}

func memory(ctx context.Context) (total, free *uint64) {
	m, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil || m.Total == 0 {
		return nil, nil
	}
	return &m.Total, &m.Available
}

func space(ctx context.Context, folder string) (total, free *uint64) {
	d, err := disk.UsageWithContext(ctx, folder)
	if err != nil || d.Total == 0 {
		return nil, nil
	}
	return &d.Total, &d.Free
}

func load1(ctx context.Context) *float64 {
	l, err := load.AvgWithContext(ctx)
	if err != nil {
		return nil
	}
	return &l.Load1
}

// hottest may come with an error and good readings together: one sensor that
// cannot be read says nothing of the others. A sensor at or below zero indoors
// is a dead one.
func hottest(ctx context.Context) *float64 {
	all, _ := host.SensorsTemperaturesWithContext(ctx)
	var top *float64
	for _, t := range all {
		if t.Temperature > 0 && t.Temperature < 150 && (top == nil || t.Temperature > *top) {
			top = &t.Temperature
		}
	}
	return top
}

func traffic(ctx context.Context) (in, out *uint64) {
	all, err := psnet.IOCountersWithContext(ctx, true)
	if err != nil {
		return nil, nil
	}
	var received, sent uint64
	for _, c := range all {
		if c.Name != "lo" {
			received += c.BytesRecv
			sent += c.BytesSent
		}
	}
	return &received, &sent
}

// network tells whether there is one, and the hardware address of the wired
// card: of the one in use, else of the first.
func (s *Sensors) network() (up *bool, wired *string) {
	all, err := s.interfaces()
	if err != nil {
		return nil, nil
	}
	up = new(false)
	for _, i := range all {
		*up = *up || !i.Loopback && i.Running && i.Address
		if i.Wired != "" && (wired == nil || i.Running && i.Address) {
			wired = &i.Wired
		}
	}
	return up, wired
}

// wiredMAC is the hardware address of a card with a socket for a cable: a real
// device that is no radio.
func wiredMAC(f net.Interface) string {
	dir := filepath.Join("/sys/class/net", f.Name)
	is := func(name string) bool { _, err := os.Stat(filepath.Join(dir, name)); return err == nil }
	if mac := f.HardwareAddr.String(); fleet.CheckMAC(mac) == nil && is("device") && !is("wireless") && !is("phy80211") {
		return mac
	}
	return ""
}

// interfaces asks the standard library: gopsutil does not tell whether there
// is a cable.
func interfaces() ([]card, error) {
	found, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var all []card
	for _, f := range found {
		i := card{Loopback: f.Flags&net.FlagLoopback != 0,
			Running: f.Flags&net.FlagUp != 0 && f.Flags&net.FlagRunning != 0, Wired: wiredMAC(f)}
		addrs, err := f.Addrs()
		if err != nil {
			return nil, err
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
				i.Address = true
			}
		}
		all = append(all, i)
	}
	return all, nil
}
