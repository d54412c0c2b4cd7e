package write

import (
	"fmt"

	"yhteiskone/provision/gpt"
)

const sector = gpt.Sector

// ConfPart is the partition that holds what is one machine's own.
const ConfPart = "kiosk-conf"

// wanted are the partitions without which an image is not a kiosk's.
func wanted() []string {
	return []string{"kiosk-esp", "kiosk-A", "kiosk-B", ConfPart, "kiosk-data"}
}

// readLayout reads the partition table at the beginning of a kiosk's image, and
// refuses any other.
func readLayout(head []byte) (*gpt.Table, error) {
	t, err := gpt.Read(head)
	if err != nil {
		return nil, err
	}
	for _, name := range wanted() {
		if _, err := t.Find(name); err != nil {
			return nil, fmt.Errorf("it has no partition %q", name)
		}
	}
	return t, nil
}

// conf is where the image's partition for what is one machine's own lies.
func (m *Image) conf() span {
	p, _ := m.layout.Find(ConfPart) // an image without it was not opened
	return span{p.Start(), p.Size}
}

// span is where a partition lies, in bytes.
type span struct{ start, size int64 }
