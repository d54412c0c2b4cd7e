package write

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"yhteiskone/provision/disk"
)

// source is a failure of the image, not of the disk.
type source struct{ error }

// readBack is a failure to read what was written.
type readBack struct{ error }

func (e source) Unwrap() error   { return e.error }
func (e readBack) Unwrap() error { return e.error }

// differs says where the disk does not hold what was written to it.
type differs int64

func (d differs) Error() string {
	return fmt.Sprintf("near byte %d it does not hold what was written", int64(d))
}

// Spoiled is a failure that leaves a disk which cannot be used: the Problem for
// people, and what lies behind it.
type Spoiled struct {
	Problem *disk.Problem
	Cause   error
}

func (s Spoiled) Error() string { return s.Problem.Error() }

// Unwrap gives the problem first: exit code and sentences are its.
func (s Spoiled) Unwrap() []error { return []error{s.Problem, s.Cause} }

// spoiled says that the disk cannot be used now, and why.
func (o Options) spoiled(err error) error {
	p := &disk.Problem{Exit: disk.ExitFailed, Code: "write_failed", Text: fmt.Sprintf("The disk could not be written: %v.", err),
		Todo: "Write it again; if it fails again, use another disk."}
	var bad source
	var back readBack
	var other differs
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		p.Code, p.Text, p.Todo = "stopped", "The writing was stopped.", "Write it again, and let it finish."
	case errors.As(err, &bad):
		p.Code, p.Text, p.Todo = "bad_image", fmt.Sprintf("The image cannot be read: %v.", bad.error), "Copy or download the image again, then write it again."
	case errors.As(err, &other):
		p.Code, p.Text, p.Todo = "differs", "What was read back is not what was written: "+other.Error()+".", "Use another disk: this one is worn out or lies about its size."
	case errors.As(err, &back):
		p.Code, p.Text, p.Todo = "read_back", fmt.Sprintf("The disk cannot be read back: %v.", back.error), "Use another disk: this one is worn out."
	case errors.Is(err, syscall.ENOSPC):
		p.Code, p.Text, p.Todo = "no_space", "The disk is full before the image's end.", "Use a larger disk: this one has less room than it says."
	case errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		p.Code, p.Text, p.Todo = "read_only", "The disk is read-only.", "Move the little switch on the stick or card, or use another one."
	case errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.ENXIO):
		p.Code, p.Text, p.Todo = "pulled_out", "The disk was pulled out.", "Put it in and write it again."
	}
	p.Text += fmt.Sprintf(" %s is NOT USABLE now and does not start a machine.", o.Disk.Path)
	return Spoiled{p, err}
}

func busy(err error) bool { return errors.Is(err, syscall.EBUSY) }

func readOnly(err error) bool { return errors.Is(err, syscall.EROFS) }
