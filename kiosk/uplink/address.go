package uplink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"yhteiskone/internal/fleet"
)

// addressFile holds the address at which the agent proved itself last, if that
// is another than the one that the kiosk enrolled with. None of it is secret,
// and none of it is trusted: who answers there must prove to be the agent.
const addressFile = "agent-address"

// ErrStranger means that whoever answers is not the agent we enrolled with.
var ErrStranger = errors.New("whoever answers at the agent's address is not our agent: it does not hold the agent's key")

// Address is where the agent proved itself last.
func (u *Uplink) Address() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.address
}

// addresses are where the agent may be, in the order in which they are tried:
// where it was last, where the kiosk enrolled, and what it told itself.
func (u *Uplink) addresses() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := []string{u.address, u.Member.Agent}
	if u.settings != nil {
		for _, a := range u.settings.Agents {
			all = append(all, strings.TrimSuffix(a, "/"))
		}
	}
	var once []string
	for _, a := range all {
		if !slices.Contains(once, a) {
			once = append(once, a)
		}
	}
	return once
}

// readAddress reads the file. What cannot be read is as good as none.
func (u *Uplink) readAddress() {
	u.address = u.Member.Agent
	text, err := os.ReadFile(filepath.Join(u.Dir, addressFile))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		err = fleet.CheckAgent(string(text))
	}
	if err != nil {
		u.Log.Error("where the agent was last is not known; the kiosk begins where it enrolled", "err", err)
		return
	}
	u.address = string(text)
}

// found keeps where the agent has proved itself.
func (u *Uplink) found(address string) {
	u.mu.Lock()
	before := u.address
	u.address = address
	u.mu.Unlock()
	if before == address {
		return
	}
	u.Log.Info("the agent is at another address", "address", address)
	path := filepath.Join(u.Dir, addressFile)
	var err error
	if address == u.Member.Agent {
		err = forget(path)
	} else {
		err = renameio.WriteFile(path, []byte(address), 0o600, renameio.WithTempDir(u.Dir))
	}
	if err != nil {
		u.Log.Error("the agent's address could not be kept", "err", err)
	}
}

// anywhere is once at each address until the agent is found. The error is that
// of the first, unless a stranger was met at another.
func (u *Uplink) anywhere(ctx context.Context, report func() fleet.Report, obey Obeyer) (first error) {
	for _, address := range u.addresses() {
		err := u.once(ctx, address, report, obey)
		if ctx.Err() != nil || u.online.Load() { // it was there: whatever ended the line, it is tried there again
			return err
		}
		if first == nil || errors.Is(err, ErrStranger) {
			first = err
		}
	}
	return first
}

// forget removes a file that may not be there.
func forget(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget what was so before: %w", err)
	}
	return nil
}
