package write

import (
	"errors"
	"fmt"
	"io"

	"yhteiskone/provision/gpt"
)

// Stretch is a part of an image, by where it begins and how long it is.
type Stretch struct{ At, Size int64 }

// ErrPacked is an image of which only the whole can be read, from its beginning.
var ErrPacked = errors.New("it is packed")

// Stretches are what of an image a machine must have to run from it and to
// install it: the table, what starts a machine, and slot A.
func (m *Image) Stretches() ([]Stretch, error) {
	if m.Packed {
		return nil, ErrPacked
	}
	all := []Stretch{{0, gpt.Head}}
	for _, name := range []string{biosPart, espPart, slotPart} {
		p, err := m.layout.Find(name)
		if err != nil {
			return nil, fmt.Errorf("look into the image: %w", err)
		}
		all = append(all, Stretch{p.Start(), p.Size})
	}
	return all, nil
}

// ReadAt reads of an image that is not packed.
func (m *Image) ReadAt(p []byte, off int64) (int, error) {
	if m.Packed {
		return 0, ErrPacked
	}
	return m.file.ReadAt(p, off)
}

// StartFile reads a file of the image's partition kiosk-esp, such as
// EFI/kiosk/A/vmlinuz.
func (m *Image) StartFile(name string) ([]byte, error) {
	p, err := m.layout.Find(espPart)
	if err != nil {
		return nil, fmt.Errorf("look into the image: %w", err)
	}
	text, err := getFile(only{r: m}, span{p.Start(), p.Size}, name)
	if err != nil {
		return nil, fmt.Errorf("read %s of the image: %w", name, err)
	}
	return text, nil
}

// only is a Device that can be read and nothing else.
type only struct {
	Device
	r io.ReaderAt
}

var errOnlyRead = errors.New("an image is only read")

func (o only) ReadAt(p []byte, off int64) (int, error) { return o.r.ReadAt(p, off) }
func (o only) WriteAt([]byte, int64) (int, error)      { return 0, errOnlyRead }
