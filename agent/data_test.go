package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"yhteiskone/agent/backup"
	"yhteiskone/agent/gate"
	"yhteiskone/agent/store"
	"yhteiskone/internal/identity"
)

// A folder in which something is missing is not a new one: whatever is gone,
// the agent never begins anew without a word, and with a backup, wherever that
// is configured to be, it goes on with it.
func TestWhatIsGoneIsNotNew(t *testing.T) {
	for name, gone := range map[string][]string{
		"the store":           {backup.StoreFile},
		"store and identity":  {backup.StoreFile, backup.IdentityFile},
		"all but the backups": {backup.StoreFile, backup.IdentityFile, backup.AuthorityFile},
		"the identity":        {backup.IdentityFile},
	} {
		dir, elsewhere := t.TempDir(), t.TempDir()
		keeper := keeperOf(dir, nil, backupConfig{Folder: elsewhere, Keep: 3})
		d, err := openData(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		code := identity.HashCode("1111-1111-1111")
		if err := d.store.PutCode(store.Code{Hash: code, Site: "ranta", Name: "Kone 1", Uses: 1, Expires: time.Now().Add(time.Hour)}, "satu", time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.store.Enrol(gate.Use{CodeHash: code, PublicKey: make([]byte, 32), At: time.Now(), NewID: walkKiosk}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(d.path(backup.AuthorityFile), []byte("certificate"), 0o600); err != nil {
			t.Fatal(err)
		}
		pin := d.id.Pin()
		made := keeperOf(dir, d.store, backupConfig{Folder: elsewhere, Keep: 3})
		if _, _, err := made.Turn(); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		for _, file := range gone {
			if err := os.Remove(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
		}
		none := &mending{keeperOf(dir, nil, backupConfig{Folder: t.TempDir(), Keep: 3}), slog.New(slog.DiscardHandler)}
		if name != "all but the backups" { // then there is nothing to see where no backup is
			if d, err := openData(dir, none); err == nil {
				d.Close()
				t.Errorf("%s is gone, and there is no backup: it began anew", name)
			} else if !errors.Is(err, errNoStore) && !errors.Is(err, errNoIdentity) || !errors.Is(err, backup.ErrNoneGood) {
				t.Errorf("%s: %v", name, err)
			}
		}
		d, err = openData(dir, &mending{keeper, slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Errorf("%s is gone, and there is a backup: %v", name, err)
			continue
		}
		kiosks, err := d.store.Kiosks()
		if err != nil || len(kiosks) != 1 || d.id.Pin() != pin {
			t.Errorf("%s: %v, %v, another identity: %v", name, kiosks, err, d.id.Pin() != pin)
		}
		if m, ok, err := d.store.Mended(); err != nil || !ok || time.Since(m.At) > time.Minute {
			t.Errorf("%s: it does not say so: %+v %v", name, m, err)
		}
		d.Close()
	}
	dir := t.TempDir() // a first start that was cut off is a new one
	if err := os.WriteFile(filepath.Join(dir, store.FileName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := openData(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
}
