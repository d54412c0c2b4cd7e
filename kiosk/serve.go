package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/rest"
	"yhteiskone/internal/systemd"
	"yhteiskone/kiosk/display"
	"yhteiskone/kiosk/health"
	"yhteiskone/kiosk/session"
	"yhteiskone/kiosk/update"
	"yhteiskone/kiosk/uplink"
	"yhteiskone/kiosk/wipe"
)

// errAgain ends the program so that it is started anew with the same arguments.
var errAgain = errors.New("start anew")

// serve is `kiosk run`.
func serve(ctx context.Context, c *config, env map[string]string, timings string, stderr io.Writer) error {
	if os.Geteuid() == 0 {
		return badInput{errors.New("the kiosk does not run as root; run it as a user of its own")}
	}
	if err := wipe.NoCores(); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	rest.Often(25)
	if err := mkdirs(c.Runtime, c.State); err != nil && !c.KeepTrying {
		return badInput{err}
	}
	if err := os.Chmod(c.State, 0o700); err != nil { // a fresh file system's own folder is open to everybody
		log.Warn("others may see which files the kiosk keeps", "err", err)
	}
	lock, err := lockState(c.stateFile("lock"))
	var busy notNow
	if errors.As(err, &busy) || err != nil && !c.KeepTrying {
		return err
	}
	trace, err := openTimings(timings)
	if err != nil {
		return badInput{err}
	}
	defer trace.Close()
	k, err := assemble(ctx, c, env, log)
	if err != nil {
		lock.Close()
		return ended(ctx, err)
	}
	defer func() { k.lock.Close() }()
	defer k.close()
	k.trace, k.lock = trace.mark, lock
	err = k.run(ctx)
	if errors.Is(err, errServerGone) {
		k.close()
		log.Error("the X server is gone; starting anew when it is back")
		if waitErr := awaitServer(ctx, openServer); waitErr != nil {
			return waitErr
		}
		err = errAgain
	}
	if errors.Is(err, errAgain) {
		k.close()
		k.lock.Close()
		log.Info("starting anew")
		return startAnew(env)
	}
	return err
}

// openServer tries whether an X server lets us in.
func openServer() (func(), error) {
	d, err := display.Open()
	if err != nil {
		return nil, err
	}
	return d.Close, nil
}

// startAnew replaces this program by a fresh one. Nothing of ours runs any
// more: closing has seen to that.
func startAnew(env map[string]string) error {
	var environ []string
	for k, v := range env {
		environ = append(environ, k+"="+v)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("start anew: %w", err)
	}
	return fmt.Errorf("start anew: %w", syscall.Exec(self, os.Args, environ))
}

// lockState makes sure that one kiosk runs on one state folder.
func lockState(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, badInput{fmt.Errorf("lock the state folder: %w", err)}
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, notNow{fmt.Errorf("another kiosk runs with this state folder; end it first (%s)", path)}
	}
	return f, nil
}

// run enrols if that is still to be done, and then serves until the context
// ends.
func (k *kiosk) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { // without a screen or a window manager there is no kiosk
		if err := k.ground.watch(ctx); err != nil {
			cancel(err)
		}
	}()
	member, err := k.begin(ctx)
	if err != nil {
		return ended(ctx, err)
	}
	machine, err := k.machine(member, cancel)
	if err != nil {
		return err
	}
	socket, err := listenControl(k.config.socket())
	if err != nil {
		return err
	}
	server := &http.Server{Handler: (&control{machine, func() status { return k.status(machine, member) }}).handler(),
		ReadHeaderTimeout: 5 * time.Second}
	k.ground.carry(machine)
	go rings(ctx, k.browser.Help(), machine)
	tell := systemd.Of(func(name string) string { return k.env[name] })
	go tell.Watchdog(ctx, func() bool { return answers(ctx, machine) })
	go deadman(ctx, k.log, func() bool { return answers(ctx, machine) }, os.Exit)
	if err := tell.Say("READY=1"); err != nil {
		k.log.Warn("the service manager does not hear us", "err", err)
	}
	var group errgroup.Group
	group.Go(func() error { return machine.Run(ctx) })
	group.Go(func() error { return rest.GiveBack(ctx) })
	group.Go(func() error { k.updater.Run(ctx); return nil })
	group.Go(func() error { k.services.Run(ctx, k.uplink.Changed); return nil })
	// The line stays up while the last session is wiped, so that the agent
	// hears of the proof.
	line, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	hung := make(chan error, 1)
	go func() {
		hung <- k.uplink.Run(line, func() fleet.Report { return k.report(machine) }, obeyer{machine, k.config, k.updater})
	}()
	go server.Serve(socket)
	err = group.Wait()
	k.uplink.Flush(time.Second)
	hangUp()
	<-hung
	server.Close()
	return ended(ctx, err)
}

// ended turns the end of the context into what the program says.
func ended(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, errAgain):
		return errAgain
	case errors.Is(cause, errServerGone): // a wipe that could not be proved without it is proved at the next start
		return errServerGone
	case err == nil && cause != nil && !errors.Is(cause, context.Canceled):
		return cause
	case errors.Is(err, context.Canceled):
		return nil
	}
	return err
}

// enrolled returns who this kiosk is; before that is known it enrols, once, with
// the join file as it is now.
func (k *kiosk) enrolled(ctx context.Context, key ed25519.PrivateKey, first bool) (member uplink.Member, join uplink.Join, err error) {
	path := k.config.stateFile("member.toml")
	member, ok, err := uplink.ReadMember(path)
	if err != nil {
		return member, join, ofState(badInput{err})
	}
	if ok {
		return member, join, forgetJoin(k.config.Join)
	}
	if k.config.Join == "" {
		return member, join, snagged{session.SnagNoJoin, badInput{errors.New("this kiosk is not enrolled and no join file is configured; make one with `provision enrol`")}}
	}
	if join, err = uplink.ReadJoin(k.config.Join); err != nil {
		return member, join, ofJoin(k.config.Join, err)
	}
	if first {
		k.curtain(ctx, session.View{KioskName: join.Name})
	}
	if member, err = uplink.Enrol(ctx, join, key, health.Hardware(ctx), path); err != nil {
		return member, join, ofEnrolment(join.Agent, err)
	}
	k.log.Info("enrolled", "kiosk", member.Kiosk, "name", member.Name)
	return member, join, forgetJoin(k.config.Join)
}

// forgetJoin removes the join file once its code is used. On a medium that
// cannot be written it stays, and holds nothing that lets anybody in.
func forgetJoin(path string) error {
	if path == "" {
		return nil
	}
	if err := gone(path); err != nil && !errors.Is(err, syscall.EROFS) && !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("remove the join file: %w", err)
	}
	return nil
}

// obeyer hands on what the agent asks, with this machine's own settings put
// over the agent's.
type obeyer struct {
	*session.Machine
	config  *config
	updater *update.Updater
}

// Command carries out a command, or has the updater do it.
func (o obeyer) Command(ctx context.Context, c fleet.Command, answer func(fleet.Result)) {
	if c.Name == fleet.UpdateImage {
		o.updater.Command(ctx, c, answer)
		return
	}
	o.Machine.Command(ctx, c, answer)
}

func (o obeyer) Update(s fleet.Settings) { o.Machine.Update(o.config.settings(s)) }
