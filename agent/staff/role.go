package staff

import (
	"fmt"
	"slices"

	"yhteiskone/internal/fleet"
)

// Role says how much a person may do. Each role may do all that the one before
// it may.
type Role string

// The roles, least first.
const (
	Viewer     Role = "viewer"     // looks
	Staff      Role = "staff"      // answers help calls and uses the machines' buttons
	Technician Role = "technician" // looks after the machines
	Admin      Role = "admin"      // looks after the people
)

// Roles lists every role, least first.
func Roles() []Role { return []Role{Viewer, Staff, Technician, Admin} }

// ParseRole reads a role as it is written on a command line.
func ParseRole(s string) (Role, error) {
	if slices.Contains(Roles(), Role(s)) {
		return Role(s), nil
	}
	return "", fmt.Errorf("role %q is unknown; use viewer, staff, technician or admin", s)
}

// Person is who asks: the holder of a web session or of a bearer token.
type Person struct {
	Name  string
	Shown string
	Role  Role
	Site  fleet.SiteID // empty: every site
}

// Action is one of a closed list of things that a person may ask for.
type Action string

// The actions. Whoever adds one says in least who may do it.
const (
	SeeFleet      Action = "see_fleet"       // the machines, their state and health
	SeeHelp       Action = "see_help"        // who calls for help
	SeeAudit      Action = "see_audit"       // who did what
	SeeStaff      Action = "see_staff"       // who has an account
	SeeReports    Action = "see_reports"     // a month's numbers
	KeepTally     Action = "keep_tally"      // the desk's marks of what could not be done
	ManageWalls   Action = "manage_walls"    // boards for a screen in the room
	ChangeOwn     Action = "change_own"      // one's own password
	AnswerHelp    Action = "answer_help"     //
	EndSession    Action = "end_session"     //
	SetService    Action = "set_service"     // out of service and back
	Identify      Action = "identify"        //
	SendMessage   Action = "send_message"    //
	RestartKiosk  Action = "restart_kiosk"   //
	SetQueue      Action = "set_queue"       // somebody waits for a machine
	OpenWeb       Action = "open_web"        // the whole web, for one client's session
	EnrolKiosk    Action = "enrol_kiosk"     //
	ChangeStaff   Action = "change_staff"    // add, disable, new code
	ChangeToken   Action = "change_token"    //
	KeepAgentData Action = "keep_agent_data" // backup and restore
)

// least returns the lowest role that may do each action.
func least() map[Action]Role {
	return map[Action]Role{
		SeeFleet: Viewer, SeeHelp: Viewer, SeeReports: Viewer, ChangeOwn: Viewer,
		SeeAudit: Staff, KeepTally: Staff, AnswerHelp: Staff, EndSession: Staff, SetService: Staff,
		Identify: Staff, SendMessage: Staff, RestartKiosk: Staff, SetQueue: Staff, OpenWeb: Staff,
		EnrolKiosk: Technician, ManageWalls: Technician,
		SeeStaff: Admin, ChangeStaff: Admin, ChangeToken: Admin, KeepAgentData: Admin,
	}
}

// Actions lists every action.
func Actions() []Action {
	var all []Action
	for a := range least() {
		all = append(all, a)
	}
	slices.Sort(all)
	return all
}

// May is the one place that decides what a person may do. site is where the
// thing is that is asked for; a person with a site of their own may act there
// and nowhere else, and what belongs to no site ("") is for people without one.
// Whatever is not on the list is refused.
func May(p Person, a Action, site fleet.SiteID) bool {
	need, known := least()[a]
	if !known || p.Name == "" {
		return false
	}
	have := slices.Index(Roles(), p.Role)
	return have >= 0 && have >= slices.Index(Roles(), need) && (p.Site == "" || p.Site == site)
}
