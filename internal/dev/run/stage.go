package main

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
	site      = "ranta"
	siteName  = "Päiväkeskus Ranta"
	kioskName = "Aulan kone"
	place     = "aula"
	person    = "satu"
)

// restarts is how soon after its start a kiosk may end and be started again;
// one that ends sooner is broken.
const restarts = 5 * time.Second

// run starts everything, says where it is, and waits for the end.
func (h *host) run(ctx context.Context, kiosks int) error {
	defer h.lock.Close()
	defer h.end()
	if err := h.prepare(ctx, kiosks > 1); err != nil {
		return err
	}
	agent, base, err := h.startAgent(ctx)
	if err != nil {
		return err
	}
	name, code, err := h.addPerson(ctx)
	if err != nil {
		return err
	}
	s, err := h.openScreen(ctx)
	if err != nil {
		return err
	}
	if err := h.enrol(ctx); err != nil {
		return err
	}
	gone := make(chan error, 8)
	watch := func(p *part) {
		go func() {
			<-p.done
			gone <- p.ended()
		}()
	}
	watch(agent)
	watch(s.part)
	kiosk, err := h.startKiosk(ctx, s)
	if err != nil {
		return err
	}
	if kiosks > 1 {
		p, err := h.start("simulate", h.who, h.environ(), h.file("bin/agent"), "simulate", "--data", h.file("agent"),
			"--kiosks", strconv.Itoa(kiosks-1), "--sites", strconv.Itoa(min(3, kiosks-1)))
		if err != nil {
			return err
		}
		watch(p)
	}
	h.tell(base, name, code, s, kiosks)
	for {
		begin := time.Now()
		select {
		case <-ctx.Done():
			h.say("\nStopping.")
			return nil
		case err := <-gone:
			return err
		case <-kiosk.done:
			if time.Since(begin) < restarts {
				return kiosk.ended()
			}
			h.say("The kiosk ended (%v); it is started again, as a machine would.", kiosk.err)
			if kiosk, err = h.startKiosk(ctx, s); err != nil {
				return err
			}
		}
	}
}

// startAgent starts the agent on the port that it had the last time, because
// the kiosk knows it by that.
func (h *host) startAgent(ctx context.Context) (*part, string, error) {
	port, err := h.port(ctx)
	if err != nil {
		return nil, "", err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	p, err := h.start("agent", h.who, h.environ(), h.file("bin/agent"), "serve", "--data", h.file("agent"), "--listen", address)
	if err != nil {
		return nil, "", err
	}
	base := "https://" + address
	err = await(ctx, p, 20*time.Second, func(ctx context.Context) bool {
		if _, err := os.Stat(h.file("agent/identity.pem")); err != nil {
			return false // reading it before it is there would make another
		}
		id, err := identity.LoadAgent(h.file("agent/identity.pem"))
		return err == nil && healthy(ctx, base, id.Pin())
	})
	return p, base, err
}

func (h *host) port(ctx context.Context) (int, error) {
	text, err := os.ReadFile(h.file("port"))
	if errors.Is(err, fs.ErrNotExist) {
		port, err := freePort(ctx, 8443)
		if err != nil {
			return 0, err
		}
		return port, h.who.WriteFile(h.file("port"), []byte(strconv.Itoa(port)+"\n"))
	}
	if err != nil {
		return 0, err
	}
	port, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%s does not hold a port; remove the folder %s to begin anew", h.file("port"), h.data)
	}
	if free, err := freePort(ctx, port); err != nil || free != port {
		return 0, fmt.Errorf("port %d, where the kiosk looks for its agent, is taken; free it, or remove the folder %s to begin anew", port, h.data)
	}
	return port, nil
}

func healthy(ctx context.Context, base string, pin identity.Pin) bool {
	config, err := identity.ClientTLS(pin)
	if err != nil {
		return false
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}, Timeout: 2 * time.Second}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
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

var codeShape = regexp.MustCompile(`\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b`)

