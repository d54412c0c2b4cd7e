// Package accept decides what was found when a finished machine was checked:
// it turns readings into the rows of an acceptance sheet.
//
// It is pure rules: it reads nothing itself (kiosk/accept/look and the kiosk's
// own parts do), knows no clock, no key and no session. What was not read is
// Unknown, never passed.
//
// Caveats: of a way out that settings stop, a row says that the settings are in
// place, not that somebody tried. Of the others it says that the tests of this
// build tried them, which is true of a build that is a commit; what a build of
// changed files does nobody knows, and the row says so.
package accept

import (
	"fmt"
	"slices"
	"strings"

	"yhteiskone/internal/fleet"
)

// Readings are what was found. Nil, or an empty list that is not Known, is
// what could not be read.
type Readings struct {
	Health fleet.Health
	State  fleet.State

	Software *[]string // codes of what kiosk/check found bad
	Tried    bool      // the build is a commit, so its tests were run on it
	Image    string    // the image's version; empty if the machine is not run from one
	Verity   bool      // and its root is checked by the kernel as it is read

	Proof *fleet.ProofSummary
	Chain *bool // all kept proofs are signed and follow one another

	Services Services
	Printing Printing

	UEFI       *bool
	SecureBoot *bool

	Root      *bool // the kiosk runs as root
	OwnUser   *bool // the client's browser has a user of its own
	Bounded   *bool // and a control group with bounds
	Untrusted *bool // the X server does not trust it
	Wall      *bool // the machine's packet filter is on
	Ports     *[]string
	NoCores   *bool
	Missing   *[]string // kernel parameters that are not there

	Policies map[int]bool // by way out: every policy that stops it is in place

	NoConsoles *bool // no key leads to another console, and no login waits there
	NoZap      *bool // no key ends the X server
	NoRestart  *bool // Ctrl+Alt+Del restarts nothing
	NoSysRq    *bool // the kernel hears no keys
	Power      *bool // the power button turns off, the lid does nothing, GRUB shows no menu
	NoMounter  *bool // nothing mounts what is plugged in
}

// Services is what the probe of the catalogue's services knows.
type Services struct {
	All, Probed int
	Down        []string // names
}

// Printing is how the machine prints.
type Printing struct {
	Server   bool // a print server is configured
	Printers *int // that it has
}

// What a machine must have. 2 GiB fitted are somewhat less after the firmware
// and the kernel took theirs.
const (
	memoryLeast = 1800 << 20
	spaceLeast  = 64 << 20
	widthLeast  = 1024
	heightLeast = 600
)

// Rows decides. It returns a row for each of fleet.SheetCodes, in that order.
func Rows(r Readings) (all []fleet.SheetRow) {
	found := map[string]fleet.SheetRow{}
	add := func(code string, m fleet.Mark, value string) {
		found[code] = fleet.SheetRow{Code: code, Mark: m, Value: Cut(value)}
	}
	r.machine(add)
	r.walls(add)
	r.serving(add)
	r.ways(add)
	for _, code := range fleet.SheetCodes() {
		row, ok := found[code]
		if !ok {
			row = fleet.SheetRow{Code: code, Mark: fleet.Unknown}
		}
		all = append(all, row)
	}
	return all
}

// is a mark for a reading that may not be there.
func is(v *bool) fleet.Mark {
	switch {
	case v == nil:
		return fleet.Unknown
	case *v:
		return fleet.Passed
	}
	return fleet.Failed
}

func passed(ok bool) fleet.Mark { return is(&ok) }

// none wants a list that is known and empty, and says what is in it.
func none(list *[]string) (fleet.Mark, string) {
	if list == nil {
		return fleet.Unknown, ""
	}
	return passed(len(*list) == 0), strings.Join(*list, " ")
}

func (r Readings) machine(add func(string, fleet.Mark, string)) {
	h := r.Health
	if h.MemoryTotal != nil {
		add("memory", passed(*h.MemoryTotal >= memoryLeast), gibibytes(*h.MemoryTotal))
	}
	if h.DiskTotal != nil && h.DiskFree != nil {
		add("disk_space", passed(*h.DiskFree >= min(spaceLeast, *h.DiskTotal/4)), fmt.Sprintf("%d/%d MiB", *h.DiskFree>>20, *h.DiskTotal>>20))
	}
	add("disk_health", is(h.DiskHealthy), "")
	if h.Screens != nil && h.Resolution != nil {
		w, t := 0, 0
		_, err := fmt.Sscanf(*h.Resolution, "%dx%d", &w, &t)
		add("display", passed(err == nil && *h.Screens > 0 && w >= widthLeast && t >= heightLeast), *h.Resolution)
	}
	if h.Keyboards != nil && h.Pointers != nil {
		touch := h.Touch != nil && *h.Touch
		add("input", passed(touch || *h.Keyboards > 0 && *h.Pointers > 0), fmt.Sprintf("%d+%d", *h.Keyboards, *h.Pointers))
	}
	add("network", is(h.NetworkUp), "")
	add("sound", is(h.Sound), "")
	switch {
	case !r.Printing.Server:
		add("printer", fleet.Absent, "")
	case r.Printing.Printers == nil:
		add("printer", fleet.Unknown, "")
	case *r.Printing.Printers == 0:
		add("printer", fleet.Absent, "0")
	default:
		add("printer", fleet.Passed, fmt.Sprint(*r.Printing.Printers))
	}
	add("card_reader", orAbsent(h.CardReader), "")
	switch {
	case r.UEFI != nil && !*r.UEFI:
		add("secure_boot", fleet.Absent, "BIOS")
	case r.UEFI != nil:
		add("secure_boot", is(r.SecureBoot), "UEFI")
	}
	add("clock", is(h.ClockSet), "")
	m, codes := none(r.Software)
	add("software", m, codes)
}

