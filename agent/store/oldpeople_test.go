package store

import (
	"testing"

	bolt "go.etcd.io/bbolt"

	"yhteiskone/agent/staff"
)

// Records of people and tokens from before a person could have several roles
// are read as they were meant.
func TestPeopleOfTheVersionBefore(t *testing.T) {
	s, err := Open(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.update(func(tx *bolt.Tx) error {
		for name, text := range map[string]string{
			"satu":  `{"shown":"Satu","role":"staff","site":"ranta","password_hash":"$argon2id$x","epoch":3,"created":"2026-11-01T10:00:00Z"}`,
			"pekka": `{"shown":"Pekka","role":"admin","created":"2026-11-01T10:00:00Z"}`,
		} {
			if err := tx.Bucket([]byte(bAccounts)).Put([]byte(name), []byte(text)); err != nil {
				return err
			}
		}
		return tx.Bucket([]byte(bTokens)).Put([]byte{1}, []byte(`{"name":"m","role":"viewer","site":"ranta","created":"2026-11-01T10:00:00Z"}`))
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]staff.Grant{"satu": {Role: staff.Staff, Site: "ranta"}, "pekka": {Role: staff.Admin}} {
		for range 2 { // as it was, and after it was written anew
			a, err := s.Account(name)
			if err != nil || len(a.Grants) != 1 || a.Grants[0] != want || a.Factor.On() {
				t.Errorf("%s: %+v %v", name, a, err)
			}
			if err := s.ChangeAccount(name, func(a *staff.Account) error { a.Epoch++; return nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	if tok, err := s.Token([]byte{1}); err != nil || len(tok.Grants) != 1 || tok.Grants[0] != (staff.Grant{Role: staff.Viewer, Site: "ranta"}) {
		t.Errorf("%+v %v", tok, err)
	}
}
