package wire

import (
	"errors"
	"fmt"
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
}

// Serves is fleet.Serves.
type Serves struct {
	Mode     fleet.Mode `json:"mode,omitempty"`
	Web      bool       `json:"web,omitempty"`
	Waiting  bool       `json:"waiting,omitempty"`
	Settings uint64     `json:"settings,omitempty"`
	Probed   int        `json:"probed,omitempty"`
	Down     []string   `json:"down,omitempty"` // at most 32, each a catalogue's name
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
	Now  bool              `json:"now,omitempty"`
	TTLS int               `json:"ttl_s"` // 1 to 86400
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

func (m Challenge) check() error { return size("nonce", len(m.Nonce), NonceSize, NonceSize) }

func (m Hello) check() error {
	if !m.Kiosk.Valid() {
		return errors.New("kiosk is not an identifier")
	}
	if m.Version < 1 {
		return errors.New("version is missing")
	}
	return errors.Join(hexID("boot", m.Boot), size("build", len(m.Build), 0, 60),
		size("nonce", len(m.Nonce), NonceSize, NonceSize), size("signature", len(m.Signature), 1, SignatureLimit))
}

func (m Welcome) check() error {
	return errors.Join(size("signature", len(m.Signature), 1, SignatureLimit),
		size("report_every_s", m.ReportS, 1, 300), stamp("time", m.Time), m.Settings.check())
}

func (m Report) check() error {
	if !m.State.Valid() {
		return errors.New("state is unknown")
	}
	if m.UptimeS < 0 || m.UptimeS > 1<<32 {
		return errors.New("uptime_s is not an uptime")
	}
	for _, c := range m.Faults {
		if len(c) == 0 || len(c) > 40 {
			return errors.New("faults holds a code of the wrong length")
		}
	}
	if m.Proof != nil {
		if err := errors.Join(seq(m.Proof.Seq), stamp("last_proof.at", m.Proof.At)); err != nil {
			return err
		}
	}
	return errors.Join(m.Health.check(), m.Serves.check(),
		size("faults", len(m.Faults), 0, 32), stamp("at", m.At), stamp("since", m.Since),
		within("cpu_percent", m.Health.CPUPercent, 0, 100), within("load1", m.Health.Load1, 0, 1e6),
		within("temperature_c", m.Health.TemperatureC, -100, 300))
}

func (h Health) check() error {
	var errs []error
	for what, n := range map[string]*int{"keyboards": h.Keyboards, "pointers": h.Pointers, "screens": h.Screens,
		"usb_changes": h.USBChanges, "new_keyboards": h.NewKeyboards, "updates": h.Updates} {
		if n != nil {
			errs = append(errs, size(what, *n, 0, 1_000_000))
		}
	}
	if h.Battery != nil {
		errs = append(errs, size("battery", *h.Battery, 0, 100))
	}
	if h.Resolution != nil {
		errs = append(errs, size("resolution", len(*h.Resolution), 0, 20))
	}
	return errors.Join(errs...)
}

func (s *Serves) check() error {
	if s == nil {
		return nil
	}
	if len(s.Mode) > 20 {
		return errors.New("mode is too long")
	}
	for _, d := range s.Down {
		if err := size("down", len(d), 1, 40); err != nil {
			return err
		}
	}
	return errors.Join(size("probed", s.Probed, 0, 1000), size("down", len(s.Down), 0, 32))
}

func (m Proof) check() error {
	p := m.Proof
	for _, l := range p.Looks {
		if err := size("looks.at", len(l.At), 1, 40); err != nil {
			return err
		}
	}
	return errors.Join(seq(m.Seq), seq(p.Seq), stamp("at", p.At), size("prev", len(p.Prev), 32, 32),
		size("looks", len(p.Looks), 1, 32), size("signature", len(p.Signature), 64, 64))
}

func (m Counts) check() error {
	if _, err := time.Parse(time.DateOnly, m.Day); err != nil {
		return errors.New("day is not a date")
	}
	for _, keys := range []map[string]uint32{m.Lengths, m.Tiles} {
		for k := range keys {
			if err := size("key", len(k), 1, 40); err != nil {
				return err
			}
		}
		if err := size("lengths or tiles", len(keys), 0, 64); err != nil {
			return err
		}
	}
	for k := range m.Ends {
		if err := size("key", len(k), 1, 40); err != nil {
			return err
		}
	}
	for k := range m.Outcomes {
		if err := size("key", len(k), 1, 40); err != nil {
			return err
		}
	}
	return errors.Join(seq(m.Seq), size("ends", len(m.Ends), 0, 64), size("outcomes", len(m.Outcomes), 0, 64))
}

func (m Help) check() error     { return errors.Join(seq(m.Seq), hexID("call", m.Call)) }
func (m HelpOver) check() error { return errors.Join(seq(m.Seq), hexID("call", m.Call)) }

func (m Result) check() error {
	return errors.Join(seq(m.Seq), hexID("command", m.Command), size("why", len(m.Why), 0, 20))
}

func (m Ack) check() error { return seq(m.Seq) }

func (m Order) check() error {
	return errors.Join(hexID("id", m.ID), size("name", len(m.Name), 1, 40),
		size("text", len([]rune(m.Text)), 0, 200), size("ttl_s", m.TTLS, 1, 86400))
}

func (m Settings) check() error { return m.Settings.check() }

func (s SettingsBody) check() error {
	return errors.Join(size("site_name", len(s.SiteName), 0, 4*fleet.NameLimit),
		size("kiosk_name", len(s.KioskName), 0, 4*fleet.NameLimit), size("idle_s", s.IdleS, 0, 86400),
		size("warn_s", s.WarnS, 0, 86400), size("limit_s", s.LimitS, 0, 86400),
		size("notice_s", s.NoticeS, 0, 86400), s.Fleet().Validate())
}

func (m HelpAnswer) check() error {
	if !m.Answer.Valid() {
		return errors.New("answer is unknown")
	}
	return errors.Join(hexID("call", m.Call), size("minutes", m.Minutes, 0, 120), size("who", len([]rune(m.Who)), 0, fleet.NameLimit))
}

func size(what string, n, least, most int) error {
	if n < least || n > most {
		return fmt.Errorf("%s has size %d, not %d to %d", what, n, least, most)
	}
	return nil
}

func seq(n uint64) error {
	if n == 0 || n > 1<<53 { // larger numbers do not survive other JSON readers
		return errors.New("seq is missing or too large")
	}
	return nil
}

func hexID(what, s string) error {
	if len(s) != 16 {
		return fmt.Errorf("%s is not 16 hexadecimal digits", what)
	}
	for _, c := range s {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return fmt.Errorf("%s is not 16 hexadecimal digits", what)
		}
	}
	return nil
}

// stamp lets a PC with an empty clock battery say 1970: that is a reading to
// report. Only nonsense is refused.
func stamp(what string, t time.Time) error {
	if t.IsZero() || t.Year() < 1970 || t.Year() > 2200 {
		return fmt.Errorf("%s is not a time", what)
	}
	return nil
}

// within refuses readings that no machine has; an absent one is fine.
func within(what string, v *float64, least, most float64) error {
	if v != nil && (*v < least || *v > most) {
		return fmt.Errorf("%s is not between %g and %g", what, least, most)
	}
	return nil
}
