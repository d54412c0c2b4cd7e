// Package rights knows which of the kernel's capabilities this process has.
//
// It is for a kiosk that may run the client's browser as another user: it
// needs three capabilities for that, and nothing that it starts may get one of
// them. It never takes a right that the process was not given.
//
// Caveat: dropping rights in every thread is possible only in a program without
// C (CGO_ENABLED=0), as ours are built.
package rights

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Held is what a process has, each a set of bits by capability.
type Held struct{ Permitted, Effective, Ambient uint64 }

// Now reads what this process has.
func Now() (Held, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return Held{}, fmt.Errorf("look at our rights: %w", err)
	}
	return parse(string(b))
}

func parse(status string) (Held, error) {
	var h Held
	fields := map[string]*uint64{"CapPrm:": &h.Permitted, "CapEff:": &h.Effective, "CapAmb:": &h.Ambient}
	for line := range strings.Lines(status) {
		words := strings.Fields(line)
		if len(words) != 2 || fields[words[0]] == nil {
			continue
		}
		n, err := strconv.ParseUint(words[1], 16, 64)
		if err != nil {
			return h, fmt.Errorf("look at our rights: %w", err)
		}
		*fields[words[0]] = n
		delete(fields, words[0])
	}
	if len(fields) > 0 {
		return h, errors.New("look at our rights: the kernel does not tell them")
	}
	return h, nil
}

// OtherUser reports whether these rights are enough to start a program as
// another user and to end it.
func (h Held) OtherUser() bool {
	for _, c := range []uint{unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_KILL} {
		if h.Permitted&h.Effective&(1<<c) == 0 {
			return false
		}
	}
	return true
}

// KeepToOurselves makes sure that nothing that this process starts gets one of
// its rights.
func KeepToOurselves() error {
	h, err := Now()
	if err != nil || h.Ambient == 0 {
		return err
	}
	if _, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("keep our rights to ourselves: %w", errno)
	}
	if h, err = Now(); err != nil || h.Ambient != 0 {
		return errors.Join(errors.New("keep our rights to ourselves: some are still handed on"), err)
	}
	return nil
}

// Drop gives up every right, in every thread, for good.
func Drop() error {
	h, err := Now()
	if err != nil || h == (Held{}) {
		return err
	}
	head, none := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, [2]unix.CapUserData{}
	if _, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&none)), 0); errno != 0 {
		return fmt.Errorf("give up our rights: %w", errno)
	}
	if h, err = Now(); err != nil || h != (Held{}) {
		return errors.Join(errors.New("give up our rights: some are left"), err)
	}
	return nil
}

// DropHere gives up every right of the calling thread, which should be locked;
// for a thread that is about to become another program.
func DropHere() error {
	head, none := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, [2]unix.CapUserData{}
	if err := unix.Capset(&head, &none[0]); err != nil {
		return fmt.Errorf("give up our rights: %w", err)
	}
	return nil
}
