package rig

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Ways in which a program hangs though its process runs.
const (
	WaitsForEver = "waits for ever" // as for a lock that nobody gives back
	RunsInCircle = "runs in a circle"
)

// Hang makes the first thread of a process do nothing of its own any more; all
// its other threads go on, and no debugger stays. Signals still come in.
func Hang(pid int, how string) (err error) {
	// Only the thread that took hold of the other may do what follows.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.PtraceSeize(pid); err != nil {
		return fmt.Errorf("take hold of the thread: %w", err)
	}
	defer func() {
		if e := unix.PtraceDetach(pid); err == nil && e != nil {
			err = fmt.Errorf("let go of the thread: %w", e)
		}
	}()
	if err := unix.PtraceInterrupt(pid); err != nil {
		return fmt.Errorf("interrupt the thread: %w", err)
	}
	if err := halted(pid); err != nil {
		return err
	}
	// To where it calls the kernel next: it waits there most of the time.
	if err := unix.PtraceSyscall(pid, 0); err != nil {
		return fmt.Errorf("go on to its next call: %w", err)
	}
	if err := halted(pid); err != nil {
		return err
	}
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(pid, &regs); err != nil {
		return fmt.Errorf("read the thread's registers: %w", err)
	}
	regs.Orig_rax = unix.SYS_PAUSE
	if how == RunsInCircle {
		entry, err := entryOf(pid)
		if err != nil {
			return err
		}
		// A program is there once only, at its begin: no other thread is.
		if _, err := unix.PtracePokeText(pid, entry, []byte{0xeb, 0xfe}); err != nil { // jump to here
			return fmt.Errorf("write a circle: %w", err)
		}
		regs.Orig_rax, regs.Rip = ^uint64(0), uint64(entry) // no call, then there
	}
	if err := unix.PtraceSetRegs(pid, &regs); err != nil {
		return fmt.Errorf("write the thread's registers: %w", err)
	}
	return nil
}

func halted(pid int) error {
	var s unix.WaitStatus
	if _, err := unix.Wait4(pid, &s, unix.WALL, nil); err != nil || !s.Stopped() {
		return fmt.Errorf("wait for the thread to halt: %v, %w", s, err)
	}
	return nil
}

// entryOf is where the process's program begins, as the kernel told it.
func entryOf(pid int) (uintptr, error) {
	const entry = 9
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/auxv", pid))
	if err != nil {
		return 0, err
	}
	for ; len(b) >= 16; b = b[16:] {
		if binary.LittleEndian.Uint64(b) == entry {
			return uintptr(binary.LittleEndian.Uint64(b[8:])), nil
		}
	}
	return 0, fmt.Errorf("process %d does not say where its program begins", pid)
}
