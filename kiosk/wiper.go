package main

import (
	"context"
	"os"
	"os/user"
	"strconv"

	"yhteiskone/kiosk/wipe"
)

// wiper makes what looks for left-overs, from the configuration.
func (k *kiosk) wiper(selections func() (int, error), clearSelections func() error) (*wipe.Wiper, error) {
	c, home := k.config, k.env["HOME"]
	w := wipe.Config{StateDir: c.State, SharedUser: c.Wipe.SharedUser, Ours: isShell,
		Places:    wipe.DefaultPlaces(home, k.env["XDG_RUNTIME_DIR"], c.Wipe.SharedUser, c.Runtime),
		Allow:     append([]string{c.State, c.Runtime, c.path, c.Join}, c.Wipe.Allow...),
		AllowSwap: c.Wipe.allows(c.Wipe.Swap), AllowMemory: c.Wipe.allows(c.Wipe.Memory),
		Print:      wipe.Print{Socket: c.Print.Socket},
		Selections: selections, ClearSelections: clearSelections}
	if home != "" {
		w.Homes = []string{home}
	}
	if u, err := user.LookupId(strconv.Itoa(os.Getuid())); err == nil {
		w.Print.Users = []string{u.Username}
	}
	wiper, err := wipe.New(w)
	if err != nil {
		return nil, err
	}
	go wiper.FindPlaces(context.Background()) // ends by itself
	return wiper, nil
}
