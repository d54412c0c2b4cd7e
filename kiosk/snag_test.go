package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
	"yhteiskone/kiosk/session"
	"yhteiskone/kiosk/uplink"
)

// What went wrong is told by its own name, and ends the program with the same
// code as before where nobody goes on trying.
func TestSnagOfWhatWentWrong(t *testing.T) {
	refused := func(c string) error { return fmt.Errorf("enrol: %w", wire.Refusal{Code: c}) }
	silent := errors.New("enrol: connection refused")
	full := &fs.PathError{Op: "write", Path: "key.pem", Err: syscall.ENOSPC}
	const here, away = "https://127.0.0.1:1", "https://agent.example:8443"
	for what, c := range map[string]struct {
		err  error
		snag session.Snag
		bad  bool // ends the program as bad input
		busy bool // is tried again everywhere
	}{
		"no join file":                     {ofJoin("join.json", fs.ErrNotExist), session.SnagNoJoin, true, false},
		"a join file that is cut off":      {ofJoin("join.json", errors.New("unexpected EOF")), session.SnagBadJoin, true, false},
		"a code that is too old":           {ofEnrolment(here, refused(wire.RefusedExpired)), session.SnagRefused, true, false},
		"a code that was tried too often":  {ofEnrolment(here, refused(wire.RefusedOften)), session.SnagRefused, false, true},
		"an agent that cannot keep us":     {ofEnrolment(here, refused(wire.RefusedStore)), session.SnagNoAgent, false, true},
		"an agent that is silent":          {ofEnrolment(here, silent), session.SnagNoAgent, false, true},
		"somebody else":                    {ofEnrolment(here, fmt.Errorf("enrol: %w", uplink.ErrStranger)), session.SnagNoAgent, true, false},
		"let in, and no room to keep that": {ofEnrolment(away, fmt.Errorf("enrol: %w", full)), session.SnagDataFull, false, false},
		"no room":                          {ofState(fmt.Errorf("load the kiosk's key: %w", full)), session.SnagDataFull, false, false},
		"a disk that gives nothing back":   {ofState(&fs.PathError{Op: "read", Path: "key.pem", Err: syscall.EIO}), session.SnagDataBroken, false, false},
		"who this is cannot be read":       {ofState(badInput{errors.New("damaged")}), session.SnagDataBroken, true, false},
	} {
		var got snagged
		var bad badInput
		var busy notNow
		if !errors.As(c.err, &got) || got.snag != c.snag || errors.As(c.err, &bad) != c.bad || errors.As(c.err, &busy) != c.busy {
			t.Errorf("%s is %q (%v): bad input %v, not now %v", what, got.snag, c.err, errors.As(c.err, &bad), errors.As(c.err, &busy))
		}
	}
	if ofState(nil) != nil {
		t.Error("nothing is wrong, and it is")
	}
}

// Without an address there is no network, unless the agent is this machine.
func TestReaches(t *testing.T) {
	has := func(all ...string) func() ([]net.Addr, error) {
		return func() (found []net.Addr, err error) {
			for _, a := range all {
				ip, network, err := net.ParseCIDR(a)
				if err != nil {
					t.Fatal(err)
				}
				found = append(found, &net.IPNet{IP: ip, Mask: network.Mask})
			}
			return found, nil
		}
	}
	for _, c := range []struct {
		agent string
		has   []string
		want  bool
	}{
		{"https://agent.example", []string{"127.0.0.1/8", "::1/128", "fe80::1/64", "169.254.3.4/16"}, false},
		{"https://agent.example", []string{"127.0.0.1/8", "192.168.1.4/24"}, true},
		{"https://agent.example", []string{"2001:db8::4/64"}, true},
		{"https://127.0.0.1:8443", []string{"127.0.0.1/8"}, true},
		{"http://localhost:80", nil, true},
	} {
		if got := reaches(c.agent, has(c.has...)); got != c.want {
			t.Errorf("%s with %v: %v", c.agent, c.has, got)
		}
	}
}

// A folder in memory is not taken for a disk because a service manager has
// mounted it upon itself; here there is neither.
func TestOwnFileSystem(t *testing.T) {
	if own, err := ownFileSystem(t.TempDir()); own || err != nil {
		t.Errorf("a folder is a file system of its own: %v, %v", own, err)
	}
	if own, err := ownFileSystem("/proc"); !own || err != nil {
		t.Errorf("/proc is not: %v, %v", own, err)
	}
	if _, err := ownFileSystem(filepath.Join(t.TempDir(), "gone")); err == nil {
		t.Error("a folder that is not there is looked at")
	}
}

// Before there is a kiosk, it can be asked what is wrong, and no more.
func TestEarly(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "kiosk.sock")
	e := openEarly(socket, status{State: fleet.Starting, Snag: session.SnagNoJoin}, func(what string, more ...any) { t.Error(what, more) })
	for _, snag := range []session.Snag{session.SnagBadJoin, session.SnagNoAgent} {
		e.say(status{State: fleet.Starting, Snag: snag, Why: "it is so"})
		for range 2 {
			body, err := callControl(t.Context(), socket, http.MethodGet, "/status", nil)
			if err != nil || !strings.Contains(string(body), `"state":"starting"`) || !strings.Contains(string(body), `"snag":"`+string(snag)+`"`) {
				t.Errorf("%s: %s, %v", snag, body, err)
			}
			var said strings.Builder
			if err := sayStatus(body, &said); err != nil || !strings.Contains(said.String(), string(snag)+": it is so") {
				t.Errorf("%s: %q, %v", snag, said.String(), err)
			}
		}
	}
	// Whoever asks in the moment in which it changes gets an answer too.
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for range 25 {
				if _, err := callControl(t.Context(), socket, http.MethodGet, "/status", nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 1000 {
		e.say(status{State: fleet.Starting})
	}
	asking.Wait()
	var busy notNow
	if _, err := callControl(t.Context(), socket, http.MethodPost, "/end", nil); !errors.As(err, &busy) {
		t.Errorf("the end of a session that is not: %v", err)
	}
	e.close()
	if l, err := listenControl(socket); err != nil {
		t.Error(err)
	} else {
		l.Close()
	}
}

// A card without a line has no address that counts.
func TestPlugged(t *testing.T) {
	all, err := plugged()
	if err != nil {
		t.Fatal(err)
	}
	loops := 0
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsLoopback() {
			loops++
		}
	}
	if loops == 0 {
		t.Errorf("not even this machine's own: %v", all)
	}
}
