package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"yhteiskone/agent/simulate"
	"yhteiskone/agent/staff"
)

// The demo's kiosks, of every role, and its one account.
const (
	demoKiosks = 24
	demoName   = "Esittely"
)

//go:embed demo.toml
var demoConfig []byte

// demo is a look at the dashboard without any kiosk. Everything is in a folder
// that goes when the context ends.
func demo(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	fs := flag.NewFlagSet("demo", flag.ContinueOnError)
	listen := fs.String("listen", "127.0.0.1:0", "")
	if _, err := parse(fs, args); err != nil {
		return err
	}
	plain := ownOnly(*listen)
	if err := checkListen(*listen, plain); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "yhteiskone-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file, data := filepath.Join(dir, "agent.toml"), filepath.Join(dir, "data")
	if err := os.WriteFile(file, demoConfig, 0o600); err != nil {
		return fmt.Errorf("write the demo's configuration: %w", err)
	}
	c, err := loadConfig(file)
	if err != nil {
		return err
	}
	password, err := demoPerson(ctx, data)
	if err != nil {
		return err
	}
	up := make(chan string, 1)
	a := &agent{log: newLog(stderr, logConfig{Level: "error"}), config: c, again: make(chan struct{}), up: func(base string) { up <- base }}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		_, err := a.once(ctx, data, *listen, plain, io.Discard)
		return err
	})
	group.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case base := <-up:
			return a.demoFleet(ctx, data, func() {
				fmt.Fprintf(stdout, "demo: %s\ndemo: sign in as %s with the password %s\n"+
					"demo: %d machines that do not exist, at %d sites. Ctrl-C ends it, and nothing is kept.\n",
					base, demoName, password, demoKiosks, len(c.Sites))
			})
		}
	})
	return group.Wait()
}

// ownOnly reports whether only this machine reaches the address: then the demo
// needs no certificate, about which a browser would warn.
func ownOnly(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// demoPerson makes the account. Its password is another one each time.
func demoPerson(ctx context.Context, data string) (password string, err error) {
	o, done, err := operate(ctx, data)
	if err != nil {
		return "", err
	}
	text := strings.ToLower(rand.Text())
	password = text[:5] + "-" + text[5:10] + "-" + text[10:15] + "-" + text[15:20]
	_, err = o.AddUser(ctx, userRequest{Name: demoName, Grants: grantsOut(staff.At(staff.Admin)), Password: password})
	return password, errors.Join(err, done())
}

// demoFleet runs the kiosks, after it has given them a past.
func (a *agent) demoFleet(ctx context.Context, data string, ready func()) error {
	c := simulate.Config{Kiosks: demoKiosks, Seed: 1, Enrolled: func() error {
		if err := a.demoPast(); err != nil {
			return fmt.Errorf("make up the demo's past: %w", err)
		}
		ready()
		return nil
	}}
	if err := simulatedCodes(ctx, &c, data, len(a.config.Sites)); err != nil {
		return err
	}
	return simulate.Run(ctx, c)
}
