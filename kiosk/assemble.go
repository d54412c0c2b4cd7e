package main

import (
	"context"
	"crypto/ed25519"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/browser"
	"yhteiskone/kiosk/catalogue"
	"yhteiskone/kiosk/check"
	"yhteiskone/kiosk/display"
	"yhteiskone/kiosk/health"
	"yhteiskone/kiosk/screen"
	"yhteiskone/kiosk/services"
	"yhteiskone/kiosk/session"
	"yhteiskone/kiosk/update"
	"yhteiskone/kiosk/uplink"
	"yhteiskone/kiosk/wake"
)

// kiosk is all the parts, wired.
type kiosk struct {
	config   *config
	env      map[string]string
	log      *slog.Logger
	display  *display.Display
	ground   *ground
	tiles    *catalogue.Shelf
	screen   *screen.Screen
	browser  *browser.Browser
	client   *browser.User // whom it runs as; nil for our own user
	bounded  bool          // it has a control group with bounds
	guarded  bool          // the X server does not trust it
	prover   *prover
	uplink   *uplink.Uplink
	sensors  *health.Sensors
	services *services.Prober
	screens  screens
	aids     *aids
	updater  *update.Updater
	hidden   atomic.Pointer[session.Machine] // hears when the client hid the on-screen keyboard
	trace    func(string)
	lock     *os.File // on the state folder; nil while that cannot be written
	closed   bool
}

// assemble opens what does not depend on who the kiosk is: the display, the
// shell, the client's browser. What is missing is bad input.
func assemble(ctx context.Context, c *config, env map[string]string, log *slog.Logger) (_ *kiosk, err error) {
	k := &kiosk{config: c, env: env, log: log, trace: func(string) {}}
	defer func() {
		if err != nil {
			k.close()
		}
	}()
	tiles, err := catalogue.Default()
	if c.Catalogue != "" {
		tiles, err = catalogue.Load(c.Catalogue)
	}
	if err != nil {
		return nil, badInput{err}
	}
	k.tiles = catalogue.NewShelf(tiles)
	if k.display, err = display.Open(); err != nil {
		return nil, badInput{err}
	}
	if k.browser, err = k.openBrowser(); err != nil {
		return nil, badInput{err}
	}
	if err := k.browser.Check(); err != nil {
		return nil, badInput{err}
	}
	k.ground = &ground{display: k.display, start: k.startManager, log: log}
	if k.ground.manager, err = k.startManager(ctx); err != nil {
		return nil, err
	}
	if err := k.display.Cover(); err != nil {
		return nil, err
	}
	k.aids = openAids(ctx, k.display, env["ALSA_CONFIG_PATH"], k.keyboardHidden, log)
	k.screen, err = screen.Open(ctx, screen.Config{Display: k.display, Catalogue: k.tiles, Dir: c.Runtime,
		Chromium: c.Browser.Chromium, Unit: c.unit(shellUnit), Log: log})
	return k, err
}

// close takes the parts down, the screen last.
func (k *kiosk) close() {
	if k.closed {
		return
	}
	k.closed = true
	if k.screen != nil {
		if err := k.screen.Close(); err != nil {
			k.log.Warn("the shell did not close well", "err", err)
		}
	}
	if k.aids != nil {
		k.aids.close()
	}
	if k.browser != nil {
		k.browser.Close()
	}
	if k.ground != nil {
		k.ground.stop()
	}
	if k.display != nil {
		k.display.Close()
	}
}

