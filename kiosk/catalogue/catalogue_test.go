package catalogue_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/catalogue"
	"yhteiskone/kiosk/session"
)

var _ session.Tiles = (*catalogue.Shelf)(nil)

func TestDefault(t *testing.T) {
	c, err := catalogue.Default()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range c.First("fi") {
		names = append(names, e.Name)
	}
	if got, want := strings.Join(names, " "), "Kela Pankki Suomi.fi Terveys Asuminen Työ Sähköposti Muu asia"; got != want {
		t.Errorf("first view: %s, want %s", got, want)
	}
	if got := len(c.Inside("bank", "fi")); got != 9 {
		t.Errorf("%d banks", got)
	}
	if got := c.First("sv")[0].Name + c.First("en")[1].Name + c.First("xx")[1].Name; got != "FPABankBank" {
		t.Errorf("languages: %s", got)
	}
	if len(c.Inside("", "fi")) != 0 || len(c.Groups("fi")) != 3 {
		t.Errorf("groups: %v", c.Groups("fi"))
	}
	if tile, ok := c.Tile("bank-nordea"); !ok || tile.Address != "https://www.nordea.fi/" || tile.Category != "bank" {
		t.Errorf("a tile of a group: %+v %v", tile, ok)
	}
	if tile, ok := c.Tile("other"); !ok || tile.Address != "" {
		t.Errorf("the home page's tile: %+v %v", tile, ok)
	}
	if _, ok := c.Tile("bank"); ok {
		t.Error("a group was given out as a tile")
	}
}

// What is not the same in Finnish and English is said in every other language as
// well, and the file says that these are drafts.
func TestDefaultSpeaksAllLanguages(t *testing.T) {
	c, err := catalogue.Default()
	if err != nil {
		t.Fatal(err)
	}
	all := func(lang string) (entries []catalogue.Entry) {
		entries = c.First(lang)
		for _, g := range c.Groups(lang) {
			entries = append(entries, c.Inside(g.ID, lang)...)
		}
		return entries
	}
	fi, en := all("fi"), all("en")
	for _, lang := range catalogue.More() {
		translated := 0
		for i, e := range all(lang) {
			same := fi[i].Name == en[i].Name && fi[i].Hint == en[i].Hint
			if own := e != en[i]; own == same {
				t.Errorf("%s: %s says %q, %q", lang, e.ID, e.Name, e.Hint)
			} else if own {
				translated++
			}
			if e.ID != en[i].ID || e.Group != en[i].Group || e.Icon != en[i].Icon {
				t.Errorf("%s: %+v stands where %+v does", lang, e, en[i])
			}
		}
		if translated < 12 {
			t.Errorf("%s: %d entries are translated", lang, translated)
		}
	}
	text, err := os.ReadFile("default.toml")
	if err != nil {
		t.Fatal(err)
	}
	if line := `draft = ["` + strings.Join(catalogue.More(), `", "`) + `"]`; !strings.Contains(string(text), line) || !strings.Contains(string(text), "AN UNREVIEWED DRAFT") {
		t.Errorf("the file does not say that %v are drafts", catalogue.More())
	}
}

