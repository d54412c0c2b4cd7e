package simulate

import (
	"crypto/ed25519"
	"math/rand/v2"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/proof"
	"yhteiskone/internal/wire"
)

// machine is a kiosk without its connection: its states, its health and its
// chain of proofs. All of it follows from the seed and from what it is told.
type machine struct {
	rng    *rand.Rand
	role   role
	steady bool
	days   int // how many days before today it has served
	id     fleet.KioskID
	key    ed25519.PrivateKey
	last   *fleet.WipeProof

	booted time.Time
	state  fleet.State
	since  time.Time
	next   time.Time // when state changes by itself; zero for never
	helpAt time.Time // when the client will ask for help; zero if they will not
	call   string    // of the open help call
	pause  bool      // out of service, or about to be
	waits  bool      // somebody waits for the machine
	web    bool      // the allow list is lifted for this session

	settings uint64 // version of those heard last
	version  string // of the image
	fell     bool   // a new image started badly
	update   update

	memory, disk uint64
	free         float64 // share of the disk
	warmth       float64
	in, out      uint64
}

func newMachine(rng *rand.Rand, r role, steady bool, id fleet.KioskID, key ed25519.PrivateKey, now time.Time) *machine {
	m := &machine{rng: rng, role: r, steady: steady, id: id, key: key, version: firstVersion}
	m.booted = now.Add(-m.span(time.Minute, 9*time.Hour))
	m.memory = []uint64{4, 8, 8, 16}[rng.IntN(4)] << 30
	m.disk = []uint64{60, 120, 240}[rng.IntN(3)] << 30
	m.free, m.warmth = 0.3+0.5*rng.Float64(), 38+15*rng.Float64()
	m.in, m.out = rng.Uint64N(1<<32), rng.Uint64N(1<<28)
	switch {
	case r == diskNearlyFull:
		m.free = 0.02
	case r == outOfOrder:
		m.turn(fleet.OutOfOrder, now, 0)
		return m
	case r == outOfService:
		m.pause = true
		m.turn(fleet.OutOfService, now, 0)
		return m
	case r == calling:
		m.occupy(now)
		return m
	}
	m.turn(fleet.Ready, now, m.span(5*time.Second, 4*time.Minute))
	if !steady && rng.IntN(2) == 0 {
		m.occupy(now)
		m.since = now.Add(-m.span(0, 20*time.Minute))
	}
	return m
}

// span is a random length of time.
func (m *machine) span(least, most time.Duration) time.Duration {
	return least + time.Duration(m.rng.Int64N(int64(most-least)+1))
}

// turn changes the state; after for, step changes it again (0: never).
func (m *machine) turn(s fleet.State, now time.Time, after time.Duration) {
	m.state, m.since, m.next = s, now, time.Time{}
	if after > 0 && (!m.steady || s == fleet.Starting) {
		m.next = now.Add(after)
	}
}

func (m *machine) occupy(now time.Time) {
	length := m.span(90*time.Second, 20*time.Minute)
	m.turn(fleet.InUse, now, length)
	m.helpAt = time.Time{}
	if m.rng.IntN(6) == 0 {
		m.helpAt = now.Add(m.span(10*time.Second, min(length, 3*time.Minute)))
	}
	if m.role == calling {
		m.turn(fleet.InUse, now, m.span(10*time.Minute, 20*time.Minute))
		m.helpAt = now.Add(m.span(time.Second, 5*time.Second))
	}
}

// step lets time pass and returns what must be told and must not be lost.
func (m *machine) step(now time.Time) (tell []wire.Message) {
	tell = m.fetched(now)
	if m.state.InSession() && !m.helpAt.IsZero() && !now.Before(m.helpAt) {
		m.helpAt = time.Time{}
		m.call = hex16(m.rng)
		tell = append(tell, wire.Help{Call: m.call})
	}
	if m.next.IsZero() || now.Before(m.next) {
		return tell
	}
	switch m.state {
	case fleet.Starting:
		m.idle(now)
	case fleet.Ready:
		m.occupy(now)
	case fleet.InUse:
		if m.rng.IntN(2) == 0 { // they walked away
			m.turn(fleet.Warning, now, 20*time.Second)
		} else {
			tell = append(tell, m.end(now)...)
		}
	case fleet.Warning:
		tell = append(tell, m.end(now)...)
	case fleet.Erasing:
		tell = append(tell, m.prove(true))
		m.idle(now)
	}
	return tell
}

// idle is where a machine goes that has nothing to do.
func (m *machine) idle(now time.Time) {
	if m.pause {
		m.turn(fleet.OutOfService, now, 0)
		return
	}
	m.turn(fleet.Ready, now, m.span(5*time.Second, 4*time.Minute))
}

// end ends a session: its help call lapses with it.
func (m *machine) end(now time.Time) (tell []wire.Message) {
	if m.call != "" {
		tell = append(tell, wire.HelpOver{Call: m.call})
		m.call = ""
	}
	m.waits, m.web = false, false
	m.turn(fleet.Erasing, now, m.span(time.Second, 3*time.Second))
	return tell
}

