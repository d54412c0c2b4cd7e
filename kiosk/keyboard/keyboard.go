// Package keyboard is the kiosk's on-screen keyboard: large keys directly above
// the strip, for touch and mouse, in the client's alphabet and the Latin one.
//
// It never takes the keyboard's focus: what is pressed goes to the client's
// page. It keeps no press anywhere, neither in memory nor in a log; an error
// says which part failed and never what was pressed.
//
// Caveats: a letter that the machine's keyboard does not have borrows a key of
// the server's map while the keyboard is up (display.Typist). Labels are single
// letters, drawn without shaping, so the words on keys are never Arabic ones.
package keyboard

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"sync"
	"time"

	"yhteiskone/kiosk/display"
)

// Rows of keys, and the height of one on a screen of the design's size, with
// the space around it: the key itself has at least 64 units.
const (
	rowCount  = 4
	rowHeight = 70
)

// A second press of the same key within debounce is a hand that trembles.
const debounce = 120 * time.Millisecond

// A held key that repeats does so after repeatDelay, every repeatEvery.
const (
	repeatDelay = 500 * time.Millisecond
	repeatEvery = 90 * time.Millisecond
)

// Config is what a keyboard needs.
type Config struct {
	Display *display.Display
	Shell   string // the class of our shell's window: the keyboard stays below it and never types into it
	Client  string // the class of the client's browser, which is typed into
	Log     *slog.Logger
	// Hidden is called, on a goroutine of its own, when the client has hidden
	// the keyboard by its own key; nil for nobody to tell.
	Hidden func()
}

// Keyboard is the on-screen keyboard. Show, Hide and Can may be called from any
// goroutine.
type Keyboard struct {
	Config
	panel  *display.Panel
	typist *display.Typist
	able   map[string]bool // languages that can be drawn
	stop   context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex // guards what follows
	fonts *fonts     // nil while hidden
	face  face
	keys  []placed
	scale float64
}

// New makes the keyboard, hidden. It fails on a display that lets nobody type.
func New(c Config) (*Keyboard, error) {
	typist, err := c.Display.NewTypist()
	if err != nil {
		return nil, fmt.Errorf("make the on-screen keyboard: %w", err)
	}
	panel, err := c.Display.NewPanel(c.Shell)
	if err != nil {
		return nil, fmt.Errorf("make the on-screen keyboard: %w", err)
	}
	k := &Keyboard{Config: c, panel: panel, typist: typist, able: map[string]bool{}, done: make(chan struct{})}
	f, err := loadFonts(fontFiles())
	if err != nil {
		return nil, fmt.Errorf("make the on-screen keyboard: %w", err)
	}
	for _, lang := range []string{"fi", "sv", "en", "so", "et", "ru", "uk", "ar", "fa"} {
		k.able[lang] = f.can(lang)
	}
	ctx, cancel := context.WithCancel(context.Background())
	k.stop = cancel
	go k.run(ctx)
	return k, nil
}

// Can reports whether there is a keyboard for the language.
func (k *Keyboard) Can(lang string) bool { return k.able[lang] }

// Show shows the keyboard in the language, its lower edge above pixels from the
// screen's bottom.
func (k *Keyboard) Show(lang string, above int) error {
	if !k.able[lang] {
		return fmt.Errorf("show the on-screen keyboard in %q: %w", lang, errNoFont)
	}
	w, h := k.Display.Size()
	k.mu.Lock()
	defer k.mu.Unlock()
	f, err := loadFonts(fontFiles())
	if err != nil {
		return fmt.Errorf("show the on-screen keyboard: %w", err)
	}
	k.fonts, k.face, k.scale = f, face{lang: lang}, display.Scale(w, h)
	height := int(rowCount*rowHeight*k.scale + 0.5)
	if above < 0 || above+height > h {
		k.fonts = nil
		return fmt.Errorf("show the on-screen keyboard: a screen of %dx%d has no room for it above %d", w, h, above)
	}
	if err := k.panel.Prepare(display.Rect{Y: h - above - height, W: w, H: height}); err != nil {
		return err
	}
	if err := k.paint(w, height); err != nil {
		return err
	}
	if err := k.typist.Borrow(k.face.characters()); err != nil {
		return err
	}
	return k.panel.Show()
}

// Hide takes the keyboard away, with all that it borrowed.
func (k *Keyboard) Hide() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fonts, k.keys, k.face = nil, nil, face{}
	return errors.Join(k.panel.Hide(), k.typist.PutBack())
}

// Close ends the keyboard.
func (k *Keyboard) Close() error {
	k.stop()
	<-k.done
	return k.Hide()
}

