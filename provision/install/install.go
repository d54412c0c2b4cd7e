// Package install is the installer stick: it shows the machine and its disks
// on a text terminal, asks a person once, and puts the image that the machine
// runs from onto a disk inside, with a name of its own at the agent.
//
// It never chooses a disk: a person types the end of the disk's serial number.
// Only a hands-off stick does without, and only where a machine has exactly one
// disk that is no kiosk's. It never touches what is removable, hangs on USB, or
// is in use. It opens no shell, and whatever is typed is an answer or nothing.
//
// A machine enrols before anything is erased, with a key that the stick keeps
// until the disk is whole: so a code that the agent refuses costs no disk, and
// an attempt that broke off costs no code. Without a network the disk gets the
// join file instead, and the machine enrols at its first start.
//
// Caveats: the image must run from its slot A. The letters of a serial number
// are typed on a keyboard that counts as an American one.
package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"yhteiskone/provision/disk"
	"yhteiskone/provision/write"
)

// Member is who a machine is, as its agent says.
type Member struct {
	Kiosk string `json:"kiosk"`
	Name  string `json:"name"`
	Site  string `json:"site"`
	Agent string `json:"agent"`
}

// Errors of Tools.Enrol that change what is done.
var (
	ErrRefused = errors.New("the agent refuses the code")
	ErrOffline = errors.New("the agent cannot be reached")
)

// Tools are what the installer has other programs do.
type Tools interface {
	// Check reads the slot that this machine runs from, and compares every
	// block with the hash that it was started with.
	Check(ctx context.Context) error
	// Enrol makes a member of the machine whose key lies in state, or is made.
	Enrol(ctx context.Context, join, state string) (Member, error)
	// FAT and Ext4 make a file system of size bytes in a file; Ext4's holds
	// what is in the folder.
	FAT(ctx context.Context, path string, size, at int64) error
	Ext4(ctx context.Context, path string, size int64, folder string) error
	// Hold makes sure that the program goes on without the stick, and Restart
	// ends it by starting the machine anew.
	Hold() error
	Restart() error
}

// Options say where everything is. All must be set but Open and Net.
type Options struct {
	Machine disk.Machine
	Conf    string // folder of the stick's kiosk-conf
	State   string // folder on the stick that outlives a restart
	Work    string // folder in memory
	Screen  *Screen
	Tools   Tools
	Page    func(agent, kiosk string) string       // address of a machine's page
	Picture func(address string) ([]string, error) // a QR code, in letters
	Grace   time.Duration                          // before a hands-off stick begins
	Open    func(disk.Machine, disk.Disk) (write.Device, error)
	Net     *Net // set on a machine that was started over the network, where no stick is
}

// installer is one stick at work.
type installer struct {
	Options
	plan  Plan
	words words
}

// kept is the folder with a key whose disk is not whole yet.
func (in *installer) kept() string { return filepath.Join(in.State, "pending") }

func (in *installer) planPath() string { return filepath.Join(in.Conf, PlanName) }