func (k *kiosk) startManager(ctx context.Context) (manager, error) {
	m, err := k.display.StartManager(ctx, display.Config{Dir: k.config.Runtime, Strip: k.display.StripHeight(),
		ShellClass: screen.Class, ClientClass: browser.Class})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// selections counts what lies in the clipboard. With the server all of it
// goes.
func (k *kiosk) selections() (int, error) {
	select {
	case <-k.display.Done():
		return 0, nil
	default:
		return k.display.SelectionOwners()
	}
}

// clearSelections empties the clipboard.
func (k *kiosk) clearSelections() error {
	select {
	case <-k.display.Done():
		return nil
	default:
		return k.display.ClearSelections()
	}
}

func cookies(env map[string]string) string {
	if path := env["XAUTHORITY"]; path != "" {
		return path
	}
	return filepath.Join(env["HOME"], ".Xauthority")
}

// links are the services on the page that the browser's home button leads to.
func (k *kiosk) links(lang string) []browser.Link {
	var links []browser.Link
	entries(k.tiles, lang, func(e catalogue.Entry, t session.Tile) {
		links = append(links, browser.Link{Name: e.Name, Address: t.Address})
	})
	return links
}

func (k *kiosk) openUplink(member uplink.Member, key ed25519.PrivateKey) (err error) {
	k.prover, err = openProver(k.config.stateFile("proofs.jsonl"), key, member.Kiosk, time.Now)
	if err != nil {
		return err
	}
	k.uplink, err = uplink.Open(uplink.Config{Dir: k.config.State, Member: member, Key: key, Build: runs(update.DefaultMachine(), "/proc/cmdline"), Now: time.Now, Log: k.log})
	if err != nil {
		return err
	}
	handed, known, err := k.uplink.Handed()
	if err != nil {
		return err
	}
	if err := k.prover.sendsTo(k.uplink.Proof, handed, known); err != nil {
		k.log.Error("a proof of before waits to be handed over", "err", err)
	}
	return nil
}

// machine makes the state machine; again ends the program to start it anew.
func (k *kiosk) machine(member uplink.Member, again context.CancelCauseFunc) (*session.Machine, error) {
	wiper, err := k.wiper(k.selections, k.clearSelections)
	if err != nil {
		return nil, err
	}
	k.services = newServices(k)
	k.tiles.Turned = func() { k.services.Turn(k.targets()) }
	heard, ok := k.uplink.Settings()
	if !ok {
		heard = fleet.DefaultSettings()
		heard.SiteName, heard.KioskName = member.SiteName, member.Name
	}
	settings := k.config.settings(heard)
	m := session.New(session.Deps{Browser: k.browser, Wiper: wiper, Prover: k.prover, Screen: k.screen, Tiles: k.tiles,
		Uplink: k.uplink, Counter: k.uplink.Day, Memory: newMemory(k.config, k.log), Log: k.log, Aids: k.aids, Services: k.services,
		Restart: func() { again(errAgain) }, CheckConfig: func() error { return k.config.again(k.env) }, Reboot: reboot(k.config), Wake: wakeOther, PowerOff: powerOff(k.config, k.log), Trace: k.trace, Lang: k.config.Language}, settings)
	k.hidden.Store(m)
	m.Check = k.checked(m, member.Kiosk)
	m.About = k.about
	k.updater = k.newUpdater(m, member)
	k.sensors = health.New(health.Config{State: k.config.State, Runtime: k.config.Runtime, Own: func() health.Own { return k.own(m) }})
	return m, nil
}

// wakeOther wakes the machine with that network card in this house.
func wakeOther(mac string) error {
	to, err := wake.Everybody()
	if err != nil {
		return err
	}
	return wake.Send(mac, to)
}

// checkMachine is `kiosk check`.
func checkMachine(ctx context.Context, c *config, asJSON bool, out io.Writer) error {
	var languages, drafts []string
	for _, l := range screen.Languages() {
		languages = append(languages, l.Code)
		if l.Draft {
			drafts = append(drafts, l.Code)
		}
	}
	found := check.Check(ctx, check.Config{State: c.State, Chromium: c.Browser.Chromium, Walled: c.walled(), Languages: languages, Drafts: drafts, Screen: func(context.Context) (int, int, error) {
		d, err := display.Open()
		if err != nil {
			return 0, 0, err
		}
		defer d.Close()
		w, h := d.Size()
		return w, h, nil
	}})
	write := check.WriteText
	if asJSON {
		write = check.WriteJSON
	}
	if err := write(out, found); err != nil {
		return err
	}
	if !check.Able(found) {
		return errQuiet
	}
	return nil
}
