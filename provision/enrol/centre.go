package enrol

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// Made is what became of one machine of a sheet.
type Made struct {
	Site    fleet.SiteID `json:"site"`
	Name    string       `json:"name"`
	There   bool         `json:"already_there"` // or a code for it is; nothing was made
	File    string       `json:"file,omitempty"`
	ID      string       `json:"id,omitempty"` // of the code
	Expires time.Time    `json:"expires,omitzero"`
}

// Centre makes a join file for every machine of the sheet in the folder dir.
// What is there already is passed over, so it can be run again: after a line
// that broke, or when the sheet has grown. tell hears of every machine.
func Centre(ctx context.Context, o Options, rows []Row, dir string, tell func(Made)) error {
	client, base, err := o.client()
	if err != nil {
		return err
	}
	bodies := make([][]byte, len(rows))
	for i, r := range rows {
		o.Name, o.Site = r.Name, r.Site
		bodies[i], err = o.encode(wire.EnrolmentRequest{Site: r.Site, Name: r.Name, Place: r.Place, Notes: r.Notes, Uses: 1, TTLS: int(o.TTL / time.Second), Once: true})
		if err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return field("out-dir", "cannot be made: %v", err)
	}
	for i, r := range rows {
		o.Name, o.Site = r.Name, r.Site
		m, err := o.one(ctx, filepath.Join(dir, r.File()), func() (wire.Enrolment, error) { return ask(ctx, client, base, o.Token, bodies[i]) })
		if err != nil {
			return lineError{r.Line, err}
		}
		tell(m)
	}
	return nil
}

// lineError is what went wrong with the machine of one line.
type lineError struct {
	line int
	err  error
}

func (e lineError) Error() string {
	return fmt.Sprintf("line %d: %v (the lines before it are done; run it again for the rest)", e.line, e.err)
}

func (e lineError) Unwrap() error { return e.err }

// one makes one machine's join file. A code whose file cannot be written is
// revoked, so that the next run can make another.
func (o Options) one(ctx context.Context, path string, code func() (wire.Enrolment, error)) (Made, error) {
	m := Made{Site: o.Site, Name: o.Name}
	file, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o600), renameio.WithTempDir(filepath.Dir(path)))
	if err != nil {
		return m, field("out-dir", "cannot be written to: %v", err)
	}
	defer file.Cleanup()
	e, err := code()
	var refused wire.Refusal
	if errors.As(err, &refused) && refused.Code == wire.RefusedThere {
		m.There = true
		return m, nil
	}
	if err != nil {
		return m, err
	}
	join, err := o.joined(e)
	if err != nil {
		return m, err
	}
	text, err := join.text(path)
	if err == nil {
		_, err = file.Write(text)
	}
	if err == nil {
		err = file.CloseAtomicallyReplace()
	}
	if err != nil {
		return m, errors.Join(fmt.Errorf("write the join file: %w", err), Revoke(ctx, o, e.ID))
	}
	m.File, m.ID, m.Expires = path, e.ID, join.Expires
	return m, nil
}
