package escape

import "yhteiskone/internal/fleet"

// modes are those of the kiosk.
func modes() []fleet.Mode { return []fleet.Mode{fleet.Open, fleet.Errands} }

// modeLines are the lines at the top of kiosk.toml for a mode.
func modeLines(mode fleet.Mode) string { return "mode = \"" + string(mode) + "\"\n" }

// anywhere says that the mode lets clients go anywhere.
func (r *room) anywhere() bool { return r.mode == fleet.Open }