// A centre's own file may say some things in more languages, or none: what it
// does not say is English then.
func TestMoreLanguages(t *testing.T) {
	text := strings.Replace(tiles(), `icon = "mail"`, "icon = \"mail\"\nmore.ar = { name = \"بريد\" }", 1)
	c, err := catalogue.Parse("x", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for lang, want := range map[string]string{"fi": "H Na", "sv": "H S", "en": "H E", "ar": "بريد E", "fa": "H E", "": "H E"} {
		first := c.First(lang)
		if got := first[7].Name + " " + first[0].Name; got != want {
			t.Errorf("%q: %s, want %s", lang, got, want)
		}
	}
}

// good is a small catalogue that each case breaks in one place.
const good = `first = ["a", "b", "c", "d", "e", "f", "g", "h"]
[[group]]
id = "h"
icon = "mail"
name = { fi = "H", sv = "H", en = "H" }
`

func tiles() string {
	var b strings.Builder
	b.WriteString(good)
	for _, id := range strings.Split("a b c d e f g h1 h2", " ") {
		b.WriteString("[[tile]]\nid = \"" + id + "\"\n")
		if len(id) == 2 {
			b.WriteString("group = \"h\"\n")
		}
		b.WriteString("category = \"x\"\nicon = \"globe\"\naddress = \"https://" + id + ".example/\"\n" +
			"name = { fi = \"N" + id + "\", sv = \"S\", en = \"E\" }\n")
	}
	return b.String()
}

func TestErrorsNameFileAndLine(t *testing.T) {
	whole := tiles()
	if _, err := catalogue.Parse("x", []byte(whole)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new, says string }{
		{"unknown key", "icon = \"mail\"", "icon = \"mail\"\ncolour = 1", `sites.toml:5: unknown key "group.colour"`},
		{"no TOML", "[[group]]", "[[group", "sites.toml:2: "},
		{"wrong type", `id = "h"`, `id = 7`, "sites.toml:3: "},
		{"seven", `, "h"]`, `]`, "sites.toml:3: group \"h\" is not in first"},
		{"twice in first", `"a", "b"`, `"a", "a"`, `tile "b" must be either in first or in a group`},
		{"unknown in first", `"h"]`, `"h", "zz"]`, "sites.toml:1: first has 9 entries"},
		{"plain http", "https://a.example/", "http://a.example/", "sites.toml:10: tile \"a\": the address must begin with https://"},
		{"other scheme", "https://a.example/", "javascript://a.example/%0aalert(1)", "must begin with https://"},
		{"no host", "https://a.example/", "https:///x", "sites.toml:10: tile \"a\": the address has no host"},
		{"opaque", "https://a.example/", "https:a.example", "the address has no host"},
		{"user name", "https://a.example/", "https://bank.fi@evil.example/", "must not hold a user name"},
		{"nearly localhost", "https://a.example/", "http://localhost.example/", "must begin with https://"},
		{"space", "https://a.example/", "https://a.example/ x", "cannot be read"},
		{"no address", "address = \"https://a.example/\"\n", "", "sites.toml:6: tile \"a\" needs either an address or home"},
		{"both", "address = \"https://a.example/\"", "address = \"https://a.example/\"\nhome = true", "needs either"},
		{"icon", "icon = \"mail\"", "icon = \"skull\"", `sites.toml:4: group "h": there is no icon "skull"`},
		{"missing Swedish", `sv = "H", `, "", `sites.toml:5: group "h": name in sv is missing`},
		{"long name", `fi = "Na"`, `fi = "` + strings.Repeat("ä", 29) + `"`, "name in fi is longer than 28"},
		{"another language", "icon = \"mail\"", "icon = \"mail\"\nmore.xx = { name = \"H\" }", `sites.toml:5: group "h": more has no language "xx"; it has ru, ar,`},
		{"Finnish again", "icon = \"mail\"", "icon = \"mail\"\nmore.fi = { name = \"H\" }", `more has no language "fi"`},
		{"no name in another", "icon = \"mail\"", "icon = \"mail\"\nmore.ru = { hint = \"H\" }", `sites.toml:5: group "h": name in ru is missing`},
		{"long hint in another", "icon = \"mail\"", "icon = \"mail\"\nmore.ru = { name = \"H\", hint = \"" + strings.Repeat("ж", 45) + "\" }", "hint in ru is longer than 44"},
		{"unknown word", "icon = \"mail\"", "icon = \"mail\"\nmore.ru = { name = \"H\", text = \"x\" }", "sites.toml:5: unknown key"},
		{"draft of what", "[[group]]", "draft = [\"en\"]\n[[group]]", `sites.toml:2: draft: "en" is there twice or none of ru, ar,`},
		{"draft twice", "[[group]]", "draft = [\"ru\", \"ru\"]\n[[group]]", `sites.toml:2: draft: "ru" is there twice`},
		{"control", `fi = "Na"`, `fi = "N\u0007"`, "cannot be shown"},
		{"id twice", `id = "b"`, `id = "a"`, "used twice"},
		{"id shape", `id = "h1"`, `id = "h 1"`, "id must be"},
		{"category", "category = \"x\"", "category = \"X Y\"", "category must be"},
		{"lonely group", "id = \"h2\"\ngroup = \"h\"", "id = \"h2\"", `tile "h2" must be either`},
		{"allow", "address = \"https://a.example/\"", "address = \"https://a.example/\"\nallow = [\"https://a.example\"]", `sites.toml:11: tile "a": allow: "https://a.example" is not a host`},
		{"allow what", "address = \"https://a.example/\"", "address = \"https://a.example/\"\nallow = [\"*\"]", `allow: "*" is not a host`},
		{"identification", "[[group]]", "identification = [\"Bank.FI\"]\n[[group]]", `sites.toml:2: identification: "Bank.FI" is not a host`},
		{"also", "[[group]]", "also = [\"a..b\"]\n[[group]]", `sites.toml:2: also: "a..b" is not a host`},
		{"unknown group", "group = \"h\"", "group = \"k\"", `there is no group "k"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := strings.Replace(whole, c.old, c.new, 1)
			if changed == whole {
				t.Fatal("nothing was changed")
			}
			file := filepath.Join(t.TempDir(), "sites.toml")
			if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := catalogue.Load(file)
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "sites.toml:") {
				t.Errorf("got %v, want it to say %q", err, c.says)
			}
		})
	}
	if _, err := catalogue.Load(filepath.Join(t.TempDir(), "none.toml")); err == nil {
		t.Error("a file that is not there")
	}
}

func TestAddressesOfThisMachine(t *testing.T) {
	for _, a := range []string{"http://127.0.0.1:8080/x", "http://bank.localhost:81/", "http://localhost/", "http://[::1]:9/", "https://x.fi/a?b=c#d"} {
		if _, err := catalogue.Parse("x", []byte(strings.Replace(tiles(), "https://a.example/", a, 1))); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
}

func TestHosts(t *testing.T) {
	c, err := catalogue.Default()
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.Hosts()
	if err != nil {
		t.Fatal(err)
	}
	// A host of each kind of thing that an errand needs.
	for _, host := range []string{"www.kela.fi", "asiointi.kela.fi", "*.suomi.fi", "suomi.fi", "tunnistautuminen.suomi.fi",
		"kortti.tunnistautuminen.suomi.fi", "tunnistus.telia.fi", "auth-prod.megical.com", "hightrust.id", "saml-idp.op.fi",
		"identify.nordea.com", "shared-logon.danskebank.com", "online.s-pankki.fi", "kirjaudu.aktia.fi", "online.alandsbanken.fi",
		"tunnistus.saastopankki.fi", "tunnistus.omasp.fi", "tunnistus.poppankki.fi", "www.maisa.fi", "omakanta.kanta.fi",
		"tunnistus.hel.fi", "accounts.google.com", "login.live.com", "asiointi.poliisi.fi", "omavero.vero.fi"} {
		if !slices.Contains(all, host) {
			t.Errorf("%s is not among the hosts", host)
		}
	}
	for i, h := range all {
		if err := fleet.CheckHost(h); err != nil {
			t.Error(err)
		}
		if i > 0 && all[i-1] >= h {
			t.Errorf("%s and %s are not in order", all[i-1], h)
		}
	}
	own, err := catalogue.Parse("x", []byte(strings.Replace(tiles(), "address = \"https://a.example/\"",
		"address = \"https://A.example/\"\nallow = [\"*.a.example\"]", 1)))
	if err != nil {
		t.Fatal(err)
	}
	all, err = own.Hosts()
	for _, host := range []string{"a.example", "*.a.example", "b.example", "tunnistus.telia.fi"} {
		if err != nil || !slices.Contains(all, host) {
			t.Errorf("%s is not among the hosts of a site's own list, %v", host, err)
		}
	}
	if slices.Contains(all, "www.kela.fi") {
		t.Error("a site's own list has a service of the built-in one")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(tiles()))
	f.Add([]byte("first = [\n"))
	f.Add([]byte("[[tile]]\n[tile.name]\nfi = '''\n\n'''\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := catalogue.Parse("x", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "x:") {
				t.Fatalf("the error does not name the file: %v", err)
			}
			return
		}
		for _, e := range c.First("fi") {
			if e.Name == "" || e.Icon == "" {
				t.Fatalf("an entry that cannot be shown: %+v", e)
			}
			in := []catalogue.Entry{e}
			if e.Group {
				in = c.Inside(e.ID, "sv")
			}
			for _, e := range in {
				tile, ok := c.Tile(e.ID)
				if !ok || tile.Address != "" && !strings.HasPrefix(strings.ToLower(tile.Address), "http") {
					t.Fatalf("a tile that leads nowhere: %+v", tile)
				}
			}
		}
	})
}
