package store

import (
	bolt "go.etcd.io/bbolt"

	"yhteiskone/agent/staff"
)

// keyRules is where the staff's rules are in bMeta.
const keyRules = "staff_rules"

type rulesRecord struct {
	Factor []staff.Role `json:"factor,omitempty"`
}

// StaffRules is staff.RuleBook's.
func (s *Store) StaffRules() (rules staff.Rules, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		r, _, err := get[rulesRecord](tx, bMeta, []byte(keyRules))
		rules = staff.Rules(r)
		return err
	})
	return rules, err
}

// SetStaffRules is staff.RuleBook's.
func (s *Store) SetStaffRules(r staff.Rules) error {
	return s.update(func(tx *bolt.Tx) error { return put(tx, bMeta, []byte(keyRules), rulesRecord(r)) })
}
