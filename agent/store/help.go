package store

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/agent/figures"
	"yhteiskone/internal/fleet"
)

type helpRecord struct {
	Call       string           `json:"call"`
	Boot       string           `json:"boot"`
	At         time.Time        `json:"at"`
	Answer     fleet.HelpAnswer `json:"answer,omitempty"`
	Minutes    int              `json:"minutes,omitempty"`
	Who        string           `json:"who,omitempty"` // as clients are told
	AnsweredAt time.Time        `json:"answered_at,omitzero"`
	AnsweredBy string           `json:"answered_by,omitempty"`
}

func (r helpRecord) fleet(id fleet.KioskID) fleet.HelpCall {
	return fleet.HelpCall{ID: r.Call, Kiosk: id, At: r.At, Answer: r.Answer, Minutes: r.Minutes, Who: r.Who,
		AnsweredAt: r.AnsweredAt, AnsweredBy: r.AnsweredBy}
}

// ApplyHelp is gate.Store's.
func (s *Store) ApplyHelp(call fleet.HelpCall, seq uint64, boot string) (bool, error) {
	return s.apply(call.Kiosk, seq, "a help call", func(tx *bolt.Tx) error {
		return put(tx, bHelp, []byte(call.Kiosk), helpRecord{Call: call.ID, Boot: boot, At: call.At.UTC()})
	})
}

// ApplyHelpOver is gate.Store's.
func (s *Store) ApplyHelpOver(id fleet.KioskID, seq uint64, call string) (bool, error) {
	return s.apply(id, seq, "the end of a help call", func(tx *bolt.Tx) error { return s.dropHelp(tx, id, call) })
}

func (s *Store) dropHelp(tx *bolt.Tx, id fleet.KioskID, call string) error {
	r, ok, err := get[helpRecord](tx, bHelp, []byte(id))
	if err != nil || !ok || r.Call != call {
		return err
	}
	if r.Answer == fleet.NoAnswer {
		k, _, err := get[kioskRecord](tx, bKiosks, []byte(id))
		if err := first(err, s.countHelp(tx, k.Site, r.At, unanswered)); err != nil {
			return err
		}
	}
	return tx.Bucket([]byte(bHelp)).Delete([]byte(id))
}

// DropHelp is gate.Store's.
func (s *Store) DropHelp(id fleet.KioskID, call string) error {
	return s.update(func(tx *bolt.Tx) error { return s.dropHelp(tx, id, call) })
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

// HelpReply is an answer to a help call.
type HelpReply struct {
	By      string // account name
	Who     string // as clients are told
	Answer  fleet.HelpAnswer
	Minutes int
	At      time.Time
}

// AnswerHelp keeps an answer and who gave it, in one transaction; Done closes
// the call. It returns the call as it then is.
func (s *Store) AnswerHelp(id fleet.KioskID, site fleet.SiteID, call string, a HelpReply) (now fleet.HelpCall, err error) {
	err = s.update(func(tx *bolt.Tx) error {
		r, ok, err := get[helpRecord](tx, bHelp, []byte(id))
		if err != nil {
			return err
		}
		if !ok || r.Call != call {
			return refusal{ErrNoCall}
		}
		if r.Answer == fleet.NoAnswer {
			if err := s.countHelp(tx, site, r.At, inMinutes+strconv.Itoa(minutesOf(a.At.Sub(r.At)))); err != nil {
				return err
			}
		}
		r.Answer, r.Minutes, r.Who, r.AnsweredAt, r.AnsweredBy = a.Answer, a.Minutes, a.Who, a.At.UTC(), a.By
		now = r.fleet(id)
		if err := audit(tx, auditRecord{At: a.At, Who: a.By, Action: "help_answered", Kiosk: id, Site: site, Detail: string(a.Answer)}); err != nil {
			return err
		}
		if a.Answer == fleet.Done {
			return tx.Bucket([]byte(bHelp)).Delete([]byte(id))
		}
		return put(tx, bHelp, []byte(id), r)
	})
	if err != nil {
		return fleet.HelpCall{}, fmt.Errorf("answer a help call: %w", err)
	}
	return now, nil
}

// The keys of a week's sums: calls that ended before anybody answered, and
// those that rang so many whole minutes until the first answer. What was
// counted before 2026-11-29 is in bands of minutes with other names.
const (
	unanswered = "unanswered"
	inMinutes  = "min_"
)

func minutesOf(rang time.Duration) int {
	return max(0, min(int(rang/time.Minute), figures.LongestRing))
}

// weekRecord are the sums of one site and week. No call is kept by itself.
type weekRecord map[string]uint32

func (r weekRecord) calls() figures.Calls {
	c := figures.Calls{Minutes: map[int]uint64{}}
	for key, n := range r {
		if key == unanswered {
			c.Unanswered = uint64(n)
			continue
		}
		c.Answered += uint64(n)
		if text, ok := strings.CutPrefix(key, inMinutes); ok {
			if m, err := strconv.Atoi(text); err == nil {
				c.Minutes[m] += uint64(n)
			}
		}
	}
	return c
}

// weekOf is the week of a time where the people are.
func (s *Store) weekOf(t time.Time) string {
	year, week := t.In(s.where).ISOWeek()
	return fmt.Sprintf("%04d-%02d", year, week)
}

func (s *Store) countHelp(tx *bolt.Tx, site fleet.SiteID, at time.Time, key string) error {
	where := []byte(s.weekOf(at) + "\x00" + string(site))
	r, _, err := get[weekRecord](tx, bWeeks, where)
	if err != nil {
		return err
	}
	if r == nil {
		r = weekRecord{}
	}
	r[key]++
	return put(tx, bWeeks, where, r)
}

// AddCalls adds to the sums of the week of that time calls that no kiosk made
// here: those of a past that is made up.
func (s *Store) AddCalls(site fleet.SiteID, at time.Time, c figures.Calls) error {
	err := s.update(func(tx *bolt.Tx) error {
		where := []byte(s.weekOf(at) + "\x00" + string(site))
		r, ok, err := get[weekRecord](tx, bWeeks, where)
		if err != nil {
			return err
		}
		if !ok {
			r = weekRecord{}
		}
		if c.Unanswered > 0 {
			r[unanswered] += uint32(c.Unanswered)
		}
		for minutes, n := range c.Minutes {
			r[inMinutes+strconv.Itoa(minutes)] += uint32(n)
		}
		return put(tx, bWeeks, where, r)
	})
	if err != nil {
		return fmt.Errorf("keep a week's calls: %w", err)
	}
	return nil
}

// HelpWeek is how fast the calls of one site were answered in one week.
type HelpWeek struct {
	Week  string // "2026-48", by ISO 8601
	Site  fleet.SiteID
	Calls figures.Calls
}

// HelpWeeks returns the sums since then, newest week first.
func (s *Store) HelpWeeks(since time.Time) (all []HelpWeek, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket([]byte(bWeeks)).Cursor()
		for k, text := c.Last(); k != nil; k, text = c.Prev() {
			week, site, _ := strings.Cut(string(k), "\x00")
			if week < s.weekOf(since) {
				return nil
			}
			r, err := unmarshal[weekRecord](text)
			if err != nil {
				return fmt.Errorf("read the calls of %s: %w", week, err)
			}
			all = append(all, HelpWeek{week, fleet.SiteID(site), r.calls()})
		}
		return nil
	})
	return all, err
}
