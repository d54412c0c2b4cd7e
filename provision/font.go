package main

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What the Linux console calls the change of its letters.
const (
	kdFontOp      = 0x4b72
	fontByDefault = 2 // one of the kernel's own, by name
)

// wideEnough is how many columns of its usual letters a console must have for
// letters of twice the size: 1024 points.
const wideEnough = 128

// large makes the letters of a Linux console twice as large where there is room
// for them. A terminal that cannot stays as it is.
func large(f *os.File) {
	if columns, _ := sizeOf(f); columns < wideEnough {
		return
	}
	name := append([]byte("TER16x32"), 0)
	op := struct {
		op, flags, width, height, count uint32
		data                            unsafe.Pointer
	}{op: fontByDefault, data: unsafe.Pointer(&name[0])}
	unix.Syscall(unix.SYS_IOCTL, f.Fd(), kdFontOp, uintptr(unsafe.Pointer(&op)))
}