// addPerson makes somebody who can sign in. Each run makes one: the code of an
// earlier one was used, or is too old.
func (h *host) addPerson(ctx context.Context) (name, code string, err error) {
	for n := 1; n <= 100; n++ {
		name = person
		if n > 1 {
			name += strconv.Itoa(n)
		}
		var out string
		out, err = h.do(ctx, nil, "agent", "user", "add", name, "--role", "admin", "--data", h.file("agent"))
		if err == nil {
			code = codeShape.FindString(out)
			if code == "" {
				return "", "", fmt.Errorf("agent user add told no code: %s", out)
			}
			return name, code, nil
		}
		if !strings.Contains(err.Error(), "choose another name") {
			return "", "", err
		}
	}
	return "", "", err
}

// enrol brings the kiosk a join file, unless it belongs to the agent already.
func (h *host) enrol(ctx context.Context) error {
	if _, err := os.Stat(h.file("kiosk/member.toml")); err == nil {
		return nil
	}
	_, err := h.do(ctx, nil, "provision", "enrol", "--socket", h.file("agent/agent.sock"), "--site", site,
		"--site-name", siteName, "--name", kioskName, "--place", place, "--out", h.file("join.toml"), "--force")
	return err
}

// startKiosk starts the real kiosk and waits until a client could use it, or
// until it says that none can.
func (h *host) startKiosk(ctx context.Context, s *screen) (*part, error) {
	config := h.file("kiosk.toml")
	text := fmt.Sprintf("# Written by make run at each start.\nstate = %q\nruntime = %q\njoin = %q\n\n[wipe]\n"+
		"# agent, screen and kiosk have one user here\nshared_user = true\n",
		h.file("kiosk"), h.runtime+"/kiosk", h.file("join.toml"))
	if err := h.who.WriteFile(config, []byte(text)); err != nil {
		return nil, err
	}
	if out, err := h.do(ctx, s.environ(), "kiosk", "check", "--config", config); err != nil {
		return nil, fmt.Errorf("this machine cannot run a kiosk:\n%s%w", out, err)
	}
	p, err := h.start("kiosk", h.who, h.environ(s.environ()...), h.file("bin/kiosk"), "run", "--config", config)
	if err != nil {
		return nil, err
	}
	var status struct {
		State fleet.State `json:"state"`
	}
	err = await(ctx, p, 90*time.Second, func(ctx context.Context) bool {
		out, err := h.do(ctx, nil, "kiosk", "status", "--json", "--config", config)
		return err == nil && json.Unmarshal([]byte(out), &status) == nil &&
			status.State != fleet.Starting && status.State != fleet.Erasing
	})
	if err == nil && status.State != fleet.Ready {
		h.say("The kiosk is not ready for clients: it is %s. The dashboard says what to do; its log is %s", status.State, p.log)
	}
	return p, err
}

// tell says where everything is and what can be done with it.
func (h *host) tell(base, name, code string, s *screen, kiosks int) {
	h.say("")
	h.say("Yhteiskone runs. Its data and its logs are in %s", h.data)
	h.say("")
	h.say("  dashboard   %s/  (the browser warns: this agent's certificate is its own,", base)
	h.say("              by the authority in %s)", h.file("agent/authority.pem"))
	h.say("  sign in     %s, one-time code %s", name, code)
	h.say("  kiosk       %s at %s, display %s", kioskName, siteName, s.display)
	if kiosks > 1 {
		h.say("              and %d simulated ones", kiosks-1)
	}
	h.say("")
	env := fmt.Sprintf("DISPLAY=%s XAUTHORITY=%s", s.display, s.cookie)
	switch {
	case s.window:
		h.say("  its screen  is the window \"Yhteiskone\"")
	case s.vnc != "":
		h.say("  its screen  VNC at %s, password %s (from another machine:", s.vnc, s.secret)
		h.say("              ssh -L 5900:%s HOST, then a viewer on localhost:5900)", s.vnc)
	}
	h.say("  a picture   %s import -window root kiosk.png", env)
	h.say("  a press     %s xdotool mousemove 683 500 click 1", env)
	kiosk := fmt.Sprintf("%s status --config %s", h.file("bin/kiosk"), h.file("kiosk.toml"))
	if h.who.Other() {
		kiosk = "runuser -u yhteiskone -- " + kiosk
	}
	h.say("  its state   %s", kiosk)
	h.say("")
	h.say("Ctrl-C stops all of it.")
}
