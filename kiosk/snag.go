package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
	"yhteiskone/kiosk/session"
	"yhteiskone/kiosk/uplink"
)

// snagged is an error with what a technician is told of it.
type snagged struct {
	snag session.Snag
	error
}

func (e snagged) Unwrap() error { return e.error }

// ofState says what is wrong with the state folder; nil stays nil.
func ofState(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return snagged{session.SnagDataFull, err}
	}
	return snagged{session.SnagDataBroken, err}
}

// begin does what comes before there is a kiosk that serves: the state folder,
// the key, enrolment, the line and the chain of proofs. An agent that cannot be
// reached is asked again and again. What else goes wrong ends the program,
// unless the configuration says that it goes on trying: then it is mended where
// it is wrong, by a new join file for example, and the machine begins by itself.
func (k *kiosk) begin(ctx context.Context) (member uplink.Member, err error) {
	since := time.Now()
	var door *early
	defer func() {
		if door != nil {
			door.close()
		}
	}()
	for first := true; ; first = false {
		join, err := k.beginOnce(ctx, &member, first)
		if err == nil || ctx.Err() != nil {
			return member, errors.Join(err, ctx.Err())
		}
		var busy notNow
		if !errors.As(err, &busy) && !k.config.KeepTrying {
			return member, err
		}
		var what snagged
		errors.As(err, &what)
		says := "not enrolled yet; trying again"
		if slices.Contains([]session.Snag{session.SnagDataGone, session.SnagDataBroken, session.SnagDataFull}, what.snag) {
			says = "the kiosk cannot keep its state yet; trying again"
		}
		k.log.Warn(says, "snag", string(what.snag), "err", err)
		k.curtain(ctx, session.View{KioskName: join.Name, Snag: what.snag, SnagAt: join.Agent})
		said := status{State: fleet.Starting, Since: since.UTC().Truncate(time.Second), Name: join.Name, Agent: agentStatus{Address: join.Agent},
			Faults: []faultStatus{}, Snag: what.snag, Why: err.Error()}
		if door == nil {
			door = openEarly(k.config.socket(), said, k.log.Warn)
		} else {
			door.say(said)
		}
		if err := k.pause(ctx, what.snag, join); err != nil {
			return member, err
		}
	}
}

// refusedTime is how long a code that was refused is left alone: the agent
// counts the attempts. Another join file is tried at once.
const refusedTime = 5 * time.Minute

// pause waits a little before another try.
func (k *kiosk) pause(ctx context.Context, snag session.Snag, join uplink.Join) error {
	for began := time.Now(); ; {
		pause := time.NewTimer(time.Second + rand.N(4*time.Second))
		select {
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		case <-pause.C:
		}
		if snag != session.SnagRefused || time.Since(began) > refusedTime {
			return nil
		}
		if now, err := uplink.ReadJoin(k.config.Join); err != nil || now.Code != join.Code || now.Agent != join.Agent || now.Pin != join.Pin {
			return nil
		}
	}
}

// curtain shows how the beginning goes.
func (k *kiosk) curtain(ctx context.Context, v session.View) {
	show, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	v.State, v.Lang = fleet.Starting, k.config.Language
	if err := k.screen.Show(show, v); err != nil && ctx.Err() == nil {
		k.log.Warn("the curtain does not say how it goes", "err", err)
	}
}

// beginOnce tries it; for the first time it says on the curtain that it does. The join file is what there is of it, for people.
func (k *kiosk) beginOnce(ctx context.Context, member *uplink.Member, first bool) (join uplink.Join, err error) {
	if k.config.StateOnDisk {
		own, err := ownFileSystem(k.config.State)
		if err != nil {
			return join, snagged{session.SnagDataBroken, err}
		}
		if !own {
			return join, snagged{session.SnagDataGone, badInput{fmt.Errorf("%s is not on a disk: what is kept there would be lost", k.config.State)}}
		}
	}
	if k.lock == nil {
		if k.lock, err = lockState(k.config.stateFile("lock")); err != nil {
			return join, ofState(err)
		}
	}
	key, err := identity.LoadKiosk(k.config.stateFile("key.pem"))
	if err != nil {
		return join, ofState(err)
	}
	*member, join, err = k.enrolled(ctx, key, first)
	if err != nil {
		return join, err
	}
	return join, ofState(k.openUplink(*member, key))
}

