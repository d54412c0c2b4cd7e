package main

import (
	"context"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"yhteiskone/agent/crowd"
	"yhteiskone/agent/dashboard"
	"yhteiskone/agent/front"
	"yhteiskone/agent/gate"
	"yhteiskone/agent/state"
	"yhteiskone/agent/store"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/acceptance"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/rest"
	"yhteiskone/internal/systemd"
)

// stopTime is how long a stop may take before connections are cut.
const stopTime = 5 * time.Second

// agent is the running agent: its parts, wired.
type agent struct {
	log    *slog.Logger
	config config
	store  *store.Store
	id     *identity.Agent
	board  *state.Board
	gate   *gate.Gate
	people *people
	backup *backups
	again  chan struct{} // closed when the agent is to start anew
	tell   systemd.Manager

	dir      string
	plain    bool
	started  time.Time
	listener *front.Listener
	crowd    *crowd.Crowd
	metrics  *metrics
	public   front.Public // the certificate for browsers; nil: the agent's own
	alerts   *alerts
	up       func(base string) // is told where it listens; nil: nobody is
}

// serve runs the agent until the context ends.
func serve(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("serve", flag.ContinueOnError)
	data, listen, file := fs.String("data", "", ""), fs.String("listen", "", ""), fs.String("config", "", "")
	plain := fs.Bool("plain-http", false, "")
	if _, err := parse(fs, args); err != nil {
		return err
	}
	if err := need(map[string]string{"data": *data, "listen": *listen}, "data", "listen"); err != nil {
		return err
	}
	if err := checkListen(*listen, *plain); err != nil {
		return err
	}
	c, err := loadConfig(*file)
	if err != nil {
		return err
	}
	log := newLog(stderr, c.Log)
	rest.Often(50) // half as much free as is held for the kiosks, and not as much again
	var public front.Public
	if !*plain {
		if public, err = c.public(*data, log); err != nil {
			return err
		}
	}
	for {
		a := &agent{log: log, config: c, public: public, again: make(chan struct{}), tell: systemd.Of(os.Getenv)}
		address, err := a.once(ctx, *data, *listen, *plain, stdout)
		if !errors.Is(err, errAgain) {
			return err
		}
		*listen = address // a port that the system chose stays
		log.Warn("starting anew")
	}
}

// errAgain ends a run after which the agent starts anew.
var errAgain = errors.New("the agent starts anew")

// once opens the data and runs, until the context ends or the agent is to
// start anew.
func (a *agent) once(ctx context.Context, dir, listen string, plain bool, stdout io.Writer) (address string, err error) {
	mend := &mending{keeperOf(dir, nil, a.config.Backup), a.log}
	d, err := openData(dir, mend)
	if errors.Is(err, store.ErrBusy) {
		return "", notNow("another agent is running with the data folder %s; stop it first, or use another folder", dir)
	}
	if err != nil {
		return "", err
	}
	defer d.Close()
	d.store.In(a.config.location)
	a.dir, a.plain, a.started = dir, plain, time.Now()
	a.store, a.id, a.backup = d.store, d.id, newBackups(keeperOf(dir, d.store, a.config.Backup), a.config.Backup.Every.Duration, a.log)
	return a.run(ctx, dir, listen, plain, stdout)
}

func checkListen(listen string, plain bool) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return badInput("--listen: %q is not host:port, for example 127.0.0.1:8443", listen)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return badInput("--listen: %q is not a port number", port)
	}
	ip := net.ParseIP(host)
	if plain && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return badInput("--plain-http is for this machine's own addresses only, not %q; leave it out, or listen on 127.0.0.1", host)
	}
	return nil
}

