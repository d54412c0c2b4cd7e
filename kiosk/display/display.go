// Package display is the kiosk's hand on the X server: it finds and places
// windows, reads how long nobody has touched the machine, empties the
// clipboard, puts an emergency curtain over everything and runs the window
// manager.
//
// It never reads what a window shows: no picture, no title, no content of the
// clipboard, and of what is marked only what the client asks to hear; and of the keyboard one key alone, that leads to our strip. It is
// the only importer of jezek/xgb.
//
// Caveats: every X client sees every other one, so nothing here keeps windows
// apart; it only says where they stand. All methods of Display may be called
// from any goroutine. When the server goes away, every call returns an error
// and Done is closed.
package display

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"sync"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// ErrNoDisplay says that there is no X server that lets us in.
var ErrNoDisplay = errors.New("no display: start an X server and set DISPLAY (and XAUTHORITY) to it")

// StripUnits is the height of the strip on a screen of the design's size.
const StripUnits = 72

// The screen that sizes in units are meant for.
const designWidth, designHeight = 1366, 768

// Display is one connection to the X server.
type Display struct {
	conn   *xgb.Conn
	root   xproto.Window
	screen *xproto.ScreenInfo
	atoms  atoms
	idle   bool   // the server has MIT-SCREEN-SAVER
	name   string // DISPLAY
	done   chan struct{}
	key    chan struct{} // one slot: the grabbed key was pressed

	mu      sync.Mutex // guards curtain, its visibility and panel
	curtain xproto.Window
	covered bool
	panel   *Panel

	moved chan struct{} // one slot: some window was raised, moved or mapped

	pingMu sync.Mutex
	pings  map[string]ping // by class

	probeMu sync.Mutex
	probe   chan error // ServerAnswers's question, while it has no answer
}

// Rect is a place on the screen in pixels.
type Rect struct{ X, Y, W, H int }

// The library would write to the standard error; every error is returned to us
// as well. Set here, once, because its goroutines read it at any time.
func init() { xgb.Logger = log.New(io.Discard, "", 0) }

// Open connects to the server that DISPLAY and XAUTHORITY name.
func Open() (*Display, error) {
	if os.Getenv("DISPLAY") == "" {
		return nil, ErrNoDisplay
	}
	conn, err := xgb.NewConn()
	if err != nil {
		return nil, fmt.Errorf("%w (%v)", ErrNoDisplay, err)
	}
	screen := xproto.Setup(conn).DefaultScreen(conn)
	d := &Display{conn: conn, root: screen.Root, screen: screen, done: make(chan struct{}), key: make(chan struct{}, 1),
		name: os.Getenv("DISPLAY"), pings: map[string]ping{}, moved: make(chan struct{}, 1)}
	if d.atoms, err = internAtoms(conn); err != nil {
		conn.Close()
		return nil, fmt.Errorf("ask the display for its names: %w", err)
	}
	_, d.idle = extension(conn, screenSaver)
	if err := d.makeCurtain(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("make the emergency curtain: %w", err)
	}
	// Answers to pings come to the root window.
	err = xproto.ChangeWindowAttributesChecked(conn, d.root, xproto.CwEventMask, []uint32{xproto.EventMaskSubstructureNotify}).Check()
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("listen to the display: %w", err)
	}
	go d.listen()
	go d.keepUp()
	return d, nil
}

// Close ends the connection; the emergency curtain goes with it.
func (d *Display) Close() { d.conn.Close() }

// Done is closed when the connection is over, whoever ended it.
func (d *Display) Done() <-chan struct{} { return d.done }

// Size is the size of the screen in pixels, as it is now.
func (d *Display) Size() (w, h int) {
	// The set-up is from when we connected; Xephyr and RandR change sizes.
	if g, err := xproto.GetGeometry(d.conn, xproto.Drawable(d.root)).Reply(); err == nil {
		return int(g.Width), int(g.Height)
	}
	return int(d.screen.WidthInPixels), int(d.screen.HeightInPixels)
}

// Scale is how many pixels one unit of the design is on a screen of this size.
// It is never below 1: a press must not get harder on a small screen.
func Scale(w, h int) float64 {
	return max(1, min(float64(w)/designWidth, float64(h)/designHeight))
}

// StripHeight is the height in pixels of the strip at the bottom of a screen
// of this size.
func StripHeight(w, h int) int { return int(StripUnits*Scale(w, h) + 0.5) }

// StripHeight is the height in pixels of the strip on this screen.
func (d *Display) StripHeight() int { return StripHeight(d.Size()) }

// listen takes the server's events until the connection ends. The only events
// asked for are those of the emergency curtain, of the one grabbed key and of
// where windows stand. Nothing here may wait for an answer of the server.
func (d *Display) listen() {
	defer close(d.done)
	for {
		event, err := d.conn.WaitForEvent()
		if event == nil && err == nil {
			return
		}
		switch e := event.(type) {
		case xproto.VisibilityNotifyEvent:
			d.curtainSeen(e)
			d.someMoved()
		case xproto.ConfigureNotifyEvent, xproto.MapNotifyEvent:
			d.someMoved()
		case xproto.ButtonPressEvent:
			d.touched(e.Event, e.Detail, e.EventX, e.EventY, e.Time, true)
		case xproto.ButtonReleaseEvent:
			d.touched(e.Event, e.Detail, e.EventX, e.EventY, e.Time, false)
		case xproto.ClientMessageEvent:
			d.pong(e)
		case xproto.KeyPressEvent:
			select {
			case d.key <- struct{}{}:
			default:
			}
		}
	}
}

func (d *Display) someMoved() {
	select {
	case d.moved <- struct{}{}:
	default:
	}
}
