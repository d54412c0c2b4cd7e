package store

import (
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/internal/fleet"
)

type helpRecord struct {
	Call       string           `json:"call"`
	Boot       string           `json:"boot"`
	At         time.Time        `json:"at"`
	Answer     fleet.HelpAnswer `json:"answer,omitempty"`
	AnsweredAt time.Time        `json:"answered_at,omitzero"`
	AnsweredBy string           `json:"answered_by,omitempty"`
}

func (r helpRecord) fleet(id fleet.KioskID) fleet.HelpCall {
	return fleet.HelpCall{ID: r.Call, Kiosk: id, At: r.At, Answer: r.Answer, AnsweredAt: r.AnsweredAt, AnsweredBy: r.AnsweredBy}
}

// ApplyHelp is gate.Store's.
func (s *Store) ApplyHelp(call fleet.HelpCall, seq uint64, boot string) (bool, error) {
	return s.apply(call.Kiosk, seq, "a help call", func(tx *bolt.Tx) error {
		return put(tx, bHelp, []byte(call.Kiosk), helpRecord{Call: call.ID, Boot: boot, At: call.At.UTC()})
	})
}

// ApplyHelpOver is gate.Store's.
func (s *Store) ApplyHelpOver(id fleet.KioskID, seq uint64, call string) (bool, error) {
	return s.apply(id, seq, "the end of a help call", func(tx *bolt.Tx) error { return dropHelp(tx, id, call) })
}

func dropHelp(tx *bolt.Tx, id fleet.KioskID, call string) error {
	r, ok, err := get[helpRecord](tx, bHelp, []byte(id))
	if err != nil || !ok || r.Call != call {
		return err
	}
	return tx.Bucket([]byte(bHelp)).Delete([]byte(id))
}

// DropHelp is gate.Store's.
func (s *Store) DropHelp(id fleet.KioskID, call string) error {
	return s.update(func(tx *bolt.Tx) error { return dropHelp(tx, id, call) })
}

// Help is gate.Store's.
func (s *Store) Help(id fleet.KioskID) (call fleet.HelpCall, boot string, found bool, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		r, ok, err := get[helpRecord](tx, bHelp, []byte(id))
		call, boot, found = r.fleet(id), r.Boot, ok
		return err
	})
	return call, boot, found, err
}

// ErrNoCall says that there is no such open help call.
var ErrNoCall = errors.New("there is no such help call")

// AnswerHelp keeps an answer and who gave it, in one transaction; Done closes
// the call. It returns the call as it then is.
func (s *Store) AnswerHelp(who string, id fleet.KioskID, site fleet.SiteID, call string, answer fleet.HelpAnswer, at time.Time) (now fleet.HelpCall, err error) {
	err = s.update(func(tx *bolt.Tx) error {
		r, ok, err := get[helpRecord](tx, bHelp, []byte(id))
		if err != nil {
			return err
		}
		if !ok || r.Call != call {
			return refusal{ErrNoCall}
		}
		r.Answer, r.AnsweredAt, r.AnsweredBy = answer, at.UTC(), who
		now = r.fleet(id)
		if err := audit(tx, auditRecord{At: at, Who: who, Action: "help_answered", Kiosk: id, Site: site, Detail: string(answer)}); err != nil {
			return err
		}
		if answer == fleet.Done {
			return tx.Bucket([]byte(bHelp)).Delete([]byte(id))
		}
		return put(tx, bHelp, []byte(id), r)
	})
	if err != nil {
		return fleet.HelpCall{}, fmt.Errorf("answer a help call: %w", err)
	}
	return now, nil
}
