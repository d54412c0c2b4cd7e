package store

import (
	"bytes"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/agent/notify"
	"yhteiskone/internal/fleet"
)

type targetRecord struct {
	Owner   string          `json:"owner,omitempty"`
	Site    fleet.SiteID    `json:"site,omitempty"`
	Channel notify.Channel  `json:"channel"`
	Address string          `json:"address"`
	Lang    string          `json:"lang"`
	Faults  bool            `json:"faults,omitempty"`
	Only    notify.Audience `json:"only,omitempty"`
	Notices bool            `json:"notices,omitempty"`
	Help    bool            `json:"help,omitempty"`
	Quiet   spanRecord      `json:"quiet,omitzero"`
	Digest  int             `json:"digest"`
	Changed time.Time       `json:"changed"`
}

func targetOf(t notify.Target) targetRecord {
	return targetRecord{t.Owner, t.Site, t.Channel, t.Address, t.Lang, t.Faults, t.Only, t.Notices, t.Help, spanRecord(t.Quiet), t.Digest, t.Changed.UTC()}
}

func (r targetRecord) notify(id string) notify.Target {
	return notify.Target{ID: id, Owner: r.Owner, Site: r.Site, Channel: r.Channel, Address: r.Address, Lang: r.Lang, Faults: r.Faults,
		Only: r.Only, Notices: r.Notices, Help: r.Help, Quiet: fleet.Span(r.Quiet), Digest: r.Digest, Changed: r.Changed}
}

type eventRecord struct {
	Kind     notify.Kind     `json:"kind"`
	Incident string          `json:"incident,omitempty"`
	At       time.Time       `json:"at"`
	Began    time.Time       `json:"began,omitzero"`
	Site     fleet.SiteID    `json:"site,omitempty"`
	SiteName string          `json:"site_name,omitempty"`
	Also     fleet.SiteID    `json:"also,omitempty"`
	Kiosk    fleet.KioskID   `json:"kiosk,omitempty"`
	Name     string          `json:"name,omitempty"`
	Code     fleet.Code      `json:"code,omitempty"`
	Severity fleet.Severity  `json:"severity,omitempty"`
	To       notify.Audience `json:"to,omitempty"`
}

type letterRecord struct {
	Target string      `json:"target"`
	Due    time.Time   `json:"due"`
	Event  eventRecord `json:"event"`
}

type messageRecord struct {
	Target string        `json:"target"`
	Events []eventRecord `json:"events"`
	Made   time.Time     `json:"made"`
	Next   time.Time     `json:"next"`
	Tries  int           `json:"tries,omitempty"`
	Why    notify.Why    `json:"why,omitempty"`
}

type troubleRecord struct {
	At   time.Time  `json:"at"`
	Lost int        `json:"lost"`
	Why  notify.Why `json:"why"`
}

func messageOf(m notify.Message) messageRecord {
	r := messageRecord{Target: m.Target, Made: m.Made.UTC(), Next: m.Next.UTC(), Tries: m.Tries, Why: m.Why}
	for _, e := range m.Events {
		r.Events = append(r.Events, eventRecord(e))
	}
	return r
}

func messageKey(m notify.Message) []byte { return append(bytesOf(uint64(m.Made.UnixNano())), m.ID...) }

// Targets is notify.Store's.
func (s *Store) Targets() (all []notify.Target, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		return each(tx, bTargets, func(key []byte, r targetRecord) error {
			all = append(all, r.notify(string(key)))
			return nil
		})
	})
	return all, err
}

// PutTarget keeps whom to tell, and who said so, in one transaction.
func (s *Store) PutTarget(who string, t notify.Target) error {
	err := s.update(func(tx *bolt.Tx) error {
		return first(audit(tx, auditRecord{At: t.Changed, Who: who, Action: "alert_set", Site: t.Site, Detail: string(t.Channel)}),
			put(tx, bTargets, []byte(t.ID), targetOf(t)))
	})
	if err != nil {
		return fmt.Errorf("keep whom to tell: %w", err)
	}
	return nil
}

// DropTarget tells somebody no more; what waits for them goes too.
func (s *Store) DropTarget(who string, t notify.Target, at time.Time) error {
	err := s.update(func(tx *bolt.Tx) error {
		return first(audit(tx, auditRecord{At: at, Who: who, Action: "alert_removed", Site: t.Site, Detail: string(t.Channel)}), dropTarget(tx, t.ID))
	})
	if err != nil {
		return fmt.Errorf("forget whom to tell: %w", err)
	}
	return nil
}

func dropTarget(tx *bolt.Tx, id string) error {
	return first(tx.Bucket([]byte(bTargets)).Delete([]byte(id)), tx.Bucket([]byte(bTrouble)).Delete([]byte(id)),
		sift(tx, bLetters, func(r letterRecord) bool { return r.Target == id }),
		sift(tx, bMessages, func(r messageRecord) bool { return r.Target == id }))
}

// dropTargetsOf drops those that are a person's own.
func dropTargetsOf(tx *bolt.Tx, owner string) error {
	var own []string
	err := each(tx, bTargets, func(key []byte, r targetRecord) error {
		if r.Owner == owner {
			own = append(own, string(key))
		}
		return nil
	})
	for _, id := range own {
		err = first(err, dropTarget(tx, id))
	}
	return err
}

