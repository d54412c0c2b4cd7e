package proof

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"yhteiskone/internal/fleet"
)

func key() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) }

func made(last *fleet.WipeProof) fleet.WipeProof {
	return Sign(key(), last, fleet.WipeProof{Kiosk: "kabcdefghij23", At: time.Date(2026, 11, 21, 12, 41, 59, 0, time.FixedZone("", 7200)),
		Looks: []fleet.Look{{At: "files", Looked: 12}}, TookMS: 80})
}

// TestCanonical pins the bytes: proofs in the field were signed over them.
func TestCanonical(t *testing.T) {
	p := made(nil)
	const hash = "0bfbbb0e913278ec6af5c1f53ec86eb50f2b2340194aa609388732cfa110c46c"
	if got := hex.EncodeToString(Hash(p)); got != hash {
		t.Errorf("the hash is %s, was %s", got, hash)
	}
	if !p.At.Equal(time.Date(2026, 11, 21, 10, 41, 0, 0, time.UTC)) {
		t.Errorf("the time is %v: it tells more than the minute", p.At)
	}
}

func TestChain(t *testing.T) {
	first := made(nil)
	second := made(&first)
	third := made(&second)
	pub := key().Public().(ed25519.PublicKey)
	for _, p := range []fleet.WipeProof{first, second, third} {
		if err := Verify(pub, p); err != nil {
			t.Error(err)
		}
	}
	if err := errors.Join(Follows(nil, first), Follows(&first, second), Follows(&second, third)); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"one is missing":   Follows(&first, third),
		"in wrong order":   Follows(&second, first),
		"a first later on": Follows(&second, first),
		"not the first":    Follows(nil, second),
		"twice":            Follows(&second, second),
	} {
		if !errors.Is(err, ErrChain) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other, _, _ := ed25519.GenerateKey(nil)
	if err := Verify(other, first); !errors.Is(err, ErrSignature) {
		t.Errorf("another kiosk's key: %v", err)
	}
	if err := Verify(nil, first); !errors.Is(err, ErrSignature) {
		t.Errorf("no key: %v", err)
	}
}

// TestEveryFieldIsSigned: no field can be changed, and no two proofs share
// their bytes.
func TestEveryFieldIsSigned(t *testing.T) {
	pub := key().Public().(ed25519.PublicKey)
	for name, change := range map[string]func(*fleet.WipeProof){
		"kiosk":  func(p *fleet.WipeProof) { p.Kiosk = "kabcdefghij24" },
		"seq":    func(p *fleet.WipeProof) { p.Seq++ },
		"at":     func(p *fleet.WipeProof) { p.At = p.At.Add(time.Minute) },
		"prev":   func(p *fleet.WipeProof) { p.Prev = append([]byte{1}, p.Prev[1:]...) },
		"looked": func(p *fleet.WipeProof) { p.Looks = []fleet.Look{{At: "files", Looked: 13}} },
		"found":  func(p *fleet.WipeProof) { p.Looks = []fleet.Look{{At: "files", Looked: 12, Found: 1}} },
		"failed": func(p *fleet.WipeProof) { p.Looks = []fleet.Look{{At: "files", Looked: 12, Failed: true}} },
		"name":   func(p *fleet.WipeProof) { p.Looks = []fleet.Look{{At: "filed", Looked: 12}} },
		"looks":  func(p *fleet.WipeProof) { p.Looks = nil },
		"took":   func(p *fleet.WipeProof) { p.TookMS++ },
	} {
		p := made(nil)
		change(&p)
		if err := Verify(pub, p); !errors.Is(err, ErrSignature) {
			t.Errorf("%s can be changed: %v", name, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		look := rapid.Custom(func(t *rapid.T) fleet.Look {
			return fleet.Look{At: rapid.StringN(0, 4, 8).Draw(t, "at"), Looked: rapid.Uint32().Draw(t, "looked"),
				Found: rapid.Uint32().Draw(t, "found"), Failed: rapid.Bool().Draw(t, "failed")}
		})
		proofs := rapid.Custom(func(t *rapid.T) fleet.WipeProof {
			return fleet.WipeProof{Kiosk: fleet.KioskID(rapid.StringN(0, 3, 8).Draw(t, "kiosk")),
				Prev: rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "prev"), Looks: rapid.SliceOfN(look, 0, 3).Draw(t, "looks")}
		})
		a, b := proofs.Draw(t, "a"), proofs.Draw(t, "b")
		same := a.Kiosk == b.Kiosk && string(a.Prev) == string(b.Prev) && len(a.Looks) == len(b.Looks)
		for i := 0; same && i < len(a.Looks); i++ {
			same = a.Looks[i] == b.Looks[i]
		}
		if (string(Canonical(a)) == string(Canonical(b))) != same {
			t.Fatalf("%+v and %+v share their bytes: %v", a, b, !same)
		}
	})
}

func TestClean(t *testing.T) {
	for name, p := range map[string]fleet.WipeProof{
		"nothing looked at": {},
		"found":             {Looks: []fleet.Look{{At: "a", Looked: 1}, {At: "b", Found: 1}}},
		"failed":            {Looks: []fleet.Look{{At: "a", Failed: true}}},
	} {
		if p.Clean() {
			t.Errorf("%s is clean", name)
		}
	}
	if p := made(nil); !p.Clean() {
		t.Error("a clean proof is not clean")
	}
}
