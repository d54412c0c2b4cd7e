package main

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// ownedBy refuses root in a folder of somebody else's: files that root leaves
// there would keep the agent, which runs as its own user, from its data.
func ownedBy(dir string, uid int) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("open the data folder: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || uid != 0 || stat.Uid == 0 {
		return nil
	}
	name := strconv.FormatUint(uint64(stat.Uid), 10)
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return badInput("the data folder %s belongs to the user %s; run this as that user: runuser -u %[2]s -- COMMAND", dir, name)
}
