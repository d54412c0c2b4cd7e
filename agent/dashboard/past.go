package dashboard

import (
	"html/template"
	"slices"
	"strconv"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// How much of the past is shown.
const (
	pastDays      = 90
	pastIncidents = 50
	pastEntries   = 1000
)

// past is what machines did and what was wrong.
type past struct {
	Site      bool // of a whole site: incidents name their machine
	Served    chart
	Incidents []incident
}

// incident is one fault, over or not.
type incident struct {
	Text    string
	Machine string // empty: the site as a whole
	Kiosk   fleet.KioskID
	Since   time.Time
	End     time.Time // zero: not over
	Long    template.HTML
	Flaps   template.HTML
	Did     []event // what people did meanwhile
}

// past of a kiosk, or of a site with its kiosks.
func (b *board) past(v visit, site fleet.SiteID, views []state.View, whole bool, open []incident) (past, error) {
	now := v.tell.now()
	from := now.In(v.tell.loc).AddDate(0, 0, -pastDays+1)
	names := map[fleet.KioskID]string{}
	var ids []fleet.KioskID
	for _, k := range views {
		names[k.Kiosk.ID] = k.Kiosk.Name
		ids = append(ids, k.Kiosk.ID)
	}
	days, err := b.History.Served(from.Format(time.DateOnly), ids...)
	if err != nil {
		return past{}, err
	}
	p := past{Site: whole, Served: chartOf(v.tell, from, days)}
	only := fleet.KioskID("")
	if !whole {
		only = ids[0]
	}
	over, err := b.History.Incidents(site, only, from, pastIncidents)
	if err != nil {
		return past{}, err
	}
	p.Incidents = open
	for _, i := range over {
		f := i.Fault
		text, _ := b.Texts.Fault(v.tell.lang, f.Code)
		p.Incidents = append(p.Incidents, incident{Text: text, Machine: names[i.Kiosk], Kiosk: i.Kiosk, Since: f.Since, End: i.End,
			Long: v.tell.length(i.End.Sub(f.Since)), Flaps: v.tell.flaps(f)})
	}
	if v.may(staff.SeeAudit, site) && len(p.Incidents) > 0 {
		err = b.acted(v, site, only, p.Incidents)
	}
	return p, err
}

// open are the faults that are there now.
func (b *board) open(v visit, kiosk fleet.KioskID, machine string, faults []state.Fault) (all []incident) {
	for _, f := range faults {
		if kiosk != "" && (f.Code == fleet.SiteSilent || f.Code == fleet.CannotSee) && machine != "" {
			continue // the site says it
		}
		text, _ := b.Texts.Fault(v.tell.lang, f.Code)
		all = append(all, incident{Text: text, Machine: machine, Kiosk: kiosk, Since: begin(f), Long: v.tell.length(v.tell.now().Sub(begin(f))), Flaps: v.tell.flaps(f)})
	}
	return all
}

// begin is when the fault began, the first time if it comes and goes.
func begin(f state.Fault) time.Time {
	if f.Flaps() && !f.First.IsZero() {
		return f.First
	}
	return f.Since
}

// acted finds out who did what to a machine while something was wrong with it;
// what was done at a site counts for the site.
func (b *board) acted(v visit, site fleet.SiteID, kiosk fleet.KioskID, all []incident) error {
	entries, err := b.Audit.Entries(kiosk, pastEntries)
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e AuditEntry) bool {
		return e.Site != site || e.Action != "command" && e.Action != "help_answered"
	})
	for i := range all {
		in := &all[i]
		var during []AuditEntry
		for _, e := range entries {
			if (in.Kiosk == "" || e.Kiosk == in.Kiosk) && !e.At.Before(in.Since) && (in.End.IsZero() || !e.At.After(in.End)) {
				during = append(during, e)
			}
		}
		if len(during) > 5 {
			during = during[:5]
		}
		in.Did = b.history(v, during)
	}
	return nil
}

// flaps says that a fault comes and goes; nothing of another one.
func (t teller) flaps(f state.Fault) template.HTML {
	if !f.Flaps() {
		return ""
	}
	return t.count("past.flaps", f.Times, "when", t.when(begin(f)))
}

// length is a length of time to the minute: "2 h 5 min".
func (t teller) length(d time.Duration) template.HTML {
	switch minutes := int(d.Round(time.Minute) / time.Minute); {
	case d < time.Minute:
		return t.say("past.short")
	case minutes < 60:
		return t.say("past.minutes", "m", minutes)
	case minutes < 48*60 && minutes%60 == 0:
		return t.say("past.even_hours", "h", minutes/60)
	case minutes < 48*60:
		return t.say("past.hours", "h", minutes/60, "m", minutes%60)
	}
	return t.count("span.days", int(d/(24*time.Hour)))
}

// chart is what machines did on each day, as a picture and as a table.
type chart struct {
	Days  []dayBar
	Rows  []dayBar // those on which anything is known, the newest first
	Share string
	Width int
	First template.HTML
	Last  template.HTML
}

// dayBar is one day. The heights add up to chartHeight.
type dayBar struct {
	X                           int
	Works, Lost, Broken, Paused stripe
	Known                       bool
	Day                         template.HTML
	Share                       string
	Open                        template.HTML
	Times                       [4]template.HTML // works, lost, broken, paused
}

// stripe is a piece of a bar.
type stripe struct{ Y, H int }

// Sizes of the picture, in its own units.
const (
	chartHeight = 100
	barStep     = 10
)

func chartOf(t teller, from time.Time, days map[string]map[fleet.KioskID]state.Served) chart {
	c := chart{Width: pastDays * barStep}
	var sum state.Served
	for i := range pastDays {
		at := from.AddDate(0, 0, i)
		var did state.Served
		for _, d := range days[at.Format(time.DateOnly)] {
			did = did.Add(d)
		}
		sum = sum.Add(did)
		d := dayBar{X: i * barStep, Known: did.Open() >= time.Minute, Day: t.date(at)}
		if d.Known {
			d.Share, d.Open = t.percent(did.Works, did.Open()), t.length(did.Open())
			y := chartHeight
			for j, s := range []*stripe{&d.Works, &d.Lost, &d.Broken, &d.Paused} {
				part := [4]time.Duration{did.Works, did.Lost, did.Broken, did.Paused}[j]
				s.H = int(chartHeight * int64(part) / int64(did.Open()))
				if s.H == 0 && part > 0 {
					s.H = 1 // seen, however small
				}
				s.H = min(s.H, y)
				y -= s.H
				s.Y = y
				d.Times[j] = "–"
				if part > 0 {
					d.Times[j] = t.length(part)
				}
			}
			c.Rows = append(c.Rows, d)
		}
		c.Days = append(c.Days, d)
	}
	slices.Reverse(c.Rows)
	c.First, c.Last = c.Days[0].Day, c.Days[len(c.Days)-1].Day
	if sum.Open() >= time.Minute {
		c.Share = t.percent(sum.Works, sum.Open())
	}
	return c
}

// percent is a share with one decimal, rounded down: only all is 100.
func (t teller) percent(part, whole time.Duration) string {
	tenths := int64(part/time.Second) * 1000 / max(1, int64(whole/time.Second))
	text := strconv.FormatInt(tenths/10, 10)
	if tenths%10 != 0 {
		text += t.words["health.decimal"] + strconv.FormatInt(tenths%10, 10)
	}
	return text
}

// date is one day: "21.11.".
func (t teller) date(at time.Time) template.HTML {
	return template.HTML(template.HTMLEscapeString(at.In(t.loc).Format(t.words["when.day"])))
}
