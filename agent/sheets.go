package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
	"slices"
	"time"

	"yhteiskone/agent/dashboard"
	"yhteiskone/agent/gate"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/agent/store"
	"yhteiskone/internal/acceptance"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
)

// sheets is dashboard.Sheets.
type sheets struct{ *agent }

// Sheet is dashboard.Sheets's.
func (s *sheets) Sheet(id fleet.KioskID) (state.KeptSheet, error) { return s.store.Sheet(id) }

// Try is dashboard.Sheets's.
func (s *sheets) Try(_ context.Context, who string, id fleet.KioskID, command string, way int) error {
	k, ok := s.board.Kiosk(id)
	if !ok {
		return errNoKiosk
	}
	err := s.store.TryWay(who, id, k.Site, command, way, time.Now())
	if errors.Is(err, store.ErrNoSheet) {
		return dashboard.ErrNoSheet
	}
	return err
}

// checkLife is how long a check waits for a kiosk, or for a session's end.
const checkLife = 2 * time.Hour

// sheetRoutes are where a technician's tool has a machine checked and reads its
// sheet.
func (a *agent) sheetRoutes(mux *table) {
	mux.HandleFunc("POST "+wire.KiosksPath+"/{id}/check", a.allowed(staff.CheckKiosk, a.theirs(staff.CheckKiosk, a.apiCheck)))
	mux.HandleFunc("GET "+wire.KiosksPath+"/{id}/sheet", a.allowed(staff.SeeSheet, a.theirs(staff.SeeSheet, a.apiSheet)))
}

// theirs lets in whoever may do it where the kiosk stands; whose it is stays
// unsaid to others.
func (a *agent) theirs(what staff.Action, next func(http.ResponseWriter, *http.Request, staff.Person, state.View)) func(http.ResponseWriter, *http.Request, staff.Person) {
	return func(w http.ResponseWriter, r *http.Request, p staff.Person) {
		v, ok := a.board.View(fleet.KioskID(r.PathValue("id")))
		if !ok || !staff.May(p, staff.SeeFleet, v.Kiosk.Site) {
			gate.Refuse(w, http.StatusNotFound, wire.Refusal{Code: "not_found", Text: "There is no such kiosk.", Todo: "Check the identifier."})
			return
		}
		if !staff.May(p, what, v.Kiosk.Site) {
			gate.Refuse(w, http.StatusForbidden, wire.Refusal{Code: wire.RefusedAccess, Text: "This token may not do that there.", Todo: "Use a token for that site."})
			return
		}
		next(w, r, p, v)
	}
}

// apiCheck orders a check and answers with the command's identifier.
func (a *agent) apiCheck(w http.ResponseWriter, r *http.Request, p staff.Person, v state.View) {
	id, err := (&actions{a}).Command(r.Context(), p.Name, v.Kiosk.ID, fleet.Command{Name: fleet.Check, TTL: checkLife})
	if err != nil {
		a.log.Error("check not ordered", "why", err)
		gate.Refuse(w, http.StatusInternalServerError, wire.Refusal{Code: wire.RefusedInternal, Text: "The agent failed.", Todo: "Look into the agent's log."})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	answer(w, wire.CheckOrdered{Command: id, Connected: v.Connected})
}

// apiSheet answers with the newest sheet, and with what became of the check that
// the query names.
func (a *agent) apiSheet(w http.ResponseWriter, r *http.Request, _ staff.Person, v state.View) {
	kept, err := a.store.Sheet(v.Kiosk.ID)
	waiting, err2 := a.store.Orders(v.Kiosk.ID, time.Now())
	if err := errors.Join(err, err2); err != nil {
		a.log.Error("sheet not read", "why", err)
		gate.Refuse(w, http.StatusInternalServerError, wire.Refusal{Code: wire.RefusedInternal, Text: "The agent failed.", Todo: "Look into the agent's log."})
		return
	}
	out := wire.SheetAnswer{Kiosk: v.Kiosk.ID, Name: v.Kiosk.Name, Site: v.Kiosk.Site, Place: v.Kiosk.Place, Connected: v.Connected}
	if command := r.URL.Query().Get("command"); command != "" {
		out.Check = stateOf(command, kept, slices.ContainsFunc(waiting, func(o gate.Order) bool { return o.Command.ID == command }))
		if out.Check == wire.CheckFailed {
			out.Why = kept.Answer.Why
		}
	}
	if !kept.At.IsZero() {
		sheet, result := sheetOf(tongue(r), kept.Against(v), v.Kiosk.PublicKey)
		out.Sheet, out.Result = &sheet, &result
	}
	answer(w, out)
}

// stateOf says what became of a check.
func stateOf(command string, kept state.KeptSheet, waits bool) wire.CheckState {
	switch {
	case kept.Sheet.Command == command:
		return wire.CheckMade
	case waits:
		return wire.CheckWaiting
	case kept.Answer.Command == command && kept.Answer.OK: // the sheet was not the kiosk's
		return wire.CheckRefused
	case kept.Answer.Command == command:
		return wire.CheckFailed
	}
	return wire.CheckGone
}

// sheetOf words a sheet. What the machine signed are its own rows, in Signed.
func sheetOf(lang string, kept state.KeptSheet, key ed25519.PublicKey) (out wire.SheetShown, result wire.SheetVerdict) {
	words, r := acceptance.New(), kept.Result()
	out = wire.SheetShown{Signed: wire.SheetOf(kept.Signed), PublicKey: key, Fingerprint: identity.Fingerprint(key), Who: kept.Who, Received: kept.At, Rows: []wire.SheetLine{}}
	for _, row := range kept.Sheet.Judged() {
		line := wire.SheetLine{Code: row.Code, Mark: row.Mark, Value: row.Value}
		line.Name, line.Todo = words.Row(lang, row)
		for _, n := range fleet.WaysByHand() {
			if t, ok := kept.Tried[n]; ok && row.Code == fleet.WayCode(n) && row.Mark == fleet.ByHand {
				line.TriedBy, line.TriedAt, line.Todo = t.Who, &t.At, ""
			}
		}
		out.Rows = append(out.Rows, line)
	}
	result = wire.SheetVerdict{Accepted: r.Accepted(), Whole: r.Whole(), WipeProved: r.WipeProved, Ways: wire.SheetTally{All: r.Ways.All, Here: r.Ways.Here,
		Build: r.Ways.Build, Hand: r.Ways.Hand, Tried: r.Tried, Failed: r.Ways.Failed, Unknown: r.Ways.Unknown},
		Rest: wire.SheetTally{All: r.Rest.All, Here: r.Rest.Here, Failed: r.Rest.Failed, Unknown: r.Rest.Unknown}}
	result.Text, result.More = words.Result(lang, kept.Sheet, r)
	return out, result
}
