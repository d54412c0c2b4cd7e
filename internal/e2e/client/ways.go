package client

import (
	"context"
	"errors"
	"time"

	"yhteiskone/internal/e2e/town"
)

// codes types the codes where the identification service asks for them. On a
// busy machine a key is lost now and then; whoever is told that the codes are
// wrong goes back and types them again.
func (c *Client) codes(ctx context.Context) error {
	for try := 0; ; try++ {
		if _, err := c.Seen(ctx, town.Chooser, "codes"); err != nil {
			return err
		}
		if try > 0 { // what was typed before is still there
			if err := c.Key(ctx, "ctrl+a"); err != nil {
				return err
			}
		}
		if err := c.fill(ctx, c.Visit.Markers["codes_user"], c.Visit.Markers["codes_password"]); err != nil {
			return err
		}
		short, cancel := context.WithTimeout(ctx, 8*time.Second)
		_, err := c.Visit.Wait(short, town.Chooser, "codes_ok")
		cancel()
		if err == nil || try == 2 || !c.Visit.Peek(town.Chooser, "codes_wrong") {
			return err
		}
		if err := c.Key(ctx, "alt+Left"); err != nil {
			return err
		}
	}
}

// signedIn waits until the bank knows who the client is, and shows it.
func (c *Client) signedIn(ctx context.Context) error {
	if _, err := c.await(ctx, town.Bank, "signed_in"); err != nil {
		return err
	}
	_, err := c.await(ctx, town.Bank, "shown:statement")
	return err
}

// Directly is identified in the bank's own window, by redirects over two hosts
// and an answer that is posted back; on the way the client goes back to the
// bank once, with the browser's own button.
func (c *Client) Directly(ctx context.Context) error {
	return walk([]step{
		{"go to the identification", func() error { return c.press(ctx, town.Bank, "direct", town.Identity, "started") }},
		{"see the codes asked for", func() error { _, err := c.Seen(ctx, town.Chooser, "codes"); return err }},
		{"go back", func() error { return c.goBack(ctx) }},
		{"go there again", func() error { return c.press(ctx, town.Bank, "direct", town.Identity, "started") }},
		{"type the codes", func() error { return c.codes(ctx) }},
		{"come back signed in", func() error { return c.signedIn(ctx) }},
	})
}

// goBack presses Back until the bank is there.
func (c *Client) goBack(ctx context.Context) error {
	c.Visit.Forget(town.Bank, "shown:direct")
	err := errors.New("the page before did not come")
	for range 4 {
		if err := c.Key(ctx, "alt+Left"); err != nil {
			return err
		}
		short, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err = c.Visit.Wait(short, town.Bank, "shown:direct")
		cancel()
		if err == nil {
			c.Visit.Forget(town.Chooser, "at:codes") // of the page that was left
			return nil
		}
	}
	return err
}

// InFrame is identified in a frame of the bank's page.
func (c *Client) InFrame(ctx context.Context) error {
	return walk([]step{
		{"type the codes", func() error { return c.codes(ctx) }},
		{"come back signed in", func() error { return c.signedIn(ctx) }},
	})
}

// ByPhone is identified with a phone, on which the client presses yes after so
// long a time without touching the computer.
func (c *Client) ByPhone(ctx context.Context, wait time.Duration, meanwhile func() error) error {
	return walk([]step{
		{"go to the identification", func() error { return c.press(ctx, town.Bank, "direct", town.Identity, "started") }},
		{"type the codes", func() error { return c.codes(ctx) }},
		{"be asked for the phone", func() error { _, err := c.await(ctx, town.Chooser, "waits_for_phone"); return err }},
		{"find the phone", func() error {
			end := time.NewTimer(wait)
			defer end.Stop()
			look := time.NewTicker(time.Second)
			defer look.Stop()
			for {
				select {
				case <-look.C:
					if err := meanwhile(); err != nil {
						return err
					}
				case <-end.C:
					c.Visit.Confirm()
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}},
		{"come back signed in", func() error { return c.signedIn(ctx) }},
	})
}
