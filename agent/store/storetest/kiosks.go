package storetest

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/state"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/proof"
)

// A code is for as many machines as it says, once each: the same machine again
// gets the same kiosk, also after a restart and after the code is used up.
func codes(t *testing.T, k Kind) {
	dir := t.TempDir()
	e := k.open(t, dir)
	code := identity.HashCode("0000-0000-0000")
	must(t, e.PutCode(store.Code{Hash: code, Site: "ranta", Name: "Kone", Uses: 2, Expires: noon().Add(time.Hour)}, "console", noon()))
	use := func(n byte, id fleet.KioskID, at time.Time) gate.Use {
		return gate.Use{CodeHash: code, PublicKey: bytes.Repeat([]byte{n}, 32), Hardware: "PC", At: at, NewID: id}
	}
	first, _, err := e.Enrol(use(1, one, noon()))
	must(t, err)
	e = k.again(t, e, dir)
	second, _, err := e.Enrol(use(2, two, noon()))
	must(t, err)
	if first.ID != one || second.ID != two || first.Name == second.Name || first.Site != "ranta" {
		t.Errorf("%+v, %+v", first, second)
	}
	if same, _, err := e.Enrol(use(1, "kcccccccccccc", noon().Add(2*time.Hour))); err != nil || same.ID != one {
		t.Errorf("the same machine again: %+v, %v", same, err)
	}
	if _, _, err := e.Enrol(use(3, "kcccccccccccc", noon())); !errors.Is(err, gate.ErrCodeUsed) {
		t.Errorf("a third machine: %v", err)
	}
	late := identity.HashCode("1111-1111-1111")
	must(t, e.PutCode(store.Code{Hash: late, Site: "ranta", Name: "Kone", Uses: 1, Expires: noon()}, "console", noon()))
	if _, _, err := e.Enrol(gate.Use{CodeHash: late, PublicKey: make([]byte, 32), At: noon(), NewID: "kcccccccccccc"}); !errors.Is(err, gate.ErrCodeExpired) {
		t.Errorf("at its last moment: %v", err)
	}
	if _, _, err := e.Enrol(gate.Use{CodeHash: make([]byte, 32), PublicKey: make([]byte, 32), At: noon()}); !errors.Is(err, gate.ErrCodeUnknown) {
		t.Errorf("an unknown code: %v", err)
	}
	if all, err := e.Kiosks(); err != nil || len(all) != 2 {
		t.Errorf("%d kiosks, %v", len(all), err)
	}
}

// A number is applied once, in whatever order numbers arrive, and stays
// applied.
func numbers(t *testing.T, k Kind) {
	dir := t.TempDir()
	e := k.open(t, dir)
	for i, c := range []struct {
		seq     uint64
		fresh   bool
		applied uint64
	}{{1, true, 1}, {1, false, 1}, {5, true, 5}, {3, false, 5}, {6, true, 6}, {5, false, 6}} {
		if i == 3 {
			e = k.again(t, e, dir)
		}
		fresh, err := e.ApplyCounts(one, c.seq, fleet.Counts{Day: "2026-11-22", Sessions: uint32(c.seq)}, time.Now())
		must(t, err)
		n, _ := e.Applied(one)
		if fresh != c.fresh || n != c.applied {
			t.Errorf("step %d: fresh %v, applied %d; want %+v", i, fresh, n, c)
		}
	}
	if n, _ := e.Applied(two); n != 0 {
		t.Errorf("another kiosk's numbers: %d", n)
	}
}

// Two connections of one kiosk may bring the same message at the same time.
func together(t *testing.T, k Kind) {
	e := k.open(t, t.TempDir())
	var fresh atomic.Int32
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			ok, err := e.ApplyCounts(one, 1, fleet.Counts{Day: "2026-11-22"}, time.Now())
			if err != nil {
				t.Error(err)
			}
			if ok {
				fresh.Add(1)
			}
		})
	}
	all.Wait()
	if fresh.Load() != 1 {
		t.Errorf("applied %d times", fresh.Load())
	}
}

