package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"yhteiskone/internal/dev/guest"
)

// wallTests are those of kiosk/browser that need more than a guest has: a
// second user, the right to become it, and a control group of their own.
const wallTests = "^TestBrowser(RunsAsAnotherUser|OfAnotherUserDiesWithItsParent|InGroup|InUnits)$"

// wallCount is how many they are.
const wallCount = 4

// notTried is what such a test says where it could not try anything.
const notTried = "not tried: "

// walls runs them once more with all that only root can hand out, as systemd
// does on the image.
func walls(ctx context.Context, r *report) error {
	who, err := guest.Find()
	if err != nil {
		return err
	}
	if !who.Other() {
		r.printf("%sonly root can hand out a second user and a control group\n", notTried)
		return nil
	}
	w, err := newWorkshop(who)
	if err != nil {
		return fmt.Errorf("prepare a place for the tests: %w", err)
	}
	defer w.close(r)
	client, err := user.Lookup(guest.Name + "-client")
	if err != nil {
		return fmt.Errorf("find the client's user: %w; run make setup", err)
	}
	program := filepath.Join(w.dir, "tests", "walls.test")
	if out, err := command(ctx, []string{"CGO_ENABLED=0"}, "go", "test", "-c", "-o", program, "./kiosk/browser").CombinedOutput(); err != nil {
		r.printf("%s", out)
		return fmt.Errorf("compile: %w", err)
	}
	if err := os.Chmod(program, 0o755); err != nil {
		return err
	}
	enter, env := "", guest.Environ(filepath.Join(w.dir, "home"), filepath.Join(w.dir, "run"), "YHTEISKONE_TEST="+w.dir)
	group, err := handOut(w.who)
	switch {
	case err == nil:
		defer group.close(r)
		enter = "echo $$ >" + group.dir + "/cgroup.procs; "
		env = append(env, "YHTEISKONE_CGROUP="+group.dir)
	case errors.Is(err, errNoGroups):
		r.printf("no control group can be handed out here: %v\n", err)
	default:
		return err
	}
	// The user's own folders are closed to the other one, but for passing
	// through.
	for _, dir := range []string{"home", "run", "tests"} {
		if err := os.Chmod(filepath.Join(w.dir, dir), 0o711); err != nil {
			return err
		}
	}
	caps := "+setuid,+setgid,+kill"
	cmd := command(ctx, nil, "/bin/sh", "-c", enter+`exec setpriv --reuid "$0" --regid "$1" --clear-groups --inh-caps `+caps+` --ambient-caps `+caps+
		` "$2" -test.v -test.timeout 10m -test.run "$3"`, strconv.Itoa(w.who.UID), strconv.Itoa(w.who.GID), program, wallTests)
	cmd.Env = env
	cmd.Dir = filepath.Join(w.tree(), "kiosk/browser")
	before, passed := len(r.untried), r.tests.passed
	err = r.goTest(cmd)
	if n := r.tests.passed - passed; n != wallCount {
		err = errors.Join(err, fmt.Errorf("%d of these tests passed, not %d", n, wallCount))
	}
	for _, line := range r.untried[before:] {
		if group != nil || !strings.Contains(line, "control group") {
			err = errors.Join(err, fmt.Errorf("a check that nobody made: %s", line))
		}
	}
	for pid, line := range guest.Gone(context.WithoutCancel(ctx), w.dir, leftPatience) {
		err = errors.Join(err, fmt.Errorf("left running: %d %.200s", pid, line))
	}
	return errors.Join(err, livesOn(client.Uid))
}

// livesOn reports a process of the client's user, who has none between
// sessions.
func livesOn(uid string) error {
	all, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), "\nUid:\t"+uid+"\t") && !strings.Contains(string(text), "\nState:\tZ") {
			return fmt.Errorf("%s is the client's and still there", path)
		}
	}
	return nil
}

// errNoGroups says that this machine has no hierarchy of control groups in
// which root may make one.
var errNoGroups = errors.New("there is no writable cgroup v2")

// handed is a control group that belongs to the guest.
type handed struct{ dir string }

func handOut(who guest.Guest) (*handed, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		if !strings.Contains(s.Text(), " - cgroup2 ") || len(fields) < 5 {
			continue
		}
		dir := filepath.Join(fields[4], fmt.Sprintf("yhteiskone-test-%d", os.Getpid()))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, fmt.Errorf("%w: %w", errNoGroups, err)
		}
		g := &handed{dir}
		for _, name := range []string{"", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"} {
			if err := os.Chown(filepath.Join(dir, name), who.UID, who.GID); err != nil {
				return nil, errors.Join(fmt.Errorf("hand out a control group: %w", err), os.Remove(dir))
			}
		}
		return g, nil
	}
	return nil, errNoGroups
}

// close ends what is left in the group and removes it.
func (g *handed) close(r *report) {
	if err := os.WriteFile(filepath.Join(g.dir, "cgroup.kill"), []byte("1"), 0); err != nil {
		r.printf("the control group does not end: %v\n", err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 100 {
		subs, _ := filepath.Glob(g.dir + "/*/cgroup.procs")
		for _, s := range subs {
			os.Remove(filepath.Dir(s))
		}
		if os.Remove(g.dir) == nil {
			return
		}
		<-tick.C
	}
	r.printf("the control group %s stays\n", g.dir)
}
