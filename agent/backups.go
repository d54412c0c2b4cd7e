package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"yhteiskone/agent/backup"
)

// backupConfig is how the agent keeps copies of its own data.
type backupConfig struct {
	Every  duration `toml:"every"` // 0: never
	Keep   int      `toml:"keep"`
	Folder string   `toml:"folder"` // within the data folder, or an absolute path
}

func defaultBackup() backupConfig {
	return backupConfig{Every: duration{24 * time.Hour}, Keep: 14, Folder: "backups"}
}

func (c backupConfig) check() error {
	switch {
	case c.Every.Duration != 0 && (c.Every.Duration < time.Minute || c.Every.Duration > 31*24*time.Hour):
		return fmt.Errorf("backup: every is %v; it must be 1m to 744h, or 0s for never", c.Every.Duration)
	case c.Keep < 1 || c.Keep > 1000:
		return fmt.Errorf("backup: keep is %d; it must be 1 to 1000", c.Keep)
	case c.Folder == "":
		return fmt.Errorf("backup: folder is empty; leave it out, or name a folder")
	}
	return nil
}

// backupRetry is how soon a backup that failed is tried again.
const backupRetry = time.Hour

// backups makes backups on the schedule, and knows how that went.
type backups struct {
	keeper backup.Keeper
	every  time.Duration
	log    *slog.Logger

	mu   sync.Mutex
	last backupLine // the newest, of this run or an earlier one
	err  error      // of the newest try; nil when it went well
}

// backupLine is one backup, as people are told of it.
type backupLine struct {
	At    time.Time // zero: there is none
	Bytes int64
	Count int // how many there are
}

func newBackups(k backup.Keeper, every time.Duration, log *slog.Logger) *backups {
	b := &backups{keeper: k, every: every, log: log}
	b.look()
	return b
}

// Last returns the newest backup and why a later one failed.
func (b *backups) Last() (backupLine, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last, b.err
}

// look finds out what is there.
func (b *backups) look() {
	all, err := b.keeper.List()
	line := backupLine{Count: len(all)}
	if len(all) > 0 {
		line.At, _ = backup.MadeAt(all[0])
		if info, e := os.Stat(all[0]); e == nil {
			line.Bytes = info.Size()
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last, b.err = line, err
}

// run makes a backup whenever the newest is as old as the schedule says. An
// agent that knows nobody yet makes none.
func (b *backups) run(ctx context.Context) error {
	if b.every == 0 {
		return nil
	}
	for wait := b.due(); ; {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		wait = b.every
		if err := b.make(); err != nil {
			b.log.Error("NO BACKUP COULD BE MADE", "why", err)
			wait = min(backupRetry, b.every)
		}
	}
}

// firstBackup is how long after the start the first backup is made at the
// earliest: a start has other things to do.
const firstBackup = time.Minute

func (b *backups) due() time.Duration {
	last, _ := b.Last()
	age := time.Since(last.At)
	if last.At.IsZero() || age < 0 { // none, or one of a clock that was wrong
		return firstBackup
	}
	return max(b.every-age, firstBackup)
}

func (b *backups) make() error {
	path, about, err := b.keeper.Turn()
	b.look()
	if err != nil {
		b.mu.Lock()
		b.err = err
		b.mu.Unlock()
		return err
	}
	b.log.Info("backup made", "file", path, "kiosks", about.Kiosks, "people", about.People)
	return nil
}
