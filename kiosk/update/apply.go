package update

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cenkalti/backoff/v5"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/release"
)

// Source is where the files of a release come from.
type Source interface {
	// Open reads a file from a place in it on. An error that wraps ErrRefused
	// will be the same the next time.
	Open(ctx context.Context, name string, from int64) (io.ReadCloser, error)
}

// ErrRefused says that the agent does not give the file.
var ErrRefused = errors.New("the agent does not give the release")

// syncEvery is how much is written before it is brought to the disk: what waits
// in memory is memory that a client's browser has not.
const syncEvery = 16 << 20

// Apply fetches a release, writes it beside the running one, and has GRUB try
// it at the next start. When it fails the machine is as it was.
func (u *Updater) Apply(ctx context.Context, offer fleet.ImageOffer) error {
	if u.Disk == nil {
		return ErrNoImage
	}
	running, err := u.running()
	if err != nil {
		return err
	}
	if running == offer.Version {
		return nil
	}
	if release.Compare(offer.Version, running) < 0 && !offer.Older {
		return fmt.Errorf("%w: %s, and %s runs", ErrOlder, offer.Version, running)
	}
	source := u.Source(offer)
	m, err := u.manifest(ctx, source, offer)
	if err != nil {
		return err
	}
	if m.MinVersion != "" && release.Compare(running, m.MinVersion) < 0 && !offer.Older {
		return fmt.Errorf("%w: %s runs, and %s wants %s or newer", ErrTooOld, running, m.Version, m.MinVersion)
	}
	if err := u.disarm(); err != nil {
		return err
	}
	for _, name := range release.Names() {
		f, _ := m.File(name) // Decode made sure of it
		if err := u.put(ctx, source, m, f); err != nil {
			return err
		}
	}
	return u.arm(ctx, m.Version)
}

// manifest fetches the manifest and makes sure that it is the one that was
// offered, and signed.
func (u *Updater) manifest(ctx context.Context, s Source, offer fleet.ImageOffer) (release.Manifest, error) {
	text, err := u.small(ctx, s, release.ManifestName, release.ManifestLimit)
	if err != nil {
		return release.Manifest{}, err
	}
	if release.SumOf(text) != offer.Manifest {
		return release.Manifest{}, fmt.Errorf("%w: the manifest is another", ErrUntrusted)
	}
	signature, err := u.small(ctx, s, release.SignatureName, release.SignatureLimit)
	if err != nil {
		return release.Manifest{}, err
	}
	if _, err := u.Key.Verify(text, signature); err != nil {
		return release.Manifest{}, fmt.Errorf("%w: %w", ErrUntrusted, err)
	}
	m, err := release.Decode(text)
	if err == nil && m.Version != offer.Version {
		err = fmt.Errorf("it is version %s, not %s", m.Version, offer.Version)
	}
	if err != nil {
		return release.Manifest{}, fmt.Errorf("%w: %w", ErrUntrusted, err)
	}
	return m, nil
}

// disarm makes sure that GRUB will take the slot that runs, before the other
// one is written to.
func (u *Updater) disarm() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	e, err := readEnv(u.Disk)
	if err != nil {
		return err
	}
	if e.Active != u.Booted {
		return ErrOnTrial
	}
	u.armed = false
	if e.Trial == "" {
		return nil
	}
	return writeEnv(u.Disk, env{Active: u.Booted})
}

// arm has GRUB try the slot that was written.
func (u *Updater) arm(ctx context.Context, version string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := writeEnv(u.Disk, env{Active: u.Booted, Trial: other(u.Booted), Left: trialTimes}); err != nil {
		return err
	}
	u.armed, u.fell = true, false
	u.Log.Info("a new image is in place", "version", version, "slot", other(u.Booted))
	return nil
}

