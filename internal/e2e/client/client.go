// Package client is a person at a kiosk who runs errands in the town: it uses
// hands on what the pages show, and learns from the town how that went.
//
// It never asks the browser anything.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"yhteiskone/internal/e2e/hand"
	"yhteiskone/internal/e2e/slow"
	"yhteiskone/internal/e2e/town"
)

// patience is how long a person waits for a page.
const patience = 20 * time.Second

// Client is one person in one visit.
type Client struct {
	hand.Hand
	Visit *town.Visit
	// Downloads is the folder in which the browser keeps what it downloads, as
	// the session sees it.
	Downloads string
	// Mouse makes the client press buttons with the mouse.
	Mouse bool
}

// await waits for a page to say something.
func (c *Client) await(ctx context.Context, host, event string) (town.Event, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, slow.Stretch(patience), errors.New("the page did not say so in time"))
	defer cancel()
	return c.Visit.Wait(ctx, host, event)
}

// Seen waits until a control is on the screen with the keyboard on it, and keys
// arrive: a page that was shown just now loses the first ones, on a busy machine
// for seconds. A page that never gets any is found by what comes next.
func (c *Client) Seen(ctx context.Context, host, control string) (town.Event, error) {
	e, err := c.await(ctx, host, "at:"+control)
	for try := 0; err == nil && try < 10; try++ {
		if err = c.Key(ctx, "F8"); err != nil {
			break
		}
		short, cancel := context.WithTimeout(ctx, slow.Stretch(500*time.Millisecond))
		_, lost := c.Visit.Wait(short, host, "awake:"+control)
		cancel()
		if lost == nil {
			break
		}
	}
	return e, err
}

// press presses the control once the keyboard is on it, and waits for what the
// press does: an event at a host. While a pop-up closes, the page can have the
// keyboard a moment before its window has, and a press is lost; so a client to
// whom nothing happens presses again.
func (c *Client) press(ctx context.Context, host, control, at, event string) error {
	return c.pressFor(ctx, host, control, func(ctx context.Context) error {
		_, err := c.Visit.Wait(ctx, at, event)
		return err
	})
}

