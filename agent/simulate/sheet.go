package simulate

import (
	"fmt"
	"slices"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/proof"
	"yhteiskone/internal/wire"
)

// sheet is the machine's answer to a check: it passes, as far as nothing ails it.
// That it is simulated stands where its build does.
func (m *machine) sheet(command string) wire.Message {
	s := fleet.Sheet{Kiosk: m.id, Command: command, At: m.clock(time.Now()), Build: "simulated", Hardware: "simulated PC"}
	if m.last != nil {
		s.Proof = &fleet.ProofSummary{Seq: m.last.Seq, At: m.last.At, Clean: m.last.Clean()}
	}
	atBuild := []string{}
	for n := 1; n <= fleet.WaysCount; n++ {
		if n%3 == 0 && !slices.Contains(fleet.WaysOfImage(), n) && !slices.Contains(fleet.WaysByHand(), n) {
			atBuild = append(atBuild, fleet.WayCode(n))
		}
	}
	for _, code := range fleet.SheetCodes() {
		row := fleet.SheetRow{Code: code, Mark: fleet.Passed}
		switch {
		case code == "memory":
			row.Value = fmt.Sprintf("%.1f GiB", float64(m.memory)/(1<<30))
		case code == "card_reader":
			row.Mark = fleet.Absent
		case code == "wipe" && (s.Proof == nil || !s.Proof.Clean):
			row.Mark = fleet.Failed
		case slices.Contains(atBuild, code):
			row.Mark = fleet.AtBuild
		case slices.Contains(fleet.WaysByHand(), wayOf(code)):
			row.Mark = fleet.ByHand
		}
		s.Rows = append(s.Rows, row)
	}
	return wire.Sheet{Sheet: wire.SheetOf(proof.SignSheet(m.key, s))}
}

// wayOf is the number of a way out, 0 for another row.
func wayOf(code string) (n int) {
	fmt.Sscanf(code, "way_%d", &n)
	return n
}
