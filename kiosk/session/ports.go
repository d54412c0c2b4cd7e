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
	Counted  bool      `json:"counted"`  // and that session was counted, though its wipe is not proved
}

// Browser starts the client's browser. Implemented by kiosk/browser.
type Browser interface {
	// Start starts a fresh browser in its own namespaces on our waiting page,
	// with the mark planted. It returns as soon as the process runs; an error
	// means that nothing is left running.
	Start(ctx context.Context, mark Mark, setup Setup) (Running, error)
}

// Setup is how a browser is started.
type Setup struct {
	Lang    string  // of the client, for example "fi"
	Comfort Comfort // Size and Contrast of its pages
	Mode    fleet.Mode
	Blocked []string // fleet.Settings.Blocked
	Offer   uint64   // View.Offer, where it decides what is open: with Errands
}

// Comfort is how a client wants to see, hear and type. It is kept for the
// session and gone with it. The zero value is nobody's choice: Plain is.
type Comfort struct {
	Size     int  // percent: one of Sizes
	Contrast bool // high contrast
	Speak    bool // what is on the curtain and the strip is read aloud
	Keyboard bool // the on-screen keyboard is up
	Sticky   bool // Shift, Ctrl and Alt stay down until the next key
}

// Plain is what every session begins with.
func Plain() Comfort { return Comfort{Size: 100} }

// Sizes are the text sizes to choose from, in percent.
func Sizes() []int { return []int{100, 125, 150, 200, 300} }

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
	// Look tells how the browser is.
	Look() Look
	// Adjust makes the pages follow Size and Contrast, from now on and as far
	// as a running browser can.
	Adjust(Comfort) error
	// OpenWeb lifts the allow list for the rest of the session. The block list
	// stays.
	OpenWeb() error
	// Raise gives the browser's window the keyboard.
	Raise() error
	// Kill ends every process of the session and returns when none is left,
	// or with an error when one is after the context's end.
	Kill(ctx context.Context) error
}

// Look is how a running browser is.
type Look struct {
	Alive   bool // its process runs
	Placed  bool // its window is where it should be
	Answers bool // its window answered lately; true while that is not yet known
}

// Aids are what helps a client to read and type: a voice, an on-screen
// keyboard, sticky keys. Implemented in kiosk's run over kiosk/speech,
// kiosk/keyboard and kiosk/display. No method waits for anything.
type Aids interface {
	// Can tells what this machine can do in the language.
	Can(lang string) (speak, keyboard, sticky bool)
	// Say reads the text aloud instead of what is being read; an empty text
	// silences.
	Say(text, lang string) error
	// SaySelected reads aloud what the client has selected on their page.
	SaySelected(lang string) error
	// Chime sounds once, for somebody who does not look at the screen.
	Chime() error
	// Keyboard shows or hides the on-screen keyboard above the strip, whose
	// height in units is given.
	Keyboard(show bool, lang string, above int) error
	Sticky(on bool) error
	// Reset puts everything back to how the next client finds it. The keys
	// that were held and the words that were spoken are forgotten.
	Reset() error
}

// Wiper looks for what should have vanished. Implemented by kiosk/wipe.
type Wiper interface {
	// Begin makes a fresh mark and writes it to disk, so that it is found
	// after a power cut.
	Begin() (Mark, error)
	// Occupy writes that a client uses the marked session, and whether it was
	// counted.
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
	// Pace is how many times longer than an ordinary machine this one needs to
	// draw, 1 or more. It is the same from the start on.
	Pace() float64
	// IdleFor is how long nobody has touched mouse, keyboard or screen.
	IdleFor() (time.Duration, error)
	// Spoken is the view in words, as it is read aloud.
	Spoken(v View) string
	// Light turns the monitor on or off, for the hours when the place is closed.
	Light(on bool) error
}

