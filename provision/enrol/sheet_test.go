package enrol

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSheetsAsPeopleSaveThem(t *testing.T) {
	want := []Row{{2, "illusia", "Kone 1", "aula, ikkunan luona", "uusi näyttö"}, {3, "illusia", "Työpöytä", "", ""}}
	for name, text := range map[string]string{
		"commas":                     "site,name,place,notes\nillusia,Kone 1,\"aula, ikkunan luona\",uusi näyttö\nillusia,Työpöytä,,\n",
		"Finnish Excel":              "\xef\xbb\xbfsite;name;place;notes\r\nillusia;Kone 1;aula, ikkunan luona;uusi näyttö\r\nillusia;Työpöytä;;\r\n",
		"tabs":                       "site\tname\tplace\tnotes\nillusia\tKone 1\taula, ikkunan luona\tuusi näyttö\nillusia\tTyöpöytä\n",
		"another order, empty lines": "Name;Notes;Place;SITE;;\nKone 1;uusi näyttö;aula, ikkunan luona;illusia;;\nTyöpöytä;;;illusia;;\n;;;;;\n\n",
	} {
		rows, faults := parseSheet([]byte(text))
		if d := cmp.Diff(want, rows); d != "" || len(faults) > 0 {
			t.Errorf("%s: %v %s", name, faults, d)
		}
	}
	rows, faults := parseSheet([]byte("sep=;\r\nsite;name\r\nillusia;Kone 1\r\n"))
	if len(faults) > 0 || len(rows) != 1 || rows[0].Line != 3 || rows[0].File() != "illusia-kone-1.json" {
		t.Errorf("%+v %v", rows, faults)
	}
	if f := (Row{Site: "a", Name: "Äiti/../Öö"}).File(); f != "a-aiti----oo.json" {
		t.Error(f)
	}
}

// Everything that is wrong comes at once, each with its line and column.
func TestBadSheets(t *testing.T) {
	for text, want := range map[string][]string{
		"":                        {"line 1, column 1: there is no first line"},
		"site,name\n":             {"line 1, column 1: there is no machine"},
		"illusia,Kone 1\n":        {`line 1, column 1: there is no column "illusia"`, `line 1, column 9: there is no column "kone 1"`},
		"name;place\nKone;x\n":    {`the column "site" is missing`},
		"site;name;site\na;b;c\n": {`line 1, column 11: the column "site" is there twice`},
		"site;name;place\nIllusia;Kone 1;aula\nillusia;;\nillusia;Kone 2\nillusia;kone 2;x;mikä\nillusia\n": {
			`line 2, column 1: site "Illusia" is not an identifier`, "line 3, column 9: name is empty",
			`line 5, column 18: "mikä" stands under no column's name`, "line 5, column 9: the site illusia has a machine of this name on line 4",
			"line 6, column 1: name is missing behind this"},
		"site;name\nillusia;Kone\x01\n":                         {"line 2, column 9: name holds a character"},
		"site;name\nillusia;K\xe4si\n":                          {`line 2, column 10: it is not UTF-8; save the sheet as "CSV UTF-8"`},
		"site;name;place\nillusia;A;" + strings.Repeat("x", 61): {"line 2, column 11: place is longer"},
		"site,name\nillusia,\"Kone\n":                           {"line 2, column 15", "quoted-field"},
	} {
		_, faults := parseSheet([]byte(text))
		all := strings.Join(faults, "\n")
		for _, w := range want {
			if !strings.Contains(all, w) {
				t.Errorf("%q: want %q in\n%s", text, w, all)
			}
		}
	}
}

func TestReadSheetSaysTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "koneet.csv")
	if err := os.WriteFile(path, []byte("site\nx\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadSheet(path); err == nil || !strings.Contains(err.Error(), "koneet.csv is not in order, and nothing was made") {
		t.Error(err)
	}
}

func FuzzSheet(f *testing.F) {
	f.Add([]byte("\xef\xbb\xbfsite;name\r\nillusia;Kone 1\r\n"))
	f.Add([]byte("sep=;\nsite,\"na"))
	f.Fuzz(func(t *testing.T, text []byte) {
		rows, faults := parseSheet(text)
		if len(faults) > 0 {
			return
		}
		for _, r := range rows {
			if !r.Site.Valid() || r.Name == "" || strings.ContainsAny(r.File(), "/\x00") {
				t.Fatalf("%+v was taken", r)
			}
		}
	})
}
