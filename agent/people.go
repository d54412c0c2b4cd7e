package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"crypto/rand"
	"encoding/hex"

	"yhteiskone/agent/dashboard"
	"yhteiskone/agent/front"
	"yhteiskone/agent/gate"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// people is the side of the agent that people meet.
type people struct {
	staff   *staff.Service
	console *console
	pages   http.Handler
}

func newPeople(a *agent, secure bool, stopping <-chan struct{}) (*people, error) {
	s, err := newStaff(staff.Config{Secure: secure, Log: a.log, Provider: a.config.OIDC.provider(),
		Client: func(r *http.Request) string { return front.Client(r).String() }}, a.store)
	if err != nil {
		return nil, err
	}
	p := &people{staff: s, console: &console{store: a.store, staff: s, pin: a.id.Pin(), named: a.siteNamed,
		keeper: a.backup.keeper, releases: releasesIn(a.dir), ordered: a.gate.Order, again: sync.OnceFunc(func() { close(a.again) })}}
	p.pages = a.dashboardOf(p, stopping)
	return p, nil
}

// sayFirst says at the console how the first admin comes in, when nobody has an
// account. It goes to the standard output and never to the log.
func (p *people) sayFirst(out io.Writer, address string) error {
	code, err := p.staff.OpenFirst()
	if err != nil {
		return fmt.Errorf("make the code for the first admin: %w", err)
	}
	if code == "" {
		return nil
	}
	_, err = fmt.Fprintf(out, "agent: nobody has an account yet. Become the first admin, within a day, with the code %s at\nagent: %s\n",
		code, strings.TrimSuffix(address, "/")+dashboard.InviteFragment("/first", code, ""))
	return err
}

// actions is dashboard.Actions: what staff do to kiosks.
type actions struct{ *agent }

var errNoKiosk = errors.New("there is no such kiosk")

// Answer answers an open help call.
func (a *actions) Answer(_ context.Context, who string, id fleet.KioskID, call string, r dashboard.Reply) error {
	k, ok := a.board.Kiosk(id)
	if !ok {
		return errNoKiosk
	}
	m := wire.HelpAnswer{Call: call, Answer: r.Answer, Minutes: r.Minutes, Who: r.Who}
	if r.Answer == fleet.CannotCome || r.Answer == fleet.Done {
		m.Who = "" // nobody comes
	}
	if _, err := wire.Encode(m); err != nil {
		return fmt.Errorf("answer a help call: %w", err)
	}
	now, err := a.store.AnswerHelp(id, k.Site, call,
		store.HelpReply{By: who, Who: m.Who, Answer: r.Answer, Minutes: r.Minutes, At: time.Now()})
	if errors.Is(err, store.ErrNoCall) {
		return dashboard.ErrNoCall
	}
	if err != nil {
		return err
	}
	if r.Answer == fleet.Done {
		a.board.HelpOver(id, call)
	} else {
		a.board.Help(now)
	}
	a.gate.Send(id, m)
	return nil
}

// commandLife is how long a command without a life of its own is worth
// carrying out.
const commandLife = 10 * time.Minute

// Command sends a command to a kiosk, now or as soon as it is back.
func (a *actions) Command(_ context.Context, who string, id fleet.KioskID, c fleet.Command) (string, error) {
	k, ok := a.board.Kiosk(id)
	if !ok {
		return "", errNoKiosk
	}
	if c.TTL <= 0 {
		c.TTL = commandLife
	}
	o := gate.Order{Kiosk: id}
	if c.Name == fleet.Wake {
		neighbour, ok := a.neighbour(k)
		if !ok {
			return "", dashboard.ErrNobodyNear
		}
		o.Kiosk, o.For, c.MAC = neighbour, id, k.WiredMAC
	}
	if err := checkCommand(c); err != nil {
		return "", fmt.Errorf("command a kiosk: %w", err)
	}
	raw := make([]byte, 8)
	rand.Read(raw)
	c.ID = hex.EncodeToString(raw)
	now := time.Now()
	o.Command, o.Expires = c, now.Add(c.TTL)
	if err := a.store.PutOrder(who, o, k.Site, now); err != nil {
		return "", err
	}
	if c.Name == fleet.PutInService {
		// Somebody has checked the machine: what its proofs were doubted for
		// is settled.
		if err := a.settle(id); err != nil {
			return "", err
		}
	}
	if c.Name == fleet.TakeOutOfService {
		o.Command.Text = "" // the note is for people
	}
	a.gate.Order(o)
	return c.ID, nil
}

