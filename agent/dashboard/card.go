package dashboard

import (
	"cmp"
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"

	"yhteiskone/agent/staff"
	"yhteiskone/agent/state"
	"yhteiskone/internal/fleet"
)

// card is one machine on the first page: what it is, and what to do.
type card struct {
	ID    fleet.KioskID
	Rank  string // where it stands among the others of its site
	Name  string
	Place string
	Look  look
	Line  template.HTML     // one quiet line below the status
	Text  string            // what is wrong
	Todo  string            // the one thing to do
	More  int               // how many other faults there are
	Press fleet.CommandName // what the card's button orders; empty: no button
}

// look is how a status looks: never by colour alone.
type look struct {
	Class string
	Icon  string
	Word  string // key
}

func lookOf(s fleet.Status) look {
	icon := ""
	switch s {
	case fleet.StatusFree:
		icon = "circle-check"
	case fleet.StatusInUse:
		icon = "user-check"
	case fleet.StatusCleaning:
		icon = "sparkles"
	case fleet.StatusNeedsAttention:
		icon = "triangle-alert"
	case fleet.StatusOutOfOrder:
		icon = "monitor-x"
	case fleet.StatusOutOfService:
		icon = "circle-pause"
	case fleet.StatusNoConnection:
		icon = "wifi-off"
	case fleet.StatusClosed:
		icon = "moon"
	}
	return look{"is-" + string(s), icon, "status." + string(s)}
}

// needs reports whether a machine waits for somebody of the staff.
func needs(v state.View) bool {
	return v.Status == fleet.StatusOutOfOrder || v.Status == fleet.StatusNoConnection ||
		v.Status == fleet.StatusNeedsAttention || rings(v)
}

// rings reports whether a help call of the machine has no answer yet, or only
// one that helps nobody.
func rings(v state.View) bool {
	return v.Help != nil && (v.Help.Answer == fleet.NoAnswer || v.Help.Answer == fleet.CannotCome)
}

var digits = regexp.MustCompile(`[0-9]{1,9}`)

// rank orders machines by who needs somebody most, then by name, where "Kone
// 10" comes after "Kone 2". Those that need nobody stay in their places when
// clients come and go.
func rank(v state.View) string {
	calm := slices.Index(fleet.Statuses(), fleet.StatusInUse)
	n := min(slices.Index(fleet.Statuses(), v.Status), calm)
	if rings(v) {
		n = min(n, slices.Index(fleet.Statuses(), fleet.StatusNeedsAttention))
	}
	return fmt.Sprintf("%d %s", n, nameRank(v.Kiosk.Name))
}

// nameRank orders names as people count.
func nameRank(name string) string {
	return digits.ReplaceAllStringFunc(strings.ToLower(name), func(d string) string {
		return strings.Repeat("0", 9-len(d)) + d
	})
}

func (b *board) card(v visit, s state.View) card {
	t := v.tell
	c := card{ID: s.Kiosk.ID, Rank: rank(s), Name: s.Kiosk.Name, Place: s.Kiosk.Place, Look: lookOf(s.Status)}
	since := t.say("card.since", "when", t.when(s.Since))
	starting := s.Report != nil && s.Report.State == fleet.Starting
	switch s.Status {
	case fleet.StatusFree:
		c.Line = t.say("card.waits")
		if s.Proof != nil && s.Proof.Clean {
			c.Line = t.say("card.wiped", "when", t.when(s.Proof.At))
		}
		if i := slices.IndexFunc(s.Faults, state.Fault.Flaps); i >= 0 {
			text, _ := b.Texts.Fault(t.lang, s.Faults[i].Code)
			c.Line = template.HTML(template.HTMLEscapeString(text)) + " " + t.flaps(s.Faults[i])
		}
	case fleet.StatusCleaning:
		c.Line = t.say("card.soon")
		if starting {
			c.Line = t.say("card.starting")
		}
	case fleet.StatusNeedsAttention:
		c.Line = t.say("card.usable")
	case fleet.StatusOutOfOrder, fleet.StatusNoConnection:
		c.Line = since
	case fleet.StatusOutOfService:
		c.Line = t.say("card.by_staff", "when", t.when(s.Since))
	}
	if s.Help != nil && s.Help.Answer != fleet.Done {
		c.Line = t.say("card.asks")
	}
	if s.Status == fleet.StatusOutOfOrder || s.Status == fleet.StatusNoConnection || s.Status == fleet.StatusNeedsAttention {
		if len(s.Faults) > 0 && wider(s.Faults[0].Code) {
			c.More = len(s.Faults) - 1 // its site says it
		} else if len(s.Faults) > 0 {
			c.Text, c.Todo = b.Texts.Fault(t.lang, s.Faults[0].Code)
			c.More = len(s.Faults) - 1
		} else {
			c.Text, c.Todo = string(t.say("card.no_fault")), string(t.say("card.no_fault_todo"))
		}
	}
	switch {
	case s.Status == fleet.StatusOutOfService && v.may(staff.SetService, s.Kiosk.Site):
		c.Press = fleet.PutInService
	case s.Status == fleet.StatusOutOfOrder && s.Connected && v.may(staff.RestartKiosk, s.Kiosk.Site):
		c.Press = fleet.RestartKiosk
	}
	return c
}

