package session

import (
	"context"
	"time"

	"yhteiskone/internal/fleet"
)

// Mark is what a session is recognised by after its end: random tokens that
// were planted in it. It says nothing about the session.
type Mark struct {
	Token    string    `json:"token"`    // 32 hexadecimal digits; in the environment of every process of the session
	Canary   string    `json:"canary"`   // 32 hexadecimal digits; the contents of every planted file
	Started  time.Time `json:"started"`  // when the browser was started, ahead of any client
	Occupied bool      `json:"occupied"` // a client has pressed a tile
}

// Browser starts the client's browser. Implemented by kiosk/browser.
type Browser interface {
	// Start starts a fresh browser in its own namespaces on our waiting page,
	// with the mark planted. It returns as soon as the process runs; an error
	// means that nothing is left running.
	Start(ctx context.Context, mark Mark, lang string) (Running, error)
}

// Running is one browser of one session.
type Running interface {
	// Painted is closed once the waiting page has drawn two frames.
	Painted() <-chan struct{}
	// Lost is closed when the browser has exited or, before Open, when its
	// waiting page went away.
	Lost() <-chan struct{}
	// Open sends the waiting page to the address, once; an empty one is the
	// browser's own home page.
	Open(address string) error
	// Look tells whether the process runs and its window is in its place.
	Look() (alive, inPlace bool)
	// Raise gives the browser's window the keyboard.
	Raise() error
	// Kill ends every process of the session and returns when none is left,
	// or with an error when one is after the context's end.
	Kill(ctx context.Context) error
}

// Wiper looks for what should have vanished. Implemented by kiosk/wipe.
type Wiper interface {
	// Begin makes a fresh mark and writes it to disk, so that it is found
	// after a power cut.
	Begin() (Mark, error)
	// Occupy writes that a client uses the marked session.
	Occupy(Mark) error
	// Left returns the mark of a session that an earlier run of the kiosk did
	// not finish, and whether there is one.
	Left() (Mark, bool, error)
	// Wipe removes what a session may have left and looks for it: processes,
	// files, mounts, clipboard. It is called after Kill. It never returns
	// without looks.
	Wipe(ctx context.Context, mark Mark) []fleet.Look
	// Finish forgets the mark: its wipe was proved.
	Finish() error
}

// Prover turns looks into a signed, chained and stored proof. Implemented in
// kiosk's run.
type Prover interface {
	Prove(looks []fleet.Look, took time.Duration) (fleet.WipeProof, error)
	// Last is the newest stored proof, nil if there is none.
	Last() *fleet.WipeProof
}

// Screen is our shell. Implemented by kiosk/screen. Its methods return soon;
// a screen that is stuck says so by Lost.
type Screen interface {
	// Cover puts the emergency curtain over everything, at once.
	Cover() error
	// Show draws the view and returns when it is on the screen.
	Show(ctx context.Context, v View) error
	// Presses are what people press. Never closed.
	Presses() <-chan Press
	// Lost is sent to when the shell was lost; the screen has covered
	// everything by then and starts itself anew.
	Lost() <-chan struct{}
	// Paints reports whether the shell drew two frames lately.
	Paints() bool
	// IdleFor is how long nobody has touched mouse, keyboard or screen.
	IdleFor() (time.Duration, error)
}

// Press is one press on our own pages.
type Press struct {
	What string // "tile", "end", "end_yes", "end_no", "help", "help_cancel", "language", "continue", "done", "back"
	Arg  string // tile or language identifier
}

// HelpState is what the client is told about a help call.
type HelpState string

// The states of a help call, as the client sees it.
const (
	HelpNone    HelpState = ""
	HelpRinging HelpState = "ringing" // the agent has it
	HelpTrying  HelpState = "trying"  // the agent has not answered yet
	HelpOffline HelpState = "offline" // the agent cannot be reached: go and ask
	HelpComing  HelpState = "coming"
	HelpSoon    HelpState = "coming_soon"
	HelpNobody  HelpState = "cannot_come"
)

// View is all that the shell draws. Two equal views look the same.
type View struct {
	State     fleet.State
	Lang      string // "fi", "sv", "en"
	SiteName  string
	KioskName string
	LastClean time.Time     // zero before the first proof
	Erased    bool          // the last client's "your data has been erased" is up
	Confirm   bool          // "do you want to end?" is asked
	Left      time.Duration // until the time limit, in whole minutes; 0 for no limit
	EndsIn    time.Duration // until the session ends unless somebody acts, whole seconds; only in Warning
	ByLimit   bool          // Warning is about the time limit, which no press moves
	Help      HelpState
	Trouble   fleet.Code // why it is out of order
	Message   string     // from staff
	Identify  bool       // show the machine's name large
}

// Tile is what the session needs to know of a catalogue's entry.
type Tile struct {
	ID       string
	Category string // counted by day
	Address  string
}

// Tiles finds a tile. Implemented by kiosk/catalogue.
type Tiles interface {
	Tile(id string) (Tile, bool)
}

// Uplink is what the session tells the outside. Implemented by kiosk/uplink.
type Uplink interface {
	// Changed says that State or Faults changed; a report goes out.
	Changed()
	// Help rings, HelpOver takes it back. Kept until the agent has it.
	Help(call string) error
	HelpOver(call string) error
	// Connected reports whether the agent is there now.
	Connected() bool
}

// Counter adds up the day. Implemented by kiosk/uplink.
type Counter interface {
	Session(category string, length time.Duration, end fleet.End)
	Help()
}
