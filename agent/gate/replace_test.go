package gate_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/state"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
)

// A spare takes a broken machine's place: the same kiosk, with a key, numbers
// and proofs of its own. The old machine is sent away at once and for good.
func TestAnotherMachineTakesItsPlace(t *testing.T) {
	h := newHouse(t, nil)
	old := h.enrolled()
	old.connect()
	old.reports(fleet.Ready)
	old.send(wire.HelpOver{Seq: 40, Call: "0000000000000001"})
	if ack := receive[wire.Ack](old); ack.Seq != 40 {
		t.Fatalf("%+v", ack)
	}
	before, _ := h.board.Kiosk(old.id)
	code := identity.NewCode()
	if err := h.store.PutCode(store.Code{Hash: identity.HashCode(code), Site: "ranta", Name: "Kone", Uses: 1,
		Expires: time.Now().Add(time.Minute), Replaces: old.id}, "satu", time.Now()); err != nil {
		t.Fatal(err)
	}
	public, key, _ := ed25519.GenerateKey(rand.Reader)
	ask := wire.EnrolRequest{Code: code, PublicKey: public, Hardware: "another PC"}
	status, a, r := h.enrol(ask)
	if status != 200 || a.Kiosk != old.id || a.Name != before.Name || a.Site != before.Site {
		t.Fatalf("%d %+v %+v", status, a, r)
	}
	for { // the old one's line is cut
		if _, err := old.conn.Receive(); err != nil {
			break
		}
	}
	if conn, m, err := old.greet(nil); err == nil {
		t.Errorf("the old key still opens: %#v", m)
		conn.Close(1000, "")
	}
	// Its answer lost, the spare asks again and is the same; the old machine
	// with the code it once used is not.
	if status, again, _ := h.enrol(ask); status != 200 || again.Kiosk != old.id {
		t.Errorf("again: %d %+v", status, again)
	}
	spare := &device{h: h, id: a.Kiosk, key: key, boot: "00000000000000c1", host: h.host}
	if w := spare.connect(); w.Applied != 0 {
		t.Errorf("the spare's numbers begin behind %d: what it says would be passed over", w.Applied)
	}
	spare.send(wire.HelpOver{Seq: 1, Call: "0000000000000002"})
	if ack := receive[wire.Ack](spare); ack.Seq != 1 {
		t.Errorf("%+v", ack)
	}
	after, _ := h.board.Kiosk(old.id)
	if !after.Enrolled.Equal(before.Enrolled) || after.Hardware != "another PC" {
		t.Errorf("%+v became %+v", before, after)
	}
	entries, err := h.store.Entries(old.id, 10)
	if err != nil || len(entries) < 3 || entries[0].Action != "replaced" || entries[1].Action != "replacement_made" || entries[1].Who != "satu" {
		t.Errorf("audit %+v, %v", entries, err)
	}
}

// The proofs of the old machine, doubted or not, say nothing of the new one.
func TestASpareBeginsItsOwnProofs(t *testing.T) {
	h := newHouse(t, nil)
	first := request(h.code(1, time.Minute))
	_, was, _ := h.enrol(first)
	old := &device{h: h, id: was.Kiosk}
	if _, _, err := h.store.ApplyProof(old.id, 1, fleet.WipeProof{Kiosk: old.id, Seq: 9, At: time.Now()}, false, time.Now()); err != nil {
		t.Fatal(err)
	}
	h.board.Proof(old.id, state.Proof{Invalid: time.Now()})
	code := identity.NewCode()
	if err := h.store.PutCode(store.Code{Hash: identity.HashCode(code), Site: "ranta", Name: "Kone", Uses: 1,
		Expires: time.Now().Add(time.Minute), Replaces: old.id}, "satu", time.Now()); err != nil {
		t.Fatal(err)
	}
	if status, _, r := h.enrol(request(code)); status != 200 {
		t.Fatal(r)
	}
	if p, err := h.store.Proof(old.id); err != nil || p.Newest != nil || !p.Invalid.IsZero() {
		t.Errorf("%+v, %v", p, err)
	}
	// The code that the old machine once used does not bring it back.
	if status, a, r := h.enrol(first); status != 403 || r.Code != wire.RefusedUsed {
		t.Errorf("the old machine: %d %+v", status, a)
	}
	_, _, err := h.store.Enrol(gate.Use{CodeHash: identity.HashCode(code), PublicKey: make([]byte, 32), At: time.Now(), NewID: identity.NewKioskID()})
	if !errors.Is(err, gate.ErrCodeUsed) {
		t.Error(err)
	}
}
