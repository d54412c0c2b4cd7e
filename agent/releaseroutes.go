package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/releases"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// releaseRoutes are where a technician's tool brings a release, piece by piece,
// and where kiosks fetch it.
func (a *agent) releaseRoutes(mux *table) {
	mux.HandleFunc(long, a.people.console.releases.Serve(func(id fleet.KioskID) bool {
		_, known := a.board.Kiosk(id)
		return known
	}))
	mux.HandleFunc("POST "+wire.ReleasesPath, a.keeping(a.releaseBegins))
	mux.HandleFunc("PUT "+wire.ReleasesPath+"/{version}/{file}", a.keeping(a.releasePiece))
	mux.HandleFunc("POST "+wire.ReleasesPath+"/{version}", a.keeping(a.releaseIsWhole))
	mux.HandleFunc("POST "+wire.ReleasesPath+"/{version}/offers", a.allowed(staff.UpdateImage, a.releaseOffered))
}

// keeping lets in whoever may keep releases: they belong to no site.
func (a *agent) keeping(next func(http.ResponseWriter, *http.Request, staff.Person)) http.HandlerFunc {
	return a.allowed(staff.KeepReleases, func(w http.ResponseWriter, r *http.Request, p staff.Person) {
		if !staff.May(p, staff.KeepReleases, "") {
			gate.Refuse(w, http.StatusForbidden, wire.Refusal{Code: wire.RefusedAccess,
				Text: "Releases belong to every site, and this token to some.", Todo: "Use a token of a technician at every site."})
			return
		}
		next(w, r, p)
	})
}

func (a *agent) releaseBegins(w http.ResponseWriter, r *http.Request, _ staff.Person) {
	var in wire.ReleaseBegin
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, wire.ReleaseBeginLimit)).Decode(&in); err != nil {
		a.releaseRefused(w, releases.ErrRefused)
		return
	}
	version, have, kept, err := a.people.console.releases.Begin(in.Manifest, in.Signature)
	if err != nil {
		a.releaseRefused(w, err)
		return
	}
	answer(w, wire.ReleaseHas{Version: version, Have: have, Kept: kept})
}

func (a *agent) releasePiece(w http.ResponseWriter, r *http.Request, _ staff.Person) {
	from, err := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64)
	if err != nil {
		a.releaseRefused(w, releases.ErrPlace)
		return
	}
	piece, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.ReleasePiece))
	if err != nil {
		a.releaseRefused(w, releases.ErrRefused)
		return
	}
	name := r.PathValue("file")
	have, err := a.people.console.releases.Write(r.PathValue("version"), name, from, bytes.NewReader(piece))
	if err != nil && !errors.Is(err, releases.ErrPlace) {
		a.releaseRefused(w, err)
		return
	}
	answer(w, wire.ReleaseHas{Version: r.PathValue("version"), Have: map[string]int64{name: have}})
}

func (a *agent) releaseIsWhole(w http.ResponseWriter, r *http.Request, p staff.Person) {
	s, err := a.people.console.releases.Finish(r.PathValue("version"))
	if err != nil {
		a.releaseRefused(w, err)
		return
	}
	if err := a.store.AppendAudit(staff.Entry{At: time.Now(), Who: p.Name, Action: "release_added", Detail: s.Version}); err != nil {
		a.log.Error("the release is here, but not in the history", "why", err)
	}
	answer(w, wire.ReleaseHas{Version: s.Version, Kept: true})
}

// releaseOffered offers a release to kiosks of the asker's sites: {"kiosks":
// [...]}, {"site": ...} or {"all": true}, and "older".
func (a *agent) releaseOffered(w http.ResponseWriter, r *http.Request, p staff.Person) {
	var in offerRequest
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, wire.EnrolLimit)).Decode(&in)
	in.Version = r.PathValue("version")
	if err != nil || !in.clear() {
		gate.Refuse(w, http.StatusBadRequest, wire.Refusal{Code: wire.RefusedInput, Text: "The request does not say to whom.", Todo: "Name kiosks, a site or all."})
		return
	}
	out, err := a.people.console.Offer(r.Context(), p, in)
	var exit exitError
	switch {
	case errors.Is(err, errNotTheirs):
		gate.Refuse(w, http.StatusForbidden, wire.Refusal{Code: wire.RefusedAccess, Text: sentence(err), Todo: "Use a token for that site."})
	case errors.As(err, &exit) && exit.code == exitInput:
		gate.Refuse(w, http.StatusBadRequest, wire.Refusal{Code: wire.RefusedInput, Text: sentence(err), Todo: "Correct it and try again."})
	case err != nil:
		a.releaseRefused(w, err)
	default:
		answer(w, out)
	}
}

func (a *agent) releaseRefused(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, releases.ErrNoKey):
		gate.Refuse(w, http.StatusConflict, wire.Refusal{Code: wire.RefusedInput, Text: sentence(err), Todo: "Ask an administrator."})
	case errors.Is(err, releases.ErrOther), errors.Is(err, releases.ErrRefused), errors.Is(err, releases.ErrUnknown), errors.Is(err, releases.ErrPlace):
		gate.Refuse(w, http.StatusBadRequest, wire.Refusal{Code: wire.RefusedInput, Text: sentence(err), Todo: "Correct it and try again."})
	case errors.Is(err, store.ErrFull):
		gate.Refuse(w, http.StatusServiceUnavailable, wire.Refusal{Code: wire.RefusedStore, Text: sentence(err), Todo: "Make room on its disk, then try again."})
	default:
		a.log.Error("a release is not kept", "why", err)
		gate.Refuse(w, http.StatusInternalServerError, wire.Refusal{Code: wire.RefusedInternal, Text: "The agent cannot keep the release.", Todo: "Look into the agent's log: its disk may be full."})
	}
}