// A result takes exactly its own order from the list, once; orders keep the
// order in which they were given.
func results(t *testing.T, k Kind) {
	dir := t.TempDir()
	e := k.open(t, dir)
	for i, id := range []string{"00000000000000c9", "00000000000000c2", "00000000000000c3"} {
		must(t, e.PutOrder("satu", order(one, id), "ranta", noon().Add(time.Duration(i))))
	}
	o, found, fresh, err := e.ApplyResult(one, 1, fleet.Result{Command: "00000000000000c2", OK: true}, noon())
	if err != nil || !found || !fresh || o.Command.Name != fleet.Identify {
		t.Errorf("%+v %v %v %v", o, found, fresh, err)
	}
	if _, found, fresh, _ := e.ApplyResult(one, 1, fleet.Result{Command: "00000000000000c9"}, noon()); found || fresh {
		t.Error("the same number carried out twice")
	}
	if _, found, fresh, _ := e.ApplyResult(one, 2, fleet.Result{Command: "00000000000000c2"}, noon()); found || !fresh {
		t.Error("an order answered twice")
	}
	e = k.again(t, e, dir)
	left, err := e.Orders(one, noon())
	if err != nil || len(left) != 2 || left[0].Command.ID != "00000000000000c9" || left[1].Command.ID != "00000000000000c3" {
		t.Errorf("%+v, %v", left, err)
	}
	if left, _ := e.Orders(one, noon().Add(time.Hour)); len(left) != 0 {
		t.Errorf("an order after its life: %+v", left)
	}
	if left, _ := e.Orders(two, noon()); len(left) != 0 {
		t.Errorf("another kiosk's orders: %+v", left)
	}
}

// A help call is answered, kept, and over; only its own end ends it.
func help(t *testing.T, k Kind) {
	dir := t.TempDir()
	e := k.open(t, dir)
	const call, other = "00000000000000aa", "00000000000000bb"
	_, err := e.ApplyHelp(fleet.HelpCall{ID: call, Kiosk: one, At: noon()}, 1, "boot")
	must(t, err)
	reply := store.HelpReply{By: "satu", Who: "Satu V.", Answer: fleet.ComingSoon, Minutes: 5, At: noon()}
	if _, err := e.AnswerHelp(one, "ranta", other, reply); !errors.Is(err, store.ErrNoCall) {
		t.Errorf("another call: %v", err)
	}
	_, err = e.AnswerHelp(one, "ranta", call, reply)
	must(t, err)
	e = k.again(t, e, dir)
	if c, boot, found, err := e.Help(one); err != nil || !found || boot != "boot" || c.AnsweredBy != "satu" || c.Who != "Satu V." || c.Minutes != 5 || !c.At.Equal(noon()) {
		t.Errorf("%+v %q %v %v", c, boot, found, err)
	}
	must(t, e.DropHelp(one, other))
	if _, _, found, _ := e.Help(one); !found {
		t.Error("the end of another call ended it")
	}
	reply.Answer = fleet.Done
	_, err = e.AnswerHelp(one, "ranta", call, reply)
	must(t, err)
	if _, _, found, _ := e.Help(one); found {
		t.Error("open after it was done")
	}
	if did, _ := e.Entries(one, 9); len(did) != 2 || did[0].Detail != "done" || did[0].Who != "satu" {
		t.Errorf("the audit of it: %+v", did)
	}
}

// What a connection that is long replaced still brings changes nothing that
// came since.
func late(t *testing.T, k Kind) {
	dir := t.TempDir()
	e := k.open(t, dir)
	board := state.NewBoard(func(state.Facts, []state.Fault) state.Verdict { return state.Verdict{} })
	board.Put(state.Known{Kiosk: fleet.Kiosk{ID: one, Site: "ranta"}})
	old := board.Connected(one)
	_, err := e.ApplyHelp(fleet.HelpCall{ID: "00000000000000aa", Kiosk: one, At: noon()}, 1, "b1")
	must(t, err)
	board.Connected(one) // the kiosk is back on another line, with another call
	_, err = e.ApplyHelp(fleet.HelpCall{ID: "00000000000000bb", Kiosk: one, At: noon()}, 3, "b2")
	must(t, err)
	if fresh, err := e.ApplyHelpOver(one, 2, "00000000000000bb"); err != nil || fresh {
		t.Errorf("a number of before: %v %v", fresh, err)
	}
	must(t, e.DropHelp(one, "00000000000000aa"))
	board.Gone(one, old)
	if v, _ := board.View(one); !v.Connected {
		t.Error("the end of the old line put the new one out")
	}
	must(t, e.PutSeen(board.Seen()))
	e = k.again(t, e, dir)
	if c, boot, found, _ := e.Help(one); !found || c.ID != "00000000000000bb" || boot != "b2" {
		t.Errorf("%+v %q %v", c, boot, found)
	}
	if n, _ := e.Applied(one); n != 3 {
		t.Errorf("applied %d", n)
	}
}

