package gate_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
)

func (h *house) code(uses int, life time.Duration) string {
	h.t.Helper()
	code := identity.NewCode()
	err := h.store.PutCode(store.Code{Hash: identity.HashCode(code), Site: "ranta", Name: "Kone", Uses: uses,
		Expires: time.Now().Add(life)}, "console", time.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	return code
}

func request(code string) wire.EnrolRequest {
	pub, _, _ := ed25519.GenerateKey(rand.Reader)
	return wire.EnrolRequest{Code: code, PublicKey: pub, Hardware: "Dell OptiPlex 3040"}
}

// enrol posts and returns the status with the answer or the refusal.
func (h *house) enrol(ask wire.EnrolRequest) (int, wire.EnrolAnswer, wire.Refusal) {
	h.t.Helper()
	body, err := wire.EncodeBody(ask)
	if err != nil {
		h.t.Fatal(err)
	}
	status, text := h.post(body)
	if status == http.StatusOK {
		a, err := wire.DecodeBody[wire.EnrolAnswer](text)
		if err != nil {
			h.t.Fatal(err)
		}
		return status, a, wire.Refusal{}
	}
	r, err := wire.DecodeBody[wire.Refusal](text)
	if err != nil {
		h.t.Fatalf("%d %s: %v", status, text, err)
	}
	return status, wire.EnrolAnswer{}, r
}

func (h *house) post(body []byte, headers ...string) (int, []byte) {
	h.t.Helper()
	q, _ := http.NewRequest(http.MethodPost, h.url+"/enrol", bytes.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, text
}

func TestEnrol(t *testing.T) {
	h := newHouse(t, nil)
	ask := request(h.code(1, time.Minute))
	status, a, r := h.enrol(ask)
	if status != http.StatusOK {
		t.Fatal(status, r)
	}
	if !identity.VerifyAgent(h.id.Pin(), a.Signed(ask), a.Signature) || a.Pin != string(h.id.Pin()) || a.Name != "Kone" || a.Site != "ranta" {
		t.Errorf("%+v", a)
	}
	if k, ok := h.board.Kiosk(a.Kiosk); !ok || !bytes.Equal(k.PublicKey, ask.PublicKey) {
		t.Error("the board does not know the kiosk")
	}
	// The answer was lost: the same again is the same kiosk.
	if status, again, _ := h.enrol(ask); status != http.StatusOK || again.Kiosk != a.Kiosk {
		t.Errorf("again: %d %+v", status, again)
	}
	// Another machine with the same code is refused.
	if status, _, r := h.enrol(request(ask.Code)); status != http.StatusForbidden || r.Code != wire.RefusedUsed || r.Todo == "" {
		t.Errorf("used: %d %+v", status, r)
	}
	if status, _, r := h.enrol(request(identity.NewCode())); status != http.StatusForbidden || r.Code != wire.RefusedUnknown {
		t.Errorf("unknown: %d %+v", status, r)
	}
	if status, _, r := h.enrol(request(h.code(1, -time.Second))); status != http.StatusForbidden || r.Code != wire.RefusedExpired {
		t.Errorf("expired: %d %+v", status, r)
	}
}

func TestEnrolNames(t *testing.T) {
	h := newHouse(t, nil)
	code := h.code(2, time.Minute)
	for _, want := range []string{"Kone 1", "Kone 2"} {
		if _, a, _ := h.enrol(request(code)); a.Name != want {
			t.Errorf("%q, want %q", a.Name, want)
		}
	}
	if status, _, _ := h.enrol(request(code)); status != http.StatusForbidden {
		t.Error("a third use of two")
	}
}

func TestEnrolBadInput(t *testing.T) {
	h := newHouse(t, nil)
	for name, body := range map[string]string{"empty": "", "not JSON": "hello", "an array": "[]",
		"long": strings.Repeat(" ", wire.EnrolLimit+1) + "{}", "short key": `{"code":"0000-0000-0000","public_key":"AAAA","hardware":""}`} {
		if status, text := h.post([]byte(body)); status != http.StatusBadRequest || !strings.Contains(string(text), wire.RefusedInput) {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	for _, header := range []string{"Origin", "Cookie"} {
		if status, _ := h.post([]byte("{}"), header, "x"); status != http.StatusForbidden {
			t.Errorf("%s: %d", header, status)
		}
	}
}

// Guessing is held back; machines that enrol rightly are not.
func TestEnrolTries(t *testing.T) {
	h := newHouse(t, nil)
	code := h.code(30, time.Minute)
	for range 30 {
		if status, _, r := h.enrol(request(code)); status != http.StatusOK {
			t.Fatal("a right one was held back:", r)
		}
	}
	held := false
	for range 30 {
		status, _, r := h.enrol(request(identity.NewCode()))
		held = held || status == http.StatusTooManyRequests && r.Code == wire.RefusedOften
	}
	if !held {
		t.Error("guessing was never held back")
	}
}

func TestEnrolDiskFull(t *testing.T) {
	h := newHouse(t, func(c *gate.Config) { c.Store = unwritable{c.Store} })
	if status, _, r := h.enrol(request(h.code(1, time.Minute))); status != http.StatusServiceUnavailable || r.Code != wire.RefusedStore {
		t.Errorf("%d %+v", status, r)
	}
}

// The last second of a code's life counts, the one after does not.
func TestCodeExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(t.TempDir(), time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		use := func(life time.Duration) error {
			code := identity.NewCode()
			if err := st.PutCode(store.Code{Hash: identity.HashCode(code), Site: "ranta", Name: "Kone", Uses: 1,
				Expires: time.Now().Add(15 * time.Minute)}, "console", time.Now()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(life) // in the bubble's time
			_, _, err := st.Enrol(gate.Use{CodeHash: identity.HashCode(code), PublicKey: make([]byte, 32), At: time.Now(), NewID: identity.NewKioskID()})
			return err
		}
		if err := use(15*time.Minute - time.Second); err != nil {
			t.Error(err)
		}
		if err := use(15 * time.Minute); err == nil {
			t.Error("a code that is too old was taken")
		}
	})
}

// No body, however malformed, gets anything but a refusal, and only a request
// that is right gets past the decoder.
func FuzzEnrol(f *testing.F) {
	good, _ := wire.EncodeBody(request("0000-0000-0000"))
	f.Add(good)
	f.Add([]byte(`{"code":"oooo-iiii-llll","public_key":"","hardware":null}`))
	f.Add([]byte(`{"code":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		ask, code, err := gate.DecodeEnrol(bytes.NewReader(body))
		if err != nil {
			return
		}
		if clean, err := identity.ParseCode(code); err != nil || clean != code {
			t.Errorf("code %q is not in its form", code)
		}
		if len(ask.PublicKey) != ed25519.PublicKeySize || len(ask.Hardware) > 200 {
			t.Errorf("let through: %+v", ask)
		}
	})
}

// unwritable is a store that takes nothing in.
type unwritable struct{ gate.Store }

func (unwritable) Enrol(gate.Use) (k fleet.Kiosk, s fleet.Site, err error) {
	return k, s, store.ErrFull
}