// paint draws every key of the face. k.mu is held.
func (k *Keyboard) paint(w, h int) error {
	k.keys = lay(k.face, w, h)
	for i := range k.keys {
		if err := k.paintKey(i, false); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keyboard) paintKey(i int, pressed bool) error {
	key := k.keys[i]
	img, err := k.fonts.sketch(k.face, key, k.scale, pressed)
	if err != nil {
		return err
	}
	return k.panel.Paint(img, key.place.Min.X, key.place.Min.Y)
}

// run takes the touches, one after the other.
func (k *Keyboard) run(ctx context.Context) {
	defer close(k.done)
	var held finger
	var again <-chan time.Time
	for {
		var err error
		select {
		case t := <-k.panel.Touches():
			again = nil
			if t.Down {
				if held, err = k.down(t, held); held.repeats {
					again = time.After(repeatDelay)
				}
			} else {
				held, err = k.up(held), nil
			}
		case <-again:
			var on bool
			if on, err = k.repeat(); on {
				again = time.After(repeatEvery)
			}
		case <-ctx.Done():
			return
		}
		if err != nil {
			k.Log.Warn("the on-screen keyboard did not type", "err", err)
		}
	}
}

// finger is where the pointer went down last.
type finger struct {
	key     int             // -1: on none
	place   image.Rectangle // of the key; it may bear another by now
	at      uint32          // the server's clock
	repeats bool
}

// trembles reports whether the press is the tremor of the one before it.
func (f finger) trembles(t display.Touch) bool {
	return image.Pt(t.X, t.Y).In(f.place) && t.At-f.at < uint32(debounce.Milliseconds())
}

// down presses the key under the pointer.
func (k *Keyboard) down(t display.Touch, before finger) (finger, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := finger{key: -1, at: t.At}
	for i, key := range k.keys {
		if image.Pt(t.X, t.Y).In(key.place) {
			now.key, now.place = i, key.place
		}
	}
	if now.key < 0 || before.trembles(t) {
		return now, nil
	}
	key := k.keys[now.key]
	if err := k.paintKey(now.key, true); err != nil {
		return now, err
	}
	now.repeats = key.repeats()
	return now, k.do(key.cap)
}

// repeat presses the held key once more, and tells whether it goes on. That the
// finger went up is asked as well: the news of it is lost with a keyboard that
// was covered under it.
func (k *Keyboard) repeat() (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fonts == nil || k.Display.Covered() {
		return false, nil
	}
	held, err := k.Display.PointerHeld()
	if err != nil || !held {
		return false, err
	}
	return true, k.typist.Press(display.KeyBackspace)
}

// up lets the key go; it only looks different.
func (k *Keyboard) up(held finger) finger {
	k.mu.Lock()
	defer k.mu.Unlock()
	held.repeats = false
	if k.fonts != nil && held.key >= 0 && held.key < len(k.keys) {
		_ = k.paintKey(held.key, false) // the next key is painted anyway
	}
	return held
}

// do does what the key is for. k.mu is held.
func (k *Keyboard) do(c cap) error {
	next := k.face
	switch c.what {
	case shift:
		next.shift = !next.shift
	case layer:
		next.numbers, next.shift = !next.numbers, false
	case script:
		next.latin, next.numbers, next.shift = !next.latin, false, false
	case hide:
		k.fonts, k.keys, k.face = nil, nil, face{}
		if k.Hidden != nil {
			go k.Hidden()
		}
		return errors.Join(k.panel.Hide(), k.typist.PutBack())
	case space, char, press:
		if err := k.focus(); err != nil {
			return err
		}
		if err := k.write(c); err != nil {
			return err
		}
		if c.what == char && !next.numbers {
			next.shift = false // one letter
		}
	}
	if next == k.face {
		return nil
	}
	changed := next.latin != k.face.latin
	k.face = next
	w, h := k.keys[len(k.keys)-1].place.Max.X, k.keys[len(k.keys)-1].place.Max.Y
	if err := k.paint(w, h); err != nil {
		return err
	}
	if changed {
		return k.typist.Borrow(k.face.characters())
	}
	return nil
}

func (k *Keyboard) write(c cap) error {
	switch {
	case c.what == space:
		return k.typist.Type(' ')
	case c.what == press:
		return k.typist.Press(c.key)
	case k.face.shift && !k.face.numbers:
		return k.typist.Type(c.upper())
	default:
		return k.typist.Type(c.char)
	}
}

// focusPatience is how long the window manager may take to give the keyboard
// back to the client's page.
const focusPatience = 200 * time.Millisecond

// focus gives the keyboard to the client's page if our own strip has it: Enter
// on the strip might end the session.
func (k *Keyboard) focus() error {
	shell, found, err := k.Display.Find(k.Shell)
	if err != nil || !found {
		return err
	}
	active, err := k.Display.Active()
	if err != nil || active != shell {
		return err
	}
	client, found, err := k.Display.Find(k.Client)
	if err == nil && !found {
		err = errors.New("type for the client: there is no page to type into")
	}
	if err != nil {
		return err
	}
	if err := k.Display.Activate(client); err != nil {
		return err
	}
	end := time.After(focusPatience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if active, err := k.Display.Active(); err != nil || active != shell {
			return err
		}
		select {
		case <-tick.C:
		case <-end:
			return errors.New("type for the client: the page did not take the keyboard")
		}
	}
}