// run wires the parts and runs them.
func (a *agent) run(ctx context.Context, dir, listen string, plain bool, stdout io.Writer) (bound string, err error) {
	if _, err := a.store.PutSites(a.config.sites()...); err != nil {
		return "", fmt.Errorf("keep the sites: %w", err)
	}
	if err := a.store.PutSettings(a.config.settings, a.config.places); err != nil {
		return "", fmt.Errorf("keep the settings: %w", err)
	}
	if err := a.publishAuthority(dir); err != nil {
		return "", err
	}
	a.board = state.NewBoard(watch.Judge).With(watch.Outlook{})
	if err := a.load(); err != nil {
		return "", fmt.Errorf("read the store: %w", err)
	}
	a.gate = gate.New(gate.Config{Store: withHolidays{a.store}, Presence: a.board, Signer: a.id, Pin: a.id.Pin(),
		Names: a.config.Names, Log: a.log})
	a.alerts = newAlerts(a)
	stopping := make(chan struct{})
	a.metrics = newMetrics(a)
	people, err := newPeople(a, !plain || strings.HasPrefix(a.config.Address, "https://"), stopping)
	if err != nil {
		return "", err
	}
	a.people = people

	l, err := net.Listen("tcp", listen)
	if err != nil {
		return "", notNow("listen on %s: %w", listen, err)
	}
	if a.crowd, err = crowd.New(); err != nil {
		l.Close()
		return "", err
	}
	defer a.crowd.Close()
	a.listener = front.Limit(a.crowd.Listen(l), front.Limits{All: a.config.Limits.Connections, Each: a.config.Limits.Each}, a.config.proxies)
	address := a.address(l.Addr().(*net.TCPAddr), plain)
	if err := a.store.SetAddress(address); err != nil {
		l.Close()
		return "", fmt.Errorf("keep the address: %w", err)
	}
	control, err := listenControl(dir)
	if err != nil {
		l.Close()
		return "", err
	}
	defer os.Remove(socketPath(dir))
	return l.Addr().String(), a.serve(ctx, a.listener, control, plain, stopping, func() {
		base := a.local(l.Addr().(*net.TCPAddr), plain)
		fmt.Fprintf(stdout, "agent: listening on %s\n", base)
		if a.up != nil {
			a.up(base)
		}
		if err := a.people.sayFirst(stdout, address); err != nil {
			a.log.Error("first admin", "why", err)
		}
		a.say("READY=1")
	})
}

func (a *agent) serve(ctx context.Context, l, control net.Listener, plain bool, stopping chan struct{}, ready func()) error {
	live, cut := context.WithCancel(context.Background()) // ends what streams
	defer cut()
	web := a.server(a.routes(), live)
	if own := a.id.Certificates(a.config.Names...); !plain {
		web.TLSConfig = own.Config()
		if a.public != nil {
			web.TLSConfig.GetCertificate = front.Choose(a.public, own.Get)
		}
	}
	issuer, _ := a.public.(*front.Issuer)
	if issuer != nil {
		web.TLSConfig.NextProtos = append(web.TLSConfig.NextProtos, front.Protocol)
	}
	local := a.server(controlHandler(a.people.console), live)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { a.board.Run(ctx); return nil })
	group.Go(func() error { return a.crowd.Run(ctx) })
	group.Go(func() error { return a.look(ctx, l.Addr()) })
	group.Go(func() error { return a.keepSeen(ctx) })
	group.Go(func() error { return a.keepFaults(ctx) })
	group.Go(func() error { return a.keepServed(ctx) })
	group.Go(func() error { return a.tidy(ctx) })
	group.Go(func() error { return a.backup.run(ctx) })
	group.Go(func() error { a.tell.Watchdog(ctx, func() bool { return answers(ctx, a.touch) }); return nil })
	group.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-a.again:
			return errAgain
		}
	})
	if issuer != nil {
		group.Go(func() error { return issuer.Run(ctx) })
	}
	group.Go(func() error { return a.alerts.notifier.Run(ctx) })
	group.Go(func() error { return a.alerts.follow(ctx) })
	group.Go(func() error { return rest.GiveBack(ctx) })
	group.Go(func() error {
		if plain {
			return serving(web.Serve(l))
		}
		return serving(web.ServeTLS(l, "", ""))
	})
	group.Go(func() error { return serving(local.Serve(control)) })
	group.Go(func() error {
		<-ctx.Done()
		a.say("STOPPING=1")
		close(stopping)
		cut()
		end, done := context.WithTimeout(context.Background(), stopTime)
		defer done()
		a.gate.Close(end)
		for _, s := range []*http.Server{local, web} {
			if s.Shutdown(end) != nil {
				s.Close()
			}
		}
		return nil
	})
	ready()
	return group.Wait()
}

