package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/store"
	"yhteiskone/internal/wire"
)

// The control socket, DATA/agent.sock, carries the commands of the command
// line to the running agent, as HTTP. Who may open it may do anything that the
// command line can: its mode is the only lock.

func socketPath(dir string) string { return filepath.Join(dir, "agent.sock") }

// listenControl opens the socket. The caller holds the store, so a socket that
// is there is a dead one.
func listenControl(dir string) (net.Listener, error) {
	path := socketPath(dir)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	// A socket's address has room for 107 bytes; the way round it is a
	// relative one, through the folder's own descriptor.
	d, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	defer d.Close()
	defer syscall.Umask(syscall.Umask(0o177)) // never open to others, not even for a moment
	l, err := net.Listen("unix", fmt.Sprintf("/proc/self/fd/%d/agent.sock", d.Fd()))
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // its name was only lent; serve removes it
	return l, nil
}

// controlHandler answers on the socket.
func controlHandler(o *console) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+wire.EnrolmentsPath, func(w http.ResponseWriter, r *http.Request) {
		serveEnrolment(w, r, o, staff.Operator())
	})
	mux.HandleFunc("GET "+wire.EnrolmentsPath, func(w http.ResponseWriter, r *http.Request) { serveCodes(o)(w, r, staff.Operator()) })
	mux.HandleFunc("DELETE "+wire.EnrolmentsPath+"/{id}", func(w http.ResponseWriter, r *http.Request) {
		serveRevoke(o)(w, r, staff.Operator())
	})
	mux.HandleFunc("POST /control/users", control(o.AddUser))
	mux.HandleFunc("POST /control/users/renew", control(o.RenewUser))
	mux.HandleFunc("POST /control/users/change", control(o.ChangeUser))
	mux.HandleFunc("GET /control/users", control(func(ctx context.Context, _ struct{}) ([]userLine, error) { return o.Users(ctx) }))
	mux.HandleFunc("POST /control/releases/offer", control(func(ctx context.Context, r offerRequest) (offerAnswer, error) {
		return o.Offer(ctx, staff.Operator(), r)
	}))
	mux.HandleFunc("POST /control/releases/note", control(o.Released))
	mux.HandleFunc("POST "+backupPath, serveBackup(o))
	mux.HandleFunc("GET "+checkPath, control(func(ctx context.Context, _ struct{}) (store.Holds, error) { return o.Check(ctx) }))
	mux.HandleFunc("POST "+takeInPath, control(func(ctx context.Context, _ struct{}) (struct{}, error) { return struct{}{}, o.TakeIn(ctx) }))
	mux.HandleFunc("POST /control/tokens", control(o.AddToken))
	mux.HandleFunc("POST /control/tokens/remove", control(o.RemoveToken))
	mux.HandleFunc("GET /control/tokens", control(func(ctx context.Context, _ struct{}) ([]tokenLine, error) { return o.Tokens(ctx) }))
	return mux
}

// controlError is how an error travels over the socket.
type controlError struct {
	Exit int    `json:"exit"`
	Text string `json:"text"`
}

// control makes a handler of one function: JSON in, JSON out.
func control[In, Out any](f func(context.Context, In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, wire.EnrolLimit)).Decode(&in)
		if errors.Is(err, io.EOF) && r.Method == http.MethodGet {
			err = nil
		}
		var out any
		if err != nil {
			err = badInput("the request cannot be read: %w", err)
		} else {
			out, err = f(r.Context(), in)
		}
		controlAnswer(w, out, err)
	}
}

func controlAnswer(w http.ResponseWriter, out any, err error) {
	status := http.StatusOK
	if err != nil {
		e := controlError{exitFailed, err.Error()}
		var exit exitError
		if errors.As(err, &exit) {
			e.Exit = exit.code
		}
		status, out = http.StatusUnprocessableEntity, e
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(out)
}

// controlClient is an operator in the running agent.
type controlClient struct{ http *http.Client }

// dialControl reports whether an agent answers on the folder's socket.
func dialControl(ctx context.Context, dir string) (*controlClient, bool) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		d, err := os.Open(dir)
		if err != nil {
			return nil, err
		}
		defer d.Close()
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d/agent.sock", d.Fd()))
	}
	c, err := dial(ctx, "", "")
	if err != nil {
		return nil, false
	}
	c.Close()
	return &controlClient{&http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DialContext: dial}}}, true
}

