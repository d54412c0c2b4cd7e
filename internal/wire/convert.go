package wire

import (
	"time"

	"yhteiskone/internal/fleet"
)

// Fleet returns the settings in fleet's words.
func (s SettingsBody) Fleet() fleet.Settings {
	return fleet.Settings{Version: s.Version, SiteName: s.SiteName, KioskName: s.KioskName,
		Idle: seconds(s.IdleS), Warn: seconds(s.WarnS), Limit: seconds(s.LimitS)}
}

// SettingsOf is the other way of SettingsBody.Fleet; parts of a second are cut.
func SettingsOf(s fleet.Settings) SettingsBody {
	return SettingsBody{Version: s.Version, SiteName: s.SiteName, KioskName: s.KioskName,
		IdleS: int(s.Idle / time.Second), WarnS: int(s.Warn / time.Second), LimitS: int(s.Limit / time.Second)}
}

// Fleet returns the report in fleet's words.
func (m Report) Fleet() fleet.Report {
	r := fleet.Report{At: m.At, State: m.State, Since: m.Since, Uptime: time.Duration(m.UptimeS) * time.Second,
		Faults: m.Faults, Health: fleet.Health(m.Health)}
	if m.Proof != nil {
		p := fleet.ProofSummary(*m.Proof)
		r.Proof = &p
	}
	return r
}

// ReportOf is the other way of Report.Fleet.
func ReportOf(r fleet.Report) Report {
	m := Report{At: r.At, State: r.State, Since: r.Since, UptimeS: int64(r.Uptime / time.Second),
		Faults: r.Faults, Health: Health(r.Health)}
	if m.Faults == nil {
		m.Faults = []fleet.Code{}
	}
	if r.Proof != nil {
		p := ProofBrief(*r.Proof)
		m.Proof = &p
	}
	return m
}

// Fleet returns the proof in fleet's words, of the kiosk that sent it.
func (p ProofBody) Fleet(kiosk fleet.KioskID) fleet.WipeProof {
	w := fleet.WipeProof{Kiosk: kiosk, Seq: p.Seq, At: p.At, Prev: p.Prev, TookMS: p.TookMS, Signature: p.Signature}
	for _, l := range p.Looks {
		w.Looks = append(w.Looks, fleet.Look(l))
	}
	return w
}

// ProofOf is the other way of ProofBody.Fleet.
func ProofOf(w fleet.WipeProof) ProofBody {
	p := ProofBody{Seq: w.Seq, At: w.At, Prev: w.Prev, TookMS: w.TookMS, Signature: w.Signature}
	for _, l := range w.Looks {
		p.Looks = append(p.Looks, Look(l))
	}
	return p
}

// Fleet returns the counts in fleet's words.
func (m Counts) Fleet() fleet.Counts {
	return fleet.Counts{Day: m.Day, Sessions: m.Sessions, Lengths: m.Lengths, Tiles: m.Tiles, Ends: m.Ends, HelpCalls: m.HelpCalls}
}

// CountsOf is the other way of Counts.Fleet.
func CountsOf(seq uint64, c fleet.Counts) Counts {
	return Counts{Seq: seq, Day: c.Day, Sessions: c.Sessions, Lengths: c.Lengths, Tiles: c.Tiles, Ends: c.Ends, HelpCalls: c.HelpCalls}
}

// Fleet returns the command in fleet's words.
func (m Order) Fleet() fleet.Command {
	return fleet.Command{ID: m.ID, Name: m.Name, Text: m.Text, Now: m.Now, TTL: seconds(m.TTLS)}
}

// OrderOf is the other way of Order.Fleet.
func OrderOf(c fleet.Command) Order {
	return Order{ID: c.ID, Name: c.Name, Text: c.Text, Now: c.Now, TTLS: int(c.TTL / time.Second)}
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
