package write

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"

	"yhteiskone/internal/release"
	"yhteiskone/provision/disk"
	"yhteiskone/provision/gpt"
)

// Image is a kiosk's disk image, open for reading.
type Image struct {
	Path   string
	Size   int64 // of the disk that it becomes
	Packed bool  // with zstd
	file   *os.File
	layout *gpt.Table
	boot   []byte  // what a BIOS runs of the first sector
	pieces []piece // of an image that is put together from parts of file and memory
	begin  []byte  // in place of the file's first bytes
	tail   []byte  // for the very end of the disk
}

// on is the image with a table that fits a disk of that size, whose copy is
// where firmware looks for it, at that disk's end; and with identifiers that no
// other disk has, since a kiosk knows its own disk by them.
func (m *Image) on(size int64) (*Image, error) {
	if m.pieces != nil {
		return m, nil
	}
	n := *m
	var err error
	if n.layout, err = m.layout.On(size); err != nil {
		return nil, err
	}
	if err := renew(n.layout); err != nil {
		return nil, err
	}
	if n.begin, n.tail, err = ends(n.layout, m.boot); err != nil {
		return nil, err
	}
	return &n, nil
}

// OpenImage opens an image, plain or packed with zstd, and refuses what is not
// one: nothing else is ever written to a disk.
func OpenImage(path string) (*Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &disk.Problem{Exit: disk.ExitInput, Code: "no_image", Text: fmt.Sprintf("The image cannot be opened: %v.", err), Todo: "Check its name."}
	}
	m := &Image{Path: path, file: f}
	if err := m.look(); err != nil {
		f.Close()
		return nil, err
	}
	return m, nil
}

// Close lets go of the file.
func (m *Image) Close() error { return m.file.Close() }

// magic begins what zstd packed.
var magic = []byte{0x28, 0xb5, 0x2f, 0xfd}

func (m *Image) look() error {
	info, err := m.file.Stat()
	if err != nil {
		return fmt.Errorf("look at the image: %w", err)
	}
	wrong := func(why string) error {
		return &disk.Problem{Exit: disk.ExitInput, Code: "wrong_image", Text: fmt.Sprintf("%s is not a kiosk's disk image: %s.", m.Path, why),
			Todo: "Name the file yhteiskone-VERSION.img or .img.zst that \"make image\" made."}
	}
	if !info.Mode().IsRegular() {
		return wrong("it is not a file")
	}
	start := make([]byte, len(magic))
	if _, err := m.file.ReadAt(start, 0); err != nil {
		return wrong("it is empty or cannot be read")
	}
	m.Packed = bytes.Equal(start, magic)
	r, err := m.stream()
	if err != nil {
		return wrong(err.Error())
	}
	defer r.Close()
	head := make([]byte, gpt.Head)
	if _, err := io.ReadFull(r, head); err != nil {
		return wrong("it is too short or damaged")
	}
	if m.layout, err = readLayout(head); err != nil {
		return wrong(err.Error())
	}
	m.Size, m.boot = m.layout.Size(), head[:bootCode]
	if !m.Packed && info.Size() != m.Size {
		return &disk.Problem{Exit: disk.ExitInput, Code: "cut_image", Text: fmt.Sprintf("%s has %d bytes and should have %d.", m.Path, info.Size(), m.Size),
			Todo: "Copy or download it again: it was cut off."}
	}
	return nil
}

// stream is the image from its beginning, unpacked.
func (m *Image) stream() (io.ReadCloser, error) {
	if m.pieces != nil {
		return io.NopCloser(together(m.pieces, m.Size)), nil
	}
	raw := io.NewSectionReader(m.file, 0, 1<<62)
	if !m.Packed {
		return io.NopCloser(raw), nil
	}
	// One block after the other: a stick is slower than any processor.
	d, err := zstd.NewReader(bufio.NewReaderSize(raw, 1<<20), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
	if err != nil {
		return nil, fmt.Errorf("it cannot be unpacked: %w", err)
	}
	return d.IOReadCloser(), nil
}

// SignatureOf is where an image's signature lies.
func SignatureOf(image string) string { return image + ".minisig" }

// Verify makes sure that the image is signed with the key whose public half is
// in the file keyPath, as minisign and "provision key" write it.
func (m *Image) Verify(keyPath string) error {
	text, err := os.ReadFile(keyPath)
	var key release.PublicKey
	if err == nil {
		key, err = release.ParsePublicKey(text)
	}
	if err != nil {
		return &disk.Problem{Exit: disk.ExitInput, Code: "bad_key", Text: fmt.Sprintf("The key %s cannot be read: %v.", keyPath, err),
			Todo: "Name the public key of who made the image."}
	}
	bad := func(format string, args ...any) error {
		return &disk.Problem{Exit: disk.ExitInput, Code: "bad_signature", Text: fmt.Sprintf(format, args...) + " Nothing was erased.",
			Todo: "Get image and signature again from who made them, and do not use this one."}
	}
	path := SignatureOf(m.Path)
	signature, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return bad("The image has no signature: %s is missing.", path)
	}
	if err != nil {
		return bad("The signature cannot be read: %v.", err)
	}
	_, err = key.VerifyFrom(bufio.NewReaderSize(io.NewSectionReader(m.file, 0, 1<<62), 1<<20), signature)
	switch {
	case errors.Is(err, release.ErrOtherKey):
		return bad("The image is signed with another key than %s.", keyPath)
	case errors.Is(err, release.ErrSignature):
		return bad("The image is not the one that was signed.")
	case err != nil:
		return bad("%s does not do: %v.", path, err)
	}
	return nil
}
