package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// Errors of who asks for a replacement.
var (
	errNoPlace = errors.New("there is no such kiosk that you may look after")
	errMany    = errors.New("several kiosks have this name")
)

// replaced finds the kiosk that a request names, by identifier or by name,
// among those that the person may enrol.
func (c *console) replaced(who staff.Person, r wire.EnrolmentRequest) (fleet.Kiosk, error) {
	all, err := c.store.Kiosks()
	if err != nil {
		return fleet.Kiosk{}, err
	}
	var found []fleet.Kiosk
	for _, k := range all {
		if !staff.May(who, staff.EnrolKiosk, k.Site) || r.Site != "" && r.Site != k.Site {
			continue
		}
		if string(k.ID) == r.Replaces {
			return k, nil
		}
		if strings.EqualFold(k.Name, r.Replaces) {
			found = append(found, k)
		}
	}
	switch len(found) {
	case 0:
		return fleet.Kiosk{}, errNoPlace
	case 1:
		return found[0], nil
	}
	return fleet.Kiosk{}, errMany
}

// Codes lists the codes that could still be used at the person's sites.
func (c *console) Codes(_ context.Context, who staff.Person) (wire.EnrolmentList, error) {
	codes, err := c.store.Codes(time.Now())
	if err != nil {
		return nil, fmt.Errorf("list the codes: %w", err)
	}
	all := wire.EnrolmentList{}
	for _, o := range codes {
		if staff.May(who, staff.EnrolKiosk, o.Site) {
			all = append(all, wire.OpenEnrolment(o))
		}
	}
	return all, nil
}

// RevokeCode makes a code of one of the person's sites worthless.
func (c *console) RevokeCode(_ context.Context, who staff.Person, id string) error {
	return c.store.RevokeCode(id, who.Name, time.Now(), func(site fleet.SiteID) bool { return staff.May(who, staff.EnrolKiosk, site) })
}

// serveCodes answers which codes are open.
func serveCodes(c *console) func(http.ResponseWriter, *http.Request, staff.Person) {
	return func(w http.ResponseWriter, r *http.Request, who staff.Person) {
		all, err := c.Codes(r.Context(), who)
		if err != nil {
			gate.Refuse(w, http.StatusInternalServerError, wire.Refusal{Code: wire.RefusedInternal, Text: sentence(err), Todo: "Look into the agent's log."})
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		json.NewEncoder(w).Encode(all)
	}
}

// serveRevoke makes a code worthless.
func serveRevoke(c *console) func(http.ResponseWriter, *http.Request, staff.Person) {
	return func(w http.ResponseWriter, r *http.Request, who staff.Person) {
		err := c.RevokeCode(r.Context(), who, r.PathValue("id"))
		switch {
		case err == nil:
			w.WriteHeader(http.StatusNoContent)
		case errors.Is(err, store.ErrNoCode):
			gate.Refuse(w, http.StatusNotFound, wire.Refusal{Code: wire.RefusedGone, Text: sentence(store.ErrNoCode), Todo: "Look at provision enrol list."})
		default:
			gate.Refuse(w, http.StatusServiceUnavailable, wire.Refusal{Code: wire.RefusedStore, Text: sentence(err), Todo: "Try again."})
		}
	}
}
