package main

import (
	"errors"
	"io"
	"net/http"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/store"
	"yhteiskone/internal/wire"
)

// serveEnrolment answers a technician's request for an enrolment code. Whether
// they may have one for that site, the operator decides.
func serveEnrolment(w http.ResponseWriter, r *http.Request, o operator, who staff.Person) {
	bad := func(status int, code string, err error, todo string) {
		gate.Refuse(w, status, wire.Refusal{Code: code, Text: sentence(err), Todo: todo})
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.EnrolLimit))
	if err != nil {
		bad(http.StatusBadRequest, wire.RefusedInput, errors.New("the request is too long or was cut off"), "Send it again.")
		return
	}
	ask, err := wire.DecodeBody[wire.EnrolmentRequest](text)
	if err != nil {
		bad(http.StatusBadRequest, wire.RefusedInput, err, "Correct it and try again.")
		return
	}
	e, err := o.Enrol(r.Context(), who, ask)
	var exit exitError
	switch {
	case err == nil:
	case errors.Is(err, errElsewhere):
		bad(http.StatusForbidden, wire.RefusedAccess, err, "Use a token for that site.")
		return
	case errors.Is(err, store.ErrThere):
		bad(http.StatusConflict, wire.RefusedThere, store.ErrThere, "Leave it as it is, or use another name.")
		return
	case errors.Is(err, errNoPlace):
		bad(http.StatusNotFound, wire.RefusedGone, err, "Check its name or identifier on the dashboard.")
		return
	case errors.Is(err, errMany):
		bad(http.StatusConflict, wire.RefusedInput, err, "Name its site as well, or its identifier.")
		return
	case errors.As(err, &exit) && exit.code == exitInput:
		bad(http.StatusBadRequest, wire.RefusedInput, err, "Correct it and try again.")
		return
	case errors.Is(err, store.ErrFull):
		bad(http.StatusServiceUnavailable, wire.RefusedStore, store.ErrFull, "Make room on it, then try again.")
		return
	default:
		bad(http.StatusInternalServerError, wire.RefusedInternal, err, "Look into the agent's log.")
		return
	}
	body, err := wire.EncodeBody(e)
	if err != nil {
		bad(http.StatusInternalServerError, wire.RefusedInternal, err, "Look into the agent's log.")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusCreated)
	w.Write(body)
}

// sentence makes an error one: a capital and a full stop.
func sentence(err error) string {
	text := []rune(err.Error())
	if len(text) > 500 { // a Refusal's text has its limit
		text = text[:500]
	}
	if len(text) > 0 && text[0] >= 'a' && text[0] <= 'z' {
		text[0] += 'A' - 'a'
	}
	return string(text) + "."
}
