package wire

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"yhteiskone/internal/fleet"
)

// Addresses of enrolment at the agent.
//
// EnrolmentsPath is for technicians: an EnrolmentRequest in, 201 and an
// Enrolment out. It asks for a bearer token of the role technician or admin.
// A GET there returns an EnrolmentList, the codes that could still be used; a
// DELETE of EnrolmentsPath/ID makes one worthless (204).
// Over the agent's local control socket (DATA/agent.sock, mode 0600) it asks
// for none: who may open that socket may do anything there anyway.
//
// EnrolPath is for kiosks: an EnrolRequest in, 200 and an EnrolAnswer out. Like
// GET /link it refuses a request that carries an Origin or a Cookie.
//
// Both are POST with Content-Type application/json and at most EnrolLimit
// bytes each way. Every other answer is a Refusal.
const (
	EnrolmentsPath = "/api/v1/enrolments"
	EnrolPath      = "/enrol"
	EnrolLimit     = 8 << 10
)

// Limits of an enrolment code.
const (
	CodeUsesLimit = 2000
	CodeLifeLeast = time.Minute
	CodeLifeMost  = 24 * time.Hour
)

// EnrolmentRequest asks for a code for a machine that is about to be enrolled.
type EnrolmentRequest struct {
	Site     fleet.SiteID `json:"site"`
	SiteName string       `json:"site_name,omitempty"` // names the site if the agent does not know it yet; then empty means the identifier
	Name     string       `json:"name"`                // what people will call the machine; with more than one use the agent adds a number
	Place    string       `json:"place,omitempty"`
	Notes    string       `json:"notes,omitempty"` // for those who look after it, never of people
	Uses     int          `json:"uses"`            // 1 to CodeUsesLimit
	TTLS     int          `json:"ttl_s"`           // seconds of life
	// Once refuses (409, RefusedThere) if the site has a machine of that name, or
	// a code for one: so that a list can be sent twice.
	Once bool `json:"once,omitempty"`
	// Replaces is the identifier or the name of a kiosk whose place the machine
	// takes: it gets that one's identifier, name, place and past, and the old
	// key is worth nothing once the code is used. Name is empty then, Uses is 1,
	// and Site may be empty.
	Replaces string `json:"replaces,omitempty"`
}

// Enrolment is a code and what a kiosk must know to use it. It is a secret
// until it is used or has expired.
type Enrolment struct {
	Code    string    `json:"code"`  // as identity.NewCode makes it
	Agent   string    `json:"agent"` // base address, for example https://agent.example.org:8443
	Pin     string    `json:"pin"`   // identity.Pin
	Expires time.Time `json:"expires"`
	ID      string    `json:"id,omitempty"` // names the code without telling it
	// Site and Name are the machine's; of a replacement, the agent knows them.
	Site fleet.SiteID `json:"site,omitempty"`
	Name string       `json:"name,omitempty"`
}

// OpenEnrolment is a code that could still be used, without the code.
type OpenEnrolment struct {
	ID       string        `json:"id"`
	Site     fleet.SiteID  `json:"site"`
	Name     string        `json:"name"`
	Place    string        `json:"place,omitempty"`
	Uses     int           `json:"uses"`
	Used     int           `json:"used"`
	Expires  time.Time     `json:"expires"`
	Replaces fleet.KioskID `json:"replaces,omitempty"`
}

// EnrolmentList is the answer to who asks which codes are open. It is as long
// as it is: not a Body.
type EnrolmentList []OpenEnrolment

// EnrolRequest is a kiosk's use of a code.
type EnrolRequest struct {
	Code      string `json:"code"`
	PublicKey []byte `json:"public_key"` // Ed25519, 32 bytes
	Hardware  string `json:"hardware"`   // what the machine is, one line, at most 200 bytes; may be empty
}

// EnrolAnswer is who the kiosk is from now on. A kiosk that did not get it (a
// cut line, a power cut) asks again with the same code and key, and the agent
// answers with the same kiosk without counting a use.
type EnrolAnswer struct {
	Kiosk     fleet.KioskID `json:"kiosk"`
	Name      string        `json:"name"`
	Site      fleet.SiteID  `json:"site"`
	SiteName  string        `json:"site_name"`
	Pin       string        `json:"pin"`
	Signature []byte        `json:"signature"` // the agent's identity over Signed
}

// Refusal is the body of every answer that is not the one asked for.
type Refusal struct {
	Code string `json:"code"` // one of the Refused constants; for machines
	Text string `json:"text"` // one sentence
	Todo string `json:"todo"` // one thing to do
}

// Codes of a Refusal, with the HTTP status that carries each.
const (
	RefusedInput    = "bad_request"      // 400: the body is not what the address takes
	RefusedUnknown  = "code_unknown"     // 403: no such code
	RefusedUsed     = "code_used"        // 403: the code was used by another machine
	RefusedExpired  = "code_expired"     // 403: the code is too old
	RefusedAccess   = "not_allowed"      // 401 or 403: no token, or one of another role
	RefusedThere    = "already_there"    // 409: a machine of that name, or a code for one, is there
	RefusedGone     = "not_found"        // 404: there is no such code or kiosk
	RefusedOften    = "too_many"         // 429: too many attempts; wait
	RefusedStore    = "store_failing"    // 503: the agent cannot write
	RefusedInternal = "internal_failure" // 500: a mistake in the agent
)

// Error makes a Refusal an error that people can read.
func (r Refusal) Error() string { return strings.TrimSpace(r.Text + " " + r.Todo) }

