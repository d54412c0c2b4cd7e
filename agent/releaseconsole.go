package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/releases"
	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// offerLife is how long an order to take a release waits for its kiosk. A
// ticket lives a little longer, for a fetch that has begun.
const (
	offerLife  = 24 * time.Hour
	ticketOver = time.Hour
)

// releasesIn is the keeper of a data folder's releases.
func releasesIn(dir string) *releases.Keeper { return releases.Open(filepath.Join(dir, "releases")) }

// offerRequest offers a release to kiosks: those named, those of a site, or
// all.
type offerRequest struct {
	Version string          `json:"version"`
	Kiosks  []fleet.KioskID `json:"kiosks,omitempty"`
	Site    fleet.SiteID    `json:"site,omitempty"`
	All     bool            `json:"all,omitempty"`
	Older   bool            `json:"older,omitempty"`
}

// clear reports whether it says to whom in exactly one way.
func (r offerRequest) clear() bool {
	ways := 0
	for _, given := range []bool{len(r.Kiosks) > 0, r.Site != "", r.All} {
		if given {
			ways++
		}
	}
	return ways == 1
}

// offerAnswer says which kiosks it went to.
type offerAnswer struct {
	Names []string `json:"names"`
}

// releaseNote is what the audit is told: one of the three actions, and of what.
type releaseNote struct {
	Action string `json:"action"`
	Detail string `json:"detail"`
}

// Released keeps in the audit what was done to the releases.
func (c *console) Released(_ context.Context, n releaseNote) (nothing, error) {
	if !slices.Contains([]string{"release_added", "release_removed", "release_key"}, n.Action) || len(n.Detail) > 60 {
		return nothing{}, badInput("there is no note %q", n.Action)
	}
	return nothing{}, c.store.AppendAudit(staff.Entry{At: time.Now(), Who: staff.Console, Action: n.Action, Detail: n.Detail})
}

// errNotTheirs says that a kiosk is not the asker's.
var errNotTheirs = errors.New("you may not update kiosks at this site")

// Offer orders kiosks to take a release. Nothing is ordered unless all of them
// are known, and where the asker may update kiosks.
func (c *console) Offer(_ context.Context, who staff.Person, r offerRequest) (offerAnswer, error) {
	s, err := c.releases.Find(r.Version)
	if errors.Is(err, releases.ErrUnknown) {
		return offerAnswer{}, badInput("there is no release %q; see agent release list", r.Version)
	}
	if err != nil {
		return offerAnswer{}, err
	}
	kiosks, err := c.offered(r)
	if err != nil {
		return offerAnswer{}, err
	}
	for _, k := range kiosks {
		if !staff.May(who, staff.UpdateImage, k.Site) {
			return offerAnswer{}, errNotTheirs
		}
	}
	var out offerAnswer
	now := time.Now()
	for _, k := range kiosks {
		o := gate.Order{Kiosk: k.ID, Expires: now.Add(offerLife), Command: fleet.Command{Name: fleet.UpdateImage, TTL: offerLife,
			Image: fleet.ImageOffer{Version: s.Version, Manifest: s.Sum(), Older: r.Older}}}
		if o.Command.Image.Ticket, err = c.releases.Ticket(k.ID, s.Version, o.Expires.Add(ticketOver)); err != nil {
			return out, err
		}
		if err := checkCommand(o.Command); err != nil {
			return out, fmt.Errorf("offer a release: %w", err)
		}
		raw := make([]byte, 8)
		rand.Read(raw)
		o.Command.ID = hex.EncodeToString(raw)
		if err := c.store.PutOrder(who.Name, o, k.Site, now); err != nil {
			return out, err
		}
		if c.ordered != nil {
			c.ordered(o)
		}
		out.Names = append(out.Names, k.Name)
	}
	return out, nil
}

// offered finds the kiosks of a request.
func (c *console) offered(r offerRequest) (out []fleet.Kiosk, err error) {
	all, err := c.store.Kiosks()
	if err != nil {
		return nil, err
	}
	for _, k := range all {
		if r.All || r.Site != "" && k.Site == r.Site || slices.Contains(r.Kiosks, k.ID) {
			out = append(out, k)
		}
	}
	for _, id := range r.Kiosks {
		if !slices.ContainsFunc(all, func(k fleet.Kiosk) bool { return k.ID == id }) {
			return nil, badInput("there is no kiosk %q; nothing was offered", id)
		}
	}
	if len(out) == 0 {
		return nil, badInput("there is no kiosk at the site %q", or(string(r.Site), "any"))
	}
	return out, nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