// ownFileSystem reports whether a folder is another file system than the one
// above it. What a service manager does for a service's own view of the folders
// makes no difference.
func ownFileSystem(dir string) (bool, error) {
	var at, above syscall.Stat_t
	if err := syscall.Stat(dir, &at); err != nil {
		return false, fmt.Errorf("look at %s: %w", dir, err)
	}
	if err := syscall.Stat(filepath.Dir(dir), &above); err != nil {
		return false, fmt.Errorf("look above %s: %w", dir, err)
	}
	return at.Dev != above.Dev, nil
}

// ofJoin says what is wrong with the join file.
func ofJoin(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return snagged{session.SnagNoJoin, badInput{fmt.Errorf("this kiosk is not enrolled and there is no join file %s; make one with `provision enrol`", path)}}
	}
	return snagged{session.SnagBadJoin, badInput{err}}
}

// ofEnrolment says why the agent did not let this machine in.
func ofEnrolment(agent string, err error) error {
	var disk *fs.PathError
	var link *os.LinkError
	if errors.As(err, &disk) || errors.As(err, &link) { // it was let in, and cannot keep that
		return ofState(err)
	}
	failed := enrolFailed(err)
	var refused badInput
	var refusal wire.Refusal
	switch {
	case errors.Is(err, uplink.ErrStranger):
		return snagged{session.SnagNoAgent, failed}
	case errors.As(failed, &refused), errors.As(err, &refusal) && refusal.Code == wire.RefusedOften:
		return snagged{session.SnagRefused, failed}
	case !reaches(agent, plugged):
		return snagged{session.SnagNoNetwork, failed}
	}
	return snagged{session.SnagNoAgent, failed}
}

// reaches reports whether this machine has an address from which another one
// can be reached, if the agent is another one.
func reaches(agent string, addresses func() ([]net.Addr, error)) bool {
	if u, err := url.Parse(agent); err == nil {
		if a, err := netip.ParseAddr(u.Hostname()); u.Hostname() == "localhost" || err == nil && a.IsLoopback() {
			return true
		}
	}
	all, err := addresses()
	if err != nil {
		return true // nobody knows
	}
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().IsGlobalUnicast() {
			return true
		}
	}
	return false
}

// plugged are the addresses of the network cards that have a line: a card keeps
// its address for a while after the cable was pulled out.
func plugged() (all []net.Addr, err error) {
	cards, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for _, c := range cards {
		if c.Flags&net.FlagRunning == 0 {
			continue
		}
		addresses, err := c.Addrs()
		if err != nil {
			return nil, err
		}
		all = append(all, addresses...)
	}
	return all, nil
}

// early answers on the control socket while there is no kiosk that serves.
type early struct {
	server *http.Server
	mu     sync.Mutex
	now    status
}

// openEarly opens it, with what is to be said first; without a socket nobody
// can ask, and that is all.
func openEarly(path string, now status, warn func(string, ...any)) *early {
	e := &early{now: now}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		now := e.now
		e.mu.Unlock()
		writeStatus(w, now)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "the kiosk does not serve yet; see kiosk status", http.StatusConflict)
	})
	e.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	l, err := listenControl(path)
	if err != nil {
		warn("nobody can ask the kiosk how it is", "err", err)
		return e
	}
	go e.server.Serve(l)
	return e
}

func (e *early) say(now status) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now = now
}

func (e *early) close() { e.server.Close() }
