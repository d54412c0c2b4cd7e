package browser_test

import (
	"os"
	"testing"

	"yhteiskone/kiosk/door"
)

// TestMain makes the tests' program what the kiosk's is: the launcher and the
// door too, under their names.
func TestMain(m *testing.M) {
	door.Act(os.Args)
	os.Exit(m.Run())
}
