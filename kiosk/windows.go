package main

import (
	"fmt"
	"time"

	"yhteiskone/kiosk/browser"
	"yhteiskone/kiosk/display"
	"yhteiskone/kiosk/door"
)

// windows is what the client's browser needs to know of the screen.
// Implements browser.Windows.
type windows struct{ display *display.Display }

// Room is the screen above the strip and the on-screen keyboard.
func (w windows) Room() browser.Rect {
	width, height := w.display.Size()
	return browser.Rect{W: width, H: height - w.display.StripHeight() - w.display.PanelHeight()}
}

// Where finds the main window of a class.
func (w windows) Where(class string) (browser.Rect, bool, bool, error) {
	main, found, err := w.display.FindRole(class, "browser")
	if err != nil || !found {
		return browser.Rect{}, false, false, err
	}
	at, mapped, err := w.display.Geometry(main)
	return browser.Rect(at), mapped, true, err
}

// Front puts the main window back to its place and the newest one in front.
func (w windows) Front(class string, place browser.Rect) error {
	main, found, err := w.display.FindRole(class, "browser")
	if err == nil && !found {
		err = fmt.Errorf("there is none of the class %s", class)
	}
	if err != nil {
		return fmt.Errorf("find the client's window: %w", err)
	}
	at, mapped, err := w.display.Geometry(main)
	if err == nil && !mapped { // minimised by the menu of its title
		if err := w.display.Activate(main); err != nil {
			return err
		}
	}
	if err == nil && browser.Rect(at) != place {
		if err := w.display.Maximise(main); err != nil {
			return err
		}
	}
	newest, found, err := w.display.Find(class)
	if err != nil || !found {
		newest = main
	}
	return w.display.Activate(newest)
}

// Silent is how long the main window of a class has owed an answer.
func (w windows) Silent(class string) time.Duration { return w.display.Silent(class) }

// Answer is how such an answer is known.
func (w windows) Answer() door.Answer {
	kind, protocol, stamp := w.display.Answer()
	return door.Answer{Type: kind, Protocol: protocol, Stamp: stamp}
}

// Answered takes an answer that the X server did not deliver.
func (w windows) Answered(window uint32) { w.display.Answered(window) }
