package wire

import (
	"errors"
	"fmt"
	"time"

	"yhteiskone/internal/fleet"
)

// A message's check says in one sentence which field is of a wrong size or
// shape. Both ends check, so that neither sends what the other cannot read.

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
	for _, count := range [...]struct {
		what string
		n    *int
	}{{"keyboards", h.Keyboards}, {"pointers", h.Pointers}, {"screens", h.Screens},
		{"usb_changes", h.USBChanges}, {"new_keyboards", h.NewKeyboards}, {"updates", h.Updates}} {
		if count.n != nil {
			errs = append(errs, size(count.what, *count.n, 0, 1_000_000))
		}
	}
	if h.Battery != nil {
		errs = append(errs, size("battery", *h.Battery, 0, 100))
	}
	if h.WiredMAC != nil {
		errs = append(errs, fleet.CheckMAC(*h.WiredMAC))
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
		if err := fleet.CheckName("down", d); err != nil {
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
	if (m.Name == fleet.Wake) != (m.MAC != "") {
		return errors.New("mac is there without wake, or missing with it")
	}
	if m.MAC != "" {
		if err := fleet.CheckMAC(m.MAC); err != nil {
			return fmt.Errorf("mac: %w", err)
		}
	}
	if (m.Image != nil) != (m.Name == fleet.UpdateImage) {
		return errors.New("image stands with update_image, and with nothing else")
	}
	if m.Image != nil {
		if err := fleet.ImageOffer(*m.Image).Check(); err != nil {
			return err
		}
	}
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
