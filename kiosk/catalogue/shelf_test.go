package catalogue_test

import (
	"slices"
	"strings"
	"testing"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/catalogue"
)

func shelf(t *testing.T) *catalogue.Shelf {
	t.Helper()
	c, err := catalogue.Default()
	if err != nil {
		t.Fatal(err)
	}
	return catalogue.NewShelf(c)
}

func names(entries []catalogue.Entry) string {
	var all []string
	for _, e := range entries {
		all = append(all, e.Name)
	}
	return strings.Join(all, ", ")
}

// What staff choose from is what the kiosk has.
func TestOfferEntriesAreTheBuiltIn(t *testing.T) {
	s := shelf(t)
	for i, e := range fleet.OfferEntries() {
		for lang, name := range e.Name.Each() {
			first := s.First(lang)
			if i >= len(first) || first[i].ID != e.ID || first[i].Name != name || len(first) != len(fleet.OfferEntries()) {
				t.Fatalf("%d: %s in %s is %q; the catalogue has %v", i, e.ID, lang, name, first)
			}
		}
	}
}

func TestOffer(t *testing.T) {
	s, turned := shelf(t), 0
	s.Turned = func() { turned++ }
	before := s.First("fi")
	if n := s.Offer(nil); n != 0 || turned != 0 || !slices.Equal(s.First("fi"), before) {
		t.Fatalf("no offer is number %d after %d turns", n, turned)
	}
	o := &fleet.Offer{Shown: []string{"own-2", "email", "newer-than-us", "kela"}, Own: []fleet.Service{
		{Name: fleet.Text{FI: "Ei esillä", SV: "Inte", EN: "Not shown"}, Address: "https://hidden.example/"},
		{Name: fleet.Text{FI: "Ruokajono", SV: "Matkö", EN: "Food aid"}, Address: "https://Ruoka.example/jono", Hosts: []string{"*.jono.example"}}}}
	one := s.Offer(o)
	if one == 0 || s.Offer(o) != one || turned != 1 {
		t.Errorf("number %d, then %d, after %d turns", one, s.Offer(o), turned)
	}
	if got := names(s.First("fi")) + "; " + names(s.First("sv")) + "; " + names(s.First("so"))[:8]; got != "Ruokajono, Sähköposti, Kela; Matkö, E-post, FPA; Food aid" {
		t.Error(got)
	}
	if got := names(s.Groups("en")) + "; " + names(s.Inside("email", "en")); got != "E-mail; Gmail, Outlook" {
		t.Error(got)
	}
	for id, want := range map[string]bool{"own-2": true, "own-1": false, "kela": true, "mail-google": true, "bank-op": false, "suomifi": false} {
		if _, ok := s.Tile(id); ok != want {
			t.Errorf("%s: %v", id, ok)
		}
	}
	if tile, _ := s.Tile("own-2"); tile.Category != "other" || tile.Address != "https://Ruoka.example/jono" {
		t.Errorf("%+v", tile)
	}
	// Errands lead where the offer does, and identification always.
	hosts, err := s.Hosts()
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{"ruoka.example": true, "*.jono.example": true, "asiointi.kela.fi": true, "accounts.google.com": true,
		"hidden.example": false, "hekaoy.fi": false, "www.maisa.fi": false, "tunnistus.telia.fi": true, "saml-idp.op.fi": true} {
		if slices.Contains(hosts, host) != want {
			t.Errorf("%s among the hosts: %v", host, !want)
		}
	}
	other := *o
	other.Shown = []string{"kela"}
	two := s.Offer(&other)
	if two == one || two == 0 || names(s.First("en")) != "Kela" {
		t.Errorf("number %d again: %s", two, names(s.First("en")))
	}
	if s.Offer(&fleet.Offer{Shown: []string{"newer-than-us"}}); !slices.Equal(s.First("fi"), before) {
		t.Errorf("an offer of nothing that we know: %s", names(s.First("fi")))
	}
	if n := s.Offer(nil); n != 0 || !slices.Equal(s.First("fi"), before) {
		t.Errorf("back to our own: number %d, %s", n, names(s.First("fi")))
	}
}
