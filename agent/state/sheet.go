package state

import (
	"time"

	"yhteiskone/internal/fleet"
)

// KeptSheet is the newest acceptance sheet of a machine, as it is kept. It is not
// on the board: whoever shows it asks for it.
type KeptSheet struct {
	Sheet  fleet.Sheet
	Who    string        // asked for it
	At     time.Time     // when it came; zero if none did
	Tried  map[int]Tried // ways out that a person says they have tried since, and that held
	Answer fleet.Result  // to the newest check that was answered, whether a sheet came or not
}

// Tried is who tried a way out, and when.
type Tried struct {
	Who string
	At  time.Time
}

// Result is what the sheet comes to, with what people tried.
func (k KeptSheet) Result() fleet.SheetResult {
	var tried []int
	for n := range k.Tried {
		tried = append(tried, n)
	}
	return k.Sheet.Result(tried...)
}
