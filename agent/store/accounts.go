package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

type grantRecord struct {
	Role staff.Role   `json:"role"`
	Site fleet.SiteID `json:"site,omitempty"`
}

// grantsOf reads grants, or the one role of a record from before there were
// several.
func grantsOf(all []grantRecord, role staff.Role, site fleet.SiteID) (out []staff.Grant) {
	if len(all) == 0 && role != "" {
		return staff.At(role, site)
	}
	for _, g := range all {
		out = append(out, staff.Grant(g))
	}
	return out
}

func grantRecords(all []staff.Grant) (out []grantRecord) {
	for _, g := range all {
		out = append(out, grantRecord(g))
	}
	return out
}

type factorRecord struct {
	Secret   []byte   `json:"secret"`
	Step     int64    `json:"step"`
	Salt     []byte   `json:"salt"`
	Recovery [][]byte `json:"recovery"`
}

type accountRecord struct {
	Shown        string        `json:"shown"`
	Role         staff.Role    `json:"role,omitempty"` // only in old records
	Site         fleet.SiteID  `json:"site,omitempty"` // only in old records
	Grants       []grantRecord `json:"grants,omitempty"`
	Mail         string        `json:"mail,omitempty"`
	Subject      string        `json:"subject,omitempty"`
	Language     string        `json:"language,omitempty"`
	PasswordHash string        `json:"password_hash,omitempty"`
	CodeHash     []byte        `json:"code_hash,omitempty"`
	CodeExpires  time.Time     `json:"code_expires,omitzero"`
	Factor       *factorRecord `json:"factor,omitempty"`
	Disabled     bool          `json:"disabled,omitempty"`
	Epoch        uint64        `json:"epoch,omitempty"`
	Created      time.Time     `json:"created"`
}

func accountOf(name string, r accountRecord) staff.Account {
	a := staff.Account{Name: name, Shown: r.Shown, Grants: grantsOf(r.Grants, r.Role, r.Site), Mail: r.Mail, Subject: r.Subject,
		Language: r.Language, PasswordHash: r.PasswordHash, CodeHash: r.CodeHash, CodeExpires: r.CodeExpires,
		Disabled: r.Disabled, Epoch: r.Epoch, Created: r.Created}
	if r.Factor != nil {
		a.Factor = staff.Factor(*r.Factor)
	}
	return a
}

func recordOf(a staff.Account) accountRecord {
	r := accountRecord{Shown: a.Shown, Grants: grantRecords(a.Grants), Mail: a.Mail, Subject: a.Subject, Language: a.Language,
		PasswordHash: a.PasswordHash, CodeHash: a.CodeHash, CodeExpires: a.CodeExpires.UTC(),
		Disabled: a.Disabled, Epoch: a.Epoch, Created: a.Created.UTC()}
	if a.Factor.On() {
		f := factorRecord(a.Factor)
		r.Factor = &f
	}
	return r
}

// Account is staff.Accounts'.
func (s *Store) Account(name string) (a staff.Account, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		r, ok, err := get[accountRecord](tx, bAccounts, []byte(name))
		if err == nil && !ok {
			err = staff.ErrNotFound
		}
		if err == nil {
			a = accountOf(name, r)
		}
		return err
	})
	return a, err
}

// Accounts is staff.Accounts'.
func (s *Store) Accounts() (all []staff.Account, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		return each(tx, bAccounts, func(key []byte, r accountRecord) error {
			all = append(all, accountOf(string(key), r))
			return nil
		})
	})
	return all, err
}

// AddAccount is staff.Accounts'.
func (s *Store) AddAccount(a staff.Account) error {
	return s.update(func(tx *bolt.Tx) error {
		if tx.Bucket([]byte(bAccounts)).Get([]byte(a.Name)) != nil {
			return refusal{staff.ErrExists}
		}
		return put(tx, bAccounts, []byte(a.Name), recordOf(a))
	})
}

// ChangeAccount is staff.Accounts'.
func (s *Store) ChangeAccount(name string, change func(*staff.Account) error) error {
	return s.update(func(tx *bolt.Tx) error {
		r, ok, err := get[accountRecord](tx, bAccounts, []byte(name))
		if err != nil {
			return err
		}
		if !ok {
			return refusal{staff.ErrNotFound}
		}
		a := accountOf(name, r)
		if err := change(&a); err != nil {
			return refusal{err}
		}
		return put(tx, bAccounts, []byte(name), recordOf(a))
	})
}

// DeleteAccount is staff.Accounts'. What the person was told of goes with it:
// somebody else may get the same name.
func (s *Store) DeleteAccount(name string) error {
	return s.update(func(tx *bolt.Tx) error {
		if tx.Bucket([]byte(bAccounts)).Get([]byte(name)) == nil {
			return refusal{staff.ErrNotFound}
		}
		if err := dropTargetsOf(tx, name); err != nil {
			return err
		}
		return tx.Bucket([]byte(bAccounts)).Delete([]byte(name))
	})
}

