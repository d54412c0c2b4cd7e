package uplink

import (
	"strings"
	"testing"

	"yhteiskone/internal/identity"
)

func TestJoinFile(t *testing.T) {
	a, err := identity.NewAgent()
	if err != nil {
		t.Fatal(err)
	}
	good := "agent = \"https://a.example\"\npin = \"" + string(a.Pin()) + "\"\ncode = \"abcd-efgh-jkmn\"\n"
	if j, err := parseJoin("join.toml", []byte(good)); err != nil || j.Code != "ABCD-EFGH-JKMN" {
		t.Errorf("%+v, %v", j, err)
	}
	image := `{"agent": "https://a.example", "pin": "` + string(a.Pin()) + `", "code": "ABCD-EFGH-JKMN", "name": "Kone ä", "site": "illusia"}`
	if j, err := parseJoin("join.json", []byte(image)); err != nil || j.Name != "Kone ä" || j.Site != "illusia" {
		t.Errorf("%+v, %v", j, err)
	}
	for want, text := range map[string]string{
		"unknown field \"cod\"":                          strings.Replace(image, "code", "cod", 1),
		"join.toml: line 4: there is no setting \"cod\"": good + "cod = 1\n",
		"join.toml: line 1":                              "agent = [\n",
		"agent is not an address":                        strings.Replace(good, "https", "ftp", 1),
		"code: the code does not have":                   strings.Replace(good, "abcd", "ab", 1),
		"pin: the pin is not":                            strings.Replace(good, string(a.Pin()), "x", 1),
	} {
		if _, err := parseJoin("join.toml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func FuzzJoin(f *testing.F) {
	f.Add([]byte("agent = \"https://a\"\ncode = \"\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		j, err := parseJoin("join.toml", text)
		if err == nil {
			if _, _, err := identity.ParsePin(j.Pin); err != nil {
				t.Fatal("a join file without a pin was taken")
			}
		}
	})
}
