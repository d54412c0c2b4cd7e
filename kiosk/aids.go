package main

import "yhteiskone/kiosk/session"

// aids are what helps a client to read and type. Implements session.Aids.
type aids struct{}

var _ session.Aids = aids{}

// Can tells what this machine can do in the language.
func (aids) Can(string) (speak, keyboard, sticky bool) { return false, false, false }

// Say reads the text aloud.
func (aids) Say(text, lang string) error { return nil }

// SaySelected reads aloud what is selected.
func (aids) SaySelected(lang string) error { return nil }

// Chime sounds once.
func (aids) Chime() error { return nil }

// Keyboard shows or hides the on-screen keyboard.
func (aids) Keyboard(show bool, lang string, above int) error { return nil }

// Sticky turns sticky keys on or off.
func (aids) Sticky(on bool) error { return nil }

// Reset puts everything back.
func (aids) Reset() error { return nil }
