package fleet

// State is what a kiosk says of itself.
type State string

// The states of a kiosk. A kiosk is in exactly one of them.
const (
	Starting     State = "starting"       // not yet ready for a client
	Ready        State = "ready"          // a client may press a tile
	InUse        State = "in_use"         // a session runs
	Warning      State = "warning"        // a session runs and will end soon unless the client acts
	Erasing      State = "erasing"        // the session is over, the wipe is not yet proved
	Closed       State = "closed"         // outside opening hours
	OutOfService State = "out_of_service" // staff said so
	OutOfOrder   State = "out_of_order"   // we cannot promise a clean machine
)

// States lists every State, in the order of a machine's day.
func States() []State {
	return []State{Starting, Ready, InUse, Warning, Erasing, Closed, OutOfService, OutOfOrder}
}

// Valid reports whether s is one of the states.
func (s State) Valid() bool {
	for _, v := range States() {
		if s == v {
			return true
		}
	}
	return false
}

// InSession reports whether a client's session runs in this state.
func (s State) InSession() bool { return s == InUse || s == Warning }

// Status is what staff are told about a kiosk.
type Status string

// The statuses of a kiosk, as the dashboard and the API name them.
const (
	StatusFree           Status = "free"
	StatusInUse          Status = "in_use"
	StatusCleaning       Status = "cleaning"
	StatusNeedsAttention Status = "needs_attention"
	StatusOutOfOrder     Status = "out_of_order"
	StatusOutOfService   Status = "out_of_service"
	StatusNoConnection   Status = "no_connection"
	StatusClosed         Status = "closed"
)

// Statuses lists every Status; those that need somebody come first.
func Statuses() []Status {
	return []Status{StatusOutOfOrder, StatusNoConnection, StatusNeedsAttention, StatusOutOfService,
		StatusInUse, StatusCleaning, StatusFree, StatusClosed}
}

// Works reports whether a machine of this status serves clients, so that it
// counts in the dashboard's first line.
func (s Status) Works() bool {
	return s == StatusFree || s == StatusInUse || s == StatusCleaning || s == StatusNeedsAttention
}

// End says how a session ended. It is counted, never stored with a time.
type End string

// The ways a session can end. All of them take the same path.
const (
	EndButton       End = "button"       // the client pressed End
	EndIdle         End = "idle"         // nobody touched the machine
	EndLimit        End = "limit"        // the time limit
	EndCommand      End = "command"      // the agent asked
	EndLocal        End = "local"        // `kiosk end`
	EndBrowser      End = "browser"      // the client closed the browser, or it crashed
	EndShell        End = "shell"        // our own shell crashed or froze
	EndStop         End = "stop"         // the kiosk was told to stop
	EndInterruption End = "interruption" // the kiosk was killed or lost power; found at the next start
)

// Ends lists every End.
func Ends() []End {
	return []End{EndButton, EndIdle, EndLimit, EndCommand, EndLocal, EndBrowser, EndShell, EndStop, EndInterruption}
}
