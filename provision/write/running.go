package write

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"

	"yhteiskone/provision/disk"
	"yhteiskone/provision/gpt"
)

// Names of what else of an image is told apart here.
const (
	biosPart = "kiosk-bios"
	espPart  = "kiosk-esp"
	slotPart = "kiosk-A"
	DataPart = "kiosk-data"
)

// bootCode is how much of the first sector is a BIOS's to run.
const bootCode = 440

// Running is the image that this machine runs from, as it has to be on another
// disk: what starts a machine and the slot are as they are here; the other slot,
// kiosk-conf and kiosk-data are empty; the table fits that disk, with its copy
// at that disk's end and identifiers of its own. Size is how far the partitions
// reach.
//
// Caveat: it is read while the machine runs from it. The root is never written
// to; who calls takes care that nothing writes to kiosk-esp.
func Running(from string, to disk.Disk) (*Image, error) {
	f, err := os.Open(from)
	if err != nil {
		return nil, damaged(from, err)
	}
	m, err := running(f, from, to)
	if err != nil {
		f.Close()
		return nil, err
	}
	return m, nil
}

// damaged is a stick that cannot install anything.
func damaged(path string, err error) error {
	return &disk.Problem{Exit: disk.ExitInput, Code: "wrong_image", Text: fmt.Sprintf("%s, which this machine runs from, cannot be copied: %v.", path, err),
		Todo: "Write the stick again."}
}

func running(f *os.File, from string, to disk.Disk) (*Image, error) {
	head := make([]byte, gpt.Head)
	if _, err := f.ReadAt(head, 0); err != nil {
		return nil, damaged(from, err)
	}
	own, err := readLayout(head)
	if err != nil {
		return nil, damaged(from, err)
	}
	if _, err := own.Find(biosPart); err != nil {
		return nil, damaged(from, err)
	}
	table, err := own.On(to.Size)
	if err != nil {
		return nil, &disk.Problem{Exit: disk.ExitInput, Code: "no_space", Text: fmt.Sprintf("%s has %s and a kiosk needs %s.", to.Path, disk.Bytes(to.Size), disk.Bytes(own.Used()+gpt.TailSize)),
			Todo: "Use a larger disk."}
	}
	if err := renew(table); err != nil {
		return nil, err
	}
	begin, tail, err := ends(table, head[:bootCode])
	if err != nil {
		return nil, err
	}
	m := &Image{Path: from, Size: min(table.Used(), table.Tail()), file: f, layout: table, tail: tail}
	m.pieces = []piece{{bytes.NewReader(begin), 0, int64(len(begin))}}
	for _, name := range []string{biosPart, espPart, slotPart} {
		p, err := table.Find(name)
		if err != nil {
			return nil, damaged(from, err)
		}
		m.pieces = append(m.pieces, piece{io.NewSectionReader(f, p.Start(), p.Size), p.Start(), p.Size})
	}
	return m, nil
}

// renew gives disk and partitions identifiers that no other disk has.
func renew(t *gpt.Table) error {
	ids := []*gpt.GUID{&t.ID}
	for i := range t.Partitions {
		ids = append(ids, &t.Partitions[i].ID)
	}
	for _, id := range ids {
		if _, err := rand.Read(id[:]); err != nil {
			return fmt.Errorf("make an identifier: %w", err)
		}
		id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // what RFC 9562 asks of a random one
	}
	return nil
}

// ends are the disk's first and last bytes, which hold the table.
func ends(t *gpt.Table, boot []byte) (begin, tail []byte, err error) {
	e := edges{begin: make([]byte, gpt.Head), tail: make([]byte, gpt.TailSize), at: t.Tail()}
	if err := t.WriteTo(e, boot); err != nil {
		return nil, nil, err
	}
	return e.begin, e.tail, nil
}

// edges are a disk of which only both ends are written.
type edges struct {
	begin, tail []byte
	at          int64
}

func (e edges) WriteAt(p []byte, off int64) (int, error) {
	into := e.begin
	if off >= e.at {
		into, off = e.tail, off-e.at
	}
	if off < 0 || off+int64(len(p)) > int64(len(into)) {
		return 0, errors.New("the partition table is larger than its place")
	}
	return copy(into[off:], p), nil
}

// piece is a stretch of a disk that has contents.
type piece struct {
	io.ReaderAt
	at, size int64
}

// together is the pieces with nothing between them and behind the last.
func together(pieces []piece, size int64) io.Reader {
	var all []io.Reader
	at := int64(0)
	for _, p := range pieces {
		all = append(all, io.LimitReader(nothing{}, p.at-at), io.NewSectionReader(p, 0, p.size))
		at = p.at + p.size
	}
	return io.MultiReader(append(all, io.LimitReader(nothing{}, size-at))...)
}

// nothing reads as zeros.
type nothing struct{}

func (nothing) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// Part is where a partition of the image lies, and how large it is.
func (m *Image) Part(name string) (at, size int64) {
	p, err := m.layout.Find(name)
	if err != nil {
		return 0, 0
	}
	return p.Start(), p.Size
}
