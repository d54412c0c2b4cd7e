package releases

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/release"
)

// A ticket says which kiosk may fetch until when, and is good for one release:
// KIOSK.UNIX.MAC. It travels with an order, over the line on which the kiosk
// has proved itself with its key.

// secret is what tickets are made with; it is made once.
func (k *Keeper) secret() ([]byte, error) {
	k.sealing.Lock() // not mu: kiosks do not wait for who publishes
	defer k.sealing.Unlock()
	path := filepath.Join(k.dir, ticketBy)
	key, err := os.ReadFile(path)
	if err == nil && len(key) == 32 {
		return key, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the key of tickets: %w", err)
	}
	key = make([]byte, 32)
	rand.Read(key)
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return nil, fmt.Errorf("keep the key of tickets: %w", err)
	}
	if err := renameio.WriteFile(path, key, 0o600, renameio.WithTempDir(k.dir)); err != nil {
		return nil, fmt.Errorf("keep the key of tickets: %w", err)
	}
	return key, nil
}

func seal(key []byte, head, version string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("yhteiskone release ticket 1\n" + head + "\n" + version))
	return head + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Ticket lets a kiosk fetch a release until then.
func (k *Keeper) Ticket(kiosk fleet.KioskID, version string, until time.Time) (string, error) {
	key, err := k.secret()
	if err != nil {
		return "", err
	}
	return seal(key, string(kiosk)+"."+strconv.FormatInt(until.Unix(), 10), version), nil
}

// Admits returns whose ticket it is, if it is good for that release now.
func (k *Keeper) Admits(ticket, version string, now time.Time) (fleet.KioskID, bool) {
	parts := strings.Split(ticket, ".")
	if len(ticket) > fleet.TicketLimit || len(parts) != 3 {
		return "", false
	}
	until, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return "", false
	}
	key, err := k.secret()
	if err != nil || !hmac.Equal([]byte(ticket), []byte(seal(key, parts[0]+"."+parts[1], version))) {
		return "", false
	}
	return fleet.KioskID(parts[0]), now.Unix() < until
}

// Serve gives a file of a release (GET /release/{version}/{file}, also from a
// place on) to a kiosk with a ticket that known still knows.
func (k *Keeper) Serve(known func(fleet.KioskID) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		version, name := r.PathValue("version"), r.PathValue("file")
		ticket, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if ok {
			var kiosk fleet.KioskID
			kiosk, ok = k.Admits(ticket, version, time.Now())
			ok = ok && known(kiosk)
		}
		if !ok {
			http.Error(w, "this address is for kiosks with a ticket", http.StatusForbidden)
			return
		}
		s, err := k.Find(version)
		if _, listed := s.File(name); err != nil || !listed && name != release.ManifestName && name != release.SignatureName {
			http.Error(w, "there is no such file", http.StatusNotFound)
			return
		}
		f, err := os.Open(filepath.Join(k.dir, version, name))
		if err != nil {
			http.Error(w, "the file cannot be read", http.StatusInternalServerError)
			return
		}
		defer f.Close()
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Cache-Control", "no-store")
		http.ServeContent(w, r, "", time.Time{}, f)
	}
}