// Signed returns what the agent signs in an EnrolAnswer: the request and the
// answer, each field with its length before it.
func (a EnrolAnswer) Signed(r EnrolRequest) []byte {
	b := []byte("yhteiskone enrol 1")
	for _, part := range [][]byte{[]byte(r.Code), r.PublicKey, []byte(r.Hardware), []byte(a.Kiosk),
		[]byte(a.Name), []byte(a.Site), []byte(a.SiteName), []byte(a.Pin)} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	return b
}

// Body is one of the request and answer types of enrolment, by value.
type Body interface {
	// check says which field is wrong.
	check() error
}

// EncodeBody returns the JSON of a body, and refuses what DecodeBody would.
func EncodeBody(b Body) ([]byte, error) {
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("encode %T: %w", b, err)
	}
	text, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", b, err)
	}
	return text, nil
}

// DecodeBody reads one body: unknown fields are passed over, everything else
// that is not as the type says is an error wrapping ErrMalformed. For fields
// that people typed, the error names the field.
func DecodeBody[T Body](text []byte) (T, error) {
	var b, none T
	if len(text) > EnrolLimit {
		return none, fmt.Errorf("%w: %d bytes are more than %d", ErrMalformed, len(text), EnrolLimit)
	}
	if err := unmarshal(text, &b); err != nil {
		return none, err
	}
	if err := b.check(); err != nil {
		return none, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	return b, nil
}

func (r EnrolmentRequest) check() error {
	if r.Replaces != "" {
		return r.checkReplacement()
	}
	if !r.Site.Valid() {
		return errors.New("site is not an identifier: use 1 to 40 of a-z, 0-9 and '-', beginning with a letter or digit")
	}
	if r.SiteName != "" {
		if err := fleet.CheckName("site_name", r.SiteName); err != nil {
			return err
		}
	}
	if err := fleet.CheckName("name", r.Name); err != nil {
		return err
	}
	if r.Place != "" {
		if err := fleet.CheckName("place", r.Place); err != nil {
			return err
		}
	}
	if r.Notes != "" {
		if err := fleet.CheckNotes("notes", r.Notes); err != nil {
			return err
		}
	}
	if r.Uses < 1 || r.Uses > CodeUsesLimit {
		return fmt.Errorf("uses is %d; it must be 1 to %d", r.Uses, CodeUsesLimit)
	}
	return r.checkLife()
}

func (r EnrolmentRequest) checkReplacement() error {
	switch {
	case r.Site != "" && !r.Site.Valid():
		return errors.New("site is not an identifier: use 1 to 40 of a-z, 0-9 and '-', beginning with a letter or digit")
	case r.Name != "" || r.Place != "" || r.Notes != "" || r.SiteName != "" || r.Once:
		return errors.New("name is the replaced machine's: leave it, the place, the notes and the site's name out")
	case r.Uses != 1:
		return fmt.Errorf("uses is %d; a replacement is one machine", r.Uses)
	}
	if err := fleet.CheckName("replaces", r.Replaces); err != nil {
		return err
	}
	return r.checkLife()
}

func (r EnrolmentRequest) checkLife() error {
	if r.TTLS < int(CodeLifeLeast/time.Second) || r.TTLS > int(CodeLifeMost/time.Second) {
		return fmt.Errorf("ttl_s is %d; it must be %d to %d seconds", r.TTLS,
			int(CodeLifeLeast/time.Second), int(CodeLifeMost/time.Second))
	}
	return nil
}

func (e Enrolment) check() error {
	if !strings.HasPrefix(e.Agent, "https://") && !strings.HasPrefix(e.Agent, "http://") {
		return errors.New("agent is not an http or https address")
	}
	return errors.Join(code(e.Code), size("agent", len(e.Agent), 9, 300), pin(e.Pin), stamp("expires", e.Expires),
		size("id", len(e.ID), 0, 40), size("name", len(e.Name), 0, 4*fleet.NameLimit), size("site", len(e.Site), 0, 40))
}

func (r EnrolRequest) check() error {
	for _, c := range r.Hardware {
		if c < ' ' || c == 0x7f || c == 0xfffd {
			return errors.New("hardware holds a character that cannot be printed")
		}
	}
	return errors.Join(code(r.Code), size("public_key", len(r.PublicKey), 32, 32),
		size("hardware", len(r.Hardware), 0, 200))
}

func (a EnrolAnswer) check() error {
	if !a.Kiosk.Valid() {
		return errors.New("kiosk is not an identifier")
	}
	if !a.Site.Valid() {
		return errors.New("site is not an identifier")
	}
	return errors.Join(fleet.CheckName("name", a.Name), fleet.CheckName("site_name", a.SiteName),
		pin(a.Pin), size("signature", len(a.Signature), 1, SignatureLimit))
}

func (r Refusal) check() error {
	return errors.Join(size("code", len(r.Code), 1, 40), size("text", len(r.Text), 1, 600), size("todo", len(r.Todo), 0, 600))
}

// code checks the shape alone; identity knows which letters a code has.
func code(s string) error {
	if len(s) != 14 || s[4] != '-' || s[9] != '-' {
		return errors.New("code is not three groups of four")
	}
	for _, c := range s {
		if c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return errors.New("code is not three groups of four")
		}
	}
	return nil
}

// pin checks the shape alone; identity reads the key in it.
func pin(s string) error {
	if raw, err := base64.RawURLEncoding.DecodeString(s); err != nil || len(raw) != 33 {
		return errors.New("pin is not 44 characters of base64url")
	}
	return nil
}
