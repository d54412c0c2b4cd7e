package wipe

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"yhteiskone/kiosk/session"
)

// Errors of the mark; errors.Is tells them apart.
var (
	ErrMark       = errors.New("the mark of the last session cannot be read: end every session, then remove the file")
	ErrUnfinished = errors.New("another session is not finished")
)

// markName is the one file that says a session runs. It appears and goes in
// one step, so a power cut finds the whole of it or nothing.
const markName = "session.json"

// markLimit bounds what is read; a mark is a few kilobytes, more where a desktop
// has many sockets.
const markLimit = 256 << 10

// kept is the mark as it lies on the disk. Boot and Up place the session's
// begin on a clock that nobody can put back; Mounts are the mounts of before,
// Before is the rest of what the machine was like.
type kept struct {
	session.Mark
	Boot   string        `json:"boot"`
	Up     time.Duration `json:"up"`
	Mounts []string      `json:"mounts"`
	Before *before       `json:"before,omitempty"`
}

// MarkPath is the file that holds the mark, for an allow-list or a search that
// must not take it for a left-over.
func (w *Wiper) MarkPath() string { return filepath.Join(w.c.StateDir, markName) }

// Begin makes a fresh mark and writes it to disk. A mark of a session that
// nobody used is replaced; one that a client used is not.
func (w *Wiper) Begin() (session.Mark, error) {
	old, ok, err := w.read()
	if err != nil {
		return session.Mark{}, fmt.Errorf("begin a session: %w", err)
	}
	if ok && old.Occupied {
		return session.Mark{}, fmt.Errorf("begin a session: %w", ErrUnfinished)
	}
	if err := w.sweep(); err != nil {
		return session.Mark{}, fmt.Errorf("begin a session: %w", err)
	}
	var random [32]byte
	rand.Read(random[:])
	k := kept{Mark: session.Mark{
		Token: hex.EncodeToString(random[:16]), Canary: hex.EncodeToString(random[16:]),
		Started: time.Now().UTC().Truncate(time.Millisecond),
	}}
	if k.Up, k.Boot, err = w.uptime(); err != nil {
		return session.Mark{}, fmt.Errorf("begin a session: %w", err)
	}
	mounts, err := w.mountPoints()
	if err != nil {
		return session.Mark{}, fmt.Errorf("begin a session: %w", err)
	}
	for _, m := range mounts {
		k.Mounts = append(k.Mounts, m.key())
	}
	if k.Before, err = w.now(); err != nil {
		return session.Mark{}, fmt.Errorf("begin a session: %w", err)
	}
	if err := w.write(k); err != nil {
		return session.Mark{}, fmt.Errorf("begin a session: %w", err)
	}
	return k.Mark, nil
}

// Occupy writes that a client uses the marked session, and whether it was
// counted.
func (w *Wiper) Occupy(mark session.Mark) error {
	k, ok, err := w.read()
	if err != nil {
		return fmt.Errorf("mark the session as used: %w", err)
	}
	if !ok || k.Token != mark.Token {
		return errors.New("mark the session as used: it is not the one that was begun")
	}
	k.Occupied, k.Counted = true, mark.Counted
	if err := w.write(k); err != nil {
		return fmt.Errorf("mark the session as used: %w", err)
	}
	return nil
}

// Left returns the mark of a session that was begun and not finished.
func (w *Wiper) Left() (session.Mark, bool, error) {
	k, ok, err := w.read()
	if err != nil {
		return session.Mark{}, false, fmt.Errorf("look for an unfinished session: %w", err)
	}
	return k.Mark, ok, nil
}

// Finish forgets the mark: its wipe was proved.
func (w *Wiper) Finish() error {
	if err := os.Remove(w.MarkPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("finish the session: %w", err)
	}
	if err := w.syncDir(); err != nil {
		return fmt.Errorf("finish the session: %w", err)
	}
	return nil
}

