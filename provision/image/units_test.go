package image

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every unit of ours is shut in: by systemd's own measure, in tenths, 2.0 or
// less. The kiosk's is more exposed because sessions are made of namespaces,
// control groups and another user; its comments say which wall stands where. The
// installer's partitions a disk, on a stick and before there is any client.
func TestUnitsAreShutIn(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	units, err := filepath.Glob("../../images/overlay/usr/lib/systemd/system/*.service")
	if err != nil || len(units) == 0 {
		t.Fatal("no units", err)
	}
	most := map[string]string{"yhteiskone.service": "48", "yhteiskone-install.service": "72"}
	for _, unit := range units {
		limit := most[filepath.Base(unit)]
		if limit == "" {
			limit = "20"
		}
		out, err := exec.Command(analyze, "security", "--offline=true", "--no-pager", "--threshold="+limit, unit).CombinedOutput()
		if err != nil {
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			t.Errorf("%s: %v: %s", unit, err, lines[len(lines)-1])
		}
	}
}
