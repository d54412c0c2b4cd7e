package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"time"
)

// ErrDamaged says that a store's file is not what the agent wrote.
var ErrDamaged = errors.New("the store is damaged")

// Inspect reads a store's file from outside, page by page, without changing
// it: every page that can be reached must be where it says it is, within the
// file, used once, with its keys in order. bbolt's own check follows a damaged
// page wherever it points, and a page beyond the end of the file ends the
// process; so this comes first, and bbolt only meets files that passed.
//
// It stops at the given time and then says that it did not see the whole. A
// file that somebody writes to meanwhile may look damaged: who holds the
// store, or a copy, is the one to ask.
func Inspect(path string, until time.Time) (whole bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("inspect the store: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("inspect the store: %w", err)
	}
	i := &inspector{file: f, size: info.Size(), until: until}
	switch err := i.all(); {
	case errors.Is(err, errLate):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
	}
	return true, nil
}

// The layout of bbolt's file, version 2.
const (
	headerSize  = 16
	elementSize = 16
	metaSize    = 64
	metaMagic   = 0xED0CDAED
	metaVersion = 2

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10

	bucketElement = 0x01
	noFreelist    = ^uint64(0)

	deepest = 64 // levels of pages and buckets; real ones have a handful
)

var errLate = errors.New("out of time")

type inspector struct {
	file     io.ReaderAt
	size     int64
	until    time.Time
	page     int64  // bytes
	high     uint64 // the first page that was never used
	used     []uint64
	freelist uint64
}

// meta is what a meta page says.
type meta struct{ pageSize, root, freelist, high, tx uint64 }

func (i *inspector) all() error {
	if i.size == 0 {
		return errors.New("it is empty")
	}
	m, err := i.meta()
	if err != nil {
		return err
	}
	i.page, i.high, i.freelist = int64(m.pageSize), m.high, m.freelist
	if m.high < 4 || m.high > uint64(i.size/i.page) {
		return fmt.Errorf("it is cut off: %d pages are in use, and it has room for %d", m.high, i.size/i.page)
	}
	i.used = make([]uint64, m.high/64+1)
	i.use(0)
	i.use(1)
	if err := i.visit(m.root, nil, nil, 0); err != nil {
		return err
	}
	return i.free()
}

// meta returns the newest of the two meta pages, as bbolt does.
func (i *inspector) meta() (best meta, err error) {
	found := false
	try := func(at int64) bool {
		m, ok := i.metaAt(at)
		if ok && (!found || m.tx > best.tx) {
			best, found = m, true
		}
		return ok
	}
	if try(0) {
		try(int64(best.pageSize))
	}
	for size := int64(1024); !found && size <= 64<<10; size *= 2 {
		if m, ok := i.metaAt(size); ok && int64(m.pageSize) == size {
			best, found = m, true
		}
	}
	if !found {
		return best, errors.New("it has no valid beginning")
	}
	return best, nil
}

func (i *inspector) metaAt(at int64) (m meta, ok bool) {
	b := make([]byte, headerSize+metaSize)
	if _, err := i.file.ReadAt(b, at); err != nil {
		return m, false
	}
	b = b[headerSize:]
	le := binary.LittleEndian
	sum := fnv.New64a()
	sum.Write(b[:56])
	m = meta{pageSize: uint64(le.Uint32(b[8:])), root: le.Uint64(b[16:]), freelist: le.Uint64(b[32:]), high: le.Uint64(b[40:]), tx: le.Uint64(b[48:])}
	ok = le.Uint32(b) == metaMagic && le.Uint32(b[4:]) == metaVersion && le.Uint64(b[56:]) == sum.Sum64() &&
		m.pageSize >= 1024 && m.pageSize <= 64<<10 && m.pageSize&(m.pageSize-1) == 0
	return m, ok
}

func (i *inspector) use(id uint64) bool {
	bit := uint64(1) << (id % 64)
	if i.used[id/64]&bit != 0 {
		return false
	}
	i.used[id/64] |= bit
	return true
}

// read returns a page with what overflows from it, and takes it as used.
func (i *inspector) read(id uint64) ([]byte, error) {
	if time.Now().After(i.until) {
		return nil, errLate
	}
	if id < 2 || id >= i.high {
		return nil, fmt.Errorf("page %d is not one of the %d", id, i.high)
	}
	b := make([]byte, i.page)
	if _, err := i.file.ReadAt(b, int64(id)*i.page); err != nil {
		return nil, fmt.Errorf("page %d cannot be read: %w", id, err)
	}
	if got := binary.LittleEndian.Uint64(b); got != id {
		return nil, fmt.Errorf("page %d says that it is page %d", id, got)
	}
	more := uint64(binary.LittleEndian.Uint32(b[12:]))
	if more >= i.high-id {
		return nil, fmt.Errorf("page %d is longer than the file", id)
	}
	if more > 0 {
		b = append(b, make([]byte, int64(more)*i.page)...)
		if _, err := i.file.ReadAt(b, int64(id)*i.page); err != nil {
			return nil, fmt.Errorf("page %d cannot be read: %w", id, err)
		}
	}
	for n := range more + 1 {
		if !i.use(id + n) {
			return nil, fmt.Errorf("page %d is used twice", id+n)
		}
	}
	return b, nil
}

