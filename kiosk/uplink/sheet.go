package uplink

import (
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// Sheet keeps an acceptance sheet and sends it.
func (u *Uplink) Sheet(s fleet.Sheet) error {
	_, err := u.put(func(seq uint64) wire.Message { return wire.Sheet{Seq: seq, Sheet: wire.SheetOf(s)} })
	return err
}
