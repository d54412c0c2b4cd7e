package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"yhteiskone/agent/backup"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/store"
	"yhteiskone/internal/identity"
)

// lockWait is how long a command waits for somebody else to let go of the
// data: another command, or an agent that is starting or stopping.
const lockWait = 2 * time.Second

// inspectTime is how long a start may spend on looking for damage. What is
// left is looked at with the next backup.
const inspectTime = 500 * time.Millisecond

// data is a data folder that this process holds.
type data struct {
	dir   string
	lock  *os.File
	store *store.Store
	id    *identity.Agent
}

// Close lets go of the folder.
func (d *data) Close() error {
	var err error
	if d.store != nil {
		err = d.store.Close()
	}
	return errors.Join(err, d.lock.Close())
}

// mending is what openData may do about a damaged folder: only the agent
// itself does, not a command that happens to come by.
type mending struct {
	keeper backup.Keeper // its Dir
	log    *slog.Logger
}

// openData opens what is in a data folder, and makes the folder if need be. A
// restore that was prepared is finished first.
func openData(dir string, mend *mending) (*data, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, badInput("make the data folder: %w", err)
	}
	if err := ownedBy(dir, os.Geteuid()); err != nil {
		return nil, err
	}
	held, err := lock(dir)
	if err != nil {
		return nil, err
	}
	d := &data{dir: dir, lock: held}
	if err := d.begin(mend); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (d *data) begin(mend *mending) error {
	sweep(d.dir)
	kept, err := backup.Finish(d.dir)
	if err != nil {
		return err
	}
	until := time.Now().Add(inspectTime)
	why := d.damage(until, mend)
	if why == nil {
		why = d.open(until)
	}
	if why != nil && mend != nil && broken(why) != "" {
		return d.mend(mend, why)
	}
	if why != nil {
		return hint(why)
	}
	if kept != "" {
		return d.store.AppendAudit(staff.Entry{At: time.Now(), Who: staff.Console, Action: "restored", Detail: filepath.Base(kept)})
	}
	return nil
}

// lock makes sure that nobody else opens the folder, or puts another store in
// its place.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "agent.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, badInput("open the data folder: %w", err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(lockWait); ; <-tick.C {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return f, nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			f.Close()
			return nil, fmt.Errorf("lock the data folder: %w", err)
		case time.Now().After(end):
			f.Close()
			return nil, store.ErrBusy
		}
	}
}

// Errors of a folder in which something is gone.
var (
	errNoStore    = errors.New("the store is missing")
	errNoIdentity = errors.New("the identity is missing")
)

// broken is the part that an error is about; empty if no backup would help.
func broken(err error) string {
	switch {
	case errors.Is(err, errNoIdentity), errors.Is(err, identity.ErrKeyFile):
		return backup.IdentityFile
	case errors.Is(err, errNoStore), errors.Is(err, store.ErrDamaged):
		return backup.StoreFile
	}
	return ""
}

// hint adds what to do.
func hint(err error) error {
	if broken(err) != "" {
		return fmt.Errorf("%w. Put a backup in its place with agent restore FILE", err)
	}
	return err
}

func (d *data) path(name string) string { return filepath.Join(d.dir, name) }

