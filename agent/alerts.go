package main

import (
	"context"
	"fmt"
	"net"
	"net/mail"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"yhteiskone/agent/dashboard"
	"yhteiskone/agent/notify"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
)

// mailConfig is the mail server in agent.toml.
type mailConfig struct {
	Server       string         `toml:"server"` // host:port
	From         string         `toml:"from"`
	User         string         `toml:"user"`
	PasswordFile string         `toml:"password_file"`
	TLS          notify.MailTLS `toml:"tls"`

	checked *notify.Mail
}

// alertConfig is how people are told, in agent.toml.
type alertConfig struct {
	Allow []string  `toml:"allow"` // webhooks that may be near or plain, as "http://ntfy.lan:8080"
	Grace *duration `toml:"grace"` // how long a fault lasts before people are told, where no site says another time
	Help  *duration `toml:"help"`  // how long a call for help rings before people are told

	grace, help time.Duration
}

// checkAlerts says which field of [mail] or [alerts] is wrong.
func (c *config) checkAlerts() error {
	c.Alerts.grace, c.Alerts.help = watch.DefaultGrace, 2*time.Minute
	for what, d := range map[string]struct {
		from *duration
		to   *time.Duration
	}{"grace": {c.Alerts.Grace, &c.Alerts.grace}, "help": {c.Alerts.Help, &c.Alerts.help}} {
		if d.from != nil {
			if *d.to = d.from.Duration; *d.to < 0 || *d.to > 24*time.Hour {
				return fmt.Errorf("alerts: %s is %v; it must be between 0s and 24h", what, *d.to)
			}
		}
	}
	for _, s := range c.Alerts.Allow {
		if err := notify.CheckOrigin(s); err != nil {
			return fmt.Errorf("alerts: allow: %w", err)
		}
	}
	if c.Mail == nil {
		return nil
	}
	m := notify.Mail{From: c.Mail.From, User: c.Mail.User, TLS: c.Mail.TLS}
	host, port, err := net.SplitHostPort(c.Mail.Server)
	if m.Port, _ = strconv.Atoi(port); err != nil || host == "" || m.Port < 1 || m.Port > 65535 {
		return fmt.Errorf("mail: server: %q is not host:port, for example \"smtp.example.fi:587\"", c.Mail.Server)
	}
	m.Host = host
	if a, err := mail.ParseAddress(m.From); err != nil || a.Address != m.From {
		return fmt.Errorf("mail: from: %q is not an address such as \"yhteiskone@example.fi\"", m.From)
	}
	switch m.TLS {
	case "":
		m.TLS = notify.StartTLS
	case notify.StartTLS, notify.DirectTLS:
	case notify.Plain:
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return fmt.Errorf("mail: tls: \"none\" is for a server on this machine, not %q", host)
		}
	default:
		return fmt.Errorf("mail: tls is %q; it must be \"starttls\", \"tls\" or \"none\"", m.TLS)
	}
	if c.Mail.PasswordFile != "" {
		raw, err := os.ReadFile(c.Mail.PasswordFile)
		if err != nil {
			return fmt.Errorf("mail: password_file: %w", err)
		}
		m.Password = strings.TrimRight(string(raw), "\r\n")
	}
	if (m.User == "") != (m.Password == "") {
		return fmt.Errorf("mail: user and password_file belong together")
	}
	c.Mail.checked = &m
	return nil
}

// alerts tells people what the board shows, and is dashboard.Alerts.
type alerts struct {
	*agent
	notifier *notify.Notifier
	tests    *rate.Limiter
	gone     map[string]time.Time // since when something that people were told of is no more
	views    []state.View         // used by look alone, again and again: there are thousands
}

func newAlerts(a *agent) *alerts {
	c := notify.Config{Store: a.store, Reach: a.reach, Texts: watch.Texts{}, Allow: a.config.Alerts.Allow,
		Address: a.reached, Location: a.config.location, Log: a.log}
	if a.config.Mail != nil {
		c.Mail = a.config.Mail.checked
	}
	return &alerts{agent: a, notifier: notify.New(c), tests: rate.NewLimiter(rate.Every(10*time.Second), 4), gone: map[string]time.Time{}}
}

// reached is the address that people are told.
func (a *agent) reached() string {
	url, err := a.store.Address()
	if err != nil {
		a.log.Error("own address not read", "why", err)
	}
	return url
}

// reach reports whether a person still has an account and may see the site.
func (a *agent) reach(person string, site fleet.SiteID) bool {
	return a.people.staff.May(person, staff.SeeFleet, site)
}

// followEvery is how often the board is looked at for what people are told.
const followEvery = 2 * time.Second

// followQuiet is how long after the agent's start nothing is said of faults:
// until the kiosks are back, and it is known which sites are lost as a whole.
const followQuiet = faultQuiet + 10*time.Second

// backTime is how long something must be well before people are told so: what
// comes and goes is one thing.
const backTime = time.Minute

// follow tells people what opens and closes, until the context ends.
func (a *alerts) follow(ctx context.Context) error {
	begun, failing := time.Now(), false
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			err := a.look(now, now.Sub(begun) < followQuiet)
			if err != nil && !failing {
				a.log.Error("people are not told; trying on", "why", err)
			}
			failing = err != nil
		}
	}
}

