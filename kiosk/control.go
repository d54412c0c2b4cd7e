package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/session"
)

// status is what `kiosk status --json` prints.
type status struct {
	State  fleet.State       `json:"state"`
	Since  time.Time         `json:"since"`
	Kiosk  fleet.KioskID     `json:"kiosk"`
	Name   string            `json:"name"`
	Agent  agentStatus       `json:"agent"`
	Proof  *proofStatus      `json:"last_proof"`
	Faults []faultStatus     `json:"faults"`
	Help   session.HelpState `json:"help,omitempty"`
	Snag   session.Snag      `json:"snag,omitempty"` // why it cannot begin to serve
	Why    string            `json:"why,omitempty"`  // the same in full, for who looks for the cause
}

type agentStatus struct {
	Address   string `json:"address"`
	Connected bool   `json:"connected"`
	Trouble   string `json:"trouble,omitempty"`
	Waiting   int    `json:"waiting"` // messages that it has not acknowledged
}

type proofStatus struct {
	At  time.Time `json:"at"`
	OK  bool      `json:"ok"`
	Seq uint64    `json:"seq"`
}

type faultStatus struct {
	Code fleet.Code `json:"code"`
}

// control is the kiosk's unix socket, for its own user and root only.
type control struct {
	machine *session.Machine
	status  func() status
}

func (c *control) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		writeStatus(w, c.status())
	})
	mux.HandleFunc("POST /end", func(w http.ResponseWriter, r *http.Request) {
		reply(w, c.machine.End(r.Context(), fleet.EndLocal))
	})
	mux.HandleFunc("POST /start", func(w http.ResponseWriter, r *http.Request) {
		reply(w, c.machine.Start(r.Context(), r.FormValue("tile")))
	})
	mux.HandleFunc("POST /queue", func(w http.ResponseWriter, r *http.Request) {
		reply(w, c.machine.Queue(r.Context(), r.FormValue("over") == ""))
	})
	return mux
}

func writeStatus(w http.ResponseWriter, s status) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(s)
}

func reply(w http.ResponseWriter, err error) {
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, session.ErrUnknownTile):
		http.Error(w, err.Error(), http.StatusBadRequest)
	default:
		http.Error(w, err.Error(), http.StatusConflict)
	}
}

// listenControl opens the socket, replacing one that a killed kiosk left. The
// state folder's lock has made sure that no other kiosk runs.
func listenControl(path string) (net.Listener, error) {
	if err := gone(path); err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	return l, nil
}

// callControl asks the running kiosk.
func callControl(ctx context.Context, socket, method, path string, form url.Values) ([]byte, error) {
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}}}
	req, err := http.NewRequestWithContext(ctx, method, "http://kiosk"+path+"?"+form.Encode(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, notNow{fmt.Errorf("no kiosk answers at %s; start it with `kiosk run`", socket)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	switch resp.StatusCode {
	case http.StatusOK, http.StatusNoContent:
		return body, nil
	case http.StatusBadRequest:
		return nil, badInput{errors.New(string(trim(body)))}
	case http.StatusConflict:
		return nil, notNow{errors.New(string(trim(body)))}
	}
	return nil, fmt.Errorf("the kiosk answered %s", resp.Status)
}

func trim(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == '\n' {
		b = b[:len(b)-1]
	}
	return b
}