func serving(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}

// server has limits for what somebody may send or leave unsent. Bodies and answers
// have theirs in logged, address by address, because the dashboard's live
// updates are long.
func (a *agent) server(h http.Handler, live context.Context) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 75 * time.Second, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return live },
		ErrorLog:    slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)}
}

// load puts what the disk remembers on the board.
func (a *agent) load() error {
	kiosks, err := a.store.Kiosks()
	if err != nil {
		return err
	}
	seen, err := a.store.Seen()
	if err != nil {
		return err
	}
	if err := a.placeSites(); err != nil {
		return err
	}
	for _, k := range kiosks {
		known := state.Known{Kiosk: k, LastSeen: seen[k.ID]}
		set, err := a.store.Settings(k)
		if err != nil {
			return err
		}
		known.SiteName = set.SiteName
		if known.Faults, err = a.store.OpenFaults(k.ID); err != nil {
			return err
		}
		if known.Proof, err = a.store.Proof(k.ID); err != nil {
			return err
		}
		call, _, found, err := a.store.Help(k.ID)
		if err != nil {
			return err
		}
		if found {
			known.Help = &call
		}
		a.board.Put(known)
	}
	return nil
}

// publishAuthority writes the certificate that staff may install in their
// browsers. It is made once: a browser takes a second one of the same key for
// a forgery.
func (a *agent) publishAuthority(dir string) error {
	path := filepath.Join(dir, "authority.pem")
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	cert, err := a.id.Authority()
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return fmt.Errorf("write the authority's certificate: %w", err)
	}
	return nil
}

// local is where the agent listens, as an address that this machine reaches.
func (a *agent) local(addr *net.TCPAddr, plain bool) string {
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme(plain) + net.JoinHostPort(host, strconv.Itoa(addr.Port))
}

// address is what kiosks and people are told.
func (a *agent) address(addr *net.TCPAddr, plain bool) string {
	port := strconv.Itoa(addr.Port)
	switch {
	case a.config.Address != "":
		return a.config.Address
	case len(a.config.Names) > 0 && !plain:
		return scheme(plain) + net.JoinHostPort(a.config.Names[0], port)
	case addr.IP.IsUnspecified():
		return scheme(plain) + net.JoinHostPort(ownAddress(), port)
	}
	return a.local(addr, plain)
}

func scheme(plain bool) string {
	if plain {
		return "http://"
	}
	return "https://"
}

// ownAddress is the first address of this machine that others may reach.
func ownAddress() string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "127.0.0.1"
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			return n.IP.String()
		}
	}
	return "127.0.0.1"
}

// siteNamed brings a site's new name to the board and to its kiosks.
func (a *agent) siteNamed(s fleet.Site) {
	a.board.NameSite(s.ID, s.Name)
	a.gate.Renew()
}

// dashboardOf makes the pages.
func (a *agent) dashboardOf(p *people, stopping <-chan struct{}) http.Handler {
	return dashboard.New(dashboard.Deps{Fleet: a.board, Actions: &actions{a}, Audit: a.store, History: a.store, Numbers: a.store, Walls: a.store, Texts: watch.Texts{},
		Alerts: a.alerts, Places: &places{a}, Releases: releaseDesk{p.console}, Sheets: &sheets{a}, Words: acceptance.New(), Staff: p.staff, Register: a.store, Provider: a.config.OIDC.button(), Health: a.health, Now: time.Now, Log: a.log, Location: a.config.location, Version: version(), Stop: stopping})
}
