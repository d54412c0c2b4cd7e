package dashboard

import "yhteiskone/agent/staff"

// place is a page that the bar on top leads to.
type place struct {
	Page   string // name of the page: frame.Page, and its word below "nav."
	Path   string
	Action staff.Action // who may do this sees it
	Rare   bool         // stands under "more": it is not part of a day's work
}

// places lists them in the order of the bar. Whoever adds a page adds a line
// here and its word to the texts; on a narrow screen the bar has room for four
// that are not rare.
func places() []place {
	return []place{
		{"fleet", "/", staff.SeeFleet, false},
		{"help", "/help", staff.SeeHelp, false},
		{"tally", "/tally", staff.KeepTally, false},
		{"reports", "/reports", staff.SeeReports, false},
		{"alerts", "/alerts", staff.SeeFleet, true},
		{"walls", "/walls", staff.ManageWalls, true},
		{"releases", "/releases", staff.UpdateImage, true},
		{"staff", "/staff", staff.SeeStaff, true},
		{"audit", "/audit", staff.SeeAudit, true},
		{"agent", "/agent", staff.SeeAgent, true},
	}
}

// bar is what of the places a person sees on a page.
type bar struct {
	Often, Rare []place
	InRare      bool // the page is one of Rare
}

func barOf(v visit, page string) (b bar) {
	for _, p := range places() {
		switch {
		case !v.may(p.Action, staff.Somewhere):
		case p.Rare:
			b.Rare = append(b.Rare, p)
			b.InRare = b.InRare || p.Page == page
		default:
			b.Often = append(b.Often, p)
		}
	}
	return b
}