// damage looks at the files from outside. A new folder has none.
func (d *data) damage(until time.Time, mend *mending) error {
	_, noIdentity := os.Stat(d.path(backup.IdentityFile))
	info, err := os.Stat(d.path(store.FileName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if d.hadStore(mend) {
			return fmt.Errorf("%w: %s", errNoStore, d.path(store.FileName))
		}
		return nil
	case err != nil:
		return fmt.Errorf("open the data folder: %w", err)
	case info.Size() == 0 && noIdentity != nil && !d.hadStore(mend):
		return nil // a first start that was cut off: the identity comes after the store
	}
	_, err = store.Inspect(d.path(store.FileName), until)
	return err
}

// hadStore reports whether there is anything of an agent whose store is gone:
// its identity or its certificate, which are made after the store, or a backup.
// Then the store is lost, and the folder is not a new one.
func (d *data) hadStore(mend *mending) bool {
	for _, name := range []string{backup.IdentityFile, backup.AuthorityFile} {
		if _, err := os.Stat(d.path(name)); err == nil {
			return true
		}
	}
	keepers := []backup.Keeper{d.keeper()}
	if mend != nil {
		keepers = append(keepers, mend.keeper) // another folder, if one is configured
	}
	return slices.ContainsFunc(keepers, func(k backup.Keeper) bool {
		all, err := k.List()
		return err == nil && len(all) > 0
	})
}

func (d *data) open(until time.Time) (err error) {
	if d.store, err = store.Open(d.dir, lockWait); err != nil {
		return err
	}
	if err := d.store.Readable(until); err != nil {
		return err
	}
	// Only who holds the store may make the identity: so it is made once. Kiosks
	// know the agent by it and by nothing else.
	if _, err := os.Stat(d.path(backup.IdentityFile)); errors.Is(err, fs.ErrNotExist) {
		known, err := d.store.Kiosks()
		if err != nil {
			return err
		}
		if len(known) > 0 {
			return fmt.Errorf("%w: it was %s, by which %d kiosks know this agent", errNoIdentity, d.path(backup.IdentityFile), len(known))
		}
	}
	d.id, err = identity.LoadAgent(d.path(backup.IdentityFile))
	return err
}

// mend puts the newest good backup in the place of what is damaged or lost.
func (d *data) mend(m *mending, why error) error {
	m.log.Error("the data is damaged; looking for a backup", "why", why)
	part := broken(why)
	if d.store != nil {
		if err := d.store.Close(); err != nil {
			return err
		}
		d.store = nil
	}
	from, about, err := m.keeper.FallBack(part)
	if err != nil {
		return hint(fmt.Errorf("%w (%w)", why, err))
	}
	kept, err := backup.Finish(d.dir)
	if err != nil {
		return err
	}
	if err := d.open(time.Now().Add(inspectTime)); err != nil {
		if next := broken(err); next != "" && next != part {
			return d.mend(m, err) // the other part is gone as well
		}
		return hint(err)
	}
	m.log.Error("A BACKUP HAS TAKEN THE PLACE OF DAMAGED DATA. What happened since it was made is lost: machines enrolled since then must be enrolled again.",
		"part", part, "backup", from, "made", about.Made, "damaged", kept)
	now := time.Now()
	return errors.Join(
		d.store.PutMended(store.Mended{At: now, Why: why.Error(), Part: part, Made: about.Made, Kept: filepath.Base(kept)}),
		d.store.AppendAudit(staff.Entry{At: now, Who: staff.Console, Action: "mended", Detail: about.Made.Format("2006-01-02")}))
}

// sweep removes what backups and restores left behind that were cut off.
func sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // openData finds out
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() || time.Since(info.ModTime()) < time.Hour {
			continue
		}
		for _, ours := range []string{".backup-", ".restore-", ".check-"} {
			if strings.HasPrefix(e.Name(), ours) {
				os.RemoveAll(filepath.Join(dir, e.Name()))
			}
		}
	}
}

// keeper makes backups of the folder, where nothing else is configured.
func (d *data) keeper() backup.Keeper { return keeperOf(d.dir, d.store, defaultBackup()) }

func keeperOf(dir string, st *store.Store, c backupConfig) backup.Keeper {
	folder := c.Folder
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(dir, folder)
	}
	return backup.Keeper{Data: dir, Dir: folder, Most: c.Keep, Agent: version(), Now: time.Now, Check: checkFolder,
		Snapshot: func(path string) (backup.About, error) {
			h, err := st.Snapshot(path)
			return backup.About{Schema: h.Schema, Sites: h.Sites, Kiosks: h.Kiosks, People: h.People, Tokens: h.Tokens}, err
		}}
}

// checkFolder says what is wrong with unpacked files.
func checkFolder(dir string) error {
	if _, err := store.CheckFile(filepath.Join(dir, store.FileName)); err != nil {
		return err
	}
	_, err := identity.LoadAgent(filepath.Join(dir, backup.IdentityFile))
	return err
}

// Backup is operator's.
func (c *console) Backup(_ context.Context, path string) (backup.About, error) {
	a, err := c.keeper.Make(path)
	if errors.Is(err, fs.ErrExist) {
		return a, badInput("%w; choose another name", err)
	}
	if err != nil {
		return a, err
	}
	return a, c.store.AppendAudit(staff.Entry{At: time.Now(), Who: staff.Console, Action: "backup_made"})
}

// Check is operator's.
func (c *console) Check(context.Context) (store.Holds, error) { return c.store.Check() }

// TakeIn is operator's.
func (c *console) TakeIn(context.Context) error {
	if c.again != nil {
		c.again()
	}
	return nil // without a running agent, whoever opens the folder next takes it in
}
