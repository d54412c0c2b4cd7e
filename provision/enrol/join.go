package enrol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
)

// JoinName is the join file's name on a machine's disk, in the partition
// kiosk-conf. There it is JSON, which any system's tools can write.
const JoinName = "join.json"

// Join is the contents of a join file.
type Join struct {
	Agent   string       `toml:"agent" json:"agent" comment:"Where the agent is, and the key by which a kiosk knows it."`
	Pin     string       `toml:"pin" json:"pin"`
	Code    string       `toml:"code" json:"code" comment:"Lets one machine in, once. A secret until then."`
	Name    string       `toml:"name" json:"name" comment:"For people: which machine this is for."`
	Site    fleet.SiteID `toml:"-" json:"site,omitempty"` // for people as well; the agent knows it by the code
	Expires time.Time    `toml:"expires" json:"expires,omitzero"`
	// Machines is how many the code lets in, if more than one: for an installer.
	Machines int `toml:"machines,omitempty" json:"machines,omitempty"`
}

// ReadJoin reads a join file in either form.
func ReadJoin(path string) (Join, error) {
	var j Join
	text, err := os.ReadFile(path)
	if err != nil {
		return j, told{fmt.Errorf("read the join file: %w", err), ErrInput}
	}
	bad := func(err error) (Join, error) {
		return Join{}, told{fmt.Errorf("%s is not a join file: %w; make one with provision enrol", path, err), ErrInput}
	}
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		err = d.Decode(&j)
	} else {
		err = toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&j)
	}
	if err != nil {
		return bad(err)
	}
	if _, _, err := identity.ParsePin(j.Pin); err != nil {
		return bad(fmt.Errorf("pin: %w", err))
	}
	if j.Code, err = identity.ParseCode(j.Code); err != nil {
		return bad(fmt.Errorf("code: %w", err))
	}
	if j.Machines < 0 || j.Machines > wire.CodeUsesLimit {
		return bad(fmt.Errorf("machines is not a number from 1 to %d", wire.CodeUsesLimit))
	}
	if !httpAddress(j.Agent) {
		return bad(errors.New("agent is not an address that begins with https://"))
	}
	return j, nil
}

// text is the join file in the form that its name asks for.
func (j Join) text(path string) ([]byte, error) {
	if filepath.Ext(path) == ".json" {
		return j.JSON()
	}
	return toml.Marshal(j)
}

func httpAddress(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}

// JSON is the join file as a machine's disk holds it.
func (j Join) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the join file: %w", err)
	}
	return append(text, '\n'), nil
}
