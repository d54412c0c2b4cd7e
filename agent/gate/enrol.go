package gate

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"time"

	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/link"
	"yhteiskone/internal/wire"
)

// Enrol takes in a new kiosk (POST /enrol).
func (g *Gate) Enrol(w http.ResponseWriter, r *http.Request) {
	if len(r.Header["Origin"]) > 0 || len(r.Header["Cookie"]) > 0 {
		Refuse(w, http.StatusForbidden, wire.Refusal{Code: wire.RefusedAccess,
			Text: "This address is for kiosks only.", Todo: "Open the agent's first page instead."})
		return
	}
	byTry := g.byTry.of(addressOf(r))
	if byTry.Tokens() < 1 || g.tries.Tokens() < 1 {
		w.Header().Set("Retry-After", "60")
		Refuse(w, http.StatusTooManyRequests, wire.Refusal{Code: wire.RefusedOften,
			Text: "Too many wrong attempts to enrol.", Todo: "Wait a minute and try again."})
		return
	}
	answer, status, refusal := g.enrol(w, r)
	if refusal != nil {
		if status < 500 { // only what may be guessing counts
			byTry.Allow()
			g.tries.Allow()
		}
		g.c.Log.Info("enrolment refused", "from", r.RemoteAddr, "why", refusal.Code)
		Refuse(w, status, *refusal)
		return
	}
	g.c.Log.Info("kiosk enrolled", "kiosk", answer.Kiosk, "site", answer.Site, "from", r.RemoteAddr)
	respond(w, http.StatusOK, answer)
}

func (g *Gate) enrol(w http.ResponseWriter, r *http.Request) (wire.EnrolAnswer, int, *wire.Refusal) {
	var none wire.EnrolAnswer
	ask, code, err := decodeEnrol(http.MaxBytesReader(w, r.Body, wire.EnrolLimit))
	if err != nil {
		return none, http.StatusBadRequest, &wire.Refusal{Code: wire.RefusedInput,
			Text: "The request to enrol cannot be read: " + err.Error() + ".", Todo: "Check the code and try again."}
	}
	k, site, err := g.c.Store.Enrol(Use{CodeHash: identity.HashCode(code), PublicKey: ask.PublicKey,
		Hardware: ask.Hardware, At: time.Now(), NewID: identity.NewKioskID()})
	switch {
	case errors.Is(err, ErrCodeUnknown):
		return none, http.StatusForbidden, &wire.Refusal{Code: wire.RefusedUnknown,
			Text: "The agent does not know this code.", Todo: "Check every letter, or ask for a new code."}
	case errors.Is(err, ErrCodeUsed):
		return none, http.StatusForbidden, &wire.Refusal{Code: wire.RefusedUsed,
			Text: "This code was already used by another machine.", Todo: "Ask for a new code."}
	case errors.Is(err, ErrCodeExpired):
		return none, http.StatusForbidden, &wire.Refusal{Code: wire.RefusedExpired,
			Text: "This code is too old.", Todo: "Ask for a new code."}
	case err != nil:
		g.c.Log.Error("enrolment failed", "why", err)
		return none, http.StatusServiceUnavailable, &wire.Refusal{Code: wire.RefusedStore,
			Text: "The agent cannot write to its disk.", Todo: "Make room on the agent's disk, then try again."}
	}
	answer := wire.EnrolAnswer{Kiosk: k.ID, Name: k.Name, Site: site.ID, SiteName: site.Name, Pin: string(g.c.Pin)}
	if answer.Signature, err = g.c.Signer.Sign(answer.Signed(ask)); err != nil {
		g.c.Log.Error("enrolment not signed", "why", err)
		return none, http.StatusInternalServerError, &wire.Refusal{Code: wire.RefusedInternal,
			Text: "The agent failed.", Todo: "Look into the agent's log."}
	}
	old, had := g.c.Presence.Kiosk(k.ID)
	g.c.Presence.Put(state.Known{Kiosk: k, SiteName: site.Name})
	if had && !bytes.Equal(old.PublicKey, k.PublicKey) {
		g.replaced(k.ID)
	}
	return answer, 0, nil
}

// replaced ends the connection of a machine whose place another one took. Its
// key is not known any more, so it does not come back.
func (g *Gate) replaced(id fleet.KioskID) {
	g.mu.Lock()
	old := g.live[id]
	g.mu.Unlock()
	if old != nil {
		old.replaced.Store(true)
		go old.conn.Close(link.CloseRefused, "another machine took its place")
	}
	g.c.Presence.Proof(id, state.Proof{}) // it begins its own chain
}

// decodeEnrol reads the request, and returns its code in the form in which it
// was made: people type by hand. The request stays as the kiosk sent it, since
// the answer's signature covers it.
func decodeEnrol(body io.Reader) (ask wire.EnrolRequest, code string, err error) {
	text, err := io.ReadAll(body)
	if err != nil {
		return ask, "", errors.New("it is too long or was cut off")
	}
	if ask, err = wire.DecodeBody[wire.EnrolRequest](text); err != nil {
		return ask, "", err
	}
	code, err = identity.ParseCode(ask.Code)
	return ask, code, err
}

// Refuse answers with a refusal.
func Refuse(w http.ResponseWriter, status int, r wire.Refusal) { respond(w, status, r) }

func respond(w http.ResponseWriter, status int, b wire.Body) {
	text, err := wire.EncodeBody(b)
	if err != nil {
		http.Error(w, "the agent failed", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(text)
}
