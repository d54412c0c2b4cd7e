package gate_test

import (
	"fmt"
	"testing"
	"time"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/state"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/link"
	"yhteiskone/internal/proof"
	"yhteiskone/internal/wire"
)

// What is numbered is applied once and acknowledged every time.
func TestOnce(t *testing.T) {
	h := newHouse(t, nil)
	d := h.enrolled()
	d.connect()
	call := wire.Help{Seq: 3, Call: "00000000000000aa"}
	d.send(call)
	if a := receive[wire.Ack](d); a.Seq != 3 {
		t.Errorf("ack %d", a.Seq)
	}
	d.see("the call", func(v state.View) bool { return v.Help != nil })
	d.send(wire.HelpOver{Seq: 4, Call: call.Call})
	receive[wire.Ack](d)
	d.send(call) // again: it must not ring again
	if a := receive[wire.Ack](d); a.Seq != 3 {
		t.Errorf("ack of a repeated message: %d", a.Seq)
	}
	if v, _ := h.board.View(d.id); v.Help != nil {
		t.Error("a repeated message was applied again")
	}
	d.conn.Close(link.CloseNormal, "")
	if w := d.connect(); w.Applied != 4 {
		t.Errorf("applied %d, want 4", w.Applied)
	}
}

// A call rings until it is answered; the answer reaches a kiosk that was away;
// the kiosk's restart ends it.
func TestHelp(t *testing.T) {
	h := newHouse(t, nil)
	d := h.enrolled()
	d.connect()
	const call = "00000000000000aa"
	d.send(wire.Help{Seq: 1, Call: call})
	receive[wire.Ack](d)
	d.conn.Close(link.CloseNormal, "")
	d.seeStatus(fleet.StatusNoConnection)
	if _, err := h.store.AnswerHelp(d.id, "ranta", call, store.HelpReply{By: "satu", Who: "Satu V.", Answer: fleet.ComingSoon, Minutes: 5, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	d.connect()
	if a := receive[wire.HelpAnswer](d); a.Call != call || a.Answer != fleet.ComingSoon || a.Minutes != 5 || a.Who != "Satu V." {
		t.Errorf("%+v", a)
	}
	d.conn.Close(link.CloseNormal, "")
	d.boot = "00000000000000b2"
	d.connect()
	d.see("no call", func(v state.View) bool { return v.Help == nil })
	if _, _, found, _ := h.store.Help(d.id); found {
		t.Error("the call is still kept")
	}
}

// An order goes out again at every connection, with what is left of its life,
// until its result comes or its life is over.
func TestOrders(t *testing.T) {
	h := newHouse(t, nil)
	d := h.enrolled()
	now := time.Now()
	give := func(id string, expires time.Time) {
		o := gate.Order{Kiosk: d.id, Command: fleet.Command{ID: id, Name: fleet.Identify}, Expires: expires}
		if err := h.store.PutOrder("satu", o, "ranta", now); err != nil {
			t.Fatal(err)
		}
		h.gate.Order(o)
	}
	give("00000000000000c1", now.Add(time.Minute))
	give("00000000000000c2", now.Add(-time.Second))
	for range 2 {
		d.connect()
		if o := receive[wire.Order](d); o.ID != "00000000000000c1" || o.TTLS < 50 || o.TTLS > 60 {
			t.Errorf("%+v", o)
		}
		d.conn.Close(link.CloseNormal, "")
		d.seeStatus(fleet.StatusNoConnection)
	}
	d.connect()
	receive[wire.Order](d)
	d.send(wire.Result{Seq: 1, Command: "00000000000000c1", OK: true})
	receive[wire.Ack](d)
	give("00000000000000c3", now.Add(time.Minute)) // while connected
	if o := receive[wire.Order](d); o.ID != "00000000000000c3" {
		t.Errorf("%+v", o)
	}
	if left, _ := h.store.Orders(d.id, now); len(left) != 1 {
		t.Errorf("%d orders wait", len(left))
	}
}

func (d *device) prove(clean bool) wire.Proof {
	look := fleet.Look{At: "files", Looked: 10}
	if !clean {
		look.Found = 1
	}
	p := proof.Sign(d.key, d.last, fleet.WipeProof{Kiosk: d.id, At: time.Now(), Looks: []fleet.Look{look}})
	d.last = &p
	return wire.Proof{Proof: wire.ProofOf(p)}
}

func TestProofs(t *testing.T) {
	h := newHouse(t, nil)
	d := h.enrolled()
	d.connect()
	d.reports(fleet.Ready)
	seq := uint64(0)
	say := func(p wire.Proof) state.View {
		seq++
		p.Seq = seq
		d.send(p)
		if a := receive[wire.Ack](d); a.Seq != seq { // also of a bad one: it must not come for ever
			t.Errorf("ack %d of %d", a.Seq, seq)
		}
		v, _ := h.board.View(d.id)
		return v
	}
	has := func(v state.View, code fleet.Code) bool {
		for _, f := range v.Faults {
			if f.Code == code {
				return true
			}
		}
		return false
	}
	if v := say(d.prove(true)); v.Proof == nil || v.Proof.Seq != 1 || len(v.Faults) > 0 {
		t.Fatalf("the first: %+v", v)
	}
	again := wire.Proof{Proof: wire.ProofOf(*d.last)}
	if v := say(again); has(v, fleet.ProofInvalid) {
		t.Error("the newest proof again, under another number, is no fault")
	}
	if v := say(d.prove(false)); v.Status != fleet.StatusOutOfOrder || !has(v, fleet.WipeUnverified) || v.Proof.Clean {
		t.Errorf("one that is not clean: %+v", v)
	}
	forged := d.prove(true)
	forged.Proof.Looks[0].Looked++ // after signing
	if v := say(forged); !has(v, fleet.ProofInvalid) || v.Proof.Seq != 2 {
		t.Errorf("a forged one: %+v", v)
	}
	if _, err := h.store.ClearDoubt(d.id); err != nil {
		t.Fatal(err)
	}
	d.last = nil // the chain begins anew, as after a disk was exchanged
	if v := say(d.prove(true)); !has(v, fleet.ProofInvalid) || v.Proof.Seq != 1 || v.Status != fleet.StatusNeedsAttention {
		t.Errorf("a chain that begins anew: %+v", v)
	}
	standing, err := h.store.ClearDoubt(d.id)
	if err != nil {
		t.Fatal(err)
	}
	h.board.Proof(d.id, standing)
	if v := say(d.prove(true)); has(v, fleet.ProofInvalid) || v.Proof.Seq != 2 || v.Status != fleet.StatusFree {
		t.Errorf("after it was settled: %+v", v)
	}
}

// failing is a store whose disk is full.
type failing struct{ *store.Store }

func (failing) ApplyHelp(fleet.HelpCall, uint64, string) (bool, error) { return false, store.ErrFull }

// What could not be kept is not acknowledged, and nothing after it is; but the
// call rings and the kiosk stays visible.
func TestDiskFull(t *testing.T) {
	h := newHouse(t, func(c *gate.Config) { c.Store = failing{c.Store.(*store.Store)} })
	d := h.enrolled()
	d.connect()
	d.send(wire.Help{Seq: 1, Call: "00000000000000aa"})
	d.send(wire.HelpOver{Seq: 2, Call: "00000000000000bb"}) // could be kept, but its ack would cover the first
	d.reports(fleet.InUse)
	d.see("the call, and the report after it", func(v state.View) bool {
		return v.Help != nil && v.Status == fleet.StatusInUse
	})
	if n, _ := h.store.Applied(d.id); n != 0 {
		t.Errorf("applied %d", n)
	}
	d.conn.Close(link.CloseNormal, "")
	if w := d.connect(); w.Applied != 0 {
		t.Errorf("applied %d", w.Applied)
	}
}

func TestSettings(t *testing.T) {
	h := newHouse(t, nil)
	d := h.enrolled()
	before := d.connect().Settings
	d.reports(fleet.Ready)
	d.seeStatus(fleet.StatusFree)
	if _, err := h.store.PutSites(fleet.Site{ID: "ranta", Name: "Päiväkeskus Ranta"}); err != nil {
		t.Fatal(err)
	}
	h.gate.Renew()
	if s := receive[wire.Settings](d).Settings; s.SiteName != "Päiväkeskus Ranta" || s.Version <= before.Version {
		t.Errorf("%+v after %+v", s, before)
	}
}

// Settings that do not fit into the welcome follow it at once and whole; times
// of digital support that are over are left out.
func TestLargeSettings(t *testing.T) {
	h := newHouse(t, nil)
	now := time.Now().UTC().Truncate(time.Second)
	own := fleet.DefaultSettings()
	own.Mode = fleet.Errands
	own.Support = []fleet.Support{{From: now.Add(-3 * time.Hour), To: now.Add(-time.Hour)}, {From: now.Add(-time.Hour), To: now.Add(time.Hour)}}
	for i := range 200 {
		own.Blocked = append(own.Blocked, fmt.Sprintf("casino-%d.example", i))
	}
	if err := h.store.PutSettings(fleet.DefaultSettings(), map[fleet.SiteID]fleet.Settings{"ranta": own}); err != nil {
		t.Fatal(err)
	}
	d := h.enrolled()
	w := d.connect()
	if !w.More || w.Settings.Mode != "" || w.Settings.IdleS != 720 {
		t.Errorf("the welcome says %+v", w.Settings)
	}
	check := func(s wire.SettingsBody) {
		t.Helper()
		if s.Mode != fleet.Errands || len(s.Blocked) != 200 || len(s.Support) != 1 || !s.Support[0].From.Equal(now.Add(-time.Hour)) || s.SiteName == "" {
			t.Errorf("the settings are %+v", s)
		}
	}
	check(receive[wire.Settings](d).Settings)
	h.gate.Renew()
	check(receive[wire.Settings](d).Settings)
	own.Blocked = nil
	if err := h.store.PutSettings(fleet.DefaultSettings(), map[fleet.SiteID]fleet.Settings{"ranta": own}); err != nil {
		t.Fatal(err)
	}
	d.conn.Close(link.CloseNormal, "")
	if w := d.connect(); w.More || w.Settings.Mode != fleet.Errands || len(w.Settings.Support) != 1 {
		t.Errorf("small settings: %+v", w)
	}
}

// late is a store in which somebody changes the settings just after they were
// read for a welcome, and before the kiosk is one that Renew reaches.
type late struct {
	*store.Store
	change func()
}

// Settings is gate.Store's.
func (l *late) Settings(k fleet.Kiosk) (fleet.Settings, error) {
	set, err := l.Store.Settings(k)
	if l.change != nil {
		change := l.change
		l.change = nil
		change()
	}
	return set, err
}

// A change of the settings while a kiosk connects is not lost on it.
func TestSettingsChangeWhileConnecting(t *testing.T) {
	slow := &late{}
	h := newHouse(t, func(c *gate.Config) {
		slow.Store = c.Store.(*store.Store)
		c.Store = slow
	})
	d := h.enrolled()
	slow.change = func() {
		s := fleet.DefaultSettings()
		s.Phone = "09 123 4567"
		if err := h.store.PutSettings(s, nil); err != nil {
			t.Error(err)
		}
		h.gate.Renew()
	}
	if w := d.connect(); w.Settings.Phone != "" {
		t.Fatalf("the welcome has them already: %+v", w.Settings)
	}
	if s := receive[wire.Settings](d).Settings; s.Phone != "09 123 4567" {
		t.Errorf("%+v", s)
	}
}
