package gate_test

import (
	"crypto/ed25519"
	"testing"
	"time"

	"yhteiskone/agent/gate"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/link"
	"yhteiskone/internal/proof"
	"yhteiskone/internal/wire"
)

// sheet is one that the kiosk makes for a command.
func (d *device) sheet(command, memory string) fleet.Sheet {
	return proof.SignSheet(d.key, fleet.Sheet{Kiosk: d.id, Command: command, At: time.Now(), Build: "x",
		Rows: []fleet.SheetRow{{Code: "memory", Mark: fleet.Passed, Value: memory}}})
}

// A sheet that was asked for is kept if the kiosk signed it, once; the newest
// takes the place of the one before. Nothing else is kept.
func TestSheets(t *testing.T) {
	h := newHouse(t, nil)
	d := h.enrolled()
	seq := uint64(0)
	give := func(id string, name fleet.CommandName) {
		now := time.Now()
		if err := h.store.PutOrder("teppo", gate.Order{Kiosk: d.id, Command: fleet.Command{ID: id, Name: name}, Expires: now.Add(time.Minute)}, "ranta", now); err != nil {
			t.Fatal(err)
		}
	}
	send := func(s fleet.Sheet) {
		t.Helper()
		seq++
		d.send(wire.Sheet{Seq: seq, Sheet: wire.SheetOf(s)})
		if a := receive[wire.Ack](d); a.Seq != seq {
			t.Errorf("ack %d", a.Seq)
		}
	}
	kept := func(memory, action string) {
		t.Helper()
		k, err := h.store.Sheet(d.id)
		value := ""
		if len(k.Sheet.Rows) > 0 {
			value = k.Sheet.Rows[0].Value
		}
		if err != nil || value != memory || memory != "" && (k.Who != "teppo" || k.At.IsZero() || proof.VerifySheet(d.key.Public().(ed25519.PublicKey), k.Sheet) != nil) {
			t.Errorf("kept is %+v, %v", k, err)
		}
		if e, _ := h.store.Entries(d.id, 1); len(e) != 1 || e[0].Action != action || e[0].Who != "teppo" || e[0].Site != "ranta" {
			t.Errorf("the audit says %+v, want %s", e, action)
		}
	}
	d.connect()
	give("00000000000000c1", fleet.Check)
	give("00000000000000c2", fleet.Identify)
	send(d.sheet("00000000000000c9", "nobody asked"))
	send(d.sheet("00000000000000c2", "asked for something else"))
	kept("", "command")
	forged := d.sheet("00000000000000c1", "1 GiB")
	forged.Rows[0].Value = "8 GiB"
	send(forged)
	kept("", "sheet_refused")
	other := *d
	_, other.key, _ = ed25519.GenerateKey(nil)
	send(other.sheet("00000000000000c1", "another machine's"))
	kept("", "sheet_refused")
	another := d.sheet("00000000000000c1", "another kiosk's name")
	another.Kiosk = "kzzzzzzzzzzzz"
	send(proof.SignSheet(d.key, another)) // the connection names the kiosk
	kept("", "sheet_refused")
	send(d.sheet("00000000000000c1", "4 GiB"))
	kept("4 GiB", "sheet_kept")
	d.send(wire.Sheet{Seq: seq, Sheet: wire.SheetOf(d.sheet("00000000000000c1", "twice"))}) // its acknowledgement was lost
	receive[wire.Ack](d)
	kept("4 GiB", "sheet_kept")
	seq++
	d.send(wire.Result{Seq: seq, Command: "00000000000000c1", OK: true})
	receive[wire.Ack](d)
	send(d.sheet("00000000000000c1", "after its answer"))
	if k, _ := h.store.Sheet(d.id); k.Sheet.Rows[0].Value != "4 GiB" || k.Answer != (fleet.Result{Command: "00000000000000c1", OK: true}) {
		t.Errorf("%+v", k)
	}
	// What a person tried belongs to the sheet that they held in their hands.
	try := func(command string, way int) error {
		return h.store.TryWay("teppo", d.id, "ranta", command, way, time.Now())
	}
	if try("00000000000000c1", 36) != nil || try("00000000000000c1", 1) == nil || try("00000000000000c9", 39) == nil {
		t.Error("the wrong ones are tried")
	}
	if k, _ := h.store.Sheet(d.id); len(k.Tried) != 1 || k.Tried[36].Who != "teppo" || k.Result().Tried != 1 {
		t.Errorf("%+v", k.Tried)
	}
	d.conn.Close(link.CloseNormal, "")
	d.connect()
	receive[wire.Order](d)
	give("00000000000000c3", fleet.Check)
	send(d.sheet("00000000000000c3", "8 GiB"))
	kept("8 GiB", "sheet_kept")
	if k, _ := h.store.Sheet(d.id); len(k.Tried) != 0 || k.Answer.Command != "00000000000000c1" {
		t.Errorf("%+v", k)
	}
	// Somebody at the machine asks for a check without the agent's knowing.
	forged = d.sheet(fleet.CheckedHere, "16 GiB")
	forged.Rows[0].Value = "17 GiB"
	send(forged)
	if e, _ := h.store.Entries(d.id, 1); e[0].Action != "sheet_refused" || e[0].Who != "" || e[0].Site != "ranta" {
		t.Errorf("the audit says %+v", e)
	}
	send(d.sheet(fleet.CheckedHere, "16 GiB"))
	if k, err := h.store.Sheet(d.id); err != nil || k.Sheet.Rows[0].Value != "16 GiB" || k.Who != "" || k.At.IsZero() || k.Answer.Command != "00000000000000c1" {
		t.Errorf("of the machine itself: %+v, %v", k, err)
	}
	if e, _ := h.store.Entries(d.id, 1); e[0].Action != "sheet_kept" || e[0].Who != "" || e[0].Site != "ranta" {
		t.Errorf("the audit says %+v", e)
	}
	if try(fleet.CheckedHere, 36) != nil {
		t.Error("its ways cannot be tried")
	}
	give("00000000000000c4", fleet.Check)
	send(d.sheet("00000000000000c4", "8 GiB"))
	kept("8 GiB", "sheet_kept")
	seq++
	d.send(wire.Result{Seq: seq, Command: "00000000000000c3", Why: "failed"})
	receive[wire.Ack](d)
	if k, _ := h.store.Sheet(d.id); k.Answer.Why != "failed" || k.Sheet.Rows[0].Value != "8 GiB" {
		t.Errorf("%+v", k)
	}
}
