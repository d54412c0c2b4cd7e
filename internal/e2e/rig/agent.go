package rig

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
)

// Agent is a running agent and what is needed to ask it.
type Agent struct {
	*Process
	w     *World
	Data  string // its data folder
	URL   string
	plain bool
	token string
	http  *http.Client
}

// Enrolment is what `agent enrol --json` prints.
type Enrolment struct {
	Code  string `json:"code"`
	Agent string `json:"agent"`
	Pin   string `json:"pin"`
}

// Machine is one element of /api/v1/kiosks.
type Machine struct {
	ID       fleet.KioskID `json:"id"`
	Name     string        `json:"name"`
	Site     string        `json:"site"`
	Status   fleet.Status  `json:"status"`
	Since    time.Time     `json:"since"`
	LastSeen time.Time     `json:"last_seen"`
	Faults   []struct {
		Code     fleet.Code     `json:"code"`
		Severity fleet.Severity `json:"severity"`
		Text     string         `json:"text"`
		Todo     string         `json:"todo"`
	} `json:"faults"`
	Proof *struct {
		At  time.Time `json:"at"`
		OK  bool      `json:"ok"`
		Seq uint64    `json:"seq"`
	} `json:"last_proof"`
}

// Has reports whether people are told of the fault.
func (m Machine) Has(code fleet.Code) bool {
	for _, f := range m.Faults {
		if f.Code == code {
			return true
		}
	}
	return false
}

// NewAgent starts an agent on a data folder of its own.
func (w *World) NewAgent(flags ...string) *Agent {
	w.Helper()
	a := &Agent{w: w, Data: w.Path("agent"), URL: "127.0.0.1:0"}
	for _, f := range flags {
		a.plain = a.plain || f == "--plain-http"
	}
	a.Begin(flags...)
	code, out, errs := w.Run(nil, w.Bin+"/agent", "token", "add", "scenario", "--role", "admin", "--data", a.Data)
	if code != 0 {
		w.Fatalf("make a token: %s", errs)
	}
	a.token = lastWord(out)
	return a
}

func lastWord(s string) string {
	words := strings.Fields(s)
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}

// Command is the agent's command line.
func (a *Agent) Command(listen string, flags ...string) []string {
	return append([]string{a.w.Bin + "/agent", "serve", "--data", a.Data, "--listen", listen}, flags...)
}

// Begin starts the agent, on the address where it was before if it ever ran.
func (a *Agent) Begin(flags ...string) {
	a.w.Helper()
	if a.plain && len(flags) == 0 {
		flags = []string{"--plain-http"}
	}
	listen := a.URL[strings.LastIndex(a.URL, "/")+1:]
	a.Process = a.w.Start("agent", nil, a.Command(listen, flags...)...)
	a.URL = a.w.Line(a.Process, "agent: listening on ", 10*time.Second)
	a.http = a.client(nil)
}

// client trusts the agent by its pin.
func (a *Agent) client(jar http.CookieJar) *http.Client {
	a.w.Helper()
	if a.plain {
		return &http.Client{Timeout: 10 * time.Second, Jar: jar}
	}
	pin := a.Pin()
	conf, err := identity.ClientTLS(pin)
	if err != nil {
		a.w.Fatal(err)
	}
	return &http.Client{Timeout: 10 * time.Second, Jar: jar, Transport: &http.Transport{TLSClientConfig: conf}}
}

// Pin is the agent's identity as its data folder has it.
func (a *Agent) Pin() identity.Pin {
	a.w.Helper()
	id, err := identity.LoadAgent(a.Data + "/identity.pem")
	if err != nil {
		a.w.Fatal(err)
	}
	return id.Pin()
}

// Token is that of an admin.
func (a *Agent) Token() string { return a.token }

// Enrol makes a code for one kiosk.
func (a *Agent) Enrol(flags ...string) Enrolment {
	a.w.Helper()
	args := append([]string{a.w.Bin + "/agent", "enrol", "--data", a.Data, "--site", "illusia", "--name", "Kone 3", "--json"}, flags...)
	code, out, errs := a.w.Run(nil, args...)
	if code != 0 {
		a.w.Fatalf("make an enrolment code: %s", errs)
	}
	var e Enrolment
	if err := json.Unmarshal([]byte(out), &e); err != nil {
		a.w.Fatalf("read the enrolment: %v: %s", err, out)
	}
	return e
}

