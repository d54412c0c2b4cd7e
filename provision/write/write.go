// Package write puts a kiosk's disk image onto a disk, proves that it is
// there, and adds what is one machine's own.
//
// It never chooses a disk, never writes to one that is refused or that is not
// the one a person confirmed, and never writes anything but a kiosk's image.
//
// The disk's first sector is emptied before anything else is written, and gets
// its contents last of all, once the rest was read back and found right: so a
// disk that was being written when the power went, the stick was pulled or
// somebody stopped it does not boot, neither as what it was nor as half of what
// it was to become.
//
// The partition table fits the disk, with its copy at the disk's end, and has
// identifiers of its own; the partitions are where the image has them.
//
// Caveat: what is read back comes from the disk as far as the system can make
// it; a stick that lies about its size is found out by that, one that loses
// what it holds over months is not.
package write

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"yhteiskone/provision/disk"
)

// Options say what to write where. Tell, Confirm and Now must be set.
type Options struct {
	Image *Image
	Disk  disk.Disk         // as Find returned it
	Files map[string][]byte // for the partition kiosk-conf, by name
	// Last, if set, is asked for what is this machine's own once all else is
	// proved; Files stand back then.
	Last    func(context.Context) (Last, error)
	DryRun  bool // everything is looked at, nothing is opened for writing
	Machine disk.Machine
	Tell    func(Event)
	Confirm func(disk.Disk) error // asks the person; an error ends it before anything is changed
	Now     func() time.Time
	// Open opens the disk; nil for the real one.
	Open func(disk.Machine, disk.Disk) (Device, error)
}

// Phases of the work.
const (
	Writing = "write"
	Reading = "verify"
)

// Event is progress.
type Event struct {
	Phase string
	Done  int64
	Total int64
	Begun time.Time // of the phase
}

// Result is what became of it.
type Result struct {
	Bytes   int64         `json:"bytes"`
	SHA256  string        `json:"sha256"` // of the image, unpacked
	Wrote   time.Duration `json:"-"`
	Ejected bool          `json:"ejected"`
}

// Run does it. A *disk.Problem in the error says in one sentence what is wrong
// and whether the disk can be used.
func Run(ctx context.Context, o Options) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	image, err := o.Image.on(o.Disk.Size)
	if err != nil {
		return Result{}, fmt.Errorf("fit the partition table: %w", err)
	}
	o.Image = image
	if err := o.Confirm(o.Disk); err != nil {
		return Result{}, err
	}
	if o.DryRun {
		return Result{Bytes: o.Image.Size}, nil
	}
	if o.Open == nil {
		o.Open = open
	}
	d, err := o.Open(o.Machine, o.Disk)
	if err != nil {
		return Result{}, notOpened(o.Disk, err)
	}
	result, err := o.write(ctx, d)
	if e := d.Close(); err == nil && e != nil {
		err = o.spoiled(e)
	}
	return result, err
}

// check is what can be known before anybody is asked.
func (o Options) check() error {
	d := o.Disk
	switch {
	case d.ReadOnly:
		return notOpened(d, syscall.EROFS)
	case d.Refused != "":
		return &disk.Problem{Exit: disk.ExitInput, Code: "refused", Text: fmt.Sprintf("%s must not be erased: %s.", d.Path, d.Refused),
			Todo: "Name another disk, or free this one first."}
	case d.Block > sector:
		return &disk.Problem{Exit: disk.ExitInput, Code: "refused", Text: fmt.Sprintf("%s has blocks of %d bytes, and the image's table knows only 512.", d.Path, d.Block),
			Todo: "Use another disk."}
	case d.Size < o.Image.Size:
		return &disk.Problem{Exit: disk.ExitInput, Code: "no_space", Text: fmt.Sprintf("%s has %s and the image needs %s.", d.Path, disk.Bytes(d.Size), disk.Bytes(o.Image.Size)),
			Todo: "Use a larger disk."}
	}
	image, err := o.Image.file.Stat()
	if err != nil {
		return fmt.Errorf("look at the image: %w", err)
	}
	if target, err := os.Stat(d.Path); err == nil && os.SameFile(image, target) {
		return &disk.Problem{Exit: disk.ExitInput, Code: "refused", Text: "The image cannot be written onto itself.", Todo: "Name a disk with --to."}
	}
	return nil
}

