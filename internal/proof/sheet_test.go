package proof

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
)

func sheet() fleet.Sheet {
	return SignSheet(key(), fleet.Sheet{Kiosk: "kabcdefghij23", Command: "00000000000000c1", At: time.Date(2026, 11, 29, 18, 41, 59, 7, time.FixedZone("", 7200)),
		Build: "abcdef012345", Image: "1.2", Hardware: "Dell OptiPlex", Proof: &fleet.ProofSummary{Seq: 7, At: time.Date(2026, 11, 29, 16, 40, 0, 0, time.UTC), Clean: true},
		Rows: []fleet.SheetRow{{Code: "memory", Mark: fleet.Passed, Value: "3.8 GiB"}, {Code: "way_36", Mark: fleet.ByHand}}})
}

// The bytes stay what they are: sheets that are kept were signed over them.
func TestCanonicalSheet(t *testing.T) {
	s := sheet()
	sum := sha256.Sum256(append(CanonicalSheet(s), s.Signature...))
	const want = "905399a86f01f089"
	if got := hex.EncodeToString(sum[:8]); got != want {
		t.Errorf("the hash is %s, was %s", got, want)
	}
	if !s.At.Equal(time.Date(2026, 11, 29, 16, 41, 59, 0, time.UTC)) {
		t.Errorf("the time is %v", s.At)
	}
}

// Whatever is changed, the signature does not fit any more.
func TestVerifySheet(t *testing.T) {
	pub := key().Public().(ed25519.PublicKey)
	if err := VerifySheet(pub, sheet()); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*fleet.Sheet){
		"kiosk":    func(s *fleet.Sheet) { s.Kiosk = "kabcdefghij24" },
		"command":  func(s *fleet.Sheet) { s.Command = "00000000000000c2" },
		"time":     func(s *fleet.Sheet) { s.At = s.At.Add(time.Second) },
		"build":    func(s *fleet.Sheet) { s.Build += "x" },
		"image":    func(s *fleet.Sheet) { s.Image = "" },
		"hardware": func(s *fleet.Sheet) { s.Hardware = "" },
		"no proof": func(s *fleet.Sheet) { s.Proof = nil },
		"proof":    func(s *fleet.Sheet) { s.Proof = &fleet.ProofSummary{Seq: 8, At: s.Proof.At, Clean: true} },
		"clean":    func(s *fleet.Sheet) { s.Proof = &fleet.ProofSummary{Seq: 7, At: s.Proof.At} },
		"mark":     func(s *fleet.Sheet) { s.Rows = []fleet.SheetRow{s.Rows[0], {Code: "way_36", Mark: fleet.Passed}} },
		"value": func(s *fleet.Sheet) {
			s.Rows = []fleet.SheetRow{{Code: "memory", Mark: fleet.Passed, Value: "8 GiB"}, s.Rows[1]}
		},
		"fewer":     func(s *fleet.Sheet) { s.Rows = s.Rows[:1] },
		"order":     func(s *fleet.Sheet) { s.Rows = []fleet.SheetRow{s.Rows[1], s.Rows[0]} },
		"moved":     func(s *fleet.Sheet) { s.Image, s.Build = "1.2a", "bcdef012345" },
		"signature": func(s *fleet.Sheet) { s.Signature = make([]byte, 64) },
	} {
		s := sheet()
		change(&s)
		if err := VerifySheet(pub, s); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := VerifySheet(nil, sheet()); !errors.Is(err, ErrSignature) {
		t.Error(err)
	}
}
