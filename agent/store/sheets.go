package store

import (
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// sheetRecord is the newest acceptance sheet of a machine, and what became of
// the newest check. Older ones are not kept.
type sheetRecord struct {
	Command   string              `json:"command,omitempty"` // empty: no sheet came yet
	At        time.Time           `json:"at,omitzero"`
	Build     string              `json:"build,omitempty"`
	Image     string              `json:"image,omitempty"`
	Hardware  string              `json:"hardware,omitempty"`
	Proof     *fleet.ProofSummary `json:"proof,omitempty"`
	Rows      []fleet.SheetRow    `json:"rows,omitempty"`
	Signature []byte              `json:"signature,omitempty"`
	Who       string              `json:"who,omitempty"`
	Received  time.Time           `json:"received,omitzero"`
	Tried     map[int]state.Tried `json:"tried,omitempty"`
	Answer    answerRecord        `json:"answer,omitzero"`
}

type answerRecord struct {
	Command string `json:"command"`
	OK      bool   `json:"ok,omitempty"`
	Why     string `json:"why,omitempty"`
}

func (r sheetRecord) state(id fleet.KioskID) state.KeptSheet {
	k := state.KeptSheet{Answer: fleet.Result(r.Answer)}
	if r.Command != "" {
		k.Sheet = fleet.Sheet{Kiosk: id, Command: r.Command, At: r.At, Build: r.Build, Image: r.Image, Hardware: r.Hardware,
			Proof: r.Proof, Rows: r.Rows, Signature: r.Signature}
		k.Signed = k.Sheet
		k.Who, k.At, k.Tried = r.Who, r.Received, r.Tried
	}
	return k
}

// ApplySheet is gate.Store's. A sheet that nobody asked for is not kept, unless
// it was asked for at the machine itself: then nobody knows who did. One with a
// wrong signature is not kept either, which the audit tells.
func (s *Store) ApplySheet(id fleet.KioskID, seq uint64, sheet fleet.Sheet, signed bool, at time.Time) (kept, fresh bool, err error) {
	fresh, err = s.apply(id, seq, "an acceptance sheet", func(tx *bolt.Tx) error {
		kept = false
		var asked orderRecord
		err := eachOrder(tx, id, func(_ []byte, r orderRecord) error {
			if r.ID == sheet.Command && r.Name == fleet.Check {
				asked = r
			}
			return nil
		})
		if sheet.Command == fleet.CheckedHere {
			k, ok, lost := get[kioskRecord](tx, bKiosks, []byte(id))
			if err = first(err, lost); ok {
				asked = orderRecord{ID: sheet.Command, Site: k.Site}
			}
		}
		if err != nil || asked.ID == "" {
			return err
		}
		entry := auditRecord{At: at, Who: asked.Who, Action: "sheet_refused", Kiosk: id, Site: asked.Site}
		if !signed {
			return audit(tx, entry)
		}
		before, _, err := get[sheetRecord](tx, bSheets, []byte(id))
		if err != nil {
			return err
		}
		result := sheet.Result()
		entry.Action, entry.Detail = "sheet_kept", fmt.Sprintf("%d/%d", result.Ways.Good(), result.Ways.All)
		kept = true
		return first(audit(tx, entry), put(tx, bSheets, []byte(id), sheetRecord{Command: sheet.Command, At: sheet.At.UTC(), Build: sheet.Build,
			Image: sheet.Image, Hardware: sheet.Hardware, Proof: sheet.Proof, Rows: sheet.Rows, Signature: sheet.Signature,
			Who: asked.Who, Received: at.UTC(), Answer: before.Answer}))
	})
	return kept, fresh, err
}

// checkAnswered keeps what became of a check.
func checkAnswered(tx *bolt.Tx, id fleet.KioskID, command string, ok bool, why string) error {
	r, _, err := get[sheetRecord](tx, bSheets, []byte(id))
	if err != nil {
		return err
	}
	r.Answer = answerRecord{command, ok, why}
	return put(tx, bSheets, []byte(id), r)
}

// Sheet returns the newest acceptance sheet of a machine. Its At is zero if none
// came yet.
func (s *Store) Sheet(id fleet.KioskID) (k state.KeptSheet, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		r, ok, err := get[sheetRecord](tx, bSheets, []byte(id))
		if ok {
			k = r.state(id)
		}
		return err
	})
	return k, err
}

// ErrNoSheet says that a machine has no such sheet, or that nobody has to try
// that way out.
var ErrNoSheet = errors.New("the machine has no such sheet")

// TryWay keeps that a person tried a way out of a sheet, and that it held.
func (s *Store) TryWay(who string, id fleet.KioskID, site fleet.SiteID, command string, way int, at time.Time) error {
	err := s.update(func(tx *bolt.Tx) error {
		r, _, err := get[sheetRecord](tx, bSheets, []byte(id))
		if err != nil {
			return err
		}
		if r.Command == "" || r.Command != command || !slices.Contains(fleet.WaysByHand(), way) {
			return refusal{ErrNoSheet}
		}
		if r.Tried == nil {
			r.Tried = map[int]state.Tried{}
		}
		r.Tried[way] = state.Tried{Who: who, At: at.UTC()}
		return first(put(tx, bSheets, []byte(id), r),
			audit(tx, auditRecord{At: at, Who: who, Action: "way_tried", Kiosk: id, Site: site, Detail: fmt.Sprint(way)}))
	})
	if err != nil {
		return fmt.Errorf("keep what was tried: %w", err)
	}
	return nil
}
