package main

import (
	"context"
	"os"
	"os/user"
	"strconv"

	"yhteiskone/kiosk/update"
	"yhteiskone/kiosk/wipe"
)

// wiper makes what looks for left-overs, from the configuration.
func (k *kiosk) wiper(selections func() (int, error), clearSelections func() error) (*wipe.Wiper, error) {
	c, home := k.config, k.env["HOME"]
	w := wipe.Config{StateDir: c.State, SharedUser: c.Wipe.SharedUser, Ours: c.isShell,
		Places: wipe.DefaultPlaces(home, k.env["XDG_RUNTIME_DIR"], c.Wipe.SharedUser, c.Runtime),
		// In the boot partition the updater writes, which no client reaches.
		Allow:     append([]string{c.State, c.Runtime, c.path, c.Join, update.DefaultMachine().ESP}, c.Wipe.Allow...),
		AllowSwap: c.Wipe.allows(c.Wipe.Swap), AllowMemory: c.Wipe.allows(c.Wipe.Memory),
		Print:      wipe.Print{Socket: c.Print.Socket, Spool: c.Print.Spool, Logs: c.Print.Logs},
		Selections: selections, ClearSelections: clearSelections}
	if home != "" {
		w.Homes = []string{home}
	}
	w.UIDs = []int{os.Getuid()}
	if k.client != nil {
		w.UIDs, w.Client = append(w.UIDs, k.client.UID), k.client.UID
	}
	for _, uid := range w.UIDs {
		u, err := user.LookupId(strconv.Itoa(uid))
		if err != nil {
			continue // a user without a name has no home and prints as nobody
		}
		w.Print.Users = append(w.Print.Users, u.Username)
		if uid == w.Client && u.HomeDir != "" && u.HomeDir != "/" {
			w.Homes = append(w.Homes, u.HomeDir)
			w.Places = append(w.Places, wipe.Place{Path: u.HomeDir})
		}
	}
	wiper, err := wipe.New(w)
	if err != nil {
		return nil, err
	}
	go wiper.FindPlaces(context.Background()) // ends by itself
	return wiper, nil
}