// sift removes what is not wanted.
func sift[T any](tx *bolt.Tx, bucket string, goes func(T) bool) error {
	var keys [][]byte
	err := each(tx, bucket, func(key []byte, v T) error {
		if goes(v) {
			keys = append(keys, bytes.Clone(key))
		}
		return nil
	})
	for _, key := range keys {
		err = first(err, tx.Bucket([]byte(bucket)).Delete(key))
	}
	return err
}

// Tell is notify.Store's.
func (s *Store) Tell(e notify.Event, letters []notify.Letter) (fresh bool, err error) {
	err = s.update(func(tx *bolt.Tx) error {
		told, key := tx.Bucket([]byte(bTold)), []byte(e.Incident)
		opens := e.Kind == notify.FaultOpened || e.Kind == notify.HelpWaits
		if fresh = opens == (told.Get(key) == nil); !fresh {
			return nil
		}
		if opens {
			err = put(tx, bTold, key, eventRecord(e))
		} else {
			err = told.Delete(key)
		}
		if e.Kind == notify.HelpOver {
			err = first(err, sift(tx, bLetters, func(r letterRecord) bool { return r.Event.Incident == e.Incident }))
		}
		for _, l := range letters {
			key := append(bytesOf(uint64(l.Event.At.UnixNano())), l.ID...)
			err = first(err, put(tx, bLetters, key, letterRecord{l.Target, l.Due.UTC(), eventRecord(l.Event)}))
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("keep what is to be told: %w", err)
	}
	return fresh, nil
}

// Open is notify.Store's.
func (s *Store) Open() (map[string]notify.Event, error) {
	all := map[string]notify.Event{}
	err := s.db.View(func(tx *bolt.Tx) error {
		return each(tx, bTold, func(key []byte, r eventRecord) error {
			all[string(key)] = notify.Event(r)
			return nil
		})
	})
	return all, err
}

// Letters is notify.Store's.
func (s *Store) Letters() (all []notify.Letter, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		return each(tx, bLetters, func(key []byte, r letterRecord) error {
			all = append(all, notify.Letter{ID: string(key[8:]), Target: r.Target, Due: r.Due, Event: notify.Event(r.Event)})
			return nil
		})
	})
	return all, err
}

// Compose is notify.Store's.
func (s *Store) Compose(m notify.Message, letters []string) error {
	goes := map[string]bool{}
	for _, id := range letters {
		goes[id] = true
	}
	err := s.update(func(tx *bolt.Tx) error {
		var keys [][]byte
		err := tx.Bucket([]byte(bLetters)).ForEach(func(key, _ []byte) error {
			if goes[string(key[8:])] {
				keys = append(keys, bytes.Clone(key))
			}
			return nil
		})
		for _, key := range keys {
			err = first(err, tx.Bucket([]byte(bLetters)).Delete(key))
		}
		return first(err, put(tx, bMessages, messageKey(m), messageOf(m)))
	})
	if err != nil {
		return fmt.Errorf("keep a message: %w", err)
	}
	return nil
}

// Messages is notify.Store's.
func (s *Store) Messages() (all []notify.Message, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		return each(tx, bMessages, func(key []byte, r messageRecord) error {
			m := notify.Message{ID: string(key[8:]), Target: r.Target, Made: r.Made, Next: r.Next, Tries: r.Tries, Why: r.Why}
			for _, e := range r.Events {
				m.Events = append(m.Events, notify.Event(e))
			}
			all = append(all, m)
			return nil
		})
	})
	return all, err
}

// Retry is notify.Store's. A message that is there no more stays away.
func (s *Store) Retry(m notify.Message) error {
	return s.message("keep a message", m, func(tx *bolt.Tx, key []byte) error { return put(tx, bMessages, key, messageOf(m)) })
}

// Sent is notify.Store's.
func (s *Store) Sent(m notify.Message) error {
	return s.message("forget a message", m, func(tx *bolt.Tx, key []byte) error {
		return first(tx.Bucket([]byte(bMessages)).Delete(key), tx.Bucket([]byte(bTrouble)).Delete([]byte(m.Target)))
	})
}

// Drop is notify.Store's.
func (s *Store) Drop(m notify.Message) error {
	return s.message("forget a message", m, func(tx *bolt.Tx, key []byte) error { return tx.Bucket([]byte(bMessages)).Delete(key) })
}

// GiveUp is notify.Store's.
func (s *Store) GiveUp(m notify.Message, at time.Time) error {
	return s.message("give up a message", m, func(tx *bolt.Tx, key []byte) error {
		r, _, err := get[troubleRecord](tx, bTrouble, []byte(m.Target))
		if err != nil {
			return err
		}
		return first(tx.Bucket([]byte(bMessages)).Delete(key),
			put(tx, bTrouble, []byte(m.Target), troubleRecord{at.UTC(), r.Lost + 1, m.Why}))
	})
}

// message changes a message if it is still there.
func (s *Store) message(what string, m notify.Message, change func(*bolt.Tx, []byte) error) error {
	err := s.update(func(tx *bolt.Tx) error {
		key := messageKey(m)
		if tx.Bucket([]byte(bMessages)).Get(key) == nil {
			return nil
		}
		return change(tx, key)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Troubles lists what could not be told.
func (s *Store) Troubles() (all []notify.Trouble, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		return each(tx, bTrouble, func(key []byte, r troubleRecord) error {
			all = append(all, notify.Trouble{Target: string(key), At: r.At, Lost: r.Lost, Why: r.Why})
			return nil
		})
	})
	return all, err
}