// Machines asks the API; an error when the agent does not answer.
func (a *Agent) Machines() ([]Machine, error) {
	req, err := http.NewRequestWithContext(a.w.Ctx, http.MethodGet, a.URL+"/api/v1/kiosks", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the agent answered %s: %s", resp.Status, body)
	}
	var all []Machine
	return all, json.Unmarshal(body, &all)
}

// Sees waits until the first kiosk is as wanted, and returns how long that took.
func (a *Agent) Sees(d time.Duration, what string, want func(Machine) bool) time.Duration {
	a.w.Helper()
	return a.w.Until(d, "the agent sees "+what, func() (bool, string) {
		all, err := a.Machines()
		if err != nil {
			return false, err.Error()
		}
		if len(all) == 0 {
			return false, "no kiosk"
		}
		return want(all[0]), fmt.Sprintf("%+v", all[0])
	})
}

// Shows waits until the first kiosk has the status.
func (a *Agent) Shows(d time.Duration, s fleet.Status) time.Duration {
	a.w.Helper()
	return a.Sees(d, string(s), func(m Machine) bool { return m.Status == s })
}

// Staff is a person signed in on the dashboard.
type Staff struct {
	a    *Agent
	http *http.Client
}

// SignIn adds a member of staff and signs in on the dashboard.
func (a *Agent) SignIn() *Staff {
	a.w.Helper()
	return a.SignInAs("Maija", "staff")
}

// SignInAs is SignIn for somebody else, in another role.
func (a *Agent) SignInAs(name, role string) *Staff {
	a.w.Helper()
	const password = "kolme pientä porsasta metsässä"
	c := exec.Command(a.w.Bin+"/agent", "user", "add", name, "--role", role, "--password-stdin", "--data", a.Data)
	c.Stdin, c.Env = strings.NewReader(password+"\n"), os.Environ()
	if out, err := c.CombinedOutput(); err != nil {
		a.w.Fatalf("add a person: %v: %s", err, out)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		a.w.Fatal(err)
	}
	s := &Staff{a, a.client(jar)}
	if page := s.Post("/sign-in", url.Values{"name": {name}, "password": {password}}); strings.Contains(page, `name="password"`) {
		a.w.Fatal("the dashboard does not let the person in")
	}
	return s
}

// Post sends a form of the dashboard and returns the page that follows.
func (s *Staff) Post(path string, form url.Values) string {
	s.a.w.Helper()
	resp, err := s.http.PostForm(s.a.URL+path, form)
	return s.page(path, resp, err)
}

// Get returns a page of the dashboard.
func (s *Staff) Get(path string) string {
	s.a.w.Helper()
	resp, err := s.http.Get(s.a.URL + path)
	return s.page(path, resp, err)
}

func (s *Staff) page(path string, resp *http.Response, err error) string {
	s.a.w.Helper()
	if err != nil {
		s.a.w.Fatalf("open %s: %v", path, err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, resp.Body); err != nil {
		s.a.w.Fatalf("read %s: %v", path, err)
	}
	if resp.StatusCode != http.StatusOK {
		s.a.w.Fatalf("open %s: %s: %s", path, resp.Status, tail(b.String()))
	}
	return b.String()
}

// Open asks for one of the agent's addresses, without any right.
func (a *Agent) Open(path string) (*http.Response, error) { return a.http.Get(a.URL + path) }

// MakeCode asks the API for an enrolment code.
func (a *Agent) MakeCode() (status int, said string) {
	a.w.Helper()
	body := `{"site":"illusia","name":"Kone","uses":1,"ttl_s":900}`
	req, err := http.NewRequestWithContext(a.w.Ctx, http.MethodPost, a.URL+wire.EnrolmentsPath, strings.NewReader(body))
	if err != nil {
		a.w.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.http.Do(req)
	if err != nil {
		a.w.Fatalf("make a code: %v", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		a.w.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
