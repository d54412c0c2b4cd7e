package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"yhteiskone/kiosk/browser"
	"yhteiskone/kiosk/display"
	"yhteiskone/kiosk/keyboard"
	"yhteiskone/kiosk/screen"
	"yhteiskone/kiosk/session"
	"yhteiskone/kiosk/speech"
)

// How long Reset waits until nothing of a session's aids is left, and how long
// a page may take to tell what is marked on it.
const (
	resetTime    = 300 * time.Millisecond
	selectedTime = 3 * time.Second
)

// aids are what helps a client to read and type. Implements session.Aids: its
// methods leave the work to lanes and return; what fails there is logged,
// without the words.
type aids struct {
	display  *display.Display
	speech   *speech.Speech
	board    *keyboard.Keyboard // nil where there can be none
	sticky   bool               // the display has sticky keys
	locks    byte               // Caps Lock and the like, as every client finds them
	log      *slog.Logger
	voice    *lane
	chime    *lane
	keys     *lane
	modifier *lane
}

var _ session.Aids = (*aids)(nil)

// openAids finds out what this machine can do. What it cannot is no error.
// hidden is called when the client hid the keyboard by its own key.
func openAids(ctx context.Context, d *display.Display, alsa string, hidden func(), log *slog.Logger) *aids {
	a := &aids{display: d, speech: speech.New(ctx, speech.Config{ALSA: alsa}), log: log}
	var err error
	if a.board, err = keyboard.New(keyboard.Config{Display: d, Shell: screen.Class, Client: browser.Class, Log: log, Hidden: hidden}); err != nil {
		log.Warn("there is no on-screen keyboard", "err", err)
	}
	// Caps Lock may be on from an earlier kiosk: the keys of the next client
	// are as on a machine that was just switched on, but for Num Lock.
	if a.locks, err = d.Locks(); err == nil {
		a.locks &^= display.CapsLock
		err = d.ResetKeys(a.locks)
	}
	if a.sticky = err == nil; !a.sticky {
		log.Warn("there are no sticky keys", "err", err)
	}
	a.voice, a.chime, a.keys, a.modifier = newLane(a.failed), newLane(a.failed), newLane(a.failed), newLane(a.failed)
	return a
}

func (a *aids) failed(err error) { a.log.Warn("an aid failed", "err", err) }

// Can tells what this machine can do in the language.
func (a *aids) Can(lang string) (speak, keyboard, sticky bool) {
	return a.speech.Can(lang), a.board != nil && a.board.Can(lang), a.sticky
}

// Say reads the text aloud instead of what is being read.
func (a *aids) Say(text, lang string) error {
	a.voice.do(func(context.Context) error { return a.speech.Say(text, lang) })
	return nil
}

// SaySelected reads aloud what the client has marked on their page.
func (a *aids) SaySelected(lang string) error {
	a.voice.do(func(ctx context.Context) error {
		if err := a.speech.Say("", lang); err != nil {
			return err
		}
		ask, cancel := context.WithTimeout(ctx, selectedTime)
		defer cancel()
		text, err := a.display.Selected(ask)
		if ctx.Err() != nil {
			return nil // something else was wanted meanwhile
		}
		if err != nil {
			return err
		}
		return a.speech.Say(text, lang)
	})
	return nil
}

// Chime sounds once.
func (a *aids) Chime() error {
	if speak, _, _ := a.Can("en"); speak { // a machine without a loudspeaker is no news
		a.chime.do(func(context.Context) error { return a.speech.Chime() })
	}
	return nil
}

// Keyboard shows or hides the on-screen keyboard.
func (a *aids) Keyboard(show bool, lang string, above int) error {
	if a.board == nil {
		return nil
	}
	a.keys.do(func(context.Context) error {
		if !show {
			return a.board.Hide()
		}
		w, h := a.display.Size()
		return a.board.Show(lang, int(float64(above)*display.Scale(w, h)+0.5))
	})
	return nil
}

// Sticky turns sticky keys on or off.
func (a *aids) Sticky(on bool) error {
	if a.sticky {
		a.modifier.do(func(context.Context) error { return a.display.Sticky(on) })
	}
	return nil
}

// Reset puts everything back. What was wanted before is dropped, and it waits
// for the rest, because the wipe looks next.
func (a *aids) Reset() error {
	ctx, cancel := context.WithTimeout(context.Background(), resetTime)
	defer cancel()
	var waits []<-chan error
	waits = append(waits,
		a.chime.last(func(context.Context) error { return nil }),
		a.voice.last(func(context.Context) error { return a.speech.Silence(ctx) }),
		a.keys.last(func(context.Context) error {
			if a.board == nil {
				return nil
			}
			return a.board.Hide()
		}),
		a.modifier.last(func(context.Context) error {
			if !a.sticky {
				return nil
			}
			return a.display.ResetKeys(a.locks)
		}))
	var all error
	for _, done := range waits {
		select {
		case err := <-done:
			all = errors.Join(all, err)
		case <-ctx.Done():
			return errors.Join(all, fmt.Errorf("put the aids back: not within %v", resetTime))
		}
	}
	// A chime that began while the voice was silenced.
	return errors.Join(all, a.speech.Silence(ctx))
}

// close ends all.
func (a *aids) close() {
	if err := a.Reset(); err != nil {
		a.failed(err)
	}
	for _, l := range []*lane{a.voice, a.chime, a.keys, a.modifier} {
		l.close()
	}
}

// keyboardHidden tells the session that the client hid the keyboard by its own
// key, so that the strip's button shows it again.
func (k *kiosk) keyboardHidden() {
	m := k.hidden.Load()
	if m == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := m.Press(ctx, session.Press{What: "keyboard"}); err != nil {
		k.log.Warn("the session did not hear that the keyboard was hidden", "err", err)
	}
}
