package store

import (
	"bytes"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/agent/premises"
	"yhteiskone/internal/fleet"
)

// editRecord is one version of what a site decided.
type editRecord struct {
	At        time.Time        `json:"at"`
	Who       string           `json:"who"`
	Back      uint64           `json:"back,omitempty"`
	Settings  uint64           `json:"settings"`
	Fields    []premises.Field `json:"fields"`
	Values    placeRecord      `json:"values"`
	HelpAfter time.Duration    `json:"help_after_ns,omitempty"`
	HelpTo    fleet.SiteID     `json:"help_to,omitempty"`
}

func (r editRecord) version(n uint64) premises.Version {
	return premises.Version{N: n, At: r.At, Who: r.Who, Back: r.Back, Settings: r.Settings, Edit: r.edit()}
}

func (r editRecord) edit() premises.Edit {
	return premises.Edit{Fields: r.Fields, Values: premises.Values{Settings: r.Values.fleet(), Call: premises.Call{After: r.HelpAfter, To: r.HelpTo}}}
}

func editKey(site fleet.SiteID, n uint64) []byte {
	return append([]byte(string(site)+"\x00"), bytesOf(n)...)
}

// newestEdit returns the newest version of a site's decisions and its number;
// 0 if there is none.
func newestEdit(tx *bolt.Tx, site fleet.SiteID) (r editRecord, n uint64, err error) {
	c := tx.Bucket([]byte(bEdits)).Cursor()
	var text []byte
	k, _ := c.Seek(editKey(site, 1<<63)) // what comes behind all of them
	if k == nil {
		k, text = c.Last()
	} else {
		k, text = c.Prev()
	}
	prefix := editKey(site, 0)[:len(site)+1]
	if k == nil || !bytes.HasPrefix(k, prefix) {
		return r, 0, nil
	}
	if r, err = unmarshal[editRecord](text); err != nil {
		return r, 0, fmt.Errorf("read what %s decided: %w", site, err)
	}
	return r, number(k[len(prefix):]), nil
}

// PutEdit keeps a new version of what a site decided, and who did, in one
// transaction; back is the version that it goes back to, or 0.
func (s *Store) PutEdit(who string, site fleet.SiteID, e premises.Edit, back uint64, at time.Time) (v premises.Version, err error) {
	err = s.update(func(tx *bolt.Tx) error {
		_, n, err := newestEdit(tx, site)
		if err != nil {
			return err
		}
		set, _, err := get[settingsRecord](tx, bMeta, []byte("settings"))
		if err != nil {
			return err
		}
		set.Version++
		r := editRecord{at.UTC(), who, back, set.Version, e.Fields, placeOf(e.Values.Settings), e.Values.Call.After, e.Values.Call.To}
		v = r.version(n + 1)
		return first(put(tx, bMeta, []byte("settings"), set), put(tx, bEdits, editKey(site, n+1), r),
			audit(tx, auditRecord{At: at, Who: who, Action: "place_set", Site: site, Detail: fmt.Sprint(n + 1)}))
	})
	if err != nil {
		return premises.Version{}, fmt.Errorf("keep what a site decided: %w", err)
	}
	return v, nil
}

// Edit returns the newest version of what a site decided; its N is 0 if there
// is none.
func (s *Store) Edit(site fleet.SiteID) (v premises.Version, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		r, n, err := newestEdit(tx, site)
		v = r.version(n)
		return err
	})
	return v, err
}

// Edits returns every version of what a site decided, newest first.
func (s *Store) Edits(site fleet.SiteID) (all []premises.Version, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		prefix := editKey(site, 0)[:len(site)+1]
		c := tx.Bucket([]byte(bEdits)).Cursor()
		for k, text := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, text = c.Next() {
			r, err := unmarshal[editRecord](text)
			if err != nil {
				return fmt.Errorf("read what %s decided: %w", site, err)
			}
			all = append([]premises.Version{r.version(number(k[len(prefix):]))}, all...)
		}
		return nil
	})
	return all, err
}

// BaseSettings are those of a site without what it decided.
func (s *Store) BaseSettings(site fleet.SiteID) (set fleet.Settings, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		set, err = baseSettings(tx, site)
		return err
	})
	return set, err
}

func baseSettings(tx *bolt.Tx, site fleet.SiteID) (fleet.Settings, error) {
	r, _, err := get[settingsRecord](tx, bMeta, []byte("settings"))
	p, own := r.Sites[site]
	if !own {
		p = r.placeRecord
	}
	set := p.fleet()
	set.Version = r.Version
	return set, err
}
