package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"yhteiskone/provision/disk"
	"yhteiskone/provision/install"
	"yhteiskone/provision/label"
	"yhteiskone/provision/lan"
)

// grace is how long a hands-off stick waits for somebody to stop it.
const grace = 15 * time.Second

// kioskUser is the user of the image whom kiosk-data belongs to.
const kioskUser = 800

// runInstall is the installer on its stick: the image starts it on its first
// terminal if the stick has a plan.
func runInstall(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var conf, state, work string
	f := flagSet("install")
	f.StringVar(&conf, "conf", "/conf", "`folder` of the stick's partition kiosk-conf, with "+install.PlanName)
	f.StringVar(&state, "state", "/var/lib/yhteiskone", "`folder` on the stick for a key whose disk is not whole yet")
	f.StringVar(&work, "work", "/run/yhteiskone-install", "`folder` in memory")
	if help, err := named(f, args, stdout); help || err != nil {
		return err
	}
	if !isTerminal(os.Stdin) || !isTerminal(os.Stdout) {
		return inputError{errors.New("install: it runs on a terminal of the stick that \"provision write --install\" made")}
	}
	if _, err := install.ReadPlan(conf + "/" + install.PlanName); err != nil {
		return inputError{fmt.Errorf("install: %w", err)}
	}
	if err := os.MkdirAll(work, 0o700); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	if err := answersOnly(os.Stdin); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	large(os.Stdout)
	screen := &install.Screen{Out: os.Stdout, Size: func() (int, int) { return sizeOf(os.Stdout) },
		Note: func(text string) { fmt.Fprintln(stderr, strings.Join(strings.Fields(text), " ")) }}
	screen.Listen(os.Stdin)
	over, err := overNet(ctx)
	if err != nil {
		return fmt.Errorf("install: %w", err)
	}
	return install.Run(ctx, install.Options{Net: over, Machine: disk.This(), Conf: conf, State: state, Work: work, Screen: screen, Grace: grace,
		Tools: install.System{Kiosk: "/usr/bin/kiosk", Owner: kioskUser, Folder: work, Patient: 30 * time.Second},
		Page:  label.Page, Picture: label.Letters})
}

// endShown is how long the end of an installation over the network is shown, and
// heard how long the server has to hear of it before the machine restarts.
const (
	endShown = 20 * time.Second
	endHeard = time.Minute
)

// overNet is nil on a machine that runs from a stick.
func overNet(ctx context.Context) (*install.Net, error) {
	line, ok, err := netLine()
	if err != nil || !ok {
		return nil, err
	}
	office := lan.NewOffice(line, &http.Client{Timeout: 10 * time.Second})
	go office.Run(ctx)
	about := install.About("/")
	return &install.Net{Stay: endShown,
		Tell: func(p install.Progress) {
			office.Tell(lan.Report{Step: p.Step, Percent: p.Percent, Name: p.Name, Disk: p.Disk, Why: p.Why, About: about})
		},
		Told: func(ctx context.Context) error {
			ctx, stop := context.WithTimeout(ctx, endHeard)
			defer stop()
			return office.Wait(ctx)
		}}, nil
}

// answersOnly takes from the terminal's keys what would stop the program: every
// key is a letter of an answer.
func answersOnly(f *os.File) error {
	t, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return fmt.Errorf("set the terminal up: %w", err)
	}
	t.Lflag &^= unix.ISIG
	t.Iflag &^= unix.IXON
	t.Cc[unix.VEOF] = 0 // Ctrl-D ends nothing
	if err := unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, t); err != nil {
		return fmt.Errorf("set the terminal up: %w", err)
	}
	return nil
}

func sizeOf(f *os.File) (columns, rows int) {
	w, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil || w.Col == 0 {
		return 80, 25
	}
	return int(w.Col), int(w.Row)
}