// Run installs, and ends with the machine's restart. What goes wrong is shown,
// and tried again when a person says so; an error is only for the end of ctx.
func Run(ctx context.Context, o Options) error {
	in := &installer{Options: o}
	var err error
	if in.words, err = in.speak(languages()[0]); err != nil {
		return err
	}
	for {
		result, err := in.once(ctx)
		if err == nil {
			return in.finished(ctx, result)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		in.tell(Progress{Step: StepFailed, Why: strings.ReplaceAll(err.Error(), "\n", "; ")})
		in.show(in.failure(err), nil, nil, true)
		if _, err := in.typed(ctx); err != nil {
			return err
		}
	}
}

// outcome is a disk that is whole.
type outcome struct {
	stick  disk.Disk
	member Member // without a Kiosk if it enrols later
}

// once looks, asks and installs.
func (in *installer) once(ctx context.Context) (outcome, error) {
	var err error
	if in.plan, err = ReadPlan(in.planPath()); err != nil {
		return outcome{}, stickError{err}
	}
	if in.plan.Lang != "" {
		if in.words, err = in.speak(in.plan.Lang); err != nil {
			return outcome{}, stickError{err}
		}
	}
	if in.plan.Machines < 1 {
		return outcome{}, errUsedUp
	}
	stick, target, err := in.choose(ctx)
	if err != nil {
		return outcome{}, err
	}
	member, err := in.enrol(ctx)
	if err != nil && !errors.Is(err, ErrOffline) {
		return outcome{}, err
	}
	in.tell(Progress{Step: StepChecking, Name: member.Name})
	in.show([]string{in.words.say("checking")}, nil, nil, false)
	if err := in.Tools.Check(ctx); err != nil {
		return outcome{}, stickError{err}
	}
	image, err := write.Running(filepath.Join(in.Machine.Root, stick.Path), target)
	if err != nil {
		return outcome{}, err
	}
	defer image.Close()
	bar := &bar{in: in}
	_, err = write.Run(ctx, write.Options{Image: image, Disk: target, Machine: in.Machine, Open: in.Open, Now: time.Now, Tell: bar.tell,
		Confirm: func(disk.Disk) error { return nil },
		Last: func(ctx context.Context) (write.Last, error) {
			if member.Kiosk == "" {
				if member, err = in.enrol(ctx); err != nil && !errors.Is(err, ErrOffline) {
					return write.Last{}, err
				}
			}
			in.tell(Progress{Step: StepFinishing})
			in.show([]string{in.words.say("finishing")}, nil, nil, false)
			return in.last(ctx, image, member.Kiosk != "")
		}})
	if err != nil {
		return outcome{}, errors.Join(err, in.putBack())
	}
	if in.plan, err = in.plan.used(in.planPath(), identity(target)); err != nil {
		in.Screen.Note(err.Error()) // the disk is whole all the same
	}
	return outcome{stick, member}, nil
}

// enrol lets the machine in with the key that the stick keeps for it.
func (in *installer) enrol(ctx context.Context) (Member, error) {
	in.tell(Progress{Step: StepJoining})
	in.show([]string{in.words.say("joining")}, nil, nil, false)
	text, err := in.plan.join()
	if err != nil {
		return Member{}, err
	}
	join := filepath.Join(in.Work, "join.json")
	if err := os.WriteFile(join, text, 0o600); err != nil {
		return Member{}, fmt.Errorf("enrol: %w", err)
	}
	if err := os.MkdirAll(in.kept(), 0o700); err != nil {
		return Member{}, fmt.Errorf("enrol: %w", err)
	}
	m, err := in.Tools.Enrol(ctx, join, in.kept())
	if err != nil {
		in.Screen.Note(err.Error())
	}
	return m, err
}

// last is what is this machine's own: empty file systems, the key and who it
// is, or the join file. From here on the key is the disk's and no other's.
func (in *installer) last(ctx context.Context, image *write.Image, joined bool) (write.Last, error) {
	l := write.Last{Files: map[string][]byte{}, Parts: map[string]string{
		write.ConfPart: filepath.Join(in.Work, "conf"), write.DataPart: filepath.Join(in.Work, "data")}}
	at, size := image.Part(write.ConfPart)
	if err := in.Tools.FAT(ctx, l.Parts[write.ConfPart], size, at); err != nil {
		return l, err
	}
	if radio, err := os.ReadFile(filepath.Join(in.Conf, "wifi.conf")); err == nil {
		l.Files["wifi.conf"] = radio
	}
	folder := filepath.Join(in.Work, "state")
	if err := errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o700)); err != nil {
		return l, fmt.Errorf("put the key aside: %w", err)
	}
	if joined {
		if err := copyKey(in.kept(), folder); err != nil {
			return l, fmt.Errorf("put the key aside: %w", err)
		}
	} else {
		text, err := in.plan.join()
		if err != nil {
			return l, err
		}
		l.Files["join.json"] = text
	}
	if _, size = image.Part(write.DataPart); size > 0 {
		if err := in.Tools.Ext4(ctx, l.Parts[write.DataPart], size, folder); err != nil {
			return l, err
		}
	}
	if err := os.RemoveAll(in.kept()); err != nil {
		return l, fmt.Errorf("hand the key over: %w", err)
	}
	return l, nil
}

// putBack keeps the key of a machine whose disk did not become whole.
func (in *installer) putBack() error {
	folder := filepath.Join(in.Work, "state")
	if _, err := os.Stat(filepath.Join(folder, memberFile)); err != nil {
		return nil
	}
	if err := os.MkdirAll(in.kept(), 0o700); err != nil {
		return fmt.Errorf("keep the key: %w", err)
	}
	return copyKey(folder, in.kept())
}

// Files of a kiosk's state that say who it is.
const (
	keyFile    = "key.pem"
	memberFile = "member.toml"
)

func copyKey(from, to string) error {
	for _, name := range []string{keyFile, memberFile} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// finished shows who the machine is, and starts it anew once the stick is out.
func (in *installer) finished(ctx context.Context, r outcome) error {
	if err := in.Tools.Hold(); err != nil {
		in.Screen.Note(err.Error())
	}
	lines := []string{in.words.say("done_later")}
	var below, picture []string
	if r.member.Kiosk != "" {
		address := in.Page(r.member.Agent, r.member.Kiosk)
		lines = []string{in.words.say("done", "name", r.member.Name), in.words.say("done_page") + " " + address}
		var err error
		if picture, err = in.Picture(address); err != nil {
			in.Screen.Note(err.Error())
		}
	}
	if in.plan.Machines > 0 {
		below = append(below, in.words.say("left", "n", fmt.Sprint(in.plan.Machines)))
	}
	if in.Net != nil {
		return in.leave(ctx, r.member.Name, lines, picture)
	}
	in.show(append(lines, in.words.say("take_out")), picture, below, false)
	look := time.NewTicker(time.Second / 4)
	defer look.Stop()
	for in.there(r.stick) {
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return in.Tools.Restart()
}

// there reports whether a disk is still plugged in.
func (in *installer) there(d disk.Disk) bool {
	_, err := os.Stat(filepath.Join(in.Machine.Root, "sys/block", filepath.Base(d.Path)))
	return err == nil
}
