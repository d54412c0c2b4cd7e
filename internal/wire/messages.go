package wire

import (
	"time"

	"yhteiskone/internal/fleet"
)

// NonceSize is the size of both nonces in bytes.
const NonceSize = 32

// SignatureLimit is the largest signature: an Ed25519 one has 64 bytes, a
// P-256 one in ASN.1 up to 72.
const SignatureLimit = 72

// Challenge opens a connection. From the agent.
type Challenge struct {
	Nonce []byte `json:"nonce"`
}

// Hello proves that the kiosk holds its key. The signature is over
// identity.Transcript(Kiosk, both nonces, host, version). From the kiosk.
type Hello struct {
	Kiosk     fleet.KioskID `json:"kiosk"`
	Version   int           `json:"version"`
	Boot      string        `json:"boot"` // 16 hexadecimal digits, new at every start of the kiosk program
	Build     string        `json:"build"`
	Nonce     []byte        `json:"nonce"`
	Signature []byte        `json:"signature"`
}

// Welcome proves that the agent holds its identity and says how to report.
// From the agent.
type Welcome struct {
	Signature []byte       `json:"signature"`
	ReportS   int          `json:"report_every_s"` // 1 to 300
	Applied   uint64       `json:"applied"`        // highest sequence number the agent has applied
	Time      time.Time    `json:"time"`
	Settings  SettingsBody `json:"settings"`
	More      bool         `json:"more,omitempty"` // Settings holds names and times only; a Settings message with all of them follows at once
}

// Fit returns the welcome as it fits into LimitBefore: with all settings, or
// with More set and only those that always fit.
func (m Welcome) Fit() Welcome {
	if frame, err := Encode(m); err != nil || len(frame) <= LimitBefore {
		return m // what cannot be encoded is told by whoever sends it
	}
	s := m.Settings
	m.More = true
	m.Settings = SettingsBody{Version: s.Version, SiteName: s.SiteName, KioskName: s.KioskName,
		IdleS: s.IdleS, WarnS: s.WarnS, LimitS: s.LimitS}
	return m
}

// Report tells state and health. It carries no sequence number: the next one
// replaces it. From the kiosk.
type Report struct {
	At      time.Time    `json:"at"`
	State   fleet.State  `json:"state"`
	Since   time.Time    `json:"since"`
	UptimeS int64        `json:"uptime_s"`
	Faults  []fleet.Code `json:"faults"` // at most 32
	Health  Health       `json:"health"`
	Proof   *ProofBrief  `json:"last_proof,omitempty"`
	Serves  *Serves      `json:"serves,omitempty"`
}

// Health are the readings; what could not be read is absent.
type Health struct {
	CPUPercent     *float64 `json:"cpu_percent,omitempty"`
	MemoryTotal    *uint64  `json:"memory_total,omitempty"`
	MemoryFree     *uint64  `json:"memory_free,omitempty"`
	DiskTotal      *uint64  `json:"disk_total,omitempty"`
	DiskFree       *uint64  `json:"disk_free,omitempty"`
	Load1          *float64 `json:"load1,omitempty"`
	TemperatureC   *float64 `json:"temperature_c,omitempty"`
	NetworkUp      *bool    `json:"network_up,omitempty"`
	BytesIn        *uint64  `json:"bytes_in,omitempty"`
	BytesOut       *uint64  `json:"bytes_out,omitempty"`
	ShellPaints    *bool    `json:"shell_paints,omitempty"`
	BrowserAlive   *bool    `json:"browser_alive,omitempty"`
	BrowserInPlace *bool    `json:"browser_in_place,omitempty"`

	Keyboards    *int    `json:"keyboards,omitempty"`
	Pointers     *int    `json:"pointers,omitempty"`
	Touch        *bool   `json:"touch,omitempty"`
	Screens      *int    `json:"screens,omitempty"`
	Resolution   *string `json:"resolution,omitempty"`
	USBChanges   *int    `json:"usb_changes,omitempty"`
	NewKeyboards *int    `json:"new_keyboards,omitempty"`
	Sound        *bool   `json:"sound,omitempty"`
	CardReader   *bool   `json:"card_reader,omitempty"`
	DiskHealthy  *bool   `json:"disk_healthy,omitempty"`
	ClockSet     *bool   `json:"clock_set,omitempty"`
	Updates      *int    `json:"updates,omitempty"`
	OnMains      *bool   `json:"on_mains,omitempty"`
	Battery      *int    `json:"battery,omitempty"`
	Swap         *bool   `json:"swap,omitempty"`
	WiredMAC     *string `json:"wired_mac,omitempty"`
}

// Serves is fleet.Serves.
type Serves struct {
	Mode     fleet.Mode `json:"mode,omitempty"`
	Web      bool       `json:"web,omitempty"`
	Waiting  bool       `json:"waiting,omitempty"`
	Settings uint64     `json:"settings,omitempty"`
	Probed   int        `json:"probed,omitempty"`
	Down     []string   `json:"down,omitempty"` // at most 32, each a catalogue's name of at most 60 characters
}

// ProofBrief is the newest proof in a report.
type ProofBrief struct {
	Seq   uint64    `json:"seq"`
	At    time.Time `json:"at"`
	Clean bool      `json:"clean"`
}

// Proof carries one wipe proof. From the kiosk, kept until acknowledged.
type Proof struct {
	Seq   uint64    `json:"seq"`
	Proof ProofBody `json:"proof"`
}

