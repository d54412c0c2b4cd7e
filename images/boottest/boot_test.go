package boottest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/identity"
)

// patience is for a machine whose processor is computed.
const patience = 12 * time.Minute

// seenAt is where a machine sees the agent.
const seenAt = "10.0.2.100"

// agent is a real one, on this machine's loopback.
type agent struct {
	t       *testing.T
	program string
	data    string
	address string
	token   string
	pin     string // as people copy it
	client  *http.Client
	join    string // text of a join file
}

func newAgent(t *testing.T, program string) *agent {
	t.Helper()
	a := &agent{t: t, program: program, data: filepath.Join(t.TempDir(), "agent")}
	// The machine sees it at another address than it has here.
	config := filepath.Join(t.TempDir(), "agent.toml")
	if err := os.WriteFile(config, []byte("names = [\""+seenAt+"\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "serve", "--data", a.data, "--listen", "127.0.0.1:0", "--config", config)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for a.address == "" && lines.Scan() {
		if _, at, ok := strings.Cut(lines.Text(), "listening on https://"); ok {
			a.address = at
		}
	}
	if a.address == "" {
		t.Fatal("the agent does not say where it listens")
	}
	go func() {
		for lines.Scan() {
		}
	}()
	words := strings.Fields(a.says("token", "add", "boot", "--role", "viewer"))
	a.token = words[len(words)-1]
	a.enrol("Kone 1")
	return a
}

func (a *agent) says(args ...string) string {
	a.t.Helper()
	cmd := exec.Command(a.program, append(args, "--data", a.data)...)
	var wrong bytes.Buffer
	cmd.Stderr = &wrong
	out, err := cmd.Output()
	if err != nil {
		a.t.Fatalf("agent %v: %v\n%s", args, err, wrong.Bytes())
	}
	return string(out)
}

// enrol makes a code, and a join file for a machine that sees the agent at
// another address. With the pin we know the agent as the kiosk will.
func (a *agent) enrol(name string) {
	a.t.Helper()
	var e struct{ Code, Pin string }
	if err := json.Unmarshal([]byte(a.says("enrol", "--site", "illusia", "--site-name", "Illusia", "--name", name, "--ttl", "1h", "--json")), &e); err != nil {
		a.t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{"agent": "https://" + seenAt + ":8443", "pin": e.Pin, "code": e.Code, "name": name, "site": "illusia"})
	if err != nil {
		a.t.Fatal(err)
	}
	a.join = string(text)
	a.pin = e.Pin
	pin, _, err := identity.ParsePin(e.Pin)
	if err != nil {
		a.t.Fatal(err)
	}
	config, err := identity.ClientTLS(pin)
	if err != nil {
		a.t.Fatal(err)
	}
	a.client = &http.Client{Transport: &http.Transport{TLSClientConfig: config}, Timeout: 10 * time.Second}
}

// proof is what the agent tells of a wipe.
type proof struct {
	OK  bool
	Seq uint64
}

// known is what the agent tells of a machine.
type known struct {
	Status    string
	Faults    []struct{ Code string }
	LastProof *proof `json:"last_proof"`
}

// kiosk is what the dashboard says of the one machine; seen is all of it.
func (a *agent) kiosk() (status, seen string) {
	k, seen := a.one()
	return k.Status, seen
}

// one is the one machine, empty while there is none.
func (a *agent) one() (k known, seen string) {
	all, seen := a.all()
	if len(all) != 1 {
		return k, seen
	}
	return all[0], seen
}

// all are the machines that the dashboard knows; none if it cannot be asked.
func (a *agent) all() (all []known, seen string) {
	r, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, "https://"+a.address+"/api/v1/kiosks", nil)
	if err != nil {
		return nil, err.Error()
	}
	r.Header.Set("Authorization", "Bearer "+a.token)
	resp, err := a.client.Do(r)
	if err != nil {
		return nil, err.Error()
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil {
		return nil, err.Error()
	}
	if err := json.Unmarshal(text.Bytes(), &all); err != nil {
		return nil, text.String()
	}
	return all, text.String()
}

// given returns what the boot test is told; without it nothing runs.
func given(t *testing.T) (image, programs, shots string) {
	t.Helper()
	image = os.Getenv("YHTEISKONE_BOOT")
	if image == "" {
		t.Skip("YHTEISKONE_BOOT names no image; say: make boot-test")
	}
	programs, shots = os.Getenv("YHTEISKONE_BOOT_BIN"), os.Getenv("YHTEISKONE_BOOT_SHOTS")
	if err := os.MkdirAll(shots, 0o755); err != nil {
		t.Fatal(err)
	}
	return image, programs, shots
}

// From a bare disk to a kiosk that an agent calls free.
func TestBoot(t *testing.T) {
	image, programs, shots := given(t)
	for _, c := range []struct {
		firmware firmware
		mib      int
	}{{bios(), 2048}, {uefi(), 4096}, {secureBoot(), 2048}} {
		t.Run(c.firmware.name, func(t *testing.T) {
			m := newMachine(t, image, programs, filepath.Join(shots, c.firmware.name))
			if card, err := m.get("kiosk-conf", "KORTTI.txt"); err != nil || !strings.Contains(card, "Laita tikku koneeseen") {
				t.Errorf("the card is not on the stick: %q, %v", card, err)
			}
			twin := ""
			if c.firmware.name == "uefi" {
				twin = m.twin(image, programs)
			}
			began := time.Now()
			m.start(c.firmware, c.mib)
			m.free()
			t.Logf("%s, %d MiB: free after %.0f s", c.firmware.name, c.mib, time.Since(began).Seconds())
			m.sees(welcomed()) // it is said to be free a moment before that is drawn
			m.picture("free")
			t.Log(m.eyes.see("systemd-analyze time; grep -E 'MemTotal|MemAvailable' /proc/meminfo; cut -d' ' -f1 /proc/uptime"))
			if c.firmware.secure {
				t.Log(m.eyes.see("dmesg | grep -i 'secure boot enabled' && cat /sys/kernel/security/lockdown"))
			}
			if twin != "" {
				m.knowsItsDisk(t, twin)
			}
			m.walls(t)
			m.sheet(t, programs)
			if c.firmware.code == "" {
				m.session(t)
			}
			// The code is used up and gone from the disk.
			until(t, time.Minute, "the end of the join file", func() (bool, string) {
				_, err := m.get("kiosk-conf", "join.json")
				return err != nil, fmt.Sprint(err)
			})
		})
	}
}

// free waits until the agent says that the kiosk is.
func (m *machine) free() {
	m.t.Helper()
	end := time.Now().Add(patience)
	until(m.t, patience+time.Minute, "a free kiosk", func() (bool, string) {
		status, seen := m.agent.kiosk()
		if m.gone() {
			m.t.Fatalf("the machine ended: %s\n%s", seen, m.lastWords())
		}
		if time.Now().After(end) {
			m.picture("failed")
			m.t.Fatalf("after %v the agent sees %s\n%s", patience, seen, m.lastWords())
		}
		return status == "free", seen
	})
}
