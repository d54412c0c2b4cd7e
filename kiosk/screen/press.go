package screen

import (
	"slices"
	"strconv"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/session"
)

// pressed checks what the page says was pressed and hands it on. Presses that
// nobody takes are dropped: they were made on a view that has gone.
func (s *Screen) pressed(p session.Press) {
	if !s.known(p) {
		s.Log.Warn("the shell sent a press that does not exist")
		return
	}
	select {
	case s.presses <- p:
	default:
		s.Log.Warn("a press was dropped: nobody takes them")
	}
}

// known reports whether the press is on the closed list.
func (s *Screen) known(p session.Press) bool {
	switch p.What {
	case "tile":
		_, ok := s.Catalogue.Tile(p.Arg)
		return ok
	case "language":
		return languageOf(p.Arg).Code == p.Arg
	case "size":
		n, err := strconv.Atoi(p.Arg)
		return err == nil && slices.Contains(session.Sizes(), n)
	case "picture":
		return slices.Contains(pictures(), p.Arg)
	case "answer":
		return slices.Contains(fleet.Outcomes(), fleet.Outcome(p.Arg))
	case "end", "end_yes", "end_no", "continue", "more_time", "notice_ok", "done", "skip", "help", "help_cancel",
		"menu", "menu_close", "back", "contrast", "speak", "keyboard", "sticky", "say", "say_selected",
		"hide", "hide_cancel", "queue", "queue_over", "technician", "technician_check", "technician_close":
		return p.Arg == ""
	}
	return false
}