// put brings one file to its place, and reads it back.
func (u *Updater) put(ctx context.Context, s Source, m release.Manifest, f release.File) (err error) {
	fail := func(err error) error { return fmt.Errorf("write %s of %s: %w", f.Name, m.Version, err) }
	var to File
	if f.Name == release.Root {
		to, err = u.Disk.Slot(other(u.Booted))
	} else {
		to, err = u.Disk.Boot(other(u.Booted) + "/" + f.Name)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if f.Name == release.Root {
		if room, err := to.Size(); err != nil || room < f.Size {
			return fail(errors.Join(fmt.Errorf("it has %d bytes, and the slot only %d", f.Size, room), err))
		}
	}
	if err := u.fetch(ctx, s, f, to); err != nil {
		return fail(err)
	}
	if err := errors.Join(to.Truncate(f.Size), to.Sync(), to.Forget()); err != nil {
		return fail(err)
	}
	sum := sha256.New()
	if _, err := u.copy(ctx, sum, io.NewSectionReader(to, 0, f.Size)); err != nil {
		return fail(err)
	}
	if release.Hash(sum.Sum(nil)) != f.SHA256 {
		return fail(fmt.Errorf("%w: what lies on the disk is not what the manifest says", ErrUntrusted))
	}
	if f.Name != release.SlotConfig {
		return nil
	}
	text, err := readAll(to, f.Size)
	if err == nil {
		err = release.CheckSlot(text, m)
	}
	if err != nil {
		return fail(fmt.Errorf("%w: %w", ErrUntrusted, err))
	}
	return nil
}

// fetch writes a file as it comes, and goes on where it was when the line
// breaks, for as long as the order lives.
func (u *Updater) fetch(ctx context.Context, s Source, f release.File, to File) error {
	w := &syncing{to: to}
	return u.patiently(ctx, func() (bool, error) {
		before := w.at
		body, err := s.Open(ctx, f.Name, w.at)
		if err != nil {
			return false, err
		}
		defer body.Close()
		_, err = u.copy(ctx, w, io.LimitReader(body, f.Size-w.at))
		if err == nil && w.at < f.Size {
			err = io.ErrUnexpectedEOF
		}
		return w.at > before, err
	})
}

// small fetches a file that fits into memory.
func (u *Updater) small(ctx context.Context, s Source, name string, most int64) (text []byte, err error) {
	err = u.patiently(ctx, func() (bool, error) {
		body, err := s.Open(ctx, name, 0)
		if err != nil {
			return false, err
		}
		defer body.Close()
		if text, err = io.ReadAll(io.LimitReader(body, most+1)); err == nil && int64(len(text)) > most {
			return false, fmt.Errorf("%w: %s is too long", ErrUntrusted, name)
		}
		return false, err
	})
	return text, err
}

// errDisk is an error of the disk, with which trying again helps nobody.
var errDisk = errors.New("the disk fails")

// patiently tries again until it works, cannot work, or the context ends. try
// says whether it got on.
func (u *Updater) patiently(ctx context.Context, try func() (bool, error)) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = time.Second, time.Minute
	for {
		on, err := try()
		if err == nil || errors.Is(err, ErrRefused) || errors.Is(err, ErrUntrusted) || errors.Is(err, errDisk) {
			return err
		}
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		if on {
			wait.Reset()
		}
		u.Log.Warn("the release does not come; trying again", "err", err)
		pause := time.NewTimer(wait.NextBackOff())
		select {
		case <-ctx.Done():
			pause.Stop()
			return errors.Join(ctx.Err(), err)
		case <-pause.C:
		}
	}
}

// copy is io.Copy that stands still while somebody is at the machine.
func (u *Updater) copy(ctx context.Context, to io.Writer, from io.Reader) (n int64, err error) {
	buffer := make([]byte, u.chunk)
	for {
		if err := u.awaitIdle(ctx); err != nil {
			return n, err
		}
		k, readErr := io.ReadFull(from, buffer)
		if k > 0 {
			if _, err := to.Write(buffer[:k]); err != nil {
				return n, err
			}
			n += int64(k)
		}
		switch {
		case errors.Is(readErr, io.EOF) || errors.Is(readErr, io.ErrUnexpectedEOF) && ctx.Err() == nil:
			return n, nil
		case readErr != nil:
			return n, readErr
		}
	}
}

func (u *Updater) awaitIdle(ctx context.Context) error {
	if err := ctx.Err(); err != nil || u.Idle() {
		return err
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			if u.Idle() {
				return nil
			}
		}
	}
}

// syncing writes one piece after the other, and brings them to the disk now and
// then.
type syncing struct {
	to       File
	at, kept int64
}

func (w *syncing) Write(p []byte) (int, error) {
	n, err := w.to.WriteAt(p, w.at)
	w.at += int64(n)
	if err == nil && w.at-w.kept >= syncEvery {
		w.kept, err = w.at, w.to.Sync()
	}
	if err != nil {
		return n, fmt.Errorf("%w: %w", errDisk, err)
	}
	return n, nil
}