// visit looks at a page and everything below it. Its keys are from low on and
// below high; nil stands for no bound.
func (i *inspector) visit(id uint64, low, high []byte, depth int) error {
	b, err := i.read(id)
	if err != nil {
		return err
	}
	return i.elements(fmt.Sprintf("page %d", id), b, low, high, depth)
}

func (i *inspector) elements(name string, b, low, high []byte, depth int) error {
	if depth > deepest {
		return fmt.Errorf("%s is deeper than any page", name)
	}
	kind, count := binary.LittleEndian.Uint16(b[8:]), int(binary.LittleEndian.Uint16(b[10:]))
	if kind != branchPage && kind != leafPage || kind == branchPage && count == 0 || headerSize+count*elementSize > len(b) {
		return fmt.Errorf("%s is neither branch nor leaf", name)
	}
	keys := make([][]byte, count+1)
	for n := range count {
		key, err := element(b, n, kind)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		before := low
		if n > 0 {
			before = keys[n-1]
		}
		order := bytes.Compare(key, before)
		if order < 0 || n > 0 && order == 0 || high != nil && bytes.Compare(key, high) >= 0 {
			return fmt.Errorf("%s: key %d is out of order", name, n)
		}
		keys[n] = key
	}
	keys[count] = high
	for n := range count {
		var err error
		if kind == branchPage {
			err = i.visit(binary.LittleEndian.Uint64(b[headerSize+n*elementSize+8:]), keys[n], keys[n+1], depth+1)
		} else {
			err = i.value(name, b, n, depth)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// element returns the key of an element, if the element is within the page.
func element(b []byte, n int, kind uint16) ([]byte, error) {
	at := headerSize + n*elementSize
	le := binary.LittleEndian
	pos, key, value := uint64(le.Uint32(b[at:])), uint64(le.Uint32(b[at+4:])), uint64(0)
	if kind == leafPage {
		pos, key, value = uint64(le.Uint32(b[at+4:])), uint64(le.Uint32(b[at+8:])), uint64(le.Uint32(b[at+12:]))
	}
	from := uint64(at) + pos
	if key == 0 || from+key+value > uint64(len(b)) {
		return nil, fmt.Errorf("element %d reaches beyond it", n)
	}
	return b[from : from+key], nil
}

// value goes on into a bucket.
func (i *inspector) value(name string, b []byte, n, depth int) error {
	at := headerSize + n*elementSize
	le := binary.LittleEndian
	if le.Uint32(b[at:])&bucketElement == 0 {
		return nil
	}
	from := uint64(at) + uint64(le.Uint32(b[at+4:])) + uint64(le.Uint32(b[at+8:]))
	v := b[from : from+uint64(le.Uint32(b[at+12:]))]
	if len(v) < 16 {
		return fmt.Errorf("%s: bucket %d has no beginning", name, n)
	}
	if root := le.Uint64(v); root != 0 {
		return i.visit(root, nil, nil, depth+1)
	}
	if v = v[16:]; len(v) < headerSize {
		return fmt.Errorf("%s: bucket %d has no page", name, n)
	}
	return i.elements(fmt.Sprintf("%s, bucket %d", name, n), v, nil, nil, depth+1)
}

// free looks at the list of free pages: none of them is in use.
func (i *inspector) free() error {
	if i.freelist == noFreelist {
		return nil
	}
	b, err := i.read(i.freelist)
	if err != nil {
		return fmt.Errorf("the list of free pages: %w", err)
	}
	kind, count, ids := binary.LittleEndian.Uint16(b[8:]), uint64(binary.LittleEndian.Uint16(b[10:])), b[headerSize:]
	if kind != freelistPage {
		return errors.New("the list of free pages is none")
	}
	if count == 0xFFFF && len(ids) >= 8 {
		count, ids = binary.LittleEndian.Uint64(ids), ids[8:]
	}
	if count > uint64(len(ids))/8 {
		return errors.New("the list of free pages is longer than its page")
	}
	for n := range count {
		if id := binary.LittleEndian.Uint64(ids[n*8:]); id < 2 || id >= i.high || !i.use(id) {
			return fmt.Errorf("page %d is free and in use", id)
		}
	}
	return nil
}
