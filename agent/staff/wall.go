package staff

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"yhteiskone/internal/fleet"
)

// Wall is the right to look at one site's board without signing in, for a
// screen in the room. Its secret is a part of an address, so it shows nothing
// that people in the room do not see; only its hash is kept.
type Wall struct {
	Hash    []byte // SHA-256, 32 bytes: the key
	Name    string // where the screen is, as people say it
	Site    fleet.SiteID
	Created time.Time
	By      string // account name
}

// ID names a wall in forms and is no secret.
func (w Wall) ID() string { return hex.EncodeToString(w.Hash[:min(8, len(w.Hash))]) }

// NewWall returns a wall and its secret, which is shown once. It is in small
// letters and digits, because somebody may have to type it with a remote
// control.
func NewWall(site fleet.SiteID, name, by string, at time.Time) (w Wall, secret string, err error) {
	if err := fleet.CheckName("the name", name); err != nil {
		return Wall{}, "", err
	}
	secret = strings.ToLower(rand.Text())
	return Wall{HashWall(secret), name, site, at, by}, secret, nil
}

// HashWall is what is kept of a secret.
func HashWall(secret string) []byte {
	sum := sha256.Sum256([]byte("yhteiskone wall " + strings.ToLower(secret)))
	return sum[:]
}
