package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"yhteiskone/internal/e2e/town"
	"yhteiskone/internal/fleet"
)

// Kiosk is a kiosk and its configuration.
type Kiosk struct {
	*Process
	w       *World
	Config  string // path of kiosk.toml
	State   string // folder
	Runtime string // folder
	Display *Display
	socket  *http.Client // of its own control socket
	alone   bool
	size    int // of the file system of its state; 0 for a folder
}

// KioskOptions are what scenarios vary.
type KioskOptions struct {
	Agent    string   // address; the enrolment's own if empty
	Session  string   // lines of [session]
	Test     string   // lines of [test]
	Restart  string   // the command for the one restart
	Chromium string   // another path of the browser
	Browser  string   // more lines of [browser]
	Name     string   // of its folders; "kiosk" if empty
	Home     string   // address of every tile; the town's if empty
	Top      string   // lines above the first section
	Reach    []string // addresses, besides the town's and Home's, that the client's browser may reach
	Wipe     string   // more lines of [wipe]
	// Alone runs the kiosk as on the image, where nobody else shares its user:
	// the strict wipe, with processes and temporary folders of its own so that
	// the scenario's own work is not taken for a session's.
	Alone bool
	// StateSize gives a kiosk that is alone a file system of so many bytes, in
	// memory, for its state. Inside says where it is seen from outside.
	StateSize int
}

// The classes of the two browsers' windows.
const (
	ClassShell  = "KioskShell"
	classClient = "ClientBrowser"
)

// BrowserEnv holds lines for [browser] of every kiosk, so that all scenarios can
// be run with other walls around the client's browser.
const BrowserEnv = "YHTEISKONE_BROWSER"

// NewKiosk writes the configuration of a kiosk that shows itself on d. It does
// not start it.
func (w *World) NewKiosk(d *Display, t *town.Town, e Enrolment, o KioskOptions) *Kiosk {
	w.Helper()
	if o.Name == "" {
		o.Name = "kiosk"
	}
	if o.Agent == "" {
		o.Agent = e.Agent
	}
	k := &Kiosk{w: w, alone: o.Alone, size: o.StateSize, State: w.Path(o.Name, "state"), Runtime: w.Path(o.Name, "run"), Display: d}
	k.socket = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(k.Runtime, "kiosk.sock"))
	}}}
	join := w.Write(o.Name+"/join.toml", fmt.Sprintf("agent = %q\npin = %q\ncode = %q\n", o.Agent, e.Pin, e.Code))
	catalogue := w.Write(o.Name+"/catalogue.toml", catalogueOf(t, o.Home))
	text := fmt.Sprintf("state = %q\nruntime = %q\njoin = %q\ncatalogue = %q\n", k.State, k.Runtime, join, catalogue) + o.Top + "\n"
	if o.Restart != "" {
		text += fmt.Sprintf("restart = %q\n", o.Restart)
	}
	text += "[browser]\n" + o.Browser + "\n" + os.Getenv(BrowserEnv) + "\n"
	if o.Chromium != "" {
		text += fmt.Sprintf("chromium = %q\n", o.Chromium)
	}
	// Swap and the use of memory are the test machine's, not the kiosk's.
	text += fmt.Sprintf("[wipe]\nshared_user = %v\nswap = \"allow\"\nmemory = \"allow\"\n%s\n[session]\n", !o.Alone, o.Wipe)
	text += o.Session + "\n[test]\n" + o.Test + "\n"
	text += fmt.Sprintf("reach = [%s]\n", reach(t, o))
	k.Config = w.Write(o.Name+"/kiosk.toml", text)
	return k
}

// reach lists the services of the scenario, for the configuration: to the
// client's browser this machine is closed otherwise.
func reach(t *town.Town, o KioskOptions) string {
	all := slices.Clone(o.Reach)
	if t != nil {
		all = append(all, fmt.Sprintf("127.0.0.1:%d", t.Port()))
	}
	if u, err := url.Parse(o.Home); err == nil && u.Port() != "" {
		all = append(all, "127.0.0.1:"+u.Port())
	}
	for i, a := range all {
		all[i] = strconv.Quote(a)
	}
	return strings.Join(all, ", ")
}

// Tiles of the scenario's catalogue, in the order of the welcome page.
const (
	TileBank     = "pankki"
	TileBenefits = "kela"
)