// wider reports whether a fault is not one machine's.
func wider(code fleet.Code) bool { return code == fleet.SiteSilent || code == fleet.CannotSee }

// siteCards are the machines of one site.
type siteCards struct {
	ID         fleet.SiteID
	Name       string
	Works, All int
	Settings   bool // the person may change how the site serves
	Cards      []card
	Folded     int    // machines without a card here: their site's page has them
	Fault      *fault // of the site as a whole
}

// Who sees so many machines that nobody reads all their cards is shown, on the
// first page, those that need somebody: of each site at most so many.
const (
	cardsMost  = 200
	cardsOfOne = 12
)

// seen returns the views that the person may see.
func (b *board) seen(v visit) []state.View {
	return slices.DeleteFunc(b.Fleet.Views(), func(s state.View) bool { return !v.may(staff.SeeFleet, s.Kiosk.Site) })
}

// sites groups the machines by site, those that need somebody first. whole: all
// have cards, however many there are.
func (b *board) sites(v visit, views []state.View, whole bool) []siteCards {
	whole = whole || len(views) <= cardsMost
	var all []siteCards
	at := map[fleet.SiteID]int{}
	for _, s := range views {
		i, ok := at[s.Kiosk.Site]
		if !ok {
			i = len(all)
			at[s.Kiosk.Site] = i
			all = append(all, siteCards{ID: s.Kiosk.Site, Name: s.SiteName, Settings: v.may(staff.SetPlace, s.Kiosk.Site)})
		}
		if whole || needs(s) {
			all[i].Cards = append(all[i].Cards, b.card(v, s))
		} else {
			all[i].Folded++
		}
		if s.Status != fleet.StatusClosed {
			all[i].All++
		}
		if s.Status.Works() {
			all[i].Works++
		}
	}
	for id, f := range b.siteFaults(v) {
		if i, ok := at[id]; ok {
			text, todo := b.Texts.Fault(v.tell.lang, f.Code)
			all[i].Fault = &fault{Text: text, Todo: todo, Since: begin(f), Flaps: v.tell.flaps(f)}
		}
	}
	for i, s := range all {
		slices.SortStableFunc(s.Cards, func(a, b card) int { return cmp.Compare(a.Rank, b.Rank) })
		if !whole && len(s.Cards) > cardsOfOne {
			all[i].Cards, all[i].Folded = s.Cards[:cardsOfOne], s.Folded+len(s.Cards)-cardsOfOne
		}
	}
	return all
}

// summary is the first line, which answers the question, and the line below.
type summary struct {
	Title template.HTML
	Lines []template.HTML // parts of one sentence
	Need  template.HTML
	Calm  bool          // nobody is needed
	Down  template.HTML // services that do not answer: nothing is wrong with the machines
}

func (b *board) summary(v visit, views []state.View) summary {
	t := v.tell
	var works, open, need int
	counts := map[string]int{}
	for _, s := range views {
		if s.Status != fleet.StatusClosed {
			open++
		}
		if s.Status.Works() {
			works++
		}
		if needs(s) {
			need++
		}
		counts[kind(s)]++
	}
	out := summary{Title: t.say("summary.title", "works", works, "all", open)}
	switch {
	case len(views) == 0:
		return summary{Title: t.say("summary.none"), Need: t.say("summary.none_todo"), Calm: true}
	case open == 0:
		out.Title = t.say("summary.closed")
	}
	for _, k := range []string{"free", "in_use", "cleaning", "out_of_service", "shut"} {
		if counts[k] > 0 {
			out.Lines = append(out.Lines, t.count("summary."+k, counts[k]))
		}
	}
	switch {
	case need > 0:
		out.Need = t.count("summary.need", need)
	case open > 0:
		out.Need, out.Calm = t.say("summary.fine"), true
	}
	if down := servicesDown(views); len(down) > 0 {
		out.Down = downText(t, down)
	}
	return out
}

// servicesDown are the services that some machine finds dead just now, as it
// names them. What a silent machine once found does not count.
func servicesDown(views []state.View) (names []string) {
	for _, s := range views {
		if s.Connected && s.Report != nil && slices.ContainsFunc(s.Faults, func(f state.Fault) bool { return f.Code == fleet.ServicesDown }) {
			names = append(names, s.Report.Serves.Down...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// downText says which services do not answer.
func downText(t teller, names []string) template.HTML {
	const most = 5
	key := "services.down"
	if len(names) > most {
		key = "services.down_more"
	}
	said := strings.Join(names[:min(len(names), most)], ", ")
	return t.count(key, len(names), "names", said, "more", len(names)-min(len(names), most))
}

// kind is under which word a machine is counted in the summary. One that needs
// attention still serves, so it counts as what it is doing.
func kind(s state.View) string {
	switch s.Status {
	case fleet.StatusNeedsAttention:
		if s.Report != nil && s.Report.State.InSession() {
			return "in_use"
		}
		if s.Report != nil && s.Report.State == fleet.Erasing {
			return "cleaning"
		}
		return "free"
	case fleet.StatusClosed:
		return "shut"
	case fleet.StatusFree, fleet.StatusInUse, fleet.StatusCleaning, fleet.StatusOutOfService:
		return string(s.Status)
	}
	return ""
}
