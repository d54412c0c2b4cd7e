package dashboard

import (
	"html/template"
	"net/http"
	"strings"
	"time"

	"yhteiskone/agent/staff"
	"yhteiskone/internal/fleet"
)

// event is one thing that somebody did, ready to be read.
type event struct {
	At    time.Time
	Who   template.HTML
	What  template.HTML
	Where string
	Kiosk fleet.KioskID // links there; empty: no link
}

func (b *board) auditPage(w http.ResponseWriter, r *http.Request, v visit) {
	entries, err := b.Audit.Entries("", 200)
	if err != nil {
		b.Log.Error("read the audit", "err", err)
		b.fail(w, r, v, http.StatusInternalServerError, "broken")
		return
	}
	var seen []AuditEntry
	for _, e := range entries {
		if v.may(staff.SeeAudit, e.Site) {
			seen = append(seen, e)
		}
	}
	b.show(w, r, v, http.StatusOK, frame{Page: "audit", Title: v.tell.say("audit.title"), Content: b.history(v, seen)})
}

// history says what is in the audit in a person's language.
func (b *board) history(v visit, entries []AuditEntry) []event {
	t := v.tell
	names := map[string]string{}
	var out []event
	for _, e := range entries {
		ev := event{At: e.At}
		if e.Who == staff.Console {
			ev.Who = t.say("audit.console")
		} else if e.Who == "" { // somebody at a machine
			ev.Who = t.say("audit.at_machine")
		} else {
			if _, ok := names[e.Who]; !ok {
				names[e.Who] = b.shown(e.Who)
			}
			ev.Who = template.HTML(template.HTMLEscapeString(names[e.Who]))
		}
		var detail any = e.Detail
		switch key := e.Action; {
		case key == "help_answered" && t.has("help.answer."+e.Detail):
			detail = t.say("help.answer." + e.Detail)
		case (key == "command" || strings.HasPrefix(key, "result_")) && t.has("do."+e.Detail):
			detail = t.say("do." + e.Detail)
		case key == "command" || strings.HasPrefix(key, "result_"):
			if name, version, ok := strings.Cut(e.Detail, " "); ok && t.has("do."+name) {
				detail = t.say("do."+name) + ": " + template.HTML(template.HTMLEscapeString(version))
			}
		}
		key := "audit.action." + e.Action
		if !t.has(key) {
			key = "audit.action.other"
		}
		ev.What = t.say(key, "detail", detail, "action", strings.ReplaceAll(e.Action, "_", " "))
		if s, ok := b.Fleet.View(e.Kiosk); ok && v.may(staff.SeeFleet, s.Kiosk.Site) {
			ev.Where, ev.Kiosk = s.Kiosk.Name+", "+s.SiteName, s.Kiosk.ID
		} else {
			ev.Where = string(e.Site)
		}
		out = append(out, ev)
	}
	return out
}