// catalogueOf is a catalogue whose first tiles lead to the town. The welcome
// page has eight, so the others lead there as well.
func catalogueOf(t *town.Town, home string) string {
	var b strings.Builder
	ids := []string{TileBenefits, TileBank, "tile3", "tile4", "tile5", "tile6", "tile7", "tile8"}
	fmt.Fprintf(&b, "first = [%s]\n", `"`+strings.Join(ids, `", "`)+`"`)
	for _, id := range ids {
		address := "http://" + town.Benefits + "/"
		if t != nil {
			address = t.Address(town.Benefits)
			if id == TileBank {
				address = t.Address(town.Bank)
			}
		}
		if home != "" {
			address = home
		}
		fmt.Fprintf(&b, "[[tile]]\nid = %q\ncategory = \"benefits\"\nicon = \"landmark\"\naddress = %q\n"+
			"name = { fi = %q, sv = %q, en = %q }\nhint = { fi = \"Testi\", sv = \"Test\", en = \"Test\" }\n", id, address, id, id, id)
	}
	return b.String()
}

// Begin starts the kiosk.
func (k *Kiosk) Begin() {
	k.w.Helper()
	command := []string{k.w.Bin + "/kiosk", "run", "--config", k.Config}
	if k.alone {
		command = append(k.walls(), command...)
	}
	k.Process = k.w.Start("kiosk", k.env(), command...)
}

// walls are what keeps a kiosk alone.
func (k *Kiosk) walls() []string {
	k.w.Helper()
	dir := filepath.Dir(k.Config)
	home := filepath.Join(dir, "home")
	if err := os.MkdirAll(home, 0o700); err != nil {
		k.w.Fatal(err)
	}
	var state []string
	if k.size > 0 {
		state = []string{"--size", strconv.Itoa(k.size), "--tmpfs", k.State}
	}
	return append(append([]string{"bwrap", "--unshare-user", "--unshare-pid", "--die-with-parent",
		// As on the image the system itself cannot be written.
		"--ro-bind", "/", "/", "--dev-bind", "/dev", "/dev", "--proc", "/proc",
		"--tmpfs", "/tmp", "--tmpfs", "/var/tmp", "--tmpfs", "/dev/shm", "--bind", "/tmp/.X11-unix", "/tmp/.X11-unix",
		"--ro-bind", k.w.Bin, k.w.Bin, "--bind", dir, dir, "--ro-bind", k.Display.Xauthority, k.Display.Xauthority}, state...),
		// The wipe allows for a file system's coarse clock, so the folders just
		// made must be older than that before a kiosk looks at them.
		"--setenv", "HOME", home, "--", "sh", "-c", `sleep 3; exec "$@"`, "sh")
}

// Inside is a path as a running kiosk that is alone sees it.
func (k *Kiosk) Inside(path string) string {
	for _, f := range Under(k.Pid()) {
		if f.Name == "kiosk" {
			return filepath.Join("/proc", strconv.Itoa(f.Pid), "root", path)
		}
	}
	return path
}

func (k *Kiosk) env() []string {
	return append(k.Display.Env(), "XDG_RUNTIME_DIR="+k.Runtime)
}

// Try runs `kiosk run` that should end by itself, and returns how it ended.
func (k *Kiosk) Try() (code int, stderr string) {
	k.w.Helper()
	code, _, stderr = k.w.Run(k.env(), k.w.Bin+"/kiosk", "run", "--config", k.Config)
	return code, stderr
}

// Status is what `kiosk status --json` prints.
type Status struct {
	State  fleet.State   `json:"state"`
	Since  time.Time     `json:"since"`
	Kiosk  fleet.KioskID `json:"kiosk"`
	Agent  AgentStatus   `json:"agent"`
	Proof  *ProofStatus  `json:"last_proof"`
	Faults []struct {
		Code fleet.Code `json:"code"`
	} `json:"faults"`
	Help string `json:"help"`
	Snag string `json:"snag"`
}

// AgentStatus is how the kiosk sees its agent.
type AgentStatus struct {
	Address   string `json:"address"`
	Connected bool   `json:"connected"`
	Trouble   string `json:"trouble"`
	Waiting   int    `json:"waiting"`
}

