// Package health reads how the machine is: processor, memory, disk, load,
// temperature, network, uptime. It is the only importer of gopsutil.
//
// It is for the kiosk's reports and for the one line that a machine says of
// itself at enrolment. It never reads anything of a session, never decides
// whether a reading is good (the agent does) and never writes.
//
// Caveats: a reading that cannot be taken is nil, never zero. The processor's
// share is that since the collection before, so one Sensors serves one
// reporter, and its first collection may have none. Temperatures come from
// whatever the machine's drivers offer; many have nothing.
package health

import (
	"context"
	"net"
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
}

// Reading is one collection.
type Reading struct {
	At     time.Time     // the machine's clock, as it is
	Uptime time.Duration // since boot; 0 if unknown
	Health fleet.Health
}

// Sensors collects readings. Its methods may be called from any goroutine.
type Sensors struct {
	state      string
	own        func() Own
	interfaces func() ([]card, error)

	mu   sync.Mutex
	last *cpu.TimesStat
}

// card is what NetworkUp is concluded from.
type card struct {
	Loopback bool
	Running  bool // up, and with a cable or a radio link
	Address  bool // has an address that reaches beyond the wire
}

// New returns Sensors for a kiosk whose state folder is state. own tells the
// kiosk's own readings; it may be nil.
func New(state string, own func() Own) *Sensors {
	if own == nil {
		own = func() Own { return Own{} }
	}
	return &Sensors{state: state, own: own, interfaces: interfaces}
}

// Collect takes all readings.
func (s *Sensors) Collect(ctx context.Context) Reading {
	own := s.own()
	r := Reading{At: time.Now(), Health: fleet.Health{
		ShellPaints: own.ShellPaints, BrowserAlive: own.BrowserAlive, BrowserInPlace: own.BrowserInPlace}}
	h := &r.Health
	for _, read := range []func(){
		func() { h.CPUPercent = s.cpu(ctx) },
		func() { h.MemoryTotal, h.MemoryFree = memory(ctx) },
		func() { h.DiskTotal, h.DiskFree = space(ctx, s.state) },
		func() { h.Load1 = load1(ctx) },
		func() { h.TemperatureC = hottest(ctx) },
		func() { h.NetworkUp = s.networkUp() },
		func() { h.BytesIn, h.BytesOut = traffic(ctx) },
		func() {
			if up, err := host.UptimeWithContext(ctx); err == nil {
				r.Uptime = time.Duration(up) * time.Second
			}
		},
	} {
		try(read)
	}
	return r
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

func (s *Sensors) networkUp() *bool {
	all, err := s.interfaces()
	if err != nil {
		return nil
	}
	up := false
	for _, i := range all {
		up = up || !i.Loopback && i.Running && i.Address
	}
	return &up
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
			Running: f.Flags&net.FlagUp != 0 && f.Flags&net.FlagRunning != 0}
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