// Enrol asks for an enrolment code.
func (c *controlClient) Enrol(ctx context.Context, _ staff.Person, r wire.EnrolmentRequest) (e wire.Enrolment, err error) {
	return ask[wire.Enrolment](ctx, c, http.MethodPost, wire.EnrolmentsPath, r)
}

// AddUser adds a person.
func (c *controlClient) AddUser(ctx context.Context, r userRequest) (userAnswer, error) {
	return ask[userAnswer](ctx, c, http.MethodPost, "/control/users", r)
}

// RenewUser gives a person a fresh one-time code.
func (c *controlClient) RenewUser(ctx context.Context, r renewRequest) (userAnswer, error) {
	return ask[userAnswer](ctx, c, http.MethodPost, "/control/users/renew", r)
}

// ChangeUser changes a person.
func (c *controlClient) ChangeUser(ctx context.Context, r changeRequest) (nothing, error) {
	return ask[nothing](ctx, c, http.MethodPost, "/control/users/change", r)
}

// Offer orders kiosks to take a release.
func (c *controlClient) Offer(ctx context.Context, _ staff.Person, r offerRequest) (offerAnswer, error) {
	return ask[offerAnswer](ctx, c, http.MethodPost, "/control/releases/offer", r)
}

// Released keeps in the audit what was done to the releases.
func (c *controlClient) Released(ctx context.Context, n releaseNote) (nothing, error) {
	return ask[nothing](ctx, c, http.MethodPost, "/control/releases/note", n)
}

// RemoveToken makes a bearer token worthless.
func (c *controlClient) RemoveToken(ctx context.Context, r renewRequest) (nothing, error) {
	return ask[nothing](ctx, c, http.MethodPost, "/control/tokens/remove", r)
}

// Tokens lists the bearer tokens.
func (c *controlClient) Tokens(ctx context.Context) ([]tokenLine, error) {
	return ask[[]tokenLine](ctx, c, http.MethodGet, "/control/tokens", nil)
}

// AddToken makes a bearer token.
func (c *controlClient) AddToken(ctx context.Context, r tokenRequest) (tokenAnswer, error) {
	return ask[tokenAnswer](ctx, c, http.MethodPost, "/control/tokens", r)
}

// Users lists the people.
func (c *controlClient) Users(ctx context.Context) ([]userLine, error) {
	return ask[[]userLine](ctx, c, http.MethodGet, "/control/users", nil)
}

func ask[Out any](ctx context.Context, c *controlClient, method, path string, in any) (out Out, err error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return out, err
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://agent"+path, body)
	if err != nil {
		return out, err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := c.http.Do(r)
	if err != nil {
		return out, notNow("the running agent does not answer: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 4<<20))
	if err != nil {
		return out, notNow("the running agent does not answer: %w", err)
	}
	if answer.StatusCode >= 300 {
		return out, refused(answer.StatusCode, text)
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return out, fmt.Errorf("read the agent's answer: %w", err)
	}
	return out, nil
}

// refused makes an error of what the agent said, of either kind.
func refused(status int, text []byte) error {
	var e struct {
		Exit       int
		Text, Todo string
	}
	if err := json.Unmarshal(text, &e); err != nil || e.Text == "" {
		return fmt.Errorf("the agent answered with status %d", status)
	}
	code := e.Exit
	switch {
	case code != 0:
	case status == http.StatusBadRequest:
		code = exitInput
	case status == http.StatusConflict:
		code = exitNotNow
	default:
		code = exitFailed
	}
	return exitError{code, errors.New(strings.TrimSpace(e.Text + " " + e.Todo))}
}
