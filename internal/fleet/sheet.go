package fleet

import (
	"fmt"
	"slices"
	"time"
)

// Sheet is the acceptance of one finished machine: what was found when it was
// checked, made and signed by the machine itself. It holds nothing of a
// session, and no address.
type Sheet struct {
	Kiosk     KioskID
	Command   string        // Command.ID of the check that it answers, or CheckedHere
	At        time.Time     // by the kiosk's clock, UTC, to the second
	Build     string        // of the kiosk's program
	Image     string        // the image's version; empty on a machine that is not run from one
	Hardware  string        // one line, as at enrolment
	Proof     *ProofSummary // the newest wipe proof; nil before the first
	Rows      []SheetRow
	Signature []byte // Ed25519 over proof.CanonicalSheet, 64 bytes
}

// SheetRow is one thing that was looked at.
type SheetRow struct {
	Code  string // see SheetCodes
	Mark  Mark
	Value string // what was read, in no language: "3.8 GiB", "1366x768"; may be empty
}

// Mark is what a row comes to.
type Mark string

// The marks. What could not be read is Unknown, which never counts as passed.
const (
	Passed  Mark = "passed"  // looked at on this machine, and as it should be
	AtBuild Mark = "build"   // tried when this build of the program was made
	ByHand  Mark = "hand"    // for a person with the machine to try
	Absent  Mark = "none"    // the machine has none, and none is needed
	Failed  Mark = "failed"  // looked at on this machine, and not as it should be
	Unknown Mark = "unknown" // could not be looked at
)

// CheckedHere is, in place of a command's identifier, that of a check which
// somebody asked for at the machine itself.
const CheckedHere = "0000000000000000"

// Limits of a sheet.
const (
	SheetRowsMost  = 120
	SheetValueMost = 64 // bytes
)

// WaysCount is how many ways out of a kiosk there are (kiosk/ESCAPES.md).
const WaysCount = 47

// WaysByHand are the ways out that only a person with the machine can try.
func WaysByHand() []int { return []int{36, 39} }

// WaysOfImage are the ways out that settings of the image stop. No build of
// the program tries them.
func WaysOfImage() []int { return []int{30, 31, 32, 33, 35, 37, 38} }

// WayCode is the code of a way out's row.
func WayCode(n int) string { return fmt.Sprintf("way_%02d", n) }

// SheetParts are the parts of a sheet that is printed, in their order, with the
// codes of their rows.
func SheetParts() []SheetPart {
	ways := SheetPart{Name: "ways"}
	for n := range WaysCount {
		ways.Codes = append(ways.Codes, WayCode(n+1))
	}
	return []SheetPart{
		{"machine", []string{"memory", "disk_space", "disk_health", "display", "input", "network", "sound", "printer", "card_reader", "secure_boot", "clock", "software"}},
		{"walls", []string{"image", "kernel", "user", "client_user", "group", "x_trust", "nft", "ports", "swap", "cores"}},
		{"serving", []string{"wipe", "services"}},
		ways,
	}
}

// SheetPart is one part of a sheet.
type SheetPart struct {
	Name  string
	Codes []string
}

// SheetCodes are the codes of all rows, in their order.
func SheetCodes() (all []string) {
	for _, p := range SheetParts() {
		all = append(all, p.Codes...)
	}
	return all
}

// absentFine are the rows whose thing a machine need not have: a printer, a
// reader of cards; Secure Boot where there is no UEFI; an X server that does not
// trust the browser where there is a touch screen (SECURITY.md).
func absentFine() []string { return []string{"printer", "card_reader", "secure_boot", "x_trust"} }

// Judged are the rows as they count, each of SheetCodes once and in that order,
// whatever the kiosk sent: a row that is missing or there twice is Unknown; a
// way out that a person has to try is theirs, whatever else it says; nothing
// that is looked at on the machine passes for having been tried at build.
func (s Sheet) Judged() []SheetRow {
	byHand, atBuild := map[string]bool{}, map[string]bool{}
	for n := 1; n <= WaysCount; n++ {
		byHand[WayCode(n)] = slices.Contains(WaysByHand(), n)
		atBuild[WayCode(n)] = !byHand[WayCode(n)] && !slices.Contains(WaysOfImage(), n)
	}
	said := map[string][]SheetRow{}
	for _, r := range s.Rows {
		said[r.Code] = append(said[r.Code], r)
	}
	var all []SheetRow
	for _, code := range SheetCodes() {
		r := SheetRow{Code: code, Mark: Unknown}
		if len(said[code]) == 1 {
			r = said[code][0]
		}
		switch {
		case byHand[code]:
			if r.Mark != Failed {
				r.Mark = ByHand
			}
		case r.Mark == Passed || r.Mark == Failed:
		case r.Mark == AtBuild && atBuild[code]:
		case r.Mark == Absent && slices.Contains(absentFine(), code):
		default:
			r.Mark = Unknown
		}
		all = append(all, r)
	}
	return all
}

// Tally is how many rows of a kind came to what.
type Tally struct {
	All, Here, Build, Hand, Failed, Unknown int // Here: passed on this machine, or not needed there
}

// Good is how many are as they should be, what people have still to try apart.
func (t Tally) Good() int { return t.Here + t.Build }

// Open is how many are not.
func (t Tally) Open() int { return t.Failed + t.Unknown }

// SheetResult is what a sheet comes to.
type SheetResult struct {
	Ways       Tally // the ways out; Hand are those that nobody has tried yet
	Rest       Tally // everything else
	Tried      int   // ways out that a person has tried, and that held
	WipeProved bool
}

// Accepted reports whether nothing is left to mend. There may be something left
// to try by hand.
func (r SheetResult) Accepted() bool { return r.Ways.Open()+r.Rest.Open() == 0 && r.WipeProved }

// Whole reports whether nothing is left at all: every way out was tried or its
// stop was looked at, and the wipe is proved.
func (r SheetResult) Whole() bool { return r.Accepted() && r.Ways.Hand == 0 }

// Result is what the sheet comes to. tried are the ways out that a person says
// they have tried, and that held.
func (s Sheet) Result(tried ...int) (out SheetResult) {
	for _, r := range s.Judged() {
		t, way := &out.Rest, 0
		if _, err := fmt.Sscanf(r.Code, "way_%d", &way); err == nil {
			t = &out.Ways
		}
		t.All++
		switch r.Mark {
		case Passed, Absent:
			t.Here++
		case AtBuild:
			t.Build++
		case ByHand:
			if slices.Contains(tried, way) {
				out.Tried++
			} else {
				t.Hand++
			}
		case Failed:
			t.Failed++
		default:
			t.Unknown++
		}
		if r.Code == "wipe" {
			out.WipeProved = r.Mark == Passed && s.Proof != nil && s.Proof.Clean
		}
	}
	return out
}
