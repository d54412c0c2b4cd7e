// Package dashboard is what staff see: pages that say at a glance which
// machines work, what to do about one that does not, and who asks for help.
//
// Pages are made on the server and work without JavaScript; one small script
// keeps them up to date and rings. Nothing is asked of any other host.
//
// It decides nothing about machines (agent/watch does) and about people
// (staff.May does, for every route, in one place). It never shows anything of
// a client's session, because nothing of it exists here.
//
// Caveat: a page without JavaScript is as old as its last load; the browser is
// asked to load it again every half minute.
package dashboard

import (
	"log/slog"
	"net/http"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// Deps is what the dashboard needs.
type Deps struct {
	Fleet    Fleet
	Actions  Actions
	Audit    Audit
	Numbers  Numbers
	Walls    Walls
	History  History
	Texts    Texts
	Alerts   Alerts
	Places   Places
	Releases Releases
	Sheets   Sheets
	Words    SheetWords
	Staff    *staff.Service
	Register Register
	Provider string        // what the button of Staff's provider says
	Health   func() Health // of the agent itself
	Now      func() time.Time
	Log      *slog.Logger
	Location *time.Location  // where the people are
	Version  string          // of the agent, for the foot of the page
	Stop     <-chan struct{} // closed when the agent stops: live streams end; may be nil
}

// New returns the handler for every page of the dashboard.
func New(d Deps) http.Handler {
	b := newBoard(d, nil)
	return b.handler()
}

// Patterns lists every address of the dashboard, for a test that walks the
// whole agent.
func Patterns() (all []string) {
	for _, r := range new(board).routes() {
		all = append(all, r.pattern)
	}
	return all
}

// board is the dashboard.
type board struct {
	Deps
	texts   map[string]*texts
	pages   *pages
	assets  *assets
	streams chan struct{}
	walls   chan struct{}
	presses *presses

	drawings *drawings

	beat, wait time.Duration // of live streams
}

// wallLimit is how many boards may be open at once; they take nothing away
// from people.
const wallLimit = 128

// streamLimit is how many live streams may be open at once.
const streamLimit = 256

func newBoard(d Deps, missing func(lang, key string)) *board {
	b := &board{Deps: d, texts: loadTexts(missing), assets: loadAssets(), streams: make(chan struct{}, streamLimit),
		walls: make(chan struct{}, wallLimit), presses: newPresses(d.Now), drawings: newDrawings(), beat: beat, wait: writeWait}
	b.pages = newPages(b)
	return b
}

// route is one address. Every one but the public ones names an action, and the
// guard asks staff.May about it before the handler runs.
type route struct {
	pattern string
	action  staff.Action // empty: for everybody, signed in or not
	kiosk   bool         // the address names a kiosk: it counts where that stands
	serve   func(http.ResponseWriter, *http.Request, visit)
}

// routes lists every address of the dashboard.
func (b *board) routes() []route {
	all := []route{
		{"GET /static/{file}", "", false, b.static},
		{"GET /{$}", staff.SeeFleet, false, b.fleetPage},
		{"GET /kiosks/{id}", staff.SeeFleet, true, b.kioskPage},
		{"GET /sites/{id}", staff.SeeFleet, false, b.sitePage},
		{"GET /kiosks/{id}/sign", staff.SetService, true, b.signPage},
		{"GET /kiosks/{id}/sheet", staff.SeeSheet, true, b.sheetPage},
		{"POST /kiosks/{id}/sheet", staff.CheckKiosk, true, b.tryWay},
		{"POST /kiosks/{id}/help", staff.AnswerHelp, true, b.answer},
		{"GET /help", staff.SeeHelp, false, b.helpPage},
		{"GET /audit", staff.SeeAudit, false, b.auditPage},
		{"GET /events", staff.SeeFleet, false, b.events},
		{"GET /reports", staff.SeeReports, false, b.reportsPage},
		{"GET /reports.csv", staff.SeeReports, false, b.reportsFile},
		{"GET /tally", staff.KeepTally, false, b.tallyPage},
		{"POST /tally", staff.KeepTally, false, b.tally},
		{"POST /tally/undo", staff.KeepTally, false, b.tallyUndo},
		{"GET /wall/{token}", "", false, b.wall},
		{"GET /wall/{token}/events", "", false, b.wallEvents},
		{"GET /walls", staff.ManageWalls, false, b.wallsPage},
		{"POST /walls", staff.ManageWalls, false, b.addWall},
		{"POST /walls/{wall}/remove", staff.ManageWalls, false, b.removeWall},
		{"GET /agent", staff.SeeAgent, false, b.agentPage},
	}
	all = append(all, b.peopleRoutes()...)
	all = append(all, b.alertRoutes()...)
	all = append(all, b.placeRoutes()...)
	all = append(all, b.releaseRoutes()...)
	for _, o := range orders() {
		all = append(all, route{"POST /kiosks/{id}/" + string(o.command.Name), o.action, true, b.order(o)})
	}
	return all
}

// peopleRoutes are the addresses about people: signing in, one's own account,
// everybody's.
func (b *board) peopleRoutes() []route {
	return []route{
		{"GET /sign-in", "", false, b.signInPage},
		{"POST /sign-in", "", false, b.signIn},
		{"GET /sign-in/second", "", false, b.secondPage},
		{"POST /sign-in/second", "", false, b.second},
		{"GET /sign-in/provider", "", false, b.toProvider},
		{"GET " + ProviderReturn, "", false, b.fromProvider},
		{"GET /invite", "", false, b.invitePage},
		{"POST /invite", "", false, b.acceptInvite},
		{"GET /first", "", false, b.firstPage},
		{"POST /first", "", false, b.claimFirst},
		{"POST /sign-out", staff.ChangeOwn, false, b.signOut},

		{"GET /account", staff.ChangeOwn, false, b.accountPage},
		{"POST /account/password", staff.ChangeOwn, false, b.own("password", "password_changed", b.changePassword)},
		{"POST /account/language", staff.ChangeOwn, false, b.setLanguage},
		{"POST /account/factor/begin", staff.ChangeOwn, false, b.beginFactor},
		{"GET /account/factor", staff.ChangeOwn, false, b.factorPage},
		{"POST /account/factor", staff.ChangeOwn, false, b.confirmFactor},
		{"POST /account/factor/remove", staff.ChangeOwn, false, b.own("factor", "factor_removed", b.removeFactor)},
		{"POST /account/recovery", staff.ChangeOwn, false, b.renewRecovery},
		{"POST /account/sessions/end", staff.ChangeOwn, false, b.own("sessions", "session_ended", b.endDevice)},
		{"POST /account/sessions/others", staff.ChangeOwn, false, b.own("sessions", "session_ended", b.endOthers)},

		{"GET /staff", staff.SeeStaff, false, b.staffPage},
		{"POST /staff", staff.ChangeStaff, false, b.invite},
		{"POST /staff/rules", staff.ChangeRules, false, b.setRules},
		{"GET /staff/{name}", staff.SeeStaff, false, b.about(b.memberPage)},
		{"POST /staff/{name}/role", staff.ChangeStaff, false, b.others(b.memberRole)},
		{"POST /staff/{name}/mail", staff.ChangeStaff, false, b.governing(b.memberMail)},
		{"POST /staff/{name}/disable", staff.ChangeStaff, false, b.governing(b.memberDisable)},
		{"POST /staff/{name}/enable", staff.ChangeStaff, false, b.governing(b.memberEnable)},
		{"POST /staff/{name}/code", staff.ChangeStaff, false, b.governing(b.memberCode)},
		{"POST /staff/{name}/factor", staff.ChangeStaff, false, b.governing(b.memberFactor)},
		{"POST /staff/{name}/sessions", staff.ChangeStaff, false, b.governing(b.memberSessions)},
		{"POST /staff/{name}/remove", staff.ChangeStaff, false, b.governing(b.memberRemove)},
	}
}

// ProviderReturn is where the browser comes back from the sign-in provider.
const ProviderReturn = "/sign-in/provider/back"

// order is one thing that staff can tell a kiosk to do.
type order struct {
	command fleet.Command
	action  staff.Action
}

// orders lists them. The lifetimes are how long the order still makes sense.
func orders() []order {
	return []order{
		{fleet.Command{Name: fleet.EndSession, Now: true, TTL: time.Minute}, staff.EndSession},
		{fleet.Command{Name: fleet.TakeOutOfService, TTL: 24 * time.Hour}, staff.SetService},
		{fleet.Command{Name: fleet.PutInService, TTL: 24 * time.Hour}, staff.SetService},
		{fleet.Command{Name: fleet.Identify, TTL: 30 * time.Second}, staff.Identify},
		{fleet.Command{Name: fleet.ShowMessage, TTL: 2 * time.Minute}, staff.SendMessage},
		{fleet.Command{Name: fleet.RestartKiosk, TTL: 2 * time.Hour}, staff.RestartKiosk},
		{fleet.Command{Name: fleet.Reboot, TTL: 2 * time.Hour}, staff.Reboot},
		{fleet.Command{Name: fleet.Wake, TTL: time.Minute}, staff.WakeKiosk},
		{fleet.Command{Name: fleet.UpdateConfig, TTL: 2 * time.Hour}, staff.UpdateConfig},
		{fleet.Command{Name: fleet.Check, TTL: 2 * time.Hour}, staff.CheckKiosk},
		{fleet.Command{Name: fleet.SomeoneWaits, TTL: 2 * time.Minute}, staff.SetQueue},
		{fleet.Command{Name: fleet.NobodyWaits, TTL: 2 * time.Minute}, staff.SetQueue},
		{fleet.Command{Name: fleet.OpenWeb, TTL: time.Minute}, staff.OpenWeb},
	}
}
