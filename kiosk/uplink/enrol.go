package uplink

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"github.com/pelletier/go-toml/v2"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
)

// Member is who this kiosk is and which agent it belongs to. Kept on disk
// after enrolment; none of it is secret.
type Member struct {
	Kiosk    fleet.KioskID `toml:"kiosk"`
	Name     string        `toml:"name"`
	Site     fleet.SiteID  `toml:"site"`
	SiteName string        `toml:"site_name"`
	Agent    string        `toml:"agent"` // base address
	Pin      identity.Pin  `toml:"pin"`
}

// Join is the file that the technician brings: where the agent is, how to know
// it, and a code to be let in once.
type Join struct {
	Agent   string       `toml:"agent" json:"agent"`
	Pin     string       `toml:"pin" json:"pin"`
	Code    string       `toml:"code" json:"code"`
	Name    string       `toml:"name" json:"name"`       // for people who read the file
	Site    fleet.SiteID `toml:"-" json:"site"`          // for people as well
	Expires time.Time    `toml:"expires" json:"expires"` // of the code
	// Machines is how many may use the code: for the installer, and no matter here.
	Machines int `toml:"machines" json:"machines"`
}

// ReadJoin reads a join file: TOML, or the JSON of an image. An error names the file and the line or field;
// errors.Is(err, fs.ErrNotExist) if there is none.
func ReadJoin(path string) (Join, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Join{}, fmt.Errorf("read the join file: %w", err)
	}
	return parseJoin(path, text)
}

func parseJoin(path string, text []byte) (Join, error) {
	var j Join
	decode := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		decode = d.Decode
	}
	if err := decode(&j); err != nil {
		return Join{}, fmt.Errorf("read the join file: %s: %w", path, lines(err))
	}
	if !strings.HasPrefix(j.Agent, "https://") && !strings.HasPrefix(j.Agent, "http://") {
		return Join{}, fmt.Errorf("read the join file: %s: agent is not an address that begins with https://", path)
	}
	if _, _, err := identity.ParsePin(j.Pin); err != nil {
		return Join{}, fmt.Errorf("read the join file: %s: pin: %w", path, err)
	}
	code, err := identity.ParseCode(j.Code)
	if err != nil {
		return Join{}, fmt.Errorf("read the join file: %s: code: %w", path, err)
	}
	j.Code = code
	return j, nil
}

// lines makes a TOML error one sentence with its line.
func lines(err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		row, _ := strict.Errors[0].Position()
		return fmt.Errorf("line %d: there is no setting %q", row, strings.Join(strict.Errors[0].Key(), "."))
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		row, _ := decode.Position()
		return fmt.Errorf("line %d: %s", row, decode.Error())
	}
	return err
}

// ReadMember reads who this kiosk is; ok is false before enrolment.
func ReadMember(path string) (m Member, ok bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Member{}, false, nil
	}
	if err != nil {
		return Member{}, false, fmt.Errorf("read who this kiosk is: %w", err)
	}
	if err := toml.Unmarshal(text, &m); err != nil {
		return Member{}, false, fmt.Errorf("read who this kiosk is: %s: %w", path, lines(err))
	}
	if _, _, err := identity.ParsePin(string(m.Pin)); err != nil || !m.Kiosk.Valid() {
		return Member{}, false, fmt.Errorf("read who this kiosk is: %s is damaged; enrol the kiosk anew", path)
	}
	return m, true, nil
}

// Enrol uses the code and returns who the kiosk is, written to memberPath. A
// wire.Refusal in the error says that the agent refused; any other error is
// worth another try. The same code and key again give the same kiosk, so a
// power cut between the answer and the writing loses nothing.
func Enrol(ctx context.Context, j Join, key ed25519.PrivateKey, hardware, memberPath string) (Member, error) {
	pin, _, err := identity.ParsePin(j.Pin)
	if err != nil {
		return Member{}, err
	}
	tlsConfig, err := identity.ClientTLS(pin)
	if err != nil {
		return Member{}, err
	}
	request := wire.EnrolRequest{Code: j.Code, PublicKey: key.Public().(ed25519.PublicKey), Hardware: hardware}
	body, err := wire.EncodeBody(request)
	if err != nil {
		return Member{}, err
	}
	client := &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{TLSClientConfig: tlsConfig, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(j.Agent, "/")+wire.EnrolPath, bytes.NewReader(body))
	if err != nil {
		return Member{}, fmt.Errorf("enrol: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return Member{}, fmt.Errorf("enrol: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, wire.EnrolLimit+1))
	if err != nil {
		return Member{}, fmt.Errorf("enrol: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		refusal, err := wire.DecodeBody[wire.Refusal](text)
		if err != nil {
			return Member{}, fmt.Errorf("enrol: the agent answered %s", resp.Status)
		}
		return Member{}, fmt.Errorf("enrol: %w", refusal)
	}
	answer, err := wire.DecodeBody[wire.EnrolAnswer](text)
	if err != nil {
		return Member{}, fmt.Errorf("enrol: %w", err)
	}
	if answer.Pin != string(pin) || !identity.VerifyAgent(pin, answer.Signed(request), answer.Signature) {
		return Member{}, fmt.Errorf("enrol: %w", ErrStranger)
	}
	m := Member{Kiosk: answer.Kiosk, Name: answer.Name, Site: answer.Site, SiteName: answer.SiteName,
		Agent: strings.TrimSuffix(j.Agent, "/"), Pin: pin}
	out, err := toml.Marshal(m)
	if err != nil {
		return Member{}, fmt.Errorf("enrol: %w", err)
	}
	if err := forgetSettings(filepath.Dir(memberPath)); err != nil {
		return Member{}, fmt.Errorf("enrol: %w", err)
	}
	if err := renameio.WriteFile(memberPath, out, 0o600, renameio.WithTempDir(filepath.Dir(memberPath))); err != nil {
		return Member{}, fmt.Errorf("enrol: %w", err)
	}
	return m, nil
}
