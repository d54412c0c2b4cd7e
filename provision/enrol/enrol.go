// Package enrol asks an agent for an enrolment code and writes it, with what
// a kiosk must know of the agent, into the kiosk's join file.
//
// It never makes a key (the kiosk does), never replaces a file unless told to,
// and never prints the code.
//
// Caveat: the join file is a secret until its code is used or has expired.
package enrol

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
)

// Errors that tell the kinds of failure apart; every other error is neither.
var (
	ErrInput  = errors.New("wrong input")
	ErrNotNow = errors.New("not now")
)

// patience is how long the agent may take to answer.
const patience = 30 * time.Second

// Options say what to enrol and where to ask: at Agent, with Pin and Token, or
// at Socket.
type Options struct {
	Agent, Pin, Token string
	Socket            string
	Site              fleet.SiteID
	SiteName          string
	Name, Place       string
	Notes             string
	TTL               time.Duration
	Machines          int // how many the code lets in; 0 and 1 are one
	Out               string
	Force             bool
	Replaces          string // a kiosk whose place the machine takes, by identifier or name; then no Name
}

// field is wrong input with the flag that holds it.
func field(name, format string, args ...any) error {
	return told{fmt.Errorf("--"+name+" "+format, args...), ErrInput}
}

// told is an error of a kind, without the kind's name in its text.
type told struct {
	error
	kind error
}

func (e told) Unwrap() []error { return []error{e.error, e.kind} }

// Run does it. If it fails, no file was made or changed.
func Run(ctx context.Context, o Options) (Join, error) {
	body, err := o.request()
	if err != nil {
		return Join{}, err
	}
	client, base, err := o.client()
	if err != nil {
		return Join{}, err
	}
	// Whether the file can be written is found out before a code is spent.
	if o.Out == "" {
		return Join{}, field("out", "is missing: say where to write the join file")
	}
	if _, err := os.Lstat(o.Out); err == nil && !o.Force {
		return Join{}, field("out", "names %s, which exists; use another name, or --force to replace it", o.Out)
	}
	file, err := renameio.NewPendingFile(o.Out, renameio.WithPermissions(0o600), renameio.WithTempDir(filepath.Dir(o.Out)))
	if err != nil {
		return Join{}, field("out", "cannot be written: %v", err)
	}
	defer file.Cleanup()
	code, err := ask(ctx, client, base, o.Token, body)
	if err != nil {
		return Join{}, err
	}
	join, err := o.joined(code)
	if err != nil {
		return Join{}, err
	}
	text, err := join.text(o.Out)
	if err != nil {
		return Join{}, fmt.Errorf("write the join file: %w", err)
	}
	if _, err := file.Write(text); err != nil {
		return Join{}, fmt.Errorf("write the join file: %w", err)
	}
	if err := place(file, o); err != nil {
		return Join{}, fmt.Errorf("write the join file: %w", err)
	}
	return join, nil
}

// joined makes the contents of a join file of the agent's answer.
func (o Options) joined(code wire.Enrolment) (Join, error) {
	if o.Pin != "" && code.Pin != o.Pin {
		return Join{}, errors.New("the agent's answer names another pin than --pin; ask its administrator which is right")
	}
	if _, _, err := identity.ParsePin(code.Pin); err != nil {
		return Join{}, fmt.Errorf("the agent's answer: %w", err)
	}
	j := Join{Agent: code.Agent, Pin: code.Pin, Code: code.Code, Name: cmp.Or(o.Name, code.Name), Site: cmp.Or(o.Site, code.Site),
		Expires: code.Expires.UTC().Truncate(time.Second)}
	if o.Machines > 1 {
		j.Machines = o.Machines
	}
	return j, nil
}

