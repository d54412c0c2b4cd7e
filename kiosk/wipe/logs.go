package wipe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// logLimit is how much of one log is read. A log that grew more than that in
// one session was not looked at.
const logLimit = 64 << 20

// journals are the system's journals, other logs those of the X server and of
// the system, where our user may read them.
func (w *Wiper) journals() []string {
	return globs(w.c.System, "/var/log/journal/*/*.journal", "/run/log/journal/*/*.journal")
}

func (w *Wiper) otherLogs() []string {
	all := globs(w.c.System, "/var/log/Xorg.*.log", "/var/log/syslog", "/var/log/messages", "/var/log/user.log", "/var/log/daemon.log",
		"/var/log/debug", "/var/log/kern.log", "/var/log/auth.log", "/var/log/syslog.1", "/var/log/messages.1")
	for _, home := range w.c.Homes {
		all = append(all, globs(home, "/.xsession-errors", "/.xsession-errors.old", "/.local/share/xorg/Xorg.*.log")...)
	}
	return all
}

func globs(before string, patterns ...string) []string {
	var all []string
	for _, p := range patterns {
		found, err := filepath.Glob(filepath.Join(before, p))
		if err == nil { // an error means a pattern that is none
			all = append(all, found...)
		}
	}
	return all
}

// logs looks at what was written to the logs since the session began. Left
// over is a token.
func (w *Wiper) logs(ctx context.Context, h hunt, said survey) {
	for look, files := range map[string][]string{LookJournal: w.journals(), LookLogs: w.otherLogs()} {
		said.add(look, tally{}, nil)
		for _, path := range files {
			found, looked, err := w.appended(ctx, h, path, h.needle)
			t := tally{}
			if looked {
				t.looked = 1
			}
			if found {
				t.found = 1
			}
			said.add(look, t, err)
		}
	}
}

// logEnds notes how far each log is.
func (w *Wiper) logEnds() map[string]int64 {
	ends := map[string]int64{}
	files := slices.Concat(w.journals(), w.otherLogs())
	for _, name := range []string{"access_log", "page_log", "error_log"} {
		files = append(files, filepath.Join(w.c.Print.Logs, name))
	}
	for _, path := range files {
		f, st, err := openLog(path)
		if err != nil {
			continue // not there, or not for us to read
		}
		ends[logKey(st)] = logEnd(f, st)
		f.Close()
	}
	return ends
}

func logKey(st unix.Stat_t) string { return fmt.Sprintf("%x:%d", st.Dev, st.Ino) }

func openLog(path string) (*os.File, unix.Stat_t, error) {
	var st unix.Stat_t
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, st, err
	}
	f := os.NewFile(uintptr(fd), path)
	if err := unix.Fstat(fd, &st); err != nil {
		f.Close()
		return nil, st, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		f.Close()
		return nil, st, unix.ENOENT
	}
	return f, st, nil
}

// The begin of a journal file, and where in it stands how far it is written:
// the file itself is made larger ahead of that.
const (
	journalMagic = "LPKSHHRH"
	journalTail  = 136
)

// logEnd is where what comes next will be written.
func logEnd(f *os.File, st unix.Stat_t) int64 {
	var head [journalTail + 8]byte
	if _, err := f.ReadAt(head[:], 0); err != nil || string(head[:len(journalMagic)]) != journalMagic {
		return st.Size
	}
	return min(int64(binary.LittleEndian.Uint64(head[journalTail:])&(1<<62-1)), st.Size)
}

// appended searches what was added to a log since the session began. A log
// that is new, or became shorter, is searched whole if it was written in the
// session. If it is ours, what was added is cut off when it holds a needle.
func (w *Wiper) appended(ctx context.Context, h hunt, path string, needles [][]byte) (found, looked bool, err error) {
	f, st, err := openLog(path)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ELOOP) {
		return false, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("open a log: %w", err)
	}
	defer f.Close()
	from, known := int64(0), false
	if h.before != nil {
		from, known = h.before.Logs[logKey(st)]
	}
	if !known && time.Unix(st.Mtim.Unix()).Before(h.since) {
		return false, true, nil
	}
	if from > st.Size {
		from = 0
	}
	if st.Size-from > logLimit {
		return false, true, errors.New("search a log: it grew too much")
	}
	found, err = contains(ctx, io.NewSectionReader(f, from, st.Size-from), needles, make([]byte, window))
	if err != nil {
		return found, true, fmt.Errorf("search a log: %w", err)
	}
	if found && slices.Contains(w.c.UIDs, int(st.Uid)) {
		if err := os.Truncate(path, from); err != nil && !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.EPERM) {
			return true, true, fmt.Errorf("cut a log: %w", err)
		}
	}
	return found, true, nil
}
