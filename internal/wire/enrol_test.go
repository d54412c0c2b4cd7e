package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const testPin = "AgECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"

func enrolBodies() map[string]Body {
	return map[string]Body{
		"ask": EnrolmentRequest{Site: "illusia", SiteName: "Illusia", Name: "Kone 3", Place: "aula", Notes: "uusi näyttö", Uses: 1, TTLS: 900},
		"code": Enrolment{Code: "ABCD-EFGH-0123", Agent: "https://agent.example.org:8443", Pin: testPin,
			Expires: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)},
		"enrol": EnrolRequest{Code: "ABCD-EFGH-0123", PublicKey: bytes.Repeat([]byte{7}, 32), Hardware: "HP 8300, 4 GiB"},
		"answer": EnrolAnswer{Kiosk: "kabcdefghijkl", Name: "Kone 3", Site: "illusia", SiteName: "Illusia",
			Pin: testPin, Signature: bytes.Repeat([]byte{9}, 70)},
		"refusal": Refusal{Code: RefusedUsed, Text: "This code was used.", Todo: "Ask for a new one."},
	}
}

// again decodes text as the type of like.
func again(like Body, text []byte) (Body, error) {
	switch like.(type) {
	case EnrolmentRequest:
		return DecodeBody[EnrolmentRequest](text)
	case Enrolment:
		return DecodeBody[Enrolment](text)
	case EnrolRequest:
		return DecodeBody[EnrolRequest](text)
	case EnrolAnswer:
		return DecodeBody[EnrolAnswer](text)
	default:
		return DecodeBody[Refusal](text)
	}
}

func TestEnrolBodiesReturn(t *testing.T) {
	for name, b := range enrolBodies() {
		text, err := EncodeBody(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		newer := append([]byte(`{"later":1,`), text[1:]...) // a field of a later version
		for _, in := range [][]byte{text, newer, append(text, '\n')} {
			got, err := again(b, in)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if d := cmp.Diff(b, got); d != "" {
				t.Errorf("%s changed on the way:\n%s", name, d)
			}
		}
		for _, in := range [][]byte{nil, []byte("{}"), []byte("null"), []byte("[]"), text[:len(text)-1],
			append(text, '{'), append(text, make([]byte, EnrolLimit)...)} {
			if _, err := again(b, in); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s: %.40q gives %v, want ErrMalformed", name, in, err)
			}
		}
	}
}

func TestEnrolmentRequestNamesTheField(t *testing.T) {
	good := enrolBodies()["ask"].(EnrolmentRequest)
	for field, spoil := range map[string]func(*EnrolmentRequest){
		"site ":     func(r *EnrolmentRequest) { r.Site = "Illusia talo" },
		"site_name": func(r *EnrolmentRequest) { r.SiteName = strings.Repeat("a", 61) },
		"name ":     func(r *EnrolmentRequest) { r.Name = "" },
		"place":     func(r *EnrolmentRequest) { r.Place = "aula\x1b[2J" },
		"notes":     func(r *EnrolmentRequest) { r.Notes = "näyttö\n" },
		"uses":      func(r *EnrolmentRequest) { r.Uses = 0 },
		"ttl_s":     func(r *EnrolmentRequest) { r.TTLS = 86401 },
	} {
		r := good
		spoil(&r)
		if _, err := EncodeBody(r); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("a wrong %sgives %v", field, err)
		}
	}
}

func TestSignedCoversEveryField(t *testing.T) {
	ask := enrolBodies()["enrol"].(EnrolRequest)
	answer := enrolBodies()["answer"].(EnrolAnswer)
	seen := map[string]string{string(answer.Signed(ask)): "the original"}
	for field, spoil := range map[string]func(*EnrolRequest, *EnrolAnswer){
		"code":       func(r *EnrolRequest, _ *EnrolAnswer) { r.Code = "ABCD-EFGH-0124" },
		"public key": func(r *EnrolRequest, _ *EnrolAnswer) { r.PublicKey = bytes.Repeat([]byte{8}, 32) },
		"hardware":   func(r *EnrolRequest, _ *EnrolAnswer) { r.Hardware = "" },
		"kiosk":      func(_ *EnrolRequest, a *EnrolAnswer) { a.Kiosk = "kabcdefghijkm" },
		"name":       func(_ *EnrolRequest, a *EnrolAnswer) { a.Name = "Kone 4" },
		"site":       func(_ *EnrolRequest, a *EnrolAnswer) { a.Site = "illusi" },
		"site name":  func(_ *EnrolRequest, a *EnrolAnswer) { a.SiteName = "aIllusia" },
		"pin":        func(_ *EnrolRequest, a *EnrolAnswer) { a.Pin = "B" + a.Pin[1:] },
	} {
		r, a := ask, answer
		spoil(&r, &a)
		signed := string(a.Signed(r))
		if other, ok := seen[signed]; ok {
			t.Errorf("a changed %s signs the same bytes as %s", field, other)
		}
		seen[signed] = field
	}
}

// FuzzDecodeBody: nothing that comes over the network panics, and whatever is
// accepted is sent out the same again.
func FuzzDecodeBody(f *testing.F) {
	for _, b := range enrolBodies() {
		text, err := EncodeBody(b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for name, like := range enrolBodies() {
			b, err := again(like, text)
			if err != nil {
				if !errors.Is(err, ErrMalformed) {
					t.Fatalf("%s: %v does not wrap ErrMalformed", name, err)
				}
				continue
			}
			out, err := EncodeBody(b)
			if err != nil {
				t.Fatalf("%s was accepted and cannot be sent: %v", name, err)
			}
			if len(out) > EnrolLimit {
				continue // JSON escapes may make it longer than it came
			}
			if d, err := again(b, out); err != nil || !cmp.Equal(b, d) {
				t.Fatalf("%s changed on the way: %v", name, err)
			}
		}
	})
}