// A session is 8 bytes of its end in Unix seconds, then its data.

// Web returns the store of web sessions; it has its own type because its
// methods have general names. The end of a session is compared with now.
func (s *Store) Web(now func() time.Time) Web { return Web{s, now} }

// Web is a staff.Sessions.
type Web struct {
	store *Store
	now   func() time.Time
}

// Find is staff.Sessions'.
func (w Web) Find(token string) (data []byte, found bool, err error) {
	err = w.store.db.View(func(tx *bolt.Tx) error {
		v := tx.Bucket([]byte(bSessions)).Get([]byte(token))
		if len(v) >= 8 && w.now().Unix() < int64(number(v[:8])) {
			data, found = bytes.Clone(v[8:]), true
		}
		return nil
	})
	return data, found, err
}

// Commit is staff.Sessions'.
func (w Web) Commit(token string, data []byte, expiry time.Time) error {
	err := w.store.update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(bSessions)).Put([]byte(token), append(bytesOf(uint64(expiry.Unix())), data...))
	})
	if err != nil {
		return fmt.Errorf("keep a session: %w", err)
	}
	return nil
}

// Delete is staff.Sessions'.
func (w Web) Delete(token string) error {
	return w.store.update(func(tx *bolt.Tx) error { return tx.Bucket([]byte(bSessions)).Delete([]byte(token)) })
}

// All is staff.Sessions'.
func (w Web) All() (map[string][]byte, error) {
	all := map[string][]byte{}
	err := w.store.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(bSessions)).ForEach(func(k, v []byte) error {
			if len(v) >= 8 && w.now().Unix() < int64(number(v[:8])) {
				all[string(k)] = bytes.Clone(v[8:])
			}
			return nil
		})
	})
	return all, err
}

func expireSessions(tx *bolt.Tx, now time.Time) error {
	var old [][]byte
	b := tx.Bucket([]byte(bSessions))
	err := b.ForEach(func(k, v []byte) error {
		if len(v) < 8 || now.Unix() >= int64(number(v[:8])) {
			old = append(old, bytes.Clone(k))
		}
		return nil
	})
	for _, k := range old {
		err = errors.Join(err, b.Delete(k))
	}
	return err
}

type tokenRecord struct {
	Name    string        `json:"name"`
	Role    staff.Role    `json:"role,omitempty"` // only in old records
	Site    fleet.SiteID  `json:"site,omitempty"` // only in old records
	Grants  []grantRecord `json:"grants,omitempty"`
	Created time.Time     `json:"created"`
}

func tokenOf(hash []byte, r tokenRecord) staff.Token {
	return staff.Token{Hash: bytes.Clone(hash), Name: r.Name, Grants: grantsOf(r.Grants, r.Role, r.Site), Created: r.Created}
}

// Token is staff.Tokens'.
func (s *Store) Token(hash []byte) (t staff.Token, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		r, ok, err := get[tokenRecord](tx, bTokens, hash)
		if err == nil && !ok {
			err = staff.ErrNotFound
		}
		t = tokenOf(hash, r)
		return err
	})
	return t, err
}

// Tokens is staff.Tokens'.
func (s *Store) Tokens() (all []staff.Token, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		all, err = tokens(tx)
		return err
	})
	return all, err
}

// AddToken is staff.Tokens'.
func (s *Store) AddToken(t staff.Token) error {
	return s.update(func(tx *bolt.Tx) error {
		all, err := tokens(tx)
		if err != nil {
			return err
		}
		for _, have := range all {
			if have.Name == t.Name || bytes.Equal(have.Hash, t.Hash) {
				return refusal{staff.ErrExists}
			}
		}
		return put(tx, bTokens, t.Hash, tokenRecord{Name: t.Name, Grants: grantRecords(t.Grants), Created: t.Created.UTC()})
	})
}

// DeleteToken is staff.Tokens'.
func (s *Store) DeleteToken(name string) error {
	return s.update(func(tx *bolt.Tx) error {
		all, err := tokens(tx)
		if err != nil {
			return err
		}
		for _, have := range all {
			if have.Name == name {
				return tx.Bucket([]byte(bTokens)).Delete(have.Hash)
			}
		}
		return refusal{staff.ErrNotFound}
	})
}

// tokens returns every token, ordered by name; they are few.
func tokens(tx *bolt.Tx) (all []staff.Token, err error) {
	err = tx.Bucket([]byte(bTokens)).ForEach(func(hash, text []byte) error {
		var r tokenRecord
		if err := json.Unmarshal(text, &r); err != nil {
			return fmt.Errorf("read a token: %w", err)
		}
		all = append(all, tokenOf(hash, r))
		return nil
	})
	slices.SortFunc(all, func(x, y staff.Token) int { return strings.Compare(x.Name, y.Name) })
	return all, err
}