func (w *Wiper) read() (kept, bool, error) {
	f, err := os.Open(w.MarkPath())
	if errors.Is(err, fs.ErrNotExist) {
		return kept{}, false, nil
	}
	if err != nil {
		return kept{}, false, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, markLimit+1))
	if err != nil {
		return kept{}, false, fmt.Errorf("read %s: %w", w.MarkPath(), err)
	}
	k, err := decodeMark(b)
	if err != nil {
		return kept{}, false, fmt.Errorf("%s: %w: %w", w.MarkPath(), ErrMark, err)
	}
	return k, true, nil
}

func decodeMark(b []byte) (kept, error) {
	var k kept
	if len(b) > markLimit {
		return k, errors.New("it is too long")
	}
	// Unknown fields pass: after a step back to an older image the mark of the
	// newer one must still be understood.
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&k); err != nil {
		return kept{}, err
	}
	if _, err := d.Token(); err != io.EOF {
		return kept{}, errors.New("something follows it")
	}
	if err := checkMark(k.Mark); err != nil {
		return kept{}, err
	}
	if k.Up < 0 {
		return kept{}, errors.New("its time since boot is negative")
	}
	return k, nil
}

func checkMark(m session.Mark) error {
	for name, s := range map[string]string{"token": m.Token, "canary": m.Canary} {
		if b, err := hex.DecodeString(s); err != nil || len(b) != 16 || strings.ToLower(s) != s {
			return fmt.Errorf("its %s is not 32 hexadecimal digits", name)
		}
	}
	if m.Started.IsZero() || m.Started.Year() < 1970 || m.Started.Year() > 9999 {
		return errors.New("it has no time of its start")
	}
	return nil
}

func (w *Wiper) write(k kept) error {
	b, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("write the mark: %w", err)
	}
	// The temporary file lies beside it: a rename is one step only within one
	// file system.
	if err := renameio.WriteFile(w.MarkPath(), append(b, '\n'), 0o600, renameio.WithTempDir(w.c.StateDir)); err != nil {
		return fmt.Errorf("write the mark: %w", err)
	}
	return w.syncDir()
}

// syncDir makes the name itself safe against a power cut.
func (w *Wiper) syncDir() error {
	d, err := os.Open(w.c.StateDir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("write %s to disk: %w", w.c.StateDir, err)
	}
	return nil
}

// sweep removes the temporary files of writes that a power cut interrupted.
func (w *Wiper) sweep() error {
	all, err := os.ReadDir(w.c.StateDir)
	if err != nil {
		return err
	}
	for _, e := range all {
		tail, ok := strings.CutPrefix(e.Name(), "."+markName)
		if !ok || strings.Trim(tail, "0123456789") != "" {
			continue
		}
		if err := os.Remove(filepath.Join(w.c.StateDir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// uptime is how long ago the machine was started and which start it was.
func (w *Wiper) uptime() (time.Duration, string, error) {
	b, err := os.ReadFile(filepath.Join(w.c.Proc, "uptime"))
	if err != nil {
		return 0, "", fmt.Errorf("ask for the time since boot: %w", err)
	}
	fields := strings.Fields(string(b))
	if len(fields) == 0 {
		return 0, "", errors.New("ask for the time since boot: the answer is empty")
	}
	seconds, err := strconv.ParseFloat(fields[0], 64)
	if err != nil {
		return 0, "", fmt.Errorf("ask for the time since boot: %w", err)
	}
	id, err := os.ReadFile(filepath.Join(w.c.Proc, "sys/kernel/random/boot_id"))
	if err != nil {
		return 0, "", fmt.Errorf("ask which boot this is: %w", err)
	}
	return time.Duration(seconds * float64(time.Second)), strings.TrimSpace(string(id)), nil
}

// allowed reports whether the kiosk itself writes that path.
func (w *Wiper) allowed(path string) bool {
	return slices.ContainsFunc(w.c.Allow, func(a string) bool {
		return path == a || strings.HasPrefix(path, a+"/")
	})
}
