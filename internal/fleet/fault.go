package fleet

// Code names a fault. Codes are stable: people search for them.
type Code string

// Faults that a kiosk reports of itself.
const (
	WipeUnverified   Code = "wipe_unverified"    // the last wipe could not be proved
	ShellNotPainting Code = "shell_not_painting" // our shell does not draw
	BrowserFailing   Code = "browser_failing"    // the client's browser does not start or stay
	StateNotKept     Code = "state_not_kept"     // the kiosk cannot write its own state
	KioskRestarted   Code = "kiosk_restarted"    // the kiosk ended unexpectedly and was started again
	ScreenFailing    Code = "screen_failing"     // the X server or the window manager did not answer and was started anew
	ImageFellBack    Code = "image_fell_back"    // a new image did not start well three times; the machine is back on the one before
)

// Faults that the agent concludes.
const (
	NoConnection     Code = "no_connection"
	ClockWrong       Code = "clock_wrong"
	DiskFull         Code = "disk_full"
	MemoryLow        Code = "memory_low"
	CPUBusy          Code = "cpu_busy"
	TooHot           Code = "too_hot"
	NetworkDown      Code = "network_down"
	BrowserMisplaced Code = "browser_misplaced"
	ProofInvalid     Code = "proof_invalid" // a proof did not verify or did not follow the one before
	HelpUnanswered   Code = "help_unanswered"
	NoKeyboard       Code = "no_keyboard"
	NoMouse          Code = "no_mouse" // and no touch screen
	NoScreen         Code = "no_screen"
	NewKeyboard      Code = "new_keyboard" // one was plugged in since the start: hardware keyloggers exist
	USBChanged       Code = "usb_changed"
	NoSound          Code = "no_sound"
	DiskFailing      Code = "disk_failing"
	ClockUnset       Code = "clock_unset" // no time server has set the clock
	UpdatesWaiting   Code = "updates_waiting"
	OnBattery        Code = "on_battery"
	SwapOn           Code = "swap_on" // a session could reach the disk
	ServicesDown     Code = "services_down"
	NotOn            Code = "not_on"         // not switched on although its site is open
	RestartsOften    Code = "restarts_often" // its program starts again and again
	ImageOutdated    Code = "image_outdated" // it runs another build than its site should
)

// Faults that are not one kiosk's. A kiosk that is silent because of one shows
// it in place of its own silence.
const (
	SiteSilent Code = "site_silent" // most of a site's machines were lost at once
	CannotSee  Code = "cannot_see"  // the agent itself is cut off; of the kiosks it knows nothing
)

// Severity says how much a fault matters to a client.
type Severity string

// The severities, mildest first.
const (
	SeverityNotice  Severity = "notice"  // worth knowing; the machine serves
	SeverityWarning Severity = "warning" // somebody should look; the machine serves
	SeverityError   Severity = "error"   // the machine does not serve
)
