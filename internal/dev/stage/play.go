package stage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
)

// Where the real kiosk stands, and what it and its first user are called.
const (
	Site      = "ranta"
	SiteName  = "Päiväkeskus Ranta"
	KioskName = "Aulan kone"
	place     = "aula"
	person    = "satu"
)

// Agent is a running agent.
type Agent struct {
	*Part
	Base string // its address
	Pin  identity.Pin
}

// StartAgent starts the agent on the port that it had the last time, because
// the kiosk knows it by that, and waits until it serves. plain is without TLS.
func (s *Stage) StartAgent(ctx context.Context, plain bool) (*Agent, error) {
	port, err := s.port(ctx)
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	args := []string{"serve", "--data", s.File("agent"), "--listen", address}
	a := &Agent{Base: "https://" + address}
	if plain {
		args = append(args, "--plain-http")
		a.Base = "http://" + address
	}
	if a.Part, err = s.Start("agent", nil, "agent", args...); err != nil {
		return nil, err
	}
	return a, Await(ctx, a.Part, 20*time.Second, func(ctx context.Context) bool {
		if a.Pin == "" {
			if _, err := os.Stat(s.File("agent/identity.pem")); err != nil {
				return false // reading it before it is there would make another
			}
			id, err := identity.LoadAgent(s.File("agent/identity.pem"))
			if err != nil {
				return false
			}
			a.Pin = id.Pin()
		}
		return a.Ready(ctx)
	})
}

// Client speaks to the agent and knows it by its pin.
func (a *Agent) Client() (*http.Client, error) {
	config, err := identity.ClientTLS(a.Pin)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}, Timeout: 10 * time.Second}, nil
}

// Ready reports whether the agent says that it serves.
func (a *Agent) Ready(ctx context.Context) bool {
	client, err := a.Client()
	if err != nil {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.Base+"/readyz", nil)
	if err != nil {
		return false
	}
	answer, err := client.Do(req)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

func (s *Stage) port(ctx context.Context) (int, error) {
	text, err := os.ReadFile(s.File("port"))
	if errors.Is(err, fs.ErrNotExist) {
		port, err := freePort(ctx, 8443)
		if err != nil {
			return 0, err
		}
		return port, s.Who.WriteFile(s.File("port"), []byte(strconv.Itoa(port)+"\n"))
	}
	if err != nil {
		return 0, err
	}
	port, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%s does not hold a port; remove the folder %s to begin anew", s.File("port"), s.Data)
	}
	if free, err := freePort(ctx, port); err != nil || free != port {
		return 0, fmt.Errorf("port %d, where the kiosk looks for its agent, is taken; free it, or remove the folder %s to begin anew", port, s.Data)
	}
	return port, nil
}

var codeShape = regexp.MustCompile(`\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b`)

// AddPerson makes somebody who can sign in, or gives the one of an earlier run
// a fresh code: theirs was used, or is too old.
func (s *Stage) AddPerson(ctx context.Context) (name, code string, err error) {
	out, err := s.Do(ctx, nil, "agent", "user", "add", person, "--role", "admin", "--data", s.File("agent"))
	if err != nil && strings.Contains(err.Error(), "choose another name") {
		out, err = s.Do(ctx, nil, "agent", "user", "renew", person, "--data", s.File("agent"))
	}
	if err != nil {
		return "", "", err
	}
	if code = codeShape.FindString(out); code == "" {
		return "", "", fmt.Errorf("agent user told no code: %s", out)
	}
	return person, code, nil
}

// Enrol brings the kiosk a join file, unless it belongs to the agent already.
func (s *Stage) Enrol(ctx context.Context) error {
	if _, err := os.Stat(s.File("kiosk/member.toml")); err == nil {
		return nil
	}
	_, err := s.Do(ctx, nil, "provision", "enrol", "--socket", s.File("agent/agent.sock"), "--site", Site,
		"--site-name", SiteName, "--name", KioskName, "--place", place, "--out", s.File("join.toml"), "--force")
	return err
}

// Kiosk is how a kiosk is started.
type Kiosk struct {
	Screen    *Screen
	Catalogue string     // file with the tiles; empty for those built in
	Timings   string     // file for what happened when; empty for none
	Mode      fleet.Mode // where clients may go; empty for the agent's word
	Reach     string     // address of a service here that the tiles lead to; empty for none
}

// StartKiosk starts the real kiosk and waits until a client could use it, or
// until it says that none can.
func (s *Stage) StartKiosk(ctx context.Context, k Kiosk) (*Part, error) {
	mode := ""
	if k.Mode != "" {
		mode = fmt.Sprintf("mode = %q\n", k.Mode)
	}
	text := fmt.Sprintf("# Written at each start.\nstate = %q\nruntime = %q\njoin = %q\ncatalogue = %q\n%s\n[wipe]\n"+
		"# agent, screen and kiosk have one user here\nshared_user = true\n",
		s.File("kiosk"), s.Runtime+"/kiosk", s.File("join.toml"), k.Catalogue, mode)
	if k.Reach != "" {
		text += fmt.Sprintf("\n[test]\n# to the client's browser this machine is closed otherwise\nreach = [%q]\n", k.Reach)
	}
	if err := s.Who.WriteFile(s.Config(), []byte(text)); err != nil {
		return nil, err
	}
	if out, err := s.Do(ctx, k.Screen.Environ(), "kiosk", "check", "--config", s.Config()); err != nil {
		return nil, fmt.Errorf("this machine cannot run a kiosk:\n%s%w", out, err)
	}
	args := []string{"run", "--config", s.Config()}
	if k.Timings != "" {
		args = append(args, "--timings", k.Timings)
	}
	p, err := s.Start("kiosk", k.Screen.Environ(), "kiosk", args...)
	if err != nil {
		return nil, err
	}
	var state fleet.State
	err = Await(ctx, p, 90*time.Second, func(ctx context.Context) bool {
		state = s.State(ctx)
		return state != "" && state != fleet.Starting && state != fleet.Erasing
	})
	if err == nil && state != fleet.Ready {
		s.Say("The kiosk is not ready for clients: it is %s. The dashboard says what to do; its log is %s", state, p.Log)
	}
	return p, err
}

// Config is the kiosk's configuration file.
func (s *Stage) Config() string { return s.File("kiosk.toml") }

// State asks the kiosk; it is empty when there is no answer.
func (s *Stage) State(ctx context.Context) fleet.State {
	var status struct {
		State fleet.State `json:"state"`
	}
	out, err := s.Do(ctx, nil, "kiosk", "status", "--json", "--config", s.Config())
	if err != nil || json.Unmarshal([]byte(out), &status) != nil {
		return ""
	}
	return status.State
}
