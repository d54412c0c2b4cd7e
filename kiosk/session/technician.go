package session

import (
	"strings"
	"time"

	"yhteiskone/internal/fleet"
)

// technicianTime is how long the technician's view stays when nobody touches
// the machine.
const technicianTime = 3 * time.Minute

// About is what a machine knows of itself.
type About struct {
	Build string // of the program
	Image string // the image's version; empty on a machine that is not run from one
	Agent string // the agent's address
}

// CheckStep is how far the check has come that was asked for at the machine.
type CheckStep string

// The steps.
const (
	CheckNone   CheckStep = ""
	CheckRuns   CheckStep = "runs"
	CheckMade   CheckStep = "made"
	CheckFailed CheckStep = "failed"
)

// Technician is what the technician's view shows: of the machine and its parts,
// nothing of any client. It is opened by a press that no client makes by
// accident, while nobody uses the machine, and changes nothing about it. One
// that was shown is never changed.
type Technician struct {
	About
	Connected bool   // the agent is there now
	Faults    string // codes, with commas between
	Proof     fleet.ProofSummary
	Check     CheckStep
	Sheet     *fleet.Sheet // with CheckMade
}

// technician is the view while it is open.
type technician struct {
	touched time.Time
	check   CheckStep
	sheet   *fleet.Sheet
	turn    int // which opening it is: a check of another one is not shown
}

// pressTechnician is a press about the technician's view.
func (m *Machine) pressTechnician(what string) {
	v := &m.view
	switch {
	case what == "technician" && !v.State.InSession() && v.State != fleet.Erasing && !v.Erased && v.Chosen == "" && v.Technician == nil:
		m.technician = technician{touched: time.Now(), turn: m.technician.turn + 1}
		v.Technician = new(Technician)
	case v.Technician == nil:
		return
	case what == "technician_close":
		v.Technician = nil
		m.forget()
		return
	case what == "technician_check" && m.technician.check != CheckRuns:
		m.checkHere()
	}
	m.technician.touched = time.Now()
}

// checkHere has the machine looked at for who stands before it. The sheet goes
// to the agent as any other.
func (m *Machine) checkHere() {
	m.technician.check, m.technician.sheet = CheckRuns, nil
	if m.Check == nil || m.checks[fleet.CheckedHere] { // one of an earlier opening still runs
		m.technician.check = CheckFailed
		return
	}
	turn := m.technician.turn
	m.lookAt(fleet.CheckedHere, func(sheet fleet.Sheet, err error) {
		switch {
		case m.technician.turn != turn:
			return
		case err != nil:
			m.technician.check = CheckFailed
		default:
			m.technician.check, m.technician.sheet = CheckMade, &sheet
		}
		m.technician.touched = time.Now()
	})
}

// technicianTimes lets the view go away by itself.
func (m *Machine) technicianTimes() {
	if m.view.Technician == nil || m.technician.check == CheckRuns {
		return
	}
	idle, err := m.Screen.IdleFor()
	if err != nil {
		idle = technicianTime
	}
	if min(idle, time.Since(m.technician.touched)) >= technicianTime {
		m.pressTechnician("technician_close")
	}
}

// fillTechnician completes the open view.
func (m *Machine) fillTechnician() {
	if m.view.Technician == nil {
		return
	}
	now := Technician{Connected: m.Uplink.Connected(), Check: m.technician.check, Sheet: m.technician.sheet}
	if m.About != nil {
		now.About = m.About()
	}
	var codes []string
	for _, c := range m.Status().Faults {
		codes = append(codes, string(c))
	}
	now.Faults = strings.Join(codes, ",")
	if last := m.Prover.Last(); last != nil {
		now.Proof = fleet.ProofSummary{Seq: last.Seq, At: last.At, Clean: last.Clean()}
	}
	if now != *m.view.Technician {
		m.view.Technician = &now
	}
}
