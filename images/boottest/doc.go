// Package boottest starts the built image in a whole PC without hardware and
// waits until an agent's dashboard says that the kiosk is free.
//
// It is a test only: YHTEISKONE_BOOT names the image, and without it nothing
// runs. The machine sees one port of this machine, where a real agent serves,
// and nothing else. It is QEMU's own processor (TCG): no KVM is asked for.
//
// Caveats: on a machine that is shared, QEMU may get so little of it that no
// Chromium draws before the kiosk gives up on it; then only TestData tells
// anything. Its screen is a virtual one, drawn in software; real graphics, sound
// and printers are for a real PC.
package boottest
