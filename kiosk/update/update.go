// Package update puts a new release of the image beside the running one and has
// the machine try it: fetched from the agent, checked, written to the slot that
// is not in use, read back, and last of all named in GRUB's environment as the
// one to try three times. A trial that serves is marked good; one that does not
// ends by itself, and the machine is back on what it had.
//
// It is for a kiosk that runs from the image. It never touches the slot that
// runs, never writes while somebody is at the machine, never takes a release
// that is not signed with the image's own key, and none that is older unless
// the order says so.
//
// Power may go at any moment: until GRUB's environment is written the machine
// starts what it had, and afterwards the new slot is complete on the disk.
//
// Caveats: this rests on the disk writing a sector of 512 bytes whole or not at
// all, and on its keeping what it said it has. The boot partition is FAT: files
// of the two slots lie in folders of their own, and GRUB's environment is
// written over in place, never made anew.
package update

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/release"
)

// Errors that an order is answered with; errors.Is tells them apart.
var (
	ErrNoImage   = errors.New("this kiosk is not run from an image")
	ErrOlder     = errors.New("the release is older than what runs, and nobody asked for that")
	ErrUntrusted = errors.New("the release is not what was offered, or not signed with this image's key")
	ErrOnTrial   = errors.New("the running image is itself on trial")
	ErrTooOld    = errors.New("what runs is too old to go to this release in one step")
)

// Why is the fixed word with which a kiosk answers an order that failed.
func Why(err error) string {
	for _, known := range []struct {
		err error
		why string
	}{{nil, ""}, {ErrNoImage, "no_image"}, {ErrOlder, "older"}, {ErrTooOld, "too_old"}, {ErrUntrusted, "untrusted"},
		{ErrOnTrial, "on_trial"}, {context.DeadlineExceeded, "expired"}} {
		if errors.Is(err, known.err) {
			return known.why
		}
	}
	return "failed"
}

// lookEvery is how often an Updater looks whether it may go on.
const lookEvery = time.Second

// Config is what an Updater works with.
type Config struct {
	Disk   Disk              // nil on a machine that is not run from an image
	Booted string            // the slot that runs: "A" or "B"
	Key    release.PublicKey // of the image
	Source func(fleet.ImageOffer) Source
	Idle   func() bool // nobody is at the machine
	Good   func() bool // the shell has painted, a wipe was proved since the start, and the agent answers
	Reboot func() error
	Log    *slog.Logger
}

// Updater carries out orders. Make it with New, then Run it.
type Updater struct {
	Config
	chunk int

	work sync.Mutex // one writes to the other slot at a time

	mu     sync.Mutex // guards what follows, and GRUB's environment
	armed  bool       // a trial was written since the start; the machine is to start anew
	fell   bool
	order  string             // the one that is being carried out
	cancel context.CancelFunc // ends it
	last   fleet.Result       // of the one before
}

// New returns an Updater that has looked how the machine started.
func New(c Config) *Updater {
	u := &Updater{Config: c, chunk: 1 << 20}
	if c.Disk == nil {
		return u
	}
	e, err := readEnv(c.Disk)
	switch {
	case errors.Is(err, errNoEnv): // GRUB has started the slot that it takes then; what runs is what works
		c.Log.Error("GRUB's environment is damaged; it is written anew", "err", err)
		if err := writeEnv(c.Disk, env{Active: c.Booted}); err != nil {
			c.Log.Error("GRUB's environment is not written", "err", err)
		}
	case err != nil:
		c.Log.Error("GRUB's environment cannot be read", "err", err)
	default:
		u.fell = e.fellBack(c.Booted)
	}
	return u
}

// Faults are what the agent is to know.
func (u *Updater) Faults() []fleet.Code {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.fell {
		return []fleet.Code{fleet.ImageFellBack}
	}
	return nil
}

// Run marks a trial good once it is, and has the machine start anew when a
// release is in place and nobody is there. It returns when the context ends.
func (u *Updater) Run(ctx context.Context) {
	if u.Disk == nil {
		return
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	good, told := false, ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !good && u.Good() {
			err := u.MarkGood()
			if good = err == nil; !good && err.Error() != told {
				told = err.Error()
				u.Log.Error("the image is not marked good; trying again", "err", err)
			}
		}
		u.mu.Lock()
		restart := u.armed && u.order == ""
		u.mu.Unlock()
		if restart && u.Idle() {
			u.Log.Info("the machine starts anew, to try a new image")
			if err := u.Reboot(); err != nil {
				u.Log.Error("the machine does not start anew", "err", err)
			}
			u.mu.Lock()
			u.armed = false // once: who starts it next starts the trial
			u.mu.Unlock()
		}
	}
}

// MarkGood keeps the running slot if it is on trial.
func (u *Updater) MarkGood() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	e, err := readEnv(u.Disk)
	if err != nil || e.Trial != u.Booted {
		return err
	}
	if err := writeEnv(u.Disk, env{Active: u.Booted}); err != nil {
		return err
	}
	u.Log.Info("the new image is good", "slot", u.Booted)
	return nil
}

// Command carries out an order to take an image and answers once it is in
// place, or cannot be. A later order goes before an earlier one.
func (u *Updater) Command(ctx context.Context, c fleet.Command, answer func(fleet.Result)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch c.ID {
	case u.order: // it is being carried out
		return
	case u.last.Command: // it was, and the agent did not hear of it
		answer(u.last)
		return
	}
	if u.cancel != nil {
		u.cancel()
	}
	ctx, cancel := context.WithTimeout(ctx, c.TTL)
	u.order, u.cancel = c.ID, cancel
	go func() {
		defer cancel()
		u.work.Lock()
		err := u.Apply(ctx, c.Image)
		u.work.Unlock()
		if err != nil {
			u.Log.Error("the image is not updated", "version", c.Image.Version, "err", err)
		}
		r := fleet.Result{Command: c.ID, OK: err == nil, Why: Why(err)}
		answer(r)
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.order == c.ID {
			u.order, u.cancel, u.last = "", nil, r
		}
	}()
}

// running is the version of the slot that runs.
func (u *Updater) running() (string, error) { return VersionOf(u.Disk, u.Booted) }

// VersionOf reads which version a slot of the disk holds.
func VersionOf(d Disk, slot string) (string, error) {
	f, err := d.Boot(slot + "/" + release.SlotConfig)
	if err != nil {
		return "", fmt.Errorf("read the image's version: %w", err)
	}
	defer f.Close()
	text, err := readAll(f, 4<<10)
	if err != nil {
		return "", fmt.Errorf("read the image's version: %w", err)
	}
	v := release.SlotValue(text, "version")
	if err := release.CheckVersion(v); err != nil {
		return "", fmt.Errorf("read the image's version: it %w", err)
	}
	return v, nil
}

// other is the slot that is not s.
func other(s string) string {
	if s == "A" {
		return "B"
	}
	return "A"
}
