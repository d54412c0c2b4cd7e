package wire

import (
	"time"

	"yhteiskone/internal/fleet"
)

// Fleet returns the settings in fleet's words.
func (s SettingsBody) Fleet() fleet.Settings {
	f := fleet.Settings{Version: s.Version, SiteName: s.SiteName, KioskName: s.KioskName,
		Idle: seconds(s.IdleS), Warn: seconds(s.WarnS), Limit: seconds(s.LimitS), Notice: seconds(s.NoticeS),
		Mode: s.Mode, Blocked: s.Blocked, Languages: s.Languages, Phone: s.Phone, Agents: s.Agents}
	if s.Welcome != nil {
		f.Welcome = fleet.Text(*s.Welcome)
	}
	if s.Offer != nil {
		f.Offer = &fleet.Offer{Shown: s.Offer.Shown}
		for _, o := range s.Offer.Own {
			f.Offer.Own = append(f.Offer.Own, fleet.Service{Name: fleet.Text(o.Name), Address: o.Address, Hosts: o.Hosts})
		}
	}
	for _, t := range s.Support {
		f.Support = append(f.Support, fleet.Support(t))
	}
	if s.Hours != nil {
		f.Hours = &fleet.Hours{Days: map[string][]fleet.Span{}}
		for d, spans := range s.Hours.Week {
			f.Hours.Week[d] = spansOf(spans)
		}
		for d, spans := range s.Hours.Days {
			f.Hours.Days[d] = spansOf(spans)
		}
	}
	return f
}

func spansOf(pairs [][2]int) []fleet.Span {
	var spans []fleet.Span
	for _, p := range pairs {
		spans = append(spans, fleet.Span{From: p[0], To: p[1]})
	}
	return spans
}

// SettingsOf is the other way of SettingsBody.Fleet; parts of a second are cut.
func SettingsOf(f fleet.Settings) SettingsBody {
	s := SettingsBody{Version: f.Version, SiteName: f.SiteName, KioskName: f.KioskName,
		IdleS: whole(f.Idle), WarnS: whole(f.Warn), LimitS: whole(f.Limit), NoticeS: whole(f.Notice),
		Mode: f.Mode, Blocked: f.Blocked, Languages: f.Languages, Phone: f.Phone, Agents: f.Agents}
	if f.Welcome != (fleet.Text{}) {
		t := Text(f.Welcome)
		s.Welcome = &t
	}
	if f.Offer != nil {
		s.Offer = &Offer{Shown: f.Offer.Shown}
		for _, o := range f.Offer.Own {
			s.Offer.Own = append(s.Offer.Own, Service{Name: Text(o.Name), Address: o.Address, Hosts: o.Hosts})
		}
	}
	for _, t := range f.Support {
		s.Support = append(s.Support, Support(t))
	}
	if f.Hours != nil {
		s.Hours = &Hours{}
		for d, spans := range f.Hours.Week {
			s.Hours.Week[d] = pairsOf(spans)
		}
		if len(f.Hours.Days) > 0 {
			s.Hours.Days = map[string][][2]int{}
		}
		for d, spans := range f.Hours.Days {
			s.Hours.Days[d] = pairsOf(spans)
		}
	}
	return s
}

func pairsOf(spans []fleet.Span) [][2]int {
	pairs := [][2]int{}
	for _, s := range spans {
		pairs = append(pairs, [2]int{s.From, s.To})
	}
	return pairs
}

func whole(d time.Duration) int { return int(d / time.Second) }

// Fleet returns the report in fleet's words.
func (m Report) Fleet() fleet.Report {
	r := fleet.Report{At: m.At, State: m.State, Since: m.Since, Uptime: time.Duration(m.UptimeS) * time.Second,
		Faults: m.Faults, Health: fleet.Health(m.Health)}
	if m.Proof != nil {
		p := fleet.ProofSummary(*m.Proof)
		r.Proof = &p
	}
	if m.Serves != nil {
		r.Serves = fleet.Serves(*m.Serves)
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
	serves := Serves(r.Serves)
	m.Serves = &serves
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
	return fleet.Counts{Day: m.Day, Sessions: m.Sessions, Lengths: m.Lengths, Tiles: m.Tiles, Ends: m.Ends, HelpCalls: m.HelpCalls,
		Outcomes: m.Outcomes}
}

// CountsOf is the other way of Counts.Fleet.
func CountsOf(seq uint64, c fleet.Counts) Counts {
	return Counts{Seq: seq, Day: c.Day, Sessions: c.Sessions, Lengths: c.Lengths, Tiles: c.Tiles, Ends: c.Ends, HelpCalls: c.HelpCalls,
		Outcomes: c.Outcomes}
}

// Fleet returns the command in fleet's words.
func (m Order) Fleet() fleet.Command {
	c := fleet.Command{ID: m.ID, Name: m.Name, Text: m.Text, MAC: m.MAC, Now: m.Now, TTL: seconds(m.TTLS)}
	if m.Image != nil {
		c.Image = fleet.ImageOffer(*m.Image)
	}
	return c
}

// OrderOf is the other way of Order.Fleet.
func OrderOf(c fleet.Command) Order {
	m := Order{ID: c.ID, Name: c.Name, Text: c.Text, MAC: c.MAC, Now: c.Now, TTLS: int(c.TTL / time.Second)}
	if c.Name == fleet.UpdateImage {
		image := Image(c.Image)
		m.Image = &image
	}
	return m
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
