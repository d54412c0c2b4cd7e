package main

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/agent/backup"
)

// scheduled is a keeper whose store is a word; full makes it fail.
func scheduled(t *testing.T, full *atomic.Bool) backup.Keeper {
	t.Helper()
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, backup.IdentityFile), []byte("identity"), 0o600); err != nil {
		t.Fatal(err)
	}
	return backup.Keeper{Data: data, Dir: filepath.Join(data, "backups"), Most: 2, Now: time.Now,
		Check: func(string) error { return nil },
		Snapshot: func(path string) (backup.About, error) {
			if full.Load() {
				return backup.About{}, errors.New("no room")
			}
			return backup.About{Schema: 1, People: 1}, os.WriteFile(path, []byte("store"), 0o600)
		}}
}

// The schedule goes on over restarts, and one that fails is tried again within
// the hour and told until it works.
func TestSchedule(t *testing.T) {
	var full atomic.Bool
	k := scheduled(t, &full)
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	count := func() int { all, _ := k.List(); return len(all) }
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		b := newBackups(k, 24*time.Hour, quiet)
		go b.run(ctx)
		time.Sleep(firstBackup + time.Second)
		synctest.Wait()
		if last, err := b.Last(); err != nil || last.Count != 1 || time.Since(last.At) > time.Minute || last.Bytes == 0 {
			t.Errorf("the first: %+v %v", last, err)
		}
		full.Store(true)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if last, err := b.Last(); err == nil || last.Count != 1 {
			t.Errorf("one that failed: %+v %v", last, err)
		}
		full.Store(false)
		time.Sleep(time.Hour)
		synctest.Wait()
		if last, err := b.Last(); err != nil || last.Count != 2 {
			t.Errorf("the next: %+v %v", last, err)
		}
		again := newBackups(k, 24*time.Hour, quiet) // a restart
		if due := again.due(); due < 23*time.Hour || due > 24*time.Hour {
			t.Errorf("after a restart the next is due in %v", due)
		}
		if last, _ := again.Last(); last.Count != 2 {
			t.Errorf("after a restart: %+v", last)
		}
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		if count() != 2 {
			t.Errorf("%d backups", count())
		}
	})
	if never := newBackups(k, 0, quiet); never.run(t.Context()) != nil {
		t.Error("a schedule of never")
	}
}
