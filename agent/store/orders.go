package store

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/agent/gate"
	"yhteiskone/internal/fleet"
)

type orderRecord struct {
	ID      string            `json:"id"`
	Name    fleet.CommandName `json:"name"`
	Text    string            `json:"text,omitempty"`
	MAC     string            `json:"mac,omitempty"`
	For     fleet.KioskID     `json:"for,omitempty"`
	Now     bool              `json:"now,omitempty"`
	Expires time.Time         `json:"expires"`
	Who     string            `json:"who,omitempty"`
	Site    fleet.SiteID      `json:"site,omitempty"`
	Image   *imageRecord      `json:"image,omitempty"`
}

// imageRecord is fleet.ImageOffer.
type imageRecord struct {
	Version  string `json:"version"`
	Manifest string `json:"manifest"`
	Ticket   string `json:"ticket"`
	Older    bool   `json:"older,omitempty"`
}

func (r orderRecord) gate(id fleet.KioskID) gate.Order {
	o := gate.Order{Kiosk: id, For: r.For, Expires: r.Expires,
		Command: fleet.Command{ID: r.ID, Name: r.Name, Text: r.Text, MAC: r.MAC, Now: r.Now}}
	if r.Image != nil {
		o.Command.Image = fleet.ImageOffer(*r.Image)
	}
	return o
}

// detail is what the audit says of it: its name, and which release it is about.
func (r orderRecord) detail() string {
	if r.Image != nil {
		return string(r.Name) + " " + r.Image.Version
	}
	return string(r.Name)
}

// orderKey orders a kiosk's orders by the time they were given.
func orderKey(id fleet.KioskID, at time.Time, command string) []byte {
	key := append([]byte(id), bytesOf(uint64(at.UnixNano()))...)
	return append(key, command...)
}

// PutOrder keeps an order and who gave it, in one transaction. The text of one
// that takes a machine out of service is a note for people: it stays here until
// the machine is back in service. The audit says which machine an order is
// about.
func (s *Store) PutOrder(who string, o gate.Order, site fleet.SiteID, at time.Time) error {
	err := s.update(func(tx *bolt.Tx) error {
		c := o.Command
		var err error
		switch c.Name {
		case fleet.TakeOutOfService:
			err = put(tx, bNotes, []byte(o.Kiosk), noteRecord{c.Text, who, at.UTC()})
			c.Text = ""
		case fleet.PutInService:
			err = tx.Bucket([]byte(bNotes)).Delete([]byte(o.Kiosk))
		}
		given := orderRecord{ID: c.ID, Name: c.Name, Text: c.Text, MAC: c.MAC, For: o.For, Now: c.Now, Expires: o.Expires.UTC(), Who: who, Site: site}
		if c.Name == fleet.UpdateImage {
			image := imageRecord(c.Image)
			given.Image = &image
		}
		return first(err,
			audit(tx, auditRecord{At: at, Who: who, Action: "command", Kiosk: cmp.Or(o.For, o.Kiosk), Site: site, Detail: given.detail()}),
			keepOffer(tx, o.Kiosk, given, at),
			put(tx, bOrders, orderKey(o.Kiosk, at, c.ID), given))
	})
	if err != nil {
		return fmt.Errorf("keep a command: %w", err)
	}
	return nil
}

// Orders is gate.Store's.
func (s *Store) Orders(id fleet.KioskID, now time.Time) (all []gate.Order, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		return eachOrder(tx, id, func(_ []byte, r orderRecord) error {
			if now.Before(r.Expires) {
				all = append(all, r.gate(id))
			}
			return nil
		})
	})
	return all, err
}

// ApplyResult is gate.Store's.
func (s *Store) ApplyResult(id fleet.KioskID, seq uint64, r fleet.Result, at time.Time) (o gate.Order, found, fresh bool, err error) {
	fresh, err = s.apply(id, seq, "a result", func(tx *bolt.Tx) error {
		found = false
		var key []byte
		var given orderRecord
		err := eachOrder(tx, id, func(k []byte, rec orderRecord) error {
			if rec.ID == r.Command {
				key, given, o, found = bytes.Clone(k), rec, rec.gate(id), true
			}
			return nil
		})
		if err != nil || !found {
			return err
		}
		return first(closeOrder(tx, id, given, r.OK, r.Why, at), tx.Bucket([]byte(bOrders)).Delete(key))
	})
	return o, found, fresh, err
}

// closeOrder keeps what became of an order.
func closeOrder(tx *bolt.Tx, id fleet.KioskID, r orderRecord, ok bool, why string, at time.Time) error {
	if r.Name == fleet.Check {
		if err := checkAnswered(tx, id, r.ID, ok, why); err != nil {
			return err
		}
	}
	if r.Who == "" {
		return nil // of an agent that did not keep who gave it
	}
	word := "ok"
	switch {
	case ok:
		why = ""
	case !slices.Contains(append(fleet.UpdateWhys(), "expired", "unknown", "invalid", "unable"), why):
		word, why = "failed", "failed"
	default:
		word = why
	}
	return first(audit(tx, auditRecord{At: at, Who: r.Who, Action: "result_" + word, Kiosk: cmp.Or(r.For, id), Site: r.Site, Detail: r.detail()}),
		closeOffer(tx, id, r, why, at))
}

// noteRecord is why a machine is out of service, for people.
type noteRecord struct {
	Text string    `json:"text,omitempty"`
	Who  string    `json:"who"`
	At   time.Time `json:"at"`
}

// Note returns what was written when the machine was taken out of service, by
// whom and when; at is zero if it was not.
func (s *Store) Note(id fleet.KioskID) (text, who string, at time.Time, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		r, _, err := get[noteRecord](tx, bNotes, []byte(id))
		text, who, at = r.Text, r.Who, r.At
		return err
	})
	return text, who, at, err
}

func eachOrder(tx *bolt.Tx, id fleet.KioskID, f func(key []byte, r orderRecord) error) error {
	c := tx.Bucket([]byte(bOrders)).Cursor()
	for k, text := c.Seek([]byte(id)); bytes.HasPrefix(k, []byte(id)); k, text = c.Next() {
		r, err := unmarshal[orderRecord](text)
		if err != nil {
			return fmt.Errorf("read an order of %s: %w", id, err)
		}
		if err := f(k, r); err != nil {
			return err
		}
	}
	return nil
}

// orderLate is how long the answer to an order may still come after its life: a
// machine tells what it did as soon as it has a line again.
const orderLate = time.Hour

// kioskIDSize is the length of a kiosk's identifier.
const kioskIDSize = 13

func expireOrders(tx *bolt.Tx, now time.Time) error {
	old := map[string]orderRecord{}
	err := each(tx, bOrders, func(key []byte, r orderRecord) error {
		if now.Sub(r.Expires) > orderLate {
			old[string(key)] = r
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(old)) {
		if err := closeOrder(tx, fleet.KioskID(key[:kioskIDSize]), old[key], false, "expired", now); err != nil {
			return err
		}
		key := []byte(key)
		if err := tx.Bucket([]byte(bOrders)).Delete(key); err != nil {
			return err
		}
	}
	return nil
}