// Press is one press on our own pages.
type Press struct {
	// What is one of
	//   on the welcome page: "tile" (Arg: its identifier), "language" (Arg: code)
	//   about the end: "end", "end_yes", "end_no", "continue" (I am still here),
	//     "more_time", "notice_ok", "done" (seen), "answer" (Arg: fleet.Outcome), "skip"
	//   about help: "help", "help_cancel"
	//   on the strip: "menu", "menu_close", "back" (to the page)
	//   comfort: "size" (Arg: percent), "contrast", "speak", "keyboard", "sticky"
	//     (each turns on or off), "say" (read this page of ours), "say_selected"
	//   hiding the screen: "hide", "picture" (Arg: its name), "hide_cancel"
	//   somebody waits: "queue", "queue_over"
	//   the technician's view: "technician", "technician_check", "technician_close"
	What string
	Arg  string
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

// Reason is why a session will end although its client is there.
type Reason string

// The reasons. NoReason means idleness: a press ends the countdown.
const (
	NoReason  Reason = ""
	ByLimit   Reason = "limit"
	ByQueue   Reason = "queue"
	ByClosing Reason = "closing"
)

// HideStep is how far hiding the screen has come.
type HideStep string

// The steps: choose three pictures, covered, covered and the last three were
// others, that once too often: for a moment none is taken.
const (
	HideNone   HideStep = ""
	HideChoose HideStep = "choose"
	HideOn     HideStep = "on"
	HideWrong  HideStep = "wrong"
	HidePause  HideStep = "pause"
)

// PicturesToHide is how many pictures uncover a hidden screen.
const PicturesToHide = 3

// AskStep is how far the question at the end has come.
type AskStep string

// The steps: did you get it done; what stood in the way.
const (
	AskNone AskStep = ""
	AskDone AskStep = "done"
	AskWhy  AskStep = "why"
)

// View is all that the shell draws. Two equal views look the same.
type View struct {
	State     fleet.State
	Lang      string // "fi", "sv", "en" and the others of screen's texts
	Languages string // those offered, with commas between; empty means all
	SiteName  string
	KioskName string
	LastClean time.Time     // zero before the first proof
	Erased    bool          // the last client's "your data has been erased" is up
	Ask       AskStep       // with Erased: the optional question
	Preparing bool          // on the welcome page: the browser is being started in the chosen language or size
	Chosen    string        // the tile that opens as soon as it is there
	Confirm   bool          // "do you want to end?" is asked
	Left      time.Duration // until the session must end, in whole minutes; 0 for no limit, or a closing time more than an hour away
	Why       Reason        // what sets Left; in Warning what sets EndsIn
	EndsIn    time.Duration // until the session ends unless somebody acts, whole seconds; only in Warning
	Notice    int           // which notice is up, 10, 5 or 1, until it is answered; 0 for none. Left says how many minutes there are: a time that begins at 8 shows the 10
	MoreTime  bool          // a press on "more time" gives some
	Waiting   bool          // somebody waits for the machine
	Help      HelpState
	HelpWho   string // who comes; may be empty
	HelpIn    int    // in how many minutes; with HelpSoon
	Mode      fleet.Mode
	Web       bool // staff opened the whole web for this session
	Comfort   Comfort
	CanSpeak  bool
	CanType   bool // there is an on-screen keyboard
	CanStick  bool
	Menu      bool          // the strip's page of comforts is open
	Pale      bool          // strong colours were chosen since the session began: others' pages do not have them
	Hide      HideStep      // but for HideNone nothing else uncovers the page, whatever State, Confirm, Message and Notice say
	Picked    int           // pictures pressed so far, of PicturesToHide
	HideLeft  time.Duration // until a hidden session is erased, in whole minutes, rounded up
	Down      string        // tiles whose services do not answer, with commas between
	Support   fleet.Support // the next or present time of digital support; zero for none known
	Here      bool          // digital support is at the site now: Support is the present time
	Phone     string        // of support by phone
	Welcome   fleet.Text    // the centre's own words for the welcome page; may be empty
	Offer     uint64        // which of the offers of Tiles it is
	OpensAt   time.Time     // in Closed: when the place opens; zero if unknown
	Trouble   fleet.Code    // why it is out of order
	Snag      Snag          // in Starting: why it cannot begin to serve, tried again all the time
	SnagAt    string        // the agent's address, with SnagNoAgent
	Message   string        // from staff
	Identify  bool          // show the machine's name large

	Technician *Technician // the technician's view, over every page without a session; nil while it is closed
}

// Tile is what the session needs to know of a catalogue's entry.
type Tile struct {
	ID       string
	Category string // counted by day
	Address  string
}

// Tiles are what there is to choose from. Implemented by kiosk/catalogue.
type Tiles interface {
	// Tile finds a tile of the offer in use.
	Tile(id string) (Tile, bool)
	// Offer puts what a site offers in use, nil for the kiosk's own catalogue,
	// and returns a number for it: 0 for the kiosk's own, and another one for
	// another offer. It is called while no client is there.
	Offer(*fleet.Offer) uint64
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
	Outcome(fleet.Outcome)
}

// Services tells which tiles' services do not answer just now. Implemented by
// kiosk/services.
type Services interface {
	Down() (tiles []string)
}