// Proofs follow one another; one that does not puts the kiosk in doubt until
// somebody has looked.
func proofs(t *testing.T, k Kind) {
	dir := t.TempDir()
	e := k.open(t, dir)
	_, key, err := ed25519.GenerateKey(nil)
	must(t, err)
	next := func(last *fleet.WipeProof) fleet.WipeProof {
		return proof.Sign(key, last, fleet.WipeProof{Kiosk: one, At: noon(), TookMS: 1})
	}
	first := next(nil)
	now, fresh, err := e.ApplyProof(one, 1, first, true, noon())
	if err != nil || !fresh || !now.Invalid.IsZero() || now.Newest == nil || now.Newest.Seq != 1 {
		t.Errorf("the first: %+v %v %v", now, fresh, err)
	}
	second := next(&first)
	if now, _, err := e.ApplyProof(one, 2, second, true, noon()); err != nil || !now.Invalid.IsZero() {
		t.Errorf("the second: %+v %v", now, err)
	}
	e = k.again(t, e, dir)
	astray := first
	astray.Seq = 3
	if now, _, _ := e.ApplyProof(one, 3, next(&astray), true, noon()); now.Invalid.IsZero() {
		t.Error("one that does not follow is not doubted")
	}
	if now, err := e.ClearDoubt(one); err != nil || !now.Invalid.IsZero() || now.Newest.Seq != 4 {
		t.Errorf("after somebody looked: %+v %v", now, err)
	}
	if now, _, _ := e.ApplyProof(one, 4, second, false, noon()); now.Invalid.IsZero() || now.Newest.Seq != 4 {
		t.Errorf("a wrong signature: %+v", now)
	}
	e = k.again(t, e, dir)
	if p, err := e.Proof(one); err != nil || p.Invalid.IsZero() || p.Newest.Seq != 4 {
		t.Errorf("after a restart: %+v %v", p, err)
	}
	if p, err := e.Proof(two); err != nil || p.Newest != nil || !p.Invalid.IsZero() {
		t.Errorf("of another: %+v %v", p, err)
	}
}

func faults(t *testing.T, k Kind) {
	dir := t.TempDir()
	e := k.open(t, dir)
	full := state.Fault{Code: fleet.DiskFull, Severity: fleet.SeverityWarning, Since: noon()}
	must(t, e.PutFaults([]store.FaultChange{{Kiosk: one, Fault: full, At: noon(), Open: true}}, map[fleet.KioskID][]state.Fault{one: {full}}))
	e = k.again(t, e, dir)
	if f, err := e.OpenFaults(one); err != nil || len(f) != 1 || f[0].Code != fleet.DiskFull || !f[0].Since.Equal(noon()) {
		t.Errorf("%+v %v", f, err)
	}
	must(t, e.PutFaults([]store.FaultChange{{Kiosk: one, Fault: full, At: noon()}}, map[fleet.KioskID][]state.Fault{one: nil}))
	if f, err := e.OpenFaults(one); err != nil || len(f) != 0 {
		t.Errorf("closed, and open: %+v %v", f, err)
	}
}

func settings(t *testing.T, k Kind) {
	dir := t.TempDir()
	e := k.open(t, dir)
	changed, err := e.PutSites(fleet.Site{ID: "ranta", Name: "Ranta"})
	must(t, err)
	if !changed {
		t.Error("a new site changes nothing")
	}
	own := fleet.DefaultSettings()
	own.Offer = &fleet.Offer{Shown: []string{"own-1", "kela"}, Own: []fleet.Service{{Name: fleet.Text{FI: "Jono", SV: "Kö", EN: "Queue"}, Address: "https://jono.example/", Hosts: []string{"*.jono.example"}}}}
	own.Agents = []string{"https://new.example:8443"}
	own.Phone, own.Welcome = "09 123 4567", fleet.Text{FI: "Hei", SV: "Hej", EN: "Hi"}
	must(t, e.PutSettings(fleet.DefaultSettings(), map[fleet.SiteID]fleet.Settings{"ranta": own}))
	before, err := e.Settings(fleet.Kiosk{Site: "ranta", Name: "Kone 1"})
	must(t, err)
	e = k.again(t, e, dir)
	must(t, e.PutSettings(fleet.DefaultSettings(), map[fleet.SiteID]fleet.Settings{"ranta": own}))
	after, err := e.Settings(fleet.Kiosk{Site: "ranta", Name: "Kone 1"})
	if err != nil || after.Version != before.Version || after.Phone != own.Phone || after.Welcome != own.Welcome || !reflect.DeepEqual(after.Offer, own.Offer) || !reflect.DeepEqual(after.Agents, own.Agents) || after.SiteName != "Ranta" || after.KioskName != "Kone 1" {
		t.Errorf("%+v, before %+v, %v", after, before, err)
	}
	if there, _ := e.Settings(fleet.Kiosk{Site: "tori"}); there.Phone != "" {
		t.Error("a site's own settings hold elsewhere")
	}
	own.Phone = ""
	must(t, e.PutSettings(fleet.DefaultSettings(), map[fleet.SiteID]fleet.Settings{"ranta": own}))
	if after, _ := e.Settings(fleet.Kiosk{Site: "ranta"}); after.Version <= before.Version {
		t.Error("a change did not raise the version")
	}
}