// orAbsent is for what a machine may have or not.
func orAbsent(v *bool) fleet.Mark {
	if m := is(v); m != fleet.Failed {
		return m
	}
	return fleet.Absent
}

func (r Readings) walls(add func(string, fleet.Mark, string)) {
	add("image", passed(r.Image != "" && r.Verity), r.Image)
	m, missing := none(r.Missing)
	add("kernel", m, missing)
	add("user", not(r.Root), "")
	add("client_user", is(r.OwnUser), "")
	add("group", is(r.Bounded), "")
	m, value := is(r.Untrusted), ""
	if t := r.Health.Touch; m == fleet.Failed && t != nil && *t {
		m, value = fleet.Absent, "touch"
	}
	add("x_trust", m, value)
	add("nft", is(r.Wall), "")
	m, ports := none(r.Ports)
	add("ports", m, ports)
	add("swap", not(r.Health.Swap), "")
	add("cores", is(r.NoCores), "")
}

func not(v *bool) fleet.Mark {
	if v == nil {
		return fleet.Unknown
	}
	return passed(!*v)
}

func (r Readings) serving(add func(string, fleet.Mark, string)) {
	if p := r.Proof; p != nil {
		m := is(r.Chain)
		if !p.Clean || r.State == fleet.OutOfOrder {
			m = fleet.Failed
		}
		add("wipe", m, fmt.Sprint(p.Seq))
	} else if r.State == fleet.OutOfOrder {
		add("wipe", fleet.Failed, "")
	}
	s := r.Services
	value := fmt.Sprintf("%d/%d", s.Probed-len(s.Down), s.All)
	switch {
	case s.All == 0 || s.Probed == 0:
		add("services", fleet.Unknown, "")
	case len(s.Down) > 0:
		add("services", fleet.Failed, value+" "+strings.Join(s.Down, ", "))
	case s.Probed < s.All: // the first round is not over
		add("services", fleet.Unknown, value)
	default:
		add("services", fleet.Passed, value)
	}
}

// ways are the ways out of kiosk/ESCAPES.md.
func (r Readings) ways(add func(string, fleet.Mark, string)) {
	// Health watches which keyboards come; one that came since the start is to
	// be looked at.
	watched := r.Health.NewKeyboards
	var quiet *bool
	if watched != nil {
		quiet = new(*watched == 0)
	}
	ofImage := map[int]*bool{30: r.NoConsoles, 31: r.NoZap, 32: r.NoRestart, 33: r.NoSysRq, 35: r.Power, 37: r.NoMounter, 38: quiet}
	for n := 1; n <= fleet.WaysCount; n++ {
		held, byPolicy := r.Policies[n]
		stop, ofSettings := ofImage[n]
		m := fleet.AtBuild
		switch {
		case slices.Contains(fleet.WaysByHand(), n):
			m = fleet.ByHand
		case ofSettings:
			m = is(stop)
		case byPolicy && !held:
			m = fleet.Failed
		case !r.Tried || PoliciesStop(n) && !byPolicy:
			m = fleet.Unknown
		case byPolicy:
			m = fleet.Passed
		}
		add(fleet.WayCode(n), m, "")
	}
}

// PoliciesStop reports whether the browser's policies are among what stops the
// way out, so that they have to be looked at. A test holds it against the
// policies themselves.
func PoliciesStop(n int) bool {
	return n <= 6 || slices.Contains([]int{8, 13, 15, 17, 18, 19, 20, 21, 22, 24, 25, 26, 28, 42, 44, 45, 46, 47}, n)
}

func gibibytes(n uint64) string { return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30)) }

// Cut makes a value fit into a row: it is printed, and short.
func Cut(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == 0xfffd {
			return ' '
		}
		return c
	}, s)
	for len(s) > fleet.SheetValueMost {
		runes := []rune(s)
		s = string(runes[:len(runes)-1])
	}
	return strings.TrimSpace(s)
}
