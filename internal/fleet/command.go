package fleet

import (
	"errors"
	"fmt"
	"time"
)

// CommandName is one of a closed list of things that the agent may ask of a
// kiosk. There is no command that runs, reads or shows anything of a session.
type CommandName string

// The commands of this version.
const (
	EndSession       CommandName = "end_session"
	RestartKiosk     CommandName = "restart_kiosk"
	Reboot           CommandName = "reboot"        // the whole machine
	UpdateConfig     CommandName = "update_config" // read the kiosk's own configuration file anew, by starting the program anew; a bad one is "invalid" and changes nothing
	Wake             CommandName = "wake"          // wake the machine with that network card, in the same house
	TakeOutOfService CommandName = "out_of_service"
	PutInService     CommandName = "in_service"
	Identify         CommandName = "identify" // show the machine's name large on the curtain or strip for a while
	ShowMessage      CommandName = "message"
	SomeoneWaits     CommandName = "someone_waits" // the client keeps Settings.Notice
	NobodyWaits      CommandName = "nobody_waits"
	OpenWeb          CommandName = "open_web" // the allow list is lifted for the running session; names no address
	UpdateImage      CommandName = "update_image"
	Check            CommandName = "check" // look at the machine and send a Sheet; says nothing of a session
)

// Command is one order to one kiosk.
type Command struct {
	ID   string // idempotency key, 16 hexadecimal digits: carried out once, however often it arrives
	Name CommandName
	Text string        // for ShowMessage: 1 to 200 characters; else empty
	MAC  string        // for Wake: see CheckMAC; else empty
	Now  bool          // do not wait for the session's end
	TTL  time.Duration // from when the kiosk hears it; an older one is answered with "expired"

	Image ImageOffer // for UpdateImage; else empty
}

// Result is a kiosk's answer to a command.
type Result struct {
	Command string // Command.ID
	OK      bool
	Why     string // a fixed word when not OK: "expired", "unknown", "invalid", "unable" (this machine cannot), "failed", or one of UpdateWhys
}

// Counts are the sums of one day at one kiosk. Only finished days are sent.
// There is no field that could tell one visit from another.
type Counts struct {
	Day       string // 2006-01-02, local to the kiosk
	Sessions  uint32
	Lengths   map[string]uint32 // "under_5", "5_15", "15_30", "30_60", "over_60" (minutes)
	Tiles     map[string]uint32 // by category of the tile pressed, for example "benefits"
	Ends      map[End]uint32
	HelpCalls uint32
	Outcomes  map[Outcome]uint32 // the optional answers to "did you get it done?"
}

// Outcome is a client's optional answer at the end. Counted by day, nothing
// else.
type Outcome string

// The outcomes. Partly and NotDone are counted when no reason follows.
const (
	GotDone    Outcome = "yes"
	Partly     Outcome = "partly"
	NotDone    Outcome = "no"
	NoCodes    Outcome = "no_codes" // no bank codes
	NoPhone    Outcome = "no_phone"
	TooHard    Outcome = "too_hard"
	PageBroken Outcome = "page_broken"
	OtherWhy   Outcome = "other"
)

// Outcomes lists every Outcome.
func Outcomes() []Outcome {
	return []Outcome{GotDone, Partly, NotDone, NoCodes, NoPhone, TooHard, PageBroken, OtherWhy}
}

// MessageLimit is how many characters a message to the screen may have.
const MessageLimit = 200

// CheckMessage says in one sentence what is wrong with a message to the
// screen, or returns nil.
func CheckMessage(text string) error {
	n := 0
	for _, r := range text {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return errors.New("the message holds a character that cannot be shown")
		}
		n++
	}
	if n == 0 || n > MessageLimit {
		return fmt.Errorf("the message has %d characters, not 1 to %d", n, MessageLimit)
	}
	return nil
}
