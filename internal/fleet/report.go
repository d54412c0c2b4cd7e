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
}

// ProofSummary is what a report tells of the newest wipe proof.
type ProofSummary struct {
	Seq   uint64
	At    time.Time // to the minute
	Clean bool
}