// neighbour is a machine of the same site that is there now, to wake the kiosk;
// one that nobody uses goes before one in use. False if there is none.
func (a *actions) neighbour(k fleet.Kiosk) (near fleet.KioskID, ok bool) {
	for _, v := range a.board.Views() {
		if v.Kiosk.Site != k.Site || v.Kiosk.ID == k.ID || !v.Connected {
			continue
		}
		if free := v.Report == nil || !v.Report.State.InSession(); !ok || free {
			near, ok = v.Kiosk.ID, true
			if free {
				break
			}
		}
	}
	return near, ok
}

// Waiting is dashboard.Actions's.
func (a *actions) Waiting(id fleet.KioskID) (all []fleet.Command, err error) {
	orders, err := a.store.Orders(id, time.Now())
	for _, o := range orders {
		if o.For == "" { // what it does for another is that one's
			all = append(all, o.Command)
		}
	}
	return all, err
}

// HelpWeeks is dashboard.Actions's.
func (a *actions) HelpWeeks(since time.Time) (all []dashboard.HelpWeek, err error) {
	weeks, err := a.store.HelpWeeks(since)
	for _, w := range weeks {
		all = append(all, dashboard.HelpWeek(w))
	}
	return all, err
}

// Note is dashboard.Actions's.
func (a *actions) Note(id fleet.KioskID) (n dashboard.Note, err error) {
	n.Text, n.Who, n.At, err = a.store.Note(id)
	return n, err
}

func (a *actions) settle(id fleet.KioskID) error {
	if p, err := a.store.Proof(id); err != nil || p.Invalid.IsZero() {
		return err
	}
	p, err := a.store.ClearDoubt(id)
	if err != nil {
		return fmt.Errorf("settle a doubt: %w", err)
	}
	a.board.Proof(id, p)
	return nil
}

func checkCommand(c fleet.Command) error {
	switch c.Name {
	case fleet.EndSession, fleet.RestartKiosk, fleet.Reboot, fleet.UpdateConfig, fleet.PutInService, fleet.Identify,
		fleet.SomeoneWaits, fleet.NobodyWaits, fleet.OpenWeb, fleet.Check:
		if c.Text != "" {
			return fmt.Errorf("%s takes no text", c.Name)
		}
	case fleet.Wake:
		if err := fleet.CheckMAC(c.MAC); err != nil {
			return err
		}
	case fleet.ShowMessage, fleet.TakeOutOfService:
		if c.Name == fleet.TakeOutOfService && c.Text == "" {
			break
		}
		if err := fleet.CheckMessage(c.Text); err != nil {
			return err
		}
	case fleet.UpdateImage:
		if err := c.Image.Check(); err != nil {
			return err
		}
		if c.Text != "" {
			return fmt.Errorf("%s takes no text", c.Name)
		}
	default:
		return fmt.Errorf("there is no command %q", c.Name)
	}
	if c.Name != fleet.UpdateImage && c.Image != (fleet.ImageOffer{}) {
		return fmt.Errorf("%s takes no image", c.Name)
	}
	if c.TTL < time.Second || c.TTL > 24*time.Hour {
		return fmt.Errorf("a command lives 1s to 24h, not %v", c.TTL)
	}
	return nil
}

// version is what this agent was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return "unknown"
}