// place gives the file its name. Without force a file that came there in the
// meantime stays: a link, unlike a rename, never replaces.
func place(file *renameio.PendingFile, o Options) error {
	if o.Force {
		return file.CloseAtomicallyReplace()
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return os.Link(file.Name(), o.Out)
}

func (o Options) request() ([]byte, error) {
	if o.Replaces != "" {
		return o.encode(wire.EnrolmentRequest{Site: o.Site, Replaces: o.Replaces, Uses: 1, TTLS: int(o.TTL / time.Second)})
	}
	if o.Site == "" {
		return nil, field("site", "is missing: say which day centre")
	}
	if o.Name == "" {
		return nil, field("name", "is missing: say what people will call the machine")
	}
	return o.encode(wire.EnrolmentRequest{Site: o.Site, SiteName: o.SiteName, Name: o.Name,
		Place: o.Place, Notes: o.Notes, Uses: max(1, o.Machines), TTLS: int(o.TTL / time.Second)})
}

func (o Options) encode(r wire.EnrolmentRequest) ([]byte, error) {
	body, err := wire.EncodeBody(r)
	if err != nil {
		return nil, field(flagOf(errors.Unwrap(err).Error()), "%s", afterField(errors.Unwrap(err).Error()))
	}
	return body, nil
}

// flagOf returns the flag of a sentence that begins with a field's name.
func flagOf(sentence string) string {
	name, _, _ := strings.Cut(sentence, " ")
	if name == "uses" {
		return "machines"
	}
	return strings.ReplaceAll(strings.TrimSuffix(name, "_s"), "_", "-")
}

func afterField(sentence string) string {
	_, rest, _ := strings.Cut(sentence, " ")
	return rest
}

// client returns how to reach the agent and its base address.
func (o Options) client() (*http.Client, string, error) {
	if o.Socket != "" {
		if o.Agent != "" || o.Pin != "" {
			return nil, "", field("socket", "stands instead of --agent and --pin; give one or the other")
		}
		dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", o.Socket)
		}
		return client(&http.Transport{DialContext: dial}), "http://agent", nil
	}
	u, err := url.Parse(o.Agent)
	switch {
	case o.Agent == "":
		return nil, "", field("agent", "is missing: say the agent's address, or --socket on its own machine")
	case err != nil || u.Host == "" || u.User != nil || (u.Path != "" && u.Path != "/"):
		return nil, "", field("agent", "is not an address such as https://agent.example.org:8443")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, "", field("agent", "begins with http://, which is for this machine only; use https://")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, "", field("agent", "does not begin with https://")
	case o.Pin == "":
		return nil, "", field("pin", "is missing: the agent's administrator knows it")
	case o.Token == "":
		return nil, "", field("token", "is missing: \"agent token add\" makes one of the role technician")
	}
	config, err := identity.ClientTLS(identity.Pin(o.Pin))
	if err != nil {
		return nil, "", field("pin", "is wrong: %v", err)
	}
	return client(&http.Transport{TLSClientConfig: config, Proxy: http.ProxyFromEnvironment}), u.Scheme + "://" + u.Host, nil
}

// Reach returns how to reach an agent by its address, pin and a token, and its
// base address, for whatever else a technician wants of it.
func Reach(agent, pin, token string) (*http.Client, string, error) {
	return Options{Agent: agent, Pin: pin, Token: token}.client()
}

// client follows no redirect: a token must not travel to another host.
func client(t *http.Transport) *http.Client {
	return &http.Client{Transport: t, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ask makes the request. A Refusal is returned as the agent worded it.
func ask(ctx context.Context, client *http.Client, base, token string, body []byte) (wire.Enrolment, error) {
	var none wire.Enrolment
	text, err := call(ctx, client, http.MethodPost, base+wire.EnrolmentsPath, token, body, http.StatusCreated)
	if err != nil {
		return none, err
	}
	code, err := wire.DecodeBody[wire.Enrolment](text)
	if err != nil {
		return none, fmt.Errorf("the agent's answer cannot be read: %w", err)
	}
	return code, nil
}

// answerLimit is how much of an answer is read: a list of codes is the longest.
const answerLimit = 4 << 20

// call makes one request and returns the answer's body, if it has the status.
func call(ctx context.Context, client *http.Client, method, url, token string, body []byte, want int) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask the agent: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(req)
	if err != nil {
		return nil, told{fmt.Errorf("the agent cannot be reached: %w", err), ErrNotNow}
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, answerLimit))
	if err != nil {
		return nil, told{fmt.Errorf("the agent's answer broke off: %w", err), ErrNotNow}
	}
	if answer.StatusCode != want {
		return nil, refusal(answer.StatusCode, text)
	}
	return text, nil
}

func refusal(status int, text []byte) error {
	r, err := wire.DecodeBody[wire.Refusal](text)
	if err != nil {
		r = wire.Refusal{Text: fmt.Sprintf("The answer was \"%d %s\", not an agent's.", status, http.StatusText(status)),
			Todo: "Check --agent."}
	}
	refused := fmt.Errorf("the agent refused: %w", r)
	switch {
	case status == http.StatusBadRequest:
		return told{refused, ErrInput}
	case status == http.StatusTooManyRequests || status >= 500:
		return told{refused, ErrNotNow}
	}
	return refused
}
