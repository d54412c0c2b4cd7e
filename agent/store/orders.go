package store

import (
	"bytes"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/agent/gate"
	"yhteiskone/internal/fleet"
)

type orderRecord struct {
	ID      string            `json:"id"`
	Name    fleet.CommandName `json:"name"`
	Text    string            `json:"text,omitempty"`
	Now     bool              `json:"now,omitempty"`
	Expires time.Time         `json:"expires"`
}

func (r orderRecord) gate(id fleet.KioskID) gate.Order {
	return gate.Order{Kiosk: id, Expires: r.Expires,
		Command: fleet.Command{ID: r.ID, Name: r.Name, Text: r.Text, Now: r.Now}}
}

// orderKey orders a kiosk's orders by the time they were given.
func orderKey(id fleet.KioskID, at time.Time, command string) []byte {
	key := append([]byte(id), bytesOf(uint64(at.UnixNano()))...)
	return append(key, command...)
}

// PutOrder keeps an order and who gave it, in one transaction.
func (s *Store) PutOrder(who string, o gate.Order, site fleet.SiteID, at time.Time) error {
	err := s.update(func(tx *bolt.Tx) error {
		c := o.Command
		return first(
			audit(tx, auditRecord{At: at, Who: who, Action: "command", Kiosk: o.Kiosk, Site: site, Detail: string(c.Name)}),
			put(tx, bOrders, orderKey(o.Kiosk, at, c.ID), orderRecord{c.ID, c.Name, c.Text, c.Now, o.Expires.UTC()}))
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
func (s *Store) ApplyResult(id fleet.KioskID, seq uint64, r fleet.Result) (o gate.Order, found, fresh bool, err error) {
	fresh, err = s.apply(id, seq, "a result", func(tx *bolt.Tx) error {
		found = false
		var key []byte
		err := eachOrder(tx, id, func(k []byte, rec orderRecord) error {
			if rec.ID == r.Command {
				key, o, found = bytes.Clone(k), rec.gate(id), true
			}
			return nil
		})
		if err != nil || !found {
			return err
		}
		return tx.Bucket([]byte(bOrders)).Delete(key)
	})
	return o, found, fresh, err
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

func expireOrders(tx *bolt.Tx, now time.Time) error {
	var old [][]byte
	err := each(tx, bOrders, func(key []byte, r orderRecord) error {
		if !now.Before(r.Expires) {
			old = append(old, bytes.Clone(key))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range old {
		if err := tx.Bucket([]byte(bOrders)).Delete(key); err != nil {
			return err
		}
	}
	return nil
}
