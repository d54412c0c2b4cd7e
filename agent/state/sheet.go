package state

import (
	"slices"
	"time"

	"yhteiskone/internal/fleet"
)

// KeptSheet is the newest acceptance sheet of a machine, as it is kept. It is not
// on the board: whoever shows it asks for it.
type KeptSheet struct {
	Sheet  fleet.Sheet   // as it counts, see Against
	Signed fleet.Sheet   // as the machine signed it
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

// Against returns the sheet as it counts beside what is known of the machine: a
// wipe is not proved by a proof that has not come, or while a proof is in doubt.
func (k KeptSheet) Against(v View) KeptSheet {
	doubt := v.Proof == nil || k.Sheet.Proof == nil || v.Proof.Seq < k.Sheet.Proof.Seq
	for _, f := range v.Faults {
		doubt = doubt || f.Code == fleet.ProofInvalid || f.Code == fleet.WipeUnverified
	}
	if !doubt {
		return k
	}
	k.Sheet.Rows = slices.Clone(k.Sheet.Rows)
	for i, r := range k.Sheet.Rows {
		if r.Code == "wipe" && r.Mark == fleet.Passed {
			k.Sheet.Rows[i].Mark = fleet.Failed
		}
	}
	return k
}
