package staff

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

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

// Grant is a role at one site, or at all of them.
type Grant struct {
	Role Role
	Site fleet.SiteID // empty: every site, those of tomorrow too
}

// At is a role at each of the sites, or at every site if none is named.
func At(role Role, sites ...fleet.SiteID) []Grant {
	if len(sites) == 0 {
		return []Grant{{Role: role}}
	}
	var all []Grant
	for _, s := range sites {
		all = append(all, Grant{role, s})
	}
	return all
}

// CheckGrants brings grants into order and refuses what nobody can hold. A
// site holds one role; of two, the greater counts.
func CheckGrants(all []Grant) ([]Grant, error) {
	if len(all) == 0 {
		return nil, errors.New("a role is missing")
	}
	most := map[fleet.SiteID]Role{}
	for _, g := range all {
		if _, err := ParseRole(string(g.Role)); err != nil {
			return nil, err
		}
		if g.Site != "" && !g.Site.Valid() {
			return nil, fmt.Errorf("site %q is not an identifier: use a-z, 0-9 and '-'", g.Site)
		}
		if have, ok := most[g.Site]; !ok || rank(g.Role) > rank(have) {
			most[g.Site] = g.Role
		}
	}
	if len(most) > grantLimit {
		return nil, fmt.Errorf("more than %d sites for one person; give a role at every site", grantLimit)
	}
	var out []Grant
	for _, site := range slices.Sorted(maps.Keys(most)) {
		out = append(out, Grant{most[site], site})
	}
	return out, nil
}

// grantLimit is more sites than one person looks after by name.
const grantLimit = 100

func rank(r Role) int { return slices.Index(Roles(), r) }

// Person is who asks: the holder of a web session or of a bearer token.
type Person struct {
	Name   string
	Shown  string
	Grants []Grant
	// Bare says that one of the roles asks for a second factor and the person
	// has none yet: until then they may only look after their own account.
	Bare bool
}

// Greatest is the greatest of a person's roles, for saying who they are.
func Greatest(all []Grant) Role {
	var most Role
	for _, g := range all {
		if rank(g.Role) > rank(most) {
			most = g.Role
		}
	}
	return most
}

// only is the site of somebody who has just one, and "" for everybody else. It
// says in the audit where somebody belongs.
func only(all []Grant) fleet.SiteID {
	if len(all) == 1 {
		return all[0].Site
	}
	return ""
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
	ChangeOwn     Action = "change_own"      // one's own password, second factor, sessions
	AnswerHelp    Action = "answer_help"     //
	EndSession    Action = "end_session"     //
	SetService    Action = "set_service"     // out of service and back
	Identify      Action = "identify"        //
	SendMessage   Action = "send_message"    //
	RestartKiosk  Action = "restart_kiosk"   //
	Reboot        Action = "reboot"          // the whole machine
	WakeKiosk     Action = "wake"            // turn a machine on from another of its site
	UpdateConfig  Action = "update_config"   // a machine reads its own file anew
	CheckKiosk    Action = "check_kiosk"     // a machine looks at itself and makes its acceptance sheet
	SeeSheet      Action = "see_sheet"       // that sheet
	SetQueue      Action = "set_queue"       // somebody waits for a machine
	OpenWeb       Action = "open_web"        // the whole web, for one client's session
	EnrolKiosk    Action = "enrol_kiosk"     //
	UpdateImage   Action = "update_image"    // which release of the image a machine runs
	KeepReleases  Action = "keep_releases"   // what releases there are to offer
	SetPlace      Action = "set_place"       // how a site's machines serve: hours, times, languages
	SetAlerts     Action = "set_alerts"      // who else is told, and by which webhook
	ChangeStaff   Action = "change_staff"    // add, disable, new code
	ChangeRules   Action = "change_rules"    // which roles need a second factor
	ChangeToken   Action = "change_token"    //
	SeeAgent      Action = "see_agent"       // how the agent itself is
	KeepAgentData Action = "keep_agent_data" // backup and restore
)

// least returns the lowest role that may do each action. The table is made
// once: May is asked for every machine of every page.
var least = sync.OnceValue(func() map[Action]Role {
	return map[Action]Role{
		SeeFleet: Viewer, SeeHelp: Viewer, SeeReports: Viewer, ChangeOwn: Viewer,
		SeeAudit: Staff, SeeSheet: Staff, KeepTally: Staff, AnswerHelp: Staff, EndSession: Staff, SetService: Staff,
		Identify: Staff, SendMessage: Staff, RestartKiosk: Staff, Reboot: Staff, WakeKiosk: Staff, SetQueue: Staff, OpenWeb: Staff, SetPlace: Staff,
		EnrolKiosk: Technician, UpdateConfig: Technician, CheckKiosk: Technician, UpdateImage: Technician, KeepReleases: Technician, ManageWalls: Technician, SeeAgent: Technician, SetAlerts: Technician,
		SeeStaff: Admin, ChangeStaff: Admin, ChangeRules: Admin, ChangeToken: Admin, KeepAgentData: Admin,
	}
})

// Actions lists every action.
func Actions() []Action {
	var all []Action
	for a := range least() {
		all = append(all, a)
	}
	slices.Sort(all)
	return all
}

// Somewhere is the site to ask May about when a page belongs to no machine or
// site: whether there is one where the person may do this. What the page then
// shows is asked for site by site.
const Somewhere fleet.SiteID = "*"

// May authorises: it is the one place that decides what a person may do. site
// is where the thing is that is asked for; a role counts at its own site, and
// what belongs to no site ("") is for people with a role at every site.
// Whatever is not on the list is refused.
func May(p Person, a Action, site fleet.SiteID) bool {
	need, known := least()[a]
	if !known || p.Name == "" || p.Bare && a != ChangeOwn {
		return false
	}
	for _, g := range p.Grants {
		have := rank(g.Role)
		if have >= 0 && have >= rank(need) && (g.Site == "" || g.Site == site || site == Somewhere) {
			return true
		}
	}
	return false
}
