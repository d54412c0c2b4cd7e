package store

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// incidentsKept is how long what was wrong is told.
const incidentsKept = 180 * 24 * time.Hour

// incidentRecord is a fault that is over. It stands in the bucket of the day
// of its end, under its site, its kiosk and a number, so that what is asked
// for one of them is one piece of each day.
type incidentRecord struct {
	Code     fleet.Code     `json:"code"`
	Severity fleet.Severity `json:"severity"`
	Since    time.Time      `json:"since"`
	End      time.Time      `json:"end"`
	Times    int            `json:"times,omitempty"`
}

// Whole names a site as a whole where a kiosk is named: in PutFaults and
// OpenFaults. No kiosk is named so.
func Whole(id fleet.SiteID) fleet.KioskID { return fleet.KioskID("@" + id) }

func incidentKey(site fleet.SiteID, kiosk fleet.KioskID) []byte {
	return []byte(string(site) + "\x00" + string(kiosk) + "\x00")
}

// over keeps a fault that is over as an incident.
func over(tx *bolt.Tx, c FaultChange) error {
	day, err := tx.Bucket([]byte(bIncidents)).CreateBucketIfNotExists(dayKey(c.At))
	if err != nil {
		return err
	}
	n, err := day.NextSequence()
	if err != nil {
		return err
	}
	r := incidentRecord{Code: c.Fault.Code, Severity: c.Fault.Severity, Since: c.Fault.Since.UTC(), End: c.At.UTC()}
	if c.Fault.Flaps() {
		r.Since, r.Times = c.Fault.First.UTC(), c.Fault.Times
	}
	text, err := marshal(r)
	if err != nil {
		return err
	}
	kiosk := c.Kiosk
	if kiosk == Whole(c.Site) {
		kiosk = ""
	}
	return day.Put(append(incidentKey(c.Site, kiosk), bytesOf(n)...), text)
}

// Incidents is dashboard.History's: what was wrong and is over, at a kiosk or,
// with an empty one, at the site and all its kiosks; the newest first, at most
// n, of those that ended at or after from.
func (s *Store) Incidents(site fleet.SiteID, kiosk fleet.KioskID, from time.Time, n int) (all []state.Incident, err error) {
	prefix := incidentKey(site, kiosk)
	if kiosk == "" {
		prefix = prefix[:len(site)+1]
	}
	enough := errors.New("enough")
	err = s.db.View(func(tx *bolt.Tx) error {
		days := tx.Bucket([]byte(bIncidents)).Cursor()
		for day, _ := days.Last(); day != nil && bytes.Compare(day, dayKey(from)) >= 0; day, _ = days.Prev() {
			var found []state.Incident
			c := tx.Bucket([]byte(bIncidents)).Bucket(day).Cursor()
			for k, text := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, text = c.Next() {
				r, err := unmarshal[incidentRecord](text)
				if err != nil {
					return fmt.Errorf("read the incidents of %s: %w", day, err)
				}
				if r.End.Before(from) {
					continue
				}
				rest := k[len(site)+1:]
				id, _, _ := bytes.Cut(rest, []byte{0})
				found = append(found, state.Incident{Site: site, Kiosk: fleet.KioskID(id), End: r.End,
					Fault: state.Fault{Code: r.Code, Severity: r.Severity, Since: r.Since, First: r.Since, Times: r.Times}})
			}
			newestFirst(found)
			all = append(all, found...)
			if len(all) >= n {
				all = all[:n]
				return enough
			}
		}
		return nil
	})
	if errors.Is(err, enough) {
		err = nil
	}
	return all, err
}
