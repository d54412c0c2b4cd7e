package write

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"yhteiskone/provision/gpt"
)

// Last is what is one machine's own, put beside the image once that is on the
// disk and proved.
type Last struct {
	Parts map[string]string // partitions, each with the file that holds its contents
	Files map[string][]byte // for the partition kiosk-conf, by name
}

// own puts the machine's own beside the image, and the copy of its table at
// the disk's end.
func (o Options) own(d Device, l Last) error {
	for _, name := range sorted(l.Parts) {
		p, err := o.Image.layout.Find(name)
		if err != nil {
			return err
		}
		if err := fillPart(d, p, l.Parts[name]); err != nil {
			return fmt.Errorf("fill the partition %s: %w", name, err)
		}
	}
	if o.Image.tail != nil {
		if _, err := d.WriteAt(o.Image.tail, o.Image.layout.Tail()); err != nil {
			return fmt.Errorf("write the partition table's copy: %w", err)
		}
	}
	if err := o.keep(d, l.Files); err != nil {
		return err
	}
	if o.Image.tail == nil {
		return nil
	}
	if err := errors.Join(d.Sync(), d.Forget()); err != nil {
		return err
	}
	back := make([]byte, len(o.Image.tail))
	if _, err := d.ReadAt(back, o.Image.layout.Tail()); err != nil {
		return readBack{err}
	}
	if !bytes.Equal(back, o.Image.tail) {
		return differs(o.Image.layout.Tail())
	}
	return nil
}

// fillPart writes a file into a partition that is empty, and compares.
func fillPart(d Device, p gpt.Partition, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() > p.Size {
		return errors.Join(err, fmt.Errorf("%s does not fit", path))
	}
	each := func(do func(part []byte, off int64) error) error {
		part := make([]byte, stretch)
		for off := int64(0); ; {
			n, err := f.ReadAt(part, off)
			if n > 0 {
				if err := do(part[:n], p.Start()+off); err != nil {
					return err
				}
			}
			off += int64(n)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
		}
	}
	if err := each(func(part []byte, off int64) error { return put(d, part, off) }); err != nil {
		return err
	}
	if err := errors.Join(d.Sync(), d.Forget()); err != nil {
		return err
	}
	back := make([]byte, stretch)
	return each(func(part []byte, off int64) error {
		if _, err := d.ReadAt(back[:len(part)], off); err != nil {
			return readBack{err}
		}
		if !bytes.Equal(back[:len(part)], part) {
			return differs(off)
		}
		return nil
	})
}

// keep puts files into the image's partition for them.
func (o Options) keep(d Device, files map[string][]byte) error {
	names := sorted(files)
	for _, name := range names {
		if err := putFile(d, o.Image.conf(), name, files[name]); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	if len(names) == 0 {
		return nil
	}
	if err := errors.Join(d.Sync(), d.Forget()); err != nil {
		return err
	}
	for _, name := range names {
		back, err := getFile(d, o.Image.conf(), name)
		if err != nil {
			return fmt.Errorf("read %s back: %w", name, err)
		}
		if !bytes.Equal(back, files[name]) {
			return differs(o.Image.conf().start)
		}
	}
	return nil
}

func sorted[T any](all map[string]T) []string {
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
