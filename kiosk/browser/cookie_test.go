package browser

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestWildCookie(t *testing.T) {
	entry := func(family uint16, number, name, data string) []byte {
		return formatCookie(cookie{family: family, address: []byte("host"), number: []byte(number), name: []byte(name), data: []byte(data)})
	}
	const magic = "MIT-MAGIC-COOKIE-1"
	wild := formatCookie(cookie{family: familyWild, number: []byte("81"), name: []byte(magic), data: []byte("secret")})
	for _, c := range []struct {
		name string
		file []byte
		want []byte
		bad  bool
	}{
		{"ours among others", bytes.Join([][]byte{entry(256, "80", magic, "other"), entry(256, "81", magic, "secret")}, nil), wild, false},
		{"for every display", entry(256, "", magic, "secret"), wild, false},
		{"none of ours", entry(256, "80", magic, "other"), nil, false},
		{"another kind", entry(256, "81", "XDM-AUTHORIZATION-1", "other"), nil, false},
		{"empty", nil, nil, false},
		{"cut off", entry(256, "81", magic, "secret")[:20], nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cookies")
			if err := os.WriteFile(path, c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := wildCookie(path, 81)
			if (err != nil) != c.bad || !bytes.Equal(got, c.want) {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
	if got, err := wildCookie(filepath.Join(t.TempDir(), "none"), 81); got != nil || err != nil {
		t.Errorf("no file: %q, %v", got, err)
	}
}

func FuzzCookies(f *testing.F) {
	f.Add(formatCookie(cookie{family: 256, address: []byte("h"), number: []byte("0"), name: []byte("n"), data: []byte("d")}))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := parseCookies(b)
		if err != nil {
			return
		}
		var again []byte
		for _, c := range all {
			again = append(again, formatCookie(c)...)
		}
		if !bytes.Equal(again, b) {
			t.Errorf("%x became %x", b, again)
		}
	})
}