func (c *Client) pressFor(ctx context.Context, host, control string, effect func(context.Context) error) error {
	e, err := c.Seen(ctx, host, control)
	if err != nil {
		return err
	}
	p, err := e.Place()
	if err != nil {
		return err
	}
	for range 4 {
		if c.Mouse {
			err = c.Click(ctx, p.X, p.Y)
		} else {
			err = c.Key(ctx, "Return")
		}
		if err != nil {
			return err
		}
		short, cancel := context.WithTimeout(ctx, slow.Stretch(4*time.Second))
		err = effect(short)
		cancel()
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("press %q at %s: %w", control, host, err)
}

// fill types words into the fields from the one where the keyboard is, and
// presses Enter.
func (c *Client) fill(ctx context.Context, words ...string) error {
	for i, w := range words {
		if i > 0 {
			if err := c.Key(ctx, "Tab"); err != nil {
				return err
			}
		}
		if err := c.Type(ctx, w); err != nil {
			return err
		}
	}
	return c.Key(ctx, "Return")
}

// FreshAt waits for a front page's report and says what it found that a fresh
// browser does not have.
func (c *Client) FreshAt(ctx context.Context, host string) error {
	e, err := c.await(ctx, host, "report")
	if err != nil {
		return err
	}
	r, err := e.Report()
	if err != nil {
		return err
	}
	if err := c.Visit.Fresh(r); err != nil {
		return fmt.Errorf("the browser at %s is not fresh: %w", host, err)
	}
	return nil
}

// LogIn fills the bank's form; the bank's page then plants what it can.
func (c *Client) LogIn(ctx context.Context) error {
	if _, err := c.Seen(ctx, town.Bank, "login"); err != nil {
		return err
	}
	if err := c.fill(ctx, c.Visit.Markers["user"], c.Visit.Markers["password"]); err != nil {
		return err
	}
	if _, err := c.await(ctx, town.Bank, "logged_in"); err != nil {
		return err
	}
	e, err := c.await(ctx, town.Bank, "planted")
	if err != nil {
		return err
	}
	var p town.Report
	if err := json.Unmarshal(e.Detail, &p); err != nil {
		return fmt.Errorf("read what was planted: %w", err)
	}
	if p.Cookies == "" || len(p.Local) != 1 || len(p.Session) != 1 || len(p.Databases) != 1 || p.Workers != 1 || len(p.Caches) != 1 {
		return fmt.Errorf("the bank could not plant everything: %s", e.Detail)
	}
	return nil
}

// Identify goes through the identification pop-up of a service and comes back
// signed in.
func (c *Client) Identify(ctx context.Context, service string, known bool) error {
	if err := c.press(ctx, service, "identify", service, "popup_opened"); err != nil {
		return err
	}
	if known {
		if err := c.press(ctx, town.Chooser, "continue", town.Chooser, "recognised"); err != nil {
			return err
		}
	} else {
		if _, err := c.Seen(ctx, town.Chooser, "codes"); err != nil {
			return err
		}
		if err := c.fill(ctx, c.Visit.Markers["codes_user"], c.Visit.Markers["codes_password"]); err != nil {
			return err
		}
	}
	_, err := c.await(ctx, service, "signed_in")
	return err
}

// Authenticate opens the bank's statement behind HTTP authentication.
func (c *Client) Authenticate(ctx context.Context) error {
	if _, err := c.await(ctx, town.Bank, "shown:statement"); err != nil {
		return err
	}
	before, err := c.Look(ctx, page())
	if err != nil {
		return err
	}
	if err := c.press(ctx, town.Bank, "statement", town.Bank, "auth_asked"); err != nil {
		return err
	}
	if err := c.change(ctx, before); err != nil {
		return err
	}
	// The dialog can be seen a moment before it takes the keyboard. Words typed
	// too early go nowhere, so a client who is still asked tries again.
	for try := 0; ; try++ {
		if err := c.fill(ctx, c.Visit.Markers["auth_user"], c.Visit.Markers["auth_password"]); err != nil {
			return err
		}
		short, cancel := context.WithTimeout(ctx, slow.Stretch(3*time.Second))
		_, err := c.Visit.Wait(short, town.Bank, "auth_ok")
		cancel()
		if err == nil || try == 3 {
			return err
		}
		if err := c.Key(ctx, "ctrl+a"); err != nil {
			return err
		}
	}
}

// Download copies the statement's reference to the clipboard and downloads the
// statement.
func (c *Client) Download(ctx context.Context) error {
	if err := c.press(ctx, town.Bank, "copy", town.Bank, "copied"); err != nil {
		return err
	}
	return c.press(ctx, town.Bank, "download", town.Bank, "pdf_sent")
}

// Paste pastes into the benefits office's field and returns what came.
func (c *Client) Paste(ctx context.Context) (string, error) {
	if _, err := c.Seen(ctx, town.Benefits, "paste"); err != nil {
		return "", err
	}
	if err := c.Key(ctx, "ctrl+v", "Return"); err != nil {
		return "", err
	}
	e, err := c.await(ctx, town.Benefits, "pasted")
	if err != nil {
		return "", err
	}
	var text string
	if err := json.Unmarshal(e.Detail, &text); err != nil {
		return "", fmt.Errorf("read what was pasted: %w", err)
	}
	return text, nil
}

// Attach picks the statement in the file dialog and sends it.
func (c *Client) Attach(ctx context.Context) error {
	for try := 0; ; try++ {
		window := ""
		err := c.pressFor(ctx, town.Benefits, "file", func(ctx context.Context) (err error) {
			window, err = c.dialog(ctx)
			return err
		})
		if err != nil {
			return err
		}
		err = c.pick(ctx, window, c.Downloads+"/"+c.Visit.FileName())
		if err == nil {
			break
		}
		// The dialog completes names while somebody types, and on a busy
		// machine a wrong one comes out; whoever sees no file tries again.
		if !errors.Is(err, errNoFile) || try == 2 {
			return err
		}
	}
	if err := c.Key(ctx, "Return"); err != nil {
		return err
	}
	e, err := c.await(ctx, town.Benefits, "uploaded")
	if err != nil {
		return err
	}
	var up town.Upload
	if err := json.Unmarshal(e.Detail, &up); err != nil {
		return fmt.Errorf("read the upload: %w", err)
	}
	if !up.Same {
		return fmt.Errorf("the benefits office got another file than the bank sent: %+v", up)
	}
	return nil
}

// pick types a path into the file dialog and presses the dialog's Open button,
// at its lower right corner. (Enter in the path field closes the dialog without
// a choice.)
func (c *Client) pick(ctx context.Context, window, path string) error {
	// Ctrl+L makes GTK's dialog take a path wherever its focus is.
	if err := c.Key(ctx, "ctrl+l"); err != nil {
		return err
	}
	if err := c.Type(ctx, path); err != nil {
		return err
	}
	b, err := c.Size(ctx, window)
	if err != nil {
		return err
	}
	// The first press may only close the list of names that fit.
	for range 5 {
		if err := c.ClickIn(ctx, window, b.W-50, b.H-25); err != nil {
			return err
		}
		short, cancel := context.WithTimeout(ctx, 2*time.Second)
		_, err = c.Visit.Wait(short, town.Benefits, "at:send")
		cancel()
		if err == nil {
			return nil
		}
		if len(c.Windows(ctx, browserClass)) < 2 {
			return errNoFile
		}
	}
	return fmt.Errorf("pick the statement: the dialog does not close: %w", err)
}

// errNoFile says that the dialog closed and the page has no file.
var errNoFile = errors.New("pick the statement: the page has no file")

type step struct {
	name string
	do   func() error
}

func walk(steps []step) error {
	for _, s := range steps {
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// Plant is the bank's part of the errand: after it the browser holds all that
// a session can hold.
func (c *Client) Plant(ctx context.Context) error {
	return walk([]step{
		{"find a fresh browser", func() error { return c.FreshAt(ctx, town.Bank) }},
		{"log in at the bank", func() error { return c.LogIn(ctx) }},
		{"identify at the bank", func() error { return c.Identify(ctx, town.Bank, false) }},
		{"authenticate", func() error { return c.Authenticate(ctx) }},
		{"download the statement", func() error { return c.Download(ctx) }},
	})
}

// Errand is the whole of it: the statement goes from the bank to the benefits
// office.
func (c *Client) Errand(ctx context.Context) error {
	if err := c.Plant(ctx); err != nil {
		return err
	}
	return walk([]step{
		{"go to the benefits office", func() error { return c.press(ctx, town.Bank, "benefits", town.Benefits, "report") }},
		{"paste the reference", func() error {
			text, err := c.Paste(ctx)
			if err == nil && text != c.Visit.Markers["clipboard"] {
				err = fmt.Errorf("%d characters came, not the reference", len(text))
			}
			return err
		}},
		{"identify at the benefits office", func() error { return c.Identify(ctx, town.Benefits, true) }},
		{"attach the statement", func() error { return c.Attach(ctx) }},
	})
}

// browserClass is the class of the client browser's windows.
const browserClass = "ClientBrowser"

// dialog waits until the browser shows a window beside its own and returns the
// newest.
func (c *Client) dialog(ctx context.Context) (string, error) {
	for {
		if w := c.Windows(ctx, browserClass); len(w) > 1 {
			return w[len(w)-1], nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("no dialog came: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// page is the part of the screen where the browser's own dialogs come up.
func page() hand.Box { return hand.Box{X: 300, Y: 90, W: 760, H: 300} }

// change waits until that part looks otherwise than before, and stays so for
// two looks.
func (c *Client) change(ctx context.Context, before string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, slow.Stretch(patience), errors.New("nothing new came on the screen"))
	defer cancel()
	for last := before; ; {
		now, err := c.Look(ctx, page())
		if err != nil {
			return errors.Join(context.Cause(ctx), err)
		}
		if now != before && now == last {
			return nil
		}
		last = now
	}
}
