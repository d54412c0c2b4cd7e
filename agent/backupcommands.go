package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"yhteiskone/agent/backup"
	"yhteiskone/agent/store"
)

func backupTo(ctx context.Context, args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("backup", flag.ContinueOnError)
	data := fs.String("data", "", "")
	got, err := parse(fs, args, "FILE")
	if err != nil {
		return err
	}
	if err := needData(*data); err != nil {
		return err
	}
	o, done, err := operate(ctx, *data)
	if err != nil {
		return err
	}
	a, err := o.Backup(ctx, got[0])
	if err := errors.Join(err, done()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s is a backup: %s.\nIt holds the agent's identity. Keep it as safe as the data folder.\n", got[0], holding(a))
	return err
}

// needData says that --data is missing, or names no folder of an agent.
func needData(data string) error {
	if err := need(map[string]string{"data": data}, "data"); err != nil {
		return err
	}
	return isData(data)
}

// isData refuses a folder that no agent ever used: a backup of it, or a check,
// would tell nothing.
func isData(dir string) error {
	for _, name := range []string{store.FileName, backup.IdentityFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return nil
		}
	}
	return badInput("--data: %s is no data folder of an agent", dir)
}

func holding(a backup.About) string {
	return fmt.Sprintf("%s, %s, %s, made %s", many(a.Sites, "site"), many(a.Kiosks, "kiosk"), many(a.People, "person"),
		a.Made.Local().Format("2006-01-02 15:04:05 MST"))
}

func many(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case what == "person":
		return fmt.Sprintf("%d people", n)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func restore(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("restore", flag.ContinueOnError)
	data, only := flags.String("data", "", ""), flags.Bool("check", false, "")
	got, err := parse(flags, args, "FILE")
	if err != nil {
		return err
	}
	if err := need(map[string]string{"data": *data}, "data"); err != nil && !*only {
		return err
	}
	if *only {
		return restorable(got[0], stdout)
	}
	if _, err := backup.Read(got[0], ""); err != nil {
		return restoreError(err)
	}
	if err := os.MkdirAll(*data, 0o700); err != nil {
		return badInput("make the data folder: %w", err)
	}
	if err := ownedBy(*data, os.Geteuid()); err != nil {
		return err
	}
	keep := backup.Name(time.Now())
	about, err := backup.Stage(*data, got[0], keep, checkFolder)
	if err != nil {
		return restoreError(err)
	}
	if err := takeIn(ctx, *data); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s is restored: %s.\n", got[0], holding(about))
	if _, err := os.Stat(filepath.Join(*data, keep)); !errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(stdout, "What was there before is kept in %s.\n", filepath.Join(*data, keep))
	}
	_, err = fmt.Fprintln(stdout, "Everybody signs in again. Machines that were enrolled after the backup must be enrolled again.")
	return err
}

// restorable only looks at the file.
func restorable(file string, stdout io.Writer) error {
	dir, err := os.MkdirTemp("", "yhteiskone-restore-")
	if err != nil {
		return fmt.Errorf("check the backup: %w", err)
	}
	defer os.RemoveAll(dir)
	about, err := backup.Stage(dir, file, backup.Name(time.Now()), checkFolder)
	if err != nil {
		return restoreError(err)
	}
	_, err = fmt.Fprintf(stdout, "%s can be restored: %s.\n", file, holding(about))
	return err
}

func restoreError(err error) error {
	for _, bad := range []error{backup.ErrNone, backup.ErrDamaged, backup.ErrNewer, backup.ErrNothing, store.ErrDamaged, fs.ErrNotExist} {
		if errors.Is(err, bad) {
			return badInput("%w; nothing was changed", err)
		}
	}
	return err
}

// takeInTime is how long a running agent may take to stop and start anew.
const takeInTime = time.Minute

// takeIn has what is staged put in place: by the agent that runs, which then
// starts anew, or here.
func takeIn(ctx context.Context, dir string) error {
	o, done, err := operate(ctx, dir)
	if err != nil {
		return err
	}
	err = o.TakeIn(ctx)
	if err := errors.Join(err, done()); err != nil {
		return err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(takeInTime); backup.Waiting(dir); <-tick.C {
		if time.Now().After(end) || ctx.Err() != nil {
			return notNow("the agent did not start anew; look into its log, and start it again")
		}
	}
	return nil
}

func checkStore(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	data := flags.String("data", "", "")
	if _, err := parse(flags, args); err != nil {
		return err
	}
	if err := needData(*data); err != nil {
		return err
	}
	o, done, err := operate(ctx, *data)
	if err != nil {
		return err
	}
	h, err := o.Check(ctx)
	if err := errors.Join(err, done()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "The data is whole: %s, %s, %s, %s (layout %d).\n", many(h.Sites, "site"), many(h.Kiosks, "kiosk"),
		many(h.People, "person"), many(h.Tokens, "token"), h.Schema)
	return err
}

// The control socket's side of it. A backup travels as it is, because the file
// is the caller's: the agent may not even see the folder it goes to.

const (
	backupPath = "/control/backup"
	checkPath  = "/control/check"
	takeInPath = "/control/take-in"
)

func serveBackup(o *console) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		dir, err := os.MkdirTemp(o.keeper.Data, ".backup-")
		if err == nil {
			defer os.RemoveAll(dir)
			_, err = o.Backup(r.Context(), filepath.Join(dir, "backup"))
		}
		if err != nil {
			controlAnswer(w, nil, err)
			return
		}
		http.ServeFile(w, r, filepath.Join(dir, "backup"))
	}
}

// Backup fetches a backup.
func (c *controlClient) Backup(ctx context.Context, path string) (a backup.About, err error) {
	if info, err := os.Stat(path); err == nil && (info.IsDir() || info.Size() > 0 && !backup.Is(path)) {
		return a, badInput("make a backup: %s is there already, and is no backup; choose another name", path)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://agent"+backupPath, nil)
	if err != nil {
		return a, err
	}
	patient := *c.http // a large store takes its time
	patient.Timeout = 0
	answer, err := patient.Do(r)
	if err != nil {
		return a, notNow("the running agent does not answer: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
		if err != nil {
			return a, notNow("the running agent does not answer: %w", err)
		}
		return a, refused(answer.StatusCode, text)
	}
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return a, fmt.Errorf("make a backup: %w", err)
	}
	defer f.Cleanup()
	if _, err := io.Copy(f, answer.Body); err != nil {
		return a, fmt.Errorf("make a backup: %w", err)
	}
	if a, err = backup.Read(f.Name(), ""); err != nil { // it may have been cut off on its way
		return a, fmt.Errorf("make a backup: %w", err)
	}
	return a, f.CloseAtomicallyReplace()
}

// Check looks through the store.
func (c *controlClient) Check(ctx context.Context) (store.Holds, error) {
	return ask[store.Holds](ctx, c, http.MethodGet, checkPath, nil)
}

// TakeIn has the agent start anew with what is staged.
func (c *controlClient) TakeIn(ctx context.Context) error {
	_, err := ask[struct{}](ctx, c, http.MethodPost, takeInPath, struct{}{})
	return err
}
