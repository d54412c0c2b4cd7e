package browser_test

import (
	"os"
	"testing"

	"yhteiskone/kiosk/door"
	"yhteiskone/kiosk/rights"
	"yhteiskone/kiosk/spawn"
)

// TestMain makes the tests' program what the kiosk's is: the launcher and the
// door too, under their names.
func TestMain(m *testing.M) {
	door.Act(os.Args)
	spawn.Act(os.Args)
	if err := rights.KeepToOurselves(); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