// ProofBody is fleet.WipeProof without the kiosk, which the connection names.
type ProofBody struct {
	Seq       uint64    `json:"seq"`
	At        time.Time `json:"at"`
	Prev      []byte    `json:"prev"`
	Looks     []Look    `json:"looks"` // 1 to 32
	TookMS    uint32    `json:"took_ms"`
	Signature []byte    `json:"signature"`
}

// Look is fleet.Look.
type Look struct {
	At     string `json:"at"` // at most 40 bytes
	Looked uint32 `json:"looked"`
	Found  uint32 `json:"found"`
	Failed bool   `json:"failed,omitempty"`
}

// Counts carries the sums of one finished day. From the kiosk, kept until
// acknowledged.
type Counts struct {
	Seq       uint64               `json:"seq"`
	Day       string               `json:"day"`
	Sessions  uint32               `json:"sessions"`
	Lengths   map[string]uint32    `json:"lengths"`
	Tiles     map[string]uint32    `json:"tiles"`
	Ends      map[fleet.End]uint32 `json:"ends"`
	HelpCalls uint32               `json:"help_calls"`

	Outcomes map[fleet.Outcome]uint32 `json:"outcomes,omitempty"`
}

// Help rings. From the kiosk, kept until acknowledged or the session ends.
type Help struct {
	Seq  uint64 `json:"seq"`
	Call string `json:"call"` // 16 hexadecimal digits
}

// HelpOver says that a call lapsed: its session ended, or the client took it
// back. From the kiosk, kept until acknowledged.
type HelpOver struct {
	Seq  uint64 `json:"seq"`
	Call string `json:"call"`
}

// Result answers an Order. From the kiosk, kept until acknowledged.
type Result struct {
	Seq     uint64 `json:"seq"`
	Command string `json:"command"`
	OK      bool   `json:"ok"`
	Why     string `json:"why,omitempty"` // at most 20 bytes
}

// Ack says that everything up to and including Seq is applied and durable.
// From the agent.
type Ack struct {
	Seq uint64 `json:"seq"`
}

// Order carries a command. From the agent; sent again until its Result came.
type Order struct {
	ID   string            `json:"id"`
	Name fleet.CommandName `json:"name"`
	Text string            `json:"text,omitempty"` // at most 200 characters
	MAC  string            `json:"mac,omitempty"`  // with wake: "52:54:00:12:34:56"
	Now  bool              `json:"now,omitempty"`
	TTLS int               `json:"ttl_s"` // 1 to 86400

	Image *Image `json:"image,omitempty"` // with update_image
}

// Image is fleet.ImageOffer.
type Image struct {
	Version  string `json:"version"`
	Manifest string `json:"manifest"` // SHA-256, hexadecimal
	Ticket   string `json:"ticket"`
	Older    bool   `json:"older,omitempty"`
}

// Settings replaces the kiosk's settings. From the agent.
type Settings struct {
	Settings SettingsBody `json:"settings"`
}

// SettingsBody is fleet.Settings.
type SettingsBody struct {
	Version   uint64 `json:"version"`
	SiteName  string `json:"site_name"`
	KioskName string `json:"kiosk_name"`
	IdleS     int    `json:"idle_s"`
	WarnS     int    `json:"warn_s"`
	LimitS    int    `json:"limit_s"`

	NoticeS   int        `json:"notice_s,omitempty"`
	Mode      fleet.Mode `json:"mode,omitempty"`
	Blocked   []string   `json:"blocked,omitempty"`
	Languages []string   `json:"languages,omitempty"`
	Hours     *Hours     `json:"hours,omitempty"`
	Support   []Support  `json:"support,omitempty"`
	Phone     string     `json:"phone,omitempty"`
	Welcome   *Text      `json:"welcome,omitempty"`
	Offer     *Offer     `json:"offer,omitempty"`
	Agents    []string   `json:"agents,omitempty"` // at most 5 base addresses
}

// Offer is fleet.Offer.
type Offer struct {
	Shown []string  `json:"shown"` // 1 to 8 identifiers
	Own   []Service `json:"own,omitempty"`
}

// Service is fleet.Service.
type Service struct {
	Name    Text     `json:"name"`
	Address string   `json:"address"`
	Hosts   []string `json:"hosts,omitempty"`
}

// Text is fleet.Text.
type Text struct {
	FI string `json:"fi"`
	SV string `json:"sv"`
	EN string `json:"en"`
}

// Hours is fleet.Hours; a span is [from, to] in minutes from midnight.
type Hours struct {
	Week [7][][2]int         `json:"week"` // Sunday first
	Days map[string][][2]int `json:"days,omitempty"`
}

// Support is fleet.Support.
type Support struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// HelpAnswer tells the client who comes. From the agent.
type HelpAnswer struct {
	Call   string           `json:"call"`
	Answer fleet.HelpAnswer `json:"answer"`

	Minutes int    `json:"minutes,omitempty"` // with coming_soon: 1 to 120
	Who     string `json:"who,omitempty"`     // at most 60 characters
}

func (Challenge) kind() string  { return "challenge" }
func (Hello) kind() string      { return "hello" }
func (Welcome) kind() string    { return "welcome" }
func (Report) kind() string     { return "report" }
func (Proof) kind() string      { return "proof" }
func (Counts) kind() string     { return "counts" }
func (Help) kind() string       { return "help" }
func (HelpOver) kind() string   { return "help_over" }
func (Result) kind() string     { return "result" }
func (Ack) kind() string        { return "ack" }
func (Order) kind() string      { return "command" }
func (Settings) kind() string   { return "settings" }
func (HelpAnswer) kind() string { return "help_answer" }
