package town

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"slices"
)

// Markers are random strings by the place where they are planted. They are
// lower-case letters only: a keyboard types them on every layout, and an
// address, JSON and a header write them as they are.
type Markers map[string]string

// markerNames are the places.
func markerNames() []string {
	return []string{"cookie", "local", "session", "database", "cache", "cached", "title", "address",
		"user", "password", "auth_user", "auth_password", "codes_user", "codes_password", "identity_cookie",
		"chooser_cookie", "statement", "file_name", "clipboard"}
}

func newMarkers() Markers {
	m := Markers{}
	for _, name := range markerNames() {
		raw := make([]byte, 18)
		rand.Read(raw)
		for i, r := range raw {
			raw[i] = 'a' + r%26
		}
		m[name] = "mk" + string(raw)
	}
	return m
}

// Find names the markers that data holds: as text, as UTF-16, in hexadecimal
// or in base64.
func (m Markers) Find(data []byte) []string {
	var found []string
	for name, marker := range m {
		for _, form := range Forms(marker) {
			if bytes.Contains(data, form) {
				found = append(found, name)
				break
			}
		}
	}
	slices.Sort(found)
	return found
}

// Forms returns a string as programs write it down.
func Forms(s string) [][]byte {
	wide := make([]byte, 0, 2*len(s))
	for i := range len(s) {
		wide = append(wide, s[i], 0)
	}
	forms := [][]byte{[]byte(s), wide, []byte(hex.EncodeToString([]byte(s)))}
	// In base64 the text depends on where in a group of three it begins; the
	// first and last characters mix with their neighbours and are cut.
	for shift := range 3 {
		padded := append(make([]byte, shift), s...)
		text := base64.StdEncoding.EncodeToString(padded)
		forms = append(forms, []byte(text[(shift*8+5)/6:len(text)-4]))
	}
	return forms
}
