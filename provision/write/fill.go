package write

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"golang.org/x/sync/errgroup"
)

// stretch is how much is written at a time; a multiple of every disk's blocks.
const stretch = 4 << 20

// ahead is how many stretches are read and unpacked while one is written.
const ahead = 3

// behind is how many stretches are brought to the disk at a time; twice as many
// may be on their way.
const behind = 4

// copied is what was written: the sum of every stretch as it must be read
// back, the first sector (which is not on the disk yet), and the image's sum.
type copied struct {
	first []byte
	sums  []uint64
	seed  maphash.Seed
	sum   string
}

// of sums a stretch up: quickly, since nobody forges what a disk does wrong.
func (c *copied) of(part []byte) uint64 { return maphash.Bytes(c.seed, part) }

// fill writes the image but for its first sector, which it empties.
func (o Options) fill(ctx context.Context, d Device) (copied, error) {
	if _, err := d.WriteAt(zeros[:sector], 0); err != nil {
		return copied{}, err
	}
	if o.Image.tail != nil { // nor does a table that was there before come back from its copy
		if _, err := d.WriteAt(zeros[:len(o.Image.tail)], o.Image.layout.Tail()); err != nil {
			return copied{}, err
		}
	}
	if err := d.Sync(); err != nil {
		return copied{}, err
	}
	c := copied{seed: maphash.MakeSeed()}
	full, empty := make(chan []byte, ahead), make(chan []byte, ahead+1)
	for range ahead + 1 {
		empty <- make([]byte, stretch)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(full)
		return o.read(ctx, &c, full, empty)
	})
	g.Go(func() error {
		begun := o.Now()
		var off int64
		for part := range full {
			if err := put(d, part, off); err != nil {
				return err
			}
			off += int64(len(part))
			if err := push(d, off); err != nil {
				return err
			}
			o.Tell(Event{Writing, off, o.Image.Size, begun})
			if err := ctx.Err(); err != nil {
				return err
			}
			empty <- part[:stretch]
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return copied{}, err
	}
	return c, d.Sync()
}

// put writes one stretch; one without contents is made so in the quickest way.
func put(d Device, part []byte, off int64) error {
	if allZero(part) {
		return d.Zero(off, int64(len(part)))
	}
	_, err := d.WriteAt(part, off)
	return err
}

// push has the disk write what was given to it.
func push(d Device, off int64) error {
	if off%(behind*stretch) != 0 {
		return nil
	}
	return d.Push(off-behind*stretch, behind*stretch)
}

func allZero(part []byte) bool {
	for len(part) > 0 {
		n := min(len(part), len(zeros))
		if !bytes.Equal(part[:n], zeros[:n]) {
			return false
		}
		part = part[n:]
	}
	return true
}

// read takes the image in, and sums it up.
func (o Options) read(ctx context.Context, c *copied, full chan<- []byte, empty <-chan []byte) error {
	r, err := o.Image.stream()
	if err != nil {
		return source{err}
	}
	defer r.Close()
	whole := sha256.New()
	for left := o.Image.Size; left > 0; {
		var part []byte
		select {
		case part = <-empty:
		case <-ctx.Done():
			return ctx.Err()
		}
		part = part[:min(left, stretch)]
		if _, err := io.ReadFull(r, part); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = fmt.Errorf("it ends after %d of %d bytes", o.Image.Size-left, o.Image.Size)
			}
			return source{err}
		}
		left -= int64(len(part))
		whole.Write(part)
		if c.first == nil {
			copy(part, o.Image.begin)
			c.first = bytes.Clone(part[:sector])
			clear(part[:sector])
		}
		c.sums = append(c.sums, c.of(part))
		select {
		case full <- part:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if n, err := io.ReadFull(r, make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		return source{errors.New("it is longer than its partition table says, or damaged at its end")}
	}
	c.sum = hex.EncodeToString(whole.Sum(nil))
	return nil
}

// prove reads everything back from the disk and compares it.
func (o Options) prove(ctx context.Context, d Device, c copied) error {
	if err := d.Forget(); err != nil {
		return fmt.Errorf("make the system forget what it holds in memory: %w", err)
	}
	begun := o.Now()
	part := make([]byte, stretch)
	var off int64
	for _, sum := range c.sums {
		part = part[:min(o.Image.Size-off, stretch)]
		if _, err := d.ReadAt(part, off); err != nil {
			return readBack{err}
		}
		if c.of(part) != sum {
			return differs(off)
		}
		off += int64(len(part))
		o.Tell(Event{Reading, off, o.Image.Size, begun})
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}
