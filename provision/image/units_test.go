package image

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mostExposed is what every unit of ours may keep, by systemd's own measure, in
// tenths. The boot test asks the image's systemd the same.
const mostExposed = "20"

// Every unit of ours is shut in.
func TestUnitsAreShutIn(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	units, err := filepath.Glob("../../images/overlay/usr/lib/systemd/system/*.service")
	if err != nil || len(units) == 0 {
		t.Fatal("no units", err)
	}
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		// A /tmp in memory is newer than Debian 12's systemd, which knows a /tmp
		// of a unit's own.
		plain := strings.ReplaceAll(string(text), "PrivateTmp=disconnected", "PrivateTmp=yes")
		here := filepath.Join(t.TempDir(), filepath.Base(unit))
		if err := os.WriteFile(here, []byte(plain), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(analyze, "security", "--offline=true", "--no-pager", "--threshold="+mostExposed, here).CombinedOutput()
		if err != nil {
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			t.Errorf("%s: %v: %s", unit, err, lines[len(lines)-1])
		}
	}
}