// ProofStatus is the kiosk's newest proof.
type ProofStatus struct {
	At  time.Time `json:"at"`
	OK  bool      `json:"ok"`
	Seq uint64    `json:"seq"`
}

// Status asks the kiosk over its socket what `kiosk status --json` prints; an
// error while it does not answer. Scenarios ask many times a second: a program
// started for each would be most of what the machine does.
func (k *Kiosk) Status() (Status, error) {
	var s Status
	ctx, cancel := k.w.Within(20 * time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://kiosk/status", nil)
	if err != nil {
		return s, err
	}
	resp, err := k.socket.Do(req)
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return s, fmt.Errorf("the kiosk answered %s", resp.Status)
	}
	return s, json.NewDecoder(resp.Body).Decode(&s)
}

// Printed is what `kiosk status --json` prints.
func (k *Kiosk) Printed() (Status, error) {
	code, out, errs := k.w.Run(nil, k.w.Bin+"/kiosk", "status", "--json", "--config", k.Config)
	var s Status
	if code != 0 {
		return s, fmt.Errorf("status: code %d: %s", code, errs)
	}
	return s, json.Unmarshal([]byte(out), &s)
}

// Is waits until the kiosk's status is as wanted, and returns it.
func (k *Kiosk) Is(d time.Duration, what string, want func(Status) bool) Status {
	k.w.Helper()
	var s Status
	k.w.Until(d, "the kiosk is "+what, func() (bool, string) {
		if k.Process.Ended() {
			k.w.Fatalf("the kiosk ended with code %d", k.Code())
		}
		var err error
		if s, err = k.Status(); err != nil {
			return false, err.Error()
		}
		return want(s), fmt.Sprintf("%+v", s)
	})
	return s
}

// In waits until the kiosk is in a state.
func (k *Kiosk) In(d time.Duration, state fleet.State) Status {
	k.w.Helper()
	return k.Is(d, string(state), func(s Status) bool { return s.State == state })
}

// Press starts a session as a press on the tile would.
func (k *Kiosk) Press(tile string) {
	k.w.Helper()
	if code, _, errs := k.w.Run(nil, k.w.Bin+"/kiosk", "start", "--tile", tile, "--config", k.Config); code != 0 {
		k.w.Fatalf("start a session: code %d: %s", code, errs)
	}
}

// End asks the kiosk to end the session, as `kiosk end` does.
func (k *Kiosk) End() {
	k.w.Helper()
	if code, _, errs := k.w.Run(nil, k.w.Bin+"/kiosk", "end", "--config", k.Config); code != 0 {
		k.w.Fatalf("end the session: code %d: %s", code, errs)
	}
}

// Browser is the main process of the client's browser, 0 if none runs.
func (k *Kiosk) Browser() int { return mainOf(k.Pid(), classClient) }

// Shell is the main process of the kiosk's own shell, 0 if none runs.
func (k *Kiosk) Shell() int { return mainOf(k.Pid(), ClassShell) }

// Session is the token and the canary of the session which runs, as the kiosk
// keeps them for the case of a power cut; empty if none does.
func (k *Kiosk) Session() (token, canary string) {
	text, err := os.ReadFile(filepath.Join(k.State, "session.json"))
	if err != nil {
		return "", ""
	}
	var mark struct{ Token, Canary string }
	if json.Unmarshal(text, &mark) != nil {
		return "", ""
	}
	return mark.Token, mark.Canary
}

// Wiped waits until the kiosk is ready again with a good proof after number
// seq, and returns the proof's number.
func (k *Kiosk) Wiped(d time.Duration, seq uint64) uint64 {
	k.w.Helper()
	s := k.Is(d, "ready with a new proof", func(s Status) bool {
		return s.State == fleet.Ready && s.Proof != nil && s.Proof.Seq > seq
	})
	if !s.Proof.OK {
		k.w.Errorf("proof %d is not good", s.Proof.Seq)
		k.w.FailNow()
	}
	return s.Proof.Seq
}

// Proofs checks the chain of all proofs with the kiosk's own command.
func (k *Kiosk) Proofs() {
	k.w.Helper()
	if code, out, errs := k.w.Run(nil, k.w.Bin+"/kiosk", "proofs", "verify", k.State+"/proofs.jsonl"); code != 0 {
		k.w.Fatalf("the proofs do not verify: code %d: %s%s", code, out, errs)
	}
}