// notOpened says why a disk could not be opened. Nothing was changed.
func notOpened(d disk.Disk, err error) error {
	p := &disk.Problem{Exit: disk.ExitFailed, Code: "not_opened", Text: fmt.Sprintf("%s cannot be opened: %v.", d.Path, err), Todo: "Pull it out, put it in again and try again."}
	switch {
	case busy(err):
		p.Exit, p.Code, p.Text, p.Todo = disk.ExitNotNow, "in_use", d.Path+" is in use by something on this machine.", "Close what uses it (unmount it), then try again."
	case readOnly(err):
		p.Code, p.Text, p.Todo = "read_only", d.Path+" is read-only.", "Move the little switch on the stick or card, or use another one."
	case os.IsPermission(err):
		p.Exit, p.Code, p.Text, p.Todo = disk.ExitInput, "no_right", "You may not write to "+d.Path+".", "Run this as root, for example with sudo."
	}
	return p
}

// write is everything from the open disk on. From the moment in which it
// empties the first sector, every failure leaves a disk that cannot be used.
func (o Options) write(ctx context.Context, d Device) (Result, error) {
	now, err := d.Look()
	if err != nil {
		return Result{}, fmt.Errorf("look at the disk once more: %w", err)
	}
	if why := o.Disk.Same(now); why != "" {
		return Result{}, &disk.Problem{Exit: disk.ExitFailed, Code: "other_disk",
			Text: fmt.Sprintf("%s is another disk than the one you confirmed: %s. Nothing was erased.", o.Disk.Path, why), Todo: "Look at the disks again and begin anew."}
	}
	if now.Refused != "" {
		return Result{}, &disk.Problem{Exit: disk.ExitNotNow, Code: "refused",
			Text: fmt.Sprintf("%s must not be erased any more: %s.", o.Disk.Path, now.Refused), Todo: "Free it, then try again."}
	}
	if err := ctx.Err(); err != nil {
		return Result{}, &disk.Problem{Exit: disk.ExitFailed, Code: "stopped", Text: "It was stopped before anything was erased.", Todo: "Begin anew when you are ready."}
	}
	result := Result{Bytes: o.Image.Size}
	begun := o.Now()
	copied, err := o.fill(ctx, d)
	if err != nil {
		return Result{}, o.spoiled(err)
	}
	result.Wrote, result.SHA256 = o.Now().Sub(begun), copied.sum
	if err := o.prove(ctx, d, copied); err != nil {
		return Result{}, o.spoiled(err)
	}
	last := Last{Files: o.Files}
	if o.Last != nil {
		if last, err = o.Last(ctx); err != nil {
			return Result{}, o.spoiled(err)
		}
	}
	if err := o.own(d, last); err != nil {
		return Result{}, o.spoiled(err)
	}
	if err := ctx.Err(); err != nil {
		return Result{}, o.spoiled(err)
	}
	if err := seal(d, copied.first); err != nil {
		return Result{}, o.spoiled(err)
	}
	switch err := d.Eject(); {
	case err == nil:
		result.Ejected = true
	case !errors.Is(err, ErrNoEject): // it is written and proved: that it stays in is no failure
	}
	return result, nil
}

// seal writes the first sector, the last of all.
func seal(d Device, first []byte) error {
	if _, err := d.WriteAt(first, 0); err != nil {
		return err
	}
	if err := errors.Join(d.Sync(), d.Forget()); err != nil {
		return err
	}
	back := make([]byte, len(first))
	if _, err := d.ReadAt(back, 0); err != nil {
		return readBack{err}
	}
	if !bytes.Equal(back, first) {
		return differs(0)
	}
	return nil
}
