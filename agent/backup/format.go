// Package backup keeps copies of an agent's data folder: what a copy looks
// like, how one is made and read back, which old ones are let go, and how one
// takes the place of what is there.
//
// A backup is one file: the store, and the identity by which kiosks know the
// agent. It holds no open enrolment code, no one-time code and nobody's web
// session, so nobody can enrol a machine or sign in with it. It does hold the
// identity's key, and people's password hashes: whoever has it could play the
// agent to the kiosks from the agent's address, and guess at passwords. So it
// is a secret file (mode 0600).
//
// It never looks into a store (agent/store does, through the functions that
// run hands over), and never overwrites anything without keeping what was
// there.
//
// Caveat: the sum at a backup's end tells an accident from a whole file; it is
// no signature.
package backup

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Errors of this package; errors.Is tells them apart.
var (
	// ErrDamaged says that a file is no whole backup.
	ErrDamaged = errors.New("the backup is damaged")
	// ErrNone says that a file is no backup at all.
	ErrNone = errors.New("that is no backup")
	// ErrNewer says that a newer agent made the backup.
	ErrNewer = errors.New("a newer version of the agent made the backup")
	// ErrNothing says that a backup holds nothing that anybody would miss.
	ErrNothing = errors.New("there is nothing in the backup: no kiosk, no person, no token")
)

// About is what a backup says of itself.
type About struct {
	Made   time.Time `json:"made"`
	Agent  string    `json:"agent"` // the build that made it
	Schema int       `json:"schema"`
	Sites  int       `json:"sites"`
	Kiosks int       `json:"kiosks"`
	People int       `json:"people"`
	Tokens int       `json:"tokens"`
	Parts  []Part    `json:"parts"`
}

// Part is one file in a backup.
type Part struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

// Nothing reports whether nobody would miss the backup.
func (a About) Nothing() bool { return a.Kiosks == 0 && a.People == 0 && a.Tokens == 0 }

// A backup is a line that names the format, a line of About in JSON, its parts
// one after the other packed with gzip, and the SHA-256 of all before.
const (
	formatWord = "yhteiskone-backup "
	format     = formatWord + "1\n"
	aboutLimit = 4 << 10
	partLimit  = 64 << 30
)

// The files of a data folder that a backup holds. The authority's certificate
// is made of the identity, but a browser that trusts it takes a second one for
// a forgery.
const (
	IdentityFile  = "identity.pem"
	StoreFile     = "agent.db"
	AuthorityFile = "authority.pem" // not before the first start
)

// write makes a backup of the files at these paths.
func write(w io.Writer, a About, paths ...string) (err error) {
	var files []*os.File
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		files = append(files, f)
		a.Parts = append(a.Parts, Part{filepath.Base(path), info.Size()})
	}
	head, err := json.Marshal(a)
	if err != nil {
		return err
	}
	sum := sha256.New()
	out := io.MultiWriter(w, sum)
	if _, err := fmt.Fprintf(out, "%s%s\n", format, head); err != nil {
		return err
	}
	zip, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
	if err != nil {
		return err
	}
	for i, f := range files {
		if _, err := io.CopyN(zip, f, a.Parts[i].Size); err != nil {
			return err
		}
	}
	if err := zip.Close(); err != nil {
		return err
	}
	_, err = w.Write(sum.Sum(nil))
	return err
}

// Is reports whether a file begins as a backup does, of this version or a
// newer one.
func Is(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	b := make([]byte, len(formatWord))
	_, err = io.ReadFull(f, b)
	return err == nil && string(b) == formatWord
}

// Read reads a whole backup and checks its sum. With a folder it also unpacks
// the parts there, on the disk when Read returns.
func Read(path, folder string) (a About, err error) {
	f, err := os.Open(path)
	if err != nil {
		return a, fmt.Errorf("read the backup: %w", err)
	}
	defer f.Close()
	// The sum is over everything, so nothing is unpacked before all is read.
	body, err := summed(f)
	if err != nil {
		return a, fmt.Errorf("read the backup %s: %w", path, err)
	}
	if a, err = unpack(body, folder); err != nil {
		return a, fmt.Errorf("read the backup %s: %w", path, err)
	}
	return a, nil
}

// summed returns a backup without its sum, which is right.
func summed(f *os.File) (io.Reader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	begin := make([]byte, len(format))
	n, err := f.ReadAt(begin, 0)
	switch {
	case info.IsDir():
		return nil, fmt.Errorf("%w: it is a folder", ErrNone)
	case info.Size() == 0:
		return nil, fmt.Errorf("%w: it is empty", ErrDamaged)
	case !strings.HasPrefix(string(begin[:n]), formatWord[:min(n, len(formatWord))]):
		return nil, ErrNone
	case err == nil && string(begin) != format:
		return nil, ErrNewer
	}
	size := info.Size() - sha256.Size
	if size < int64(len(format)) {
		return nil, fmt.Errorf("%w: it is cut off", ErrDamaged)
	}
	sum, want := sha256.New(), make([]byte, sha256.Size)
	if _, err := io.Copy(sum, io.NewSectionReader(f, 0, size)); err != nil {
		return nil, err
	}
	if _, err := f.ReadAt(want, size); err != nil {
		return nil, err
	}
	if !bytes.Equal(sum.Sum(nil), want) {
		return nil, fmt.Errorf("%w: its sum is wrong, so it is cut off or changed", ErrDamaged)
	}
	return io.NewSectionReader(f, int64(len(format)), size-int64(len(format))), nil
}

func unpack(body io.Reader, folder string) (a About, err error) {
	in := bufio.NewReaderSize(body, aboutLimit)
	line, err := in.ReadSlice('\n')
	if err != nil {
		return a, fmt.Errorf("%w: it does not say what it is", ErrDamaged)
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return a, fmt.Errorf("%w: it does not say what it is: %w", ErrDamaged, err)
	}
	if err := a.check(); err != nil {
		return a, err
	}
	zip, err := gzip.NewReader(in)
	if err != nil {
		return a, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	for _, p := range a.Parts {
		if err := part(zip, folder, p); err != nil {
			return a, err
		}
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(zip, 1)); n != 0 || err != nil {
		return a, fmt.Errorf("%w: it holds more than it says", ErrDamaged)
	}
	return a, nil
}

// check says whether the parts are those of a backup.
func (a About) check() error {
	seen := map[string]bool{}
	for _, p := range a.Parts {
		known := p.Name == IdentityFile || p.Name == StoreFile || p.Name == AuthorityFile
		if !known || seen[p.Name] || p.Size <= 0 || p.Size > partLimit {
			return fmt.Errorf("%w: it holds what no backup holds", ErrDamaged)
		}
		seen[p.Name] = true
	}
	if !seen[IdentityFile] || !seen[StoreFile] || a.Schema < 1 {
		return fmt.Errorf("%w: a part is missing", ErrDamaged)
	}
	return nil
}

// part reads one file out of the backup, and writes it if there is a folder.
func part(zip io.Reader, folder string, p Part) (err error) {
	out := io.Discard
	if folder != "" {
		f, e := os.OpenFile(filepath.Join(folder, p.Name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if e != nil {
			return e
		}
		defer func() { err = errors.Join(err, f.Sync(), f.Close()) }()
		out = f
	}
	_, err = io.CopyN(out, zip, p.Size)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrChecksum) {
		return fmt.Errorf("%w: %s is not whole in it", ErrDamaged, p.Name)
	}
	return err
}
