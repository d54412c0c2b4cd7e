package uplink

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// settingsFile holds the settings that the agent sent last, as it sent them,
// so that a kiosk that starts without the agent knows when the place is open,
// where clients may go and whom to call.
const settingsFile = "settings.json"

// settingsMost is more than any settings have that came over the line.
const settingsMost = wire.LimitAfter

// Settings returns what the agent said last, in this run of the kiosk or an
// earlier one, and whether it ever said anything.
func (u *Uplink) Settings() (fleet.Settings, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.settings == nil {
		return fleet.Settings{}, false
	}
	return u.settings.Fleet(), true
}

// readSettings reads the file. A damaged one is as good as none: the agent
// sends the settings again.
func (u *Uplink) readSettings() {
	path := filepath.Join(u.Dir, settingsFile)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var text []byte
	if err == nil && info.Size() > settingsMost {
		err = fmt.Errorf("%d bytes are too many", info.Size())
	}
	if err == nil {
		text, err = os.ReadFile(path)
	}
	var m wire.Message
	if err == nil {
		m, err = wire.Decode(text)
	}
	kept, ok := m.(wire.Settings)
	if err == nil && !ok {
		err = errors.New("it holds something else")
	}
	if err != nil {
		u.Log.Error("the settings that the agent sent last are damaged; the kiosk uses its own until it hears them again", "err", err)
		return
	}
	u.settings = &kept.Settings
}

// heardSettings keeps what the agent sent, and hands it on.
func (u *Uplink) heardSettings(s wire.SettingsBody, obey Obeyer) {
	text, err := wire.Encode(wire.Settings{Settings: s})
	u.mu.Lock()
	before := u.settings
	u.settings = &s
	u.mu.Unlock()
	if err == nil {
		var old []byte
		if before != nil {
			old, _ = wire.Encode(wire.Settings{Settings: *before})
		}
		if string(old) != string(text) {
			err = renameio.WriteFile(filepath.Join(u.Dir, settingsFile), text, 0o600, renameio.WithTempDir(u.Dir))
		}
	}
	if err != nil {
		u.Log.Error("the agent's settings could not be kept", "err", err)
	}
	obey.Update(s.Fleet())
}

// forgetSettings removes what an earlier agent said: the kiosk belongs to
// another place now.
func forgetSettings(dir string) error {
	return errors.Join(forget(filepath.Join(dir, settingsFile)), forget(filepath.Join(dir, addressFile)))
}