// prove makes and signs the next proof of the chain.
func (m *machine) prove(clean bool) wire.Message {
	looks := []fleet.Look{{At: "processes", Looked: 180 + m.rng.Uint32N(40)}, {At: "files", Looked: 2000 + m.rng.Uint32N(900)},
		{At: "mounts", Looked: 24}, {At: "clipboard", Looked: 3}}
	if !clean {
		looks[1].Found = 1
	}
	p := proof.Sign(m.key, m.last, fleet.WipeProof{Kiosk: m.id, At: m.clock(time.Now()), Looks: looks, TookMS: 60 + m.rng.Uint32N(120)})
	m.last = &p
	if m.role == forged && p.Seq == 1 {
		p.Signature = make([]byte, len(p.Signature))
	}
	return wire.Proof{Proof: wire.ProofOf(p)}
}

// obey carries out an order.
func (m *machine) obey(o wire.Order, now time.Time) (wire.Result, []wire.Message) {
	done := wire.Result{Command: o.ID, OK: true}
	switch o.Name {
	case fleet.EndSession:
		if m.state.InSession() {
			return done, m.end(now)
		}
	case fleet.TakeOutOfService:
		m.pause = true
		if m.state.InSession() && o.Now {
			return done, m.end(now)
		}
		if !m.state.InSession() && m.state != fleet.OutOfOrder {
			m.idle(now)
		}
	case fleet.PutInService:
		m.pause = false
		if m.state == fleet.OutOfService {
			m.idle(now)
		}
	case fleet.RestartKiosk, fleet.Reboot, fleet.UpdateConfig:
		if m.state != fleet.OutOfOrder && !m.state.InSession() {
			m.turn(fleet.Starting, now, 8*time.Second)
		}
	case fleet.Identify, fleet.ShowMessage, fleet.Wake:
	case fleet.SomeoneWaits, fleet.NobodyWaits:
		m.waits = m.state.InSession() && o.Name == fleet.SomeoneWaits
	case fleet.OpenWeb:
		if !m.state.InSession() {
			return wire.Result{Command: o.ID, Why: "invalid"}, nil
		}
		m.web = m.role == errandsOnly
	default:
		return wire.Result{Command: o.ID, Why: "unknown"}, nil
	}
	return done, nil
}

// first is what a machine has to tell when it begins: how its last session
// was erased, and the sums of the days before.
func (m *machine) first(now time.Time) []wire.Message {
	tell := []wire.Message{m.prove(m.role != outOfOrder)}
	if m.steady {
		return tell
	}
	for back := m.days; back > 0; back-- {
		if day := now.AddDate(0, 0, -back); day.Weekday() != time.Sunday { // then the centres are closed
			tell = append(tell, m.counts(day))
		}
	}
	return tell
}

// clock is what this machine believes the time is.
func (m *machine) clock(now time.Time) time.Time {
	if m.role == clockAhead {
		now = now.Add(time.Hour)
	}
	return now.UTC()
}

func (m *machine) report(now time.Time) wire.Report {
	busy := m.state.InSession()
	cpu, used := 2+6*m.rng.Float64(), 0.25+0.05*m.rng.Float64()
	if busy {
		cpu, used = 10+45*m.rng.Float64(), 0.45+0.2*m.rng.Float64()
	}
	m.in += m.rng.Uint64N(1 << 20)
	m.out += m.rng.Uint64N(1 << 17)
	h := wire.Health{CPUPercent: ptr(cpu), MemoryTotal: ptr(m.memory), MemoryFree: ptr(uint64((1 - used) * float64(m.memory))),
		DiskTotal: ptr(m.disk), DiskFree: ptr(uint64(m.free * float64(m.disk))), Load1: ptr(cpu / 40),
		TemperatureC: ptr(m.warmth + cpu/6), NetworkUp: ptr(true), BytesIn: ptr(m.in), BytesOut: ptr(m.out), ShellPaints: ptr(true)}
	if busy {
		h.BrowserAlive, h.BrowserInPlace = ptr(true), ptr(true)
	}
	h.Keyboards, h.Pointers, h.Touch, h.Screens, h.Resolution = ptr(1), ptr(1), ptr(false), ptr(1), ptr("1366x768")
	h.USBChanges, h.NewKeyboards, h.Sound, h.CardReader = ptr(0), ptr(0), ptr(true), ptr(false)
	h.ClockSet, h.Updates, h.Swap = ptr(true), ptr(0), ptr(false)
	r := wire.Report{At: m.clock(now), State: m.state, Since: m.clock(m.since), UptimeS: int64(now.Sub(m.booted) / time.Second),
		Faults: []fleet.Code{}, Health: h, Serves: m.serves()}
	m.role.ail(&r)
	if m.fell {
		r.Faults = append(r.Faults, fleet.ImageFellBack)
	}
	if m.last != nil {
		r.Proof = &wire.ProofBrief{Seq: m.last.Seq, At: m.last.At, Clean: m.last.Clean()}
	}
	return r
}

// serves is how the machine serves just now.
func (m *machine) serves() *wire.Serves {
	s := &wire.Serves{Mode: fleet.Open, Web: m.web, Waiting: m.waits, Settings: m.settings, Probed: 20}
	switch m.role {
	case errandsOnly:
		s.Mode = fleet.Errands
	case serviceDown:
		s.Down = []string{"Kela"}
	}
	return s
}

func ptr[T any](v T) *T { return &v }

func hex16(rng *rand.Rand) string {
	const digits = "0123456789abcdef"
	b := make([]byte, 16)
	for i := range b {
		b[i] = digits[rng.IntN(16)]
	}
	return string(b)
}
