package install

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
)

// PlanName is the file in the stick's partition kiosk-conf that makes an
// installer of it.
const PlanName = "install.json"

// Plan is what the technician lets the stick do: a join file, and how often and
// how it may be used.
type Plan struct {
	Agent    string    `json:"agent"`
	Pin      string    `json:"pin"`
	Code     string    `json:"code"`
	Name     string    `json:"name"`
	Site     string    `json:"site,omitempty"`
	Expires  time.Time `json:"expires,omitzero"`
	Machines int       `json:"machines"`            // how many may still be made
	HandsOff bool      `json:"hands_off,omitempty"` // a machine with exactly one disk is not asked about
	Lang     string    `json:"lang,omitempty"`      // fi, sv or en; fi if empty
	// Done are the disks that were made with it, by serial number: such a one
	// is not erased again without a person's word.
	Done []string `json:"done,omitempty"`
}

// ReadPlan reads the file.
func ReadPlan(path string) (Plan, error) {
	var p Plan
	text, err := os.ReadFile(path)
	if err != nil {
		return p, fmt.Errorf("read the stick's plan: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return p, fmt.Errorf("read the stick's plan: %s: %w", filepath.Base(path), err)
	}
	if p.Machines < 0 {
		return p, errors.New("read the stick's plan: machines is less than nothing")
	}
	return p, nil
}

// Text is the file's contents.
func (p Plan) Text() ([]byte, error) {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the stick's plan: %w", err)
	}
	return append(text, '\n'), nil
}

// join is what a kiosk needs of it: its join file.
func (p Plan) join() ([]byte, error) {
	return json.MarshalIndent(struct {
		Agent   string    `json:"agent"`
		Pin     string    `json:"pin"`
		Code    string    `json:"code"`
		Name    string    `json:"name"`
		Site    string    `json:"site,omitempty"`
		Expires time.Time `json:"expires,omitzero"`
	}{p.Agent, p.Pin, p.Code, p.Name, p.Site, p.Expires}, "", "  ")
}

// used is the plan after one more disk, kept on the stick.
func (p Plan) used(path, disk string) (Plan, error) {
	p.Machines = max(0, p.Machines-1)
	p.Done = append(append([]string(nil), p.Done...), disk)
	text, err := p.Text()
	if err != nil {
		return p, err
	}
	if err := renameio.WriteFile(path, text, 0o600, renameio.WithTempDir(filepath.Dir(path))); err != nil {
		return p, fmt.Errorf("count on the stick: %w", err)
	}
	return p, nil
}
