package boottest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// sheet has the machine checked, as a technician does: of its walls and programs
// nothing may be missing or unknown. What this computed machine lacks, such as
// sound and a time server, it may lack.
func (m *machine) sheet(t *testing.T, programs string) {
	t.Helper()
	words := strings.Fields(m.agent.says("token", "add", "sheet", "--role", "technician"))
	cmd := exec.Command(filepath.Join(programs, "provision"), "check", "Kone 1", "--json")
	cmd.Env = append(os.Environ(), "YHTEISKONE_AGENT=https://"+m.agent.address, "YHTEISKONE_PIN="+m.agent.pin, "YHTEISKONE_TOKEN="+words[len(words)-1])
	var wrong strings.Builder
	cmd.Stderr = &wrong
	out, _ := cmd.Output() // 1 for a machine that is not finished, as this one
	var a wire.SheetAnswer
	if err := json.Unmarshal(out, &a); err != nil || a.Sheet == nil {
		t.Fatalf("the machine was not checked: %v\n%s%s", err, out, wrong.String())
	}
	marks := map[string]fleet.Mark{}
	var said []string
	for _, r := range a.Sheet.Rows {
		marks[r.Code] = r.Mark
		said = append(said, r.Code+"="+string(r.Mark)+" "+r.Value)
	}
	t.Log("its sheet: " + strings.Join(said, ", "))
	for _, code := range []string{"image", "kernel", "user", "client_user", "group", "x_trust", "nft", "ports", "swap", "cores", "software"} {
		if marks[code] != fleet.Passed {
			t.Errorf("on its sheet %s is %q", code, marks[code])
		}
	}
}