// matter is something that is so now, and when people are told of it.
type matter struct {
	notify.Event
	due time.Time // zero: not as things are
}

// look compares what is so with what people were told. When they are told of a
// fault watch.Due says, and nothing else does. Just after a start the kiosks
// are still coming back, so of faults nothing is said.
func (a *alerts) look(now time.Time, fresh bool) error {
	told, err := a.store.Open()
	if err != nil {
		return err
	}
	a.views = a.board.AppendViews(a.views[:0])
	views, sites := a.views, a.board.Sites()
	all := a.calls(views, now)
	if !fresh {
		all = append(all, a.faults(views, sites, now)...)
	}
	still := map[string]bool{}
	for _, m := range all {
		still[m.Incident] = true
		delete(a.gone, m.Incident)
		if _, known := told[m.Incident]; known || m.due.IsZero() || now.Before(m.due) {
			continue
		}
		if err := a.notifier.Tell(m.Event, now); err != nil {
			return err
		}
	}
	for id, e := range told {
		switch {
		case still[id]:
			continue
		case e.Kind == notify.HelpWaits:
			e.Kind = notify.HelpOver
		case fresh || !watch.Known(e.Site, e.Kiosk, views, sites) || !a.well(id, now):
			continue
		default:
			e.Kind = notify.FaultClosed
		}
		e.At = now
		if err := a.notifier.Tell(e, now); err != nil {
			return err
		}
		delete(a.gone, id)
	}
	return nil
}

// well reports whether something has been well for long enough.
func (a *alerts) well(id string, now time.Time) bool {
	since, known := a.gone[id]
	if !known {
		a.gone[id] = now
	}
	return known && now.Sub(since) >= backTime
}

// calls are the calls for help that nobody comes for.
func (a *alerts) calls(views []state.View, now time.Time) (all []matter) {
	for _, v := range views {
		h := v.Help
		if h == nil || h.Answer != fleet.NoAnswer && h.Answer != fleet.CannotCome {
			continue
		}
		c := a.call(v.Kiosk.Site)
		all = append(all, matter{notify.Event{Kind: notify.HelpWaits, Incident: "help/" + h.ID, At: now, Began: h.At,
			Site: v.Kiosk.Site, SiteName: v.SiteName, Also: c.To, Kiosk: v.Kiosk.ID, Name: v.Kiosk.Name}, h.At.Add(c.After)})
	}
	return all
}

// faults are what is wrong, what matters more first.
func (a *alerts) faults(views []state.View, sites []state.Site, now time.Time) (all []matter) {
	places, names := map[fleet.SiteID]state.Site{}, map[fleet.KioskID]string{}
	for _, s := range sites {
		places[s.ID] = s
	}
	for _, v := range views {
		if len(v.Faults) > 0 {
			names[v.Kiosk.ID] = v.Kiosk.Name
		}
	}
	wrong := watch.Matters(views, sites)
	slices.SortFunc(wrong, watch.Order)
	for _, w := range wrong {
		s, known := places[w.Site]
		if !known { // it is the agent's own
			s.Place.Grace = a.config.Alerts.grace
		}
		m := matter{Event: notify.Event{Kind: notify.FaultOpened, Incident: w.ID(), At: now, Began: w.Fault.Since, Site: w.Site, SiteName: s.Name,
			Kiosk: w.Kiosk, Name: names[w.Kiosk], Code: w.Fault.Code, Severity: watch.RowOf(w.Fault.Code).Severity}}
		if at, to, ok := watch.Due(w, s.Place, s.Around); ok {
			m.due, m.To = at, audience(to)
		}
		all = append(all, m)
	}
	return all
}

// audience is who can do something about it, for whoever is told.
func audience(to watch.Audience) notify.Audience {
	switch to {
	case watch.ForStaff:
		return notify.ForStaff
	case watch.ForTechnician:
		return notify.ForTechnician
	}
	return notify.Everybody
}

// Targets is dashboard.Alerts's.
func (a *alerts) Targets() ([]notify.Target, error) { return a.store.Targets() }

// Troubles is dashboard.Alerts's.
func (a *alerts) Troubles() ([]notify.Trouble, error) { return a.store.Troubles() }

// Check is dashboard.Alerts's.
func (a *alerts) Check(t notify.Target) error { return a.notifier.Check(t) }

// HasMail is dashboard.Alerts's.
func (a *alerts) HasMail() bool { return a.notifier.HasMail() }

// PutTarget is dashboard.Alerts's.
func (a *alerts) PutTarget(who string, t notify.Target) error {
	defer a.notifier.Wake()
	return a.store.PutTarget(who, t)
}

// DropTarget is dashboard.Alerts's.
func (a *alerts) DropTarget(who string, t notify.Target) error {
	return a.store.DropTarget(who, t, time.Now())
}

// Try is dashboard.Alerts's.
func (a *alerts) Try(ctx context.Context, t notify.Target) (notify.Why, error) {
	if !a.tests.Allow() {
		return "", dashboard.ErrTries
	}
	return a.notifier.Try(ctx, t, t.Site), nil
}
