package fleet

import "time"

// Report is one look at a kiosk by itself: its state and its health. It holds
// nothing of what the client does; there is no field for it.
type Report struct {
	At     time.Time // by the kiosk's clock
	State  State
	Since  time.Time // when State began, by the kiosk's clock; lives in memory only
	Uptime time.Duration
	Faults []Code // what only the kiosk can know of itself, for example WipeUnverified
	Health Health
	Proof  *ProofSummary // the newest proof; nil before the first
	Serves Serves
}

// Serves is how the kiosk serves just now. It says nothing of where a client
// is or what they do.
type Serves struct {
	Mode     Mode
	Web      bool     // staff lifted the allow list for the running session
	Waiting  bool     // somebody waits for the machine
	Settings uint64   // Settings.Version in use
	Probed   int      // services whose start pages were asked lately
	Down     []string // of these, the catalogue's names of those that did not answer; at most 32
}

// Health is the machine's readings. A reading that could not be taken is nil,
// never zero.
type Health struct {
	CPUPercent     *float64 // 0 to 100, of the whole machine
	MemoryTotal    *uint64  // bytes
	MemoryFree     *uint64  // bytes available to programs
	DiskTotal      *uint64  // bytes of the file system that holds the kiosk's state
	DiskFree       *uint64  // bytes
	Load1          *float64
	TemperatureC   *float64 // the hottest sensor
	NetworkUp      *bool    // an interface other than loopback is up and has an address
	BytesIn        *uint64  // of all interfaces but loopback, since boot
	BytesOut       *uint64
	ShellPaints    *bool // our shell answered the two-frame probe
	BrowserAlive   *bool // the client's browser runs
	BrowserInPlace *bool // and its window is where it should be

	Keyboards    *int    // plugged in now
	Pointers     *int    // mice and touch pads
	Touch        *bool   // a touch screen is there
	Screens      *int    // connected
	Resolution   *string // of the whole screen, for example "1366x768"
	USBChanges   *int    // devices that came or went since the kiosk first started after boot
	NewKeyboards *int    // of these, keyboards that came and are still there
	Sound        *bool   // a sound card is there
	CardReader   *bool   // a smart-card reader is there
	DiskHealthy  *bool   // the disk says that it is not failing (SMART)
	ClockSet     *bool   // the kernel's clock is disciplined by a time server
	Updates      *int    // that wait for a restart or to be installed
	OnMains      *bool   // power comes from the wall
	Battery      *int    // percent
	Swap         *bool   // swap is on
	WiredMAC     *string // the hardware address of its wired network card, by which a neighbour can wake it
}

// ProofSummary is what a report tells of the newest wipe proof.
type ProofSummary struct {
	Seq   uint64
	At    time.Time // to the minute
	Clean bool
}
