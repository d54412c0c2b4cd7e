package fleet

import (
	"fmt"
	"strings"
	"testing"
)

func ownOffer() *Offer {
	return &Offer{Shown: []string{"own-1", "kela"}, Own: []Service{{Name: Text{"Ruokajono", "Matkö", "Food aid"},
		Address: "https://ruoka.example/jono?a=b#c", Hosts: []string{"tunnistus.example", "*.ruoka.example"}}}}
}

// What is wrong with an offer is one sentence that names the field.
func TestOfferRefused(t *testing.T) {
	if err := ownOffer().Validate(); err != nil {
		t.Fatal(err)
	}
	if err := (*Offer)(nil).Validate(); err != nil {
		t.Fatal(err)
	}
	own := func(change func(*Service)) func(*Offer) { return func(o *Offer) { change(&o.Own[0]) } }
	address := func(a string) func(*Offer) { return own(func(s *Service) { s.Address = a }) }
	hosts := func(h ...string) func(*Offer) { return own(func(s *Service) { s.Hosts = h }) }
	many := func(n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf("h%d.example", i))
		}
		return all
	}
	for says, changes := range map[string][]func(*Offer){
		"offer shows 0 services; it must be 1 to 8":                     {func(o *Offer) { o.Shown = nil }},
		"offer shows 9 services":                                        {func(o *Offer) { o.Shown = strings.Split("a b c d e f g h i", " ") }},
		"offer has 9 services of its own; at most 8":                    {func(o *Offer) { o.Own = make([]Service, 9) }},
		`offer shows "kela" twice`:                                      {func(o *Offer) { o.Shown = []string{"kela", "kela"} }},
		`"Kela", which is not an identifier`:                            {func(o *Offer) { o.Shown[1] = "Kela" }},
		"which is not an identifier":                                    {func(o *Offer) { o.Shown[1] = strings.Repeat("a", 41) }, func(o *Offer) { o.Shown[1] = "" }},
		"and there is no such service of its own":                       {func(o *Offer) { o.Shown[1] = "own-2" }, func(o *Offer) { o.Shown[1] = "own-x" }, func(o *Offer) { o.Shown[1] = "own-01" }, func(o *Offer) { o.Shown[1] = "own-0" }},
		"own-1: name in sv is missing":                                  {own(func(s *Service) { s.Name.SV = "" })},
		"own-1: name in fi is longer than 28 characters":                {own(func(s *Service) { s.Name.FI = strings.Repeat("ä", 29) })},
		"own-1: name in en holds a character that cannot be shown":      {own(func(s *Service) { s.Name.EN = "Food\u202e" })},
		"own-1: the address is missing":                                 {address("")},
		"own-1: the address is longer than 300 characters":              {address("https://a.example/" + strings.Repeat("a", 300))},
		"own-1: the address cannot be read":                             {address("https://a.example/ x"), address("https://ä.example/"), address(`https://a.example\@b.example/`), address("https://a.example/%zz")},
		"own-1: the address must begin with https://":                   {address("http://a.example/"), address("javascript:alert(1)"), address("a.example"), address("https:a.example"), address("//a.example/"), address("file:///etc/passwd"), address("http://localhost/")},
		"own-1: the address must not hold a user name":                  {address("https://bank.fi@evil.example/")},
		"own-1: the address must not hold a port":                       {address("https://a.example:8443/"), address("https://a.example:/")},
		"is a number, not a name":                                       {address("https://127.0.0.1/"), address("https://10.1.2.3/"), address("https://2130706433/"), address("https://127.1/"), address("https://a.0x7f/"), address("https://192.168.0.1/"), hosts("127.0.0.1"), hosts("*.0.0.1")},
		"is not a name on the internet":                                 {address("https://localhost/"), address("https://a.localhost/"), address("https://router.lan/"), address("https://printer.local/"), address("https://intra/"), address("https://a.home.arpa/"), hosts("localhost"), hosts("*.fi"), hosts("fi"), hosts("*.internal")},
		"is not a host such as":                                         {address("https:///x"), address("https://[::1]/"), address("https://*.a.example/"), address("https://a..example/"), hosts("https://a.example/"), hosts("*"), hosts("A.example"), hosts("*.*.a.example"), hosts("")},
		"own-1: there are 11 hosts; at most 10":                         {hosts(many(11)...)},
		`own-1: the host "a.example" is there twice`:                    {hosts("a.example", "a.example")},
		`own-1: the address: "localhost" is not a name on the internet`: {address("https://LOCALHOST/")},
	} {
		for i, change := range changes {
			o := ownOffer()
			change(o)
			s := DefaultSettings()
			s.Offer = o
			if err := s.Validate(); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q, %d: got %v", says, i, err)
			}
		}
	}
}

func TestCheckAgent(t *testing.T) {
	for _, good := range []string{"https://agent.example.fi", "https://agent.example.fi:8443/", "https://10.1.2.3:8443", "https://[fd00::1]:8443", "http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:2/"} {
		if err := CheckAgent(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "agent.example.fi", "http://agent.example.fi", "http://127.0.0.1.evil.example", "http://localhost.evil.example", "https://", "https:///", "https://a.fi/x", "https://a.fi?x", "https://a.fi#x",
		"https://a@b.fi", "https://a.fi:", "https://a.fi:123456", "ftp://a.fi", "https://a.fi\n", "https://ä.fi", "https://" + strings.Repeat("a", 300)} {
		if CheckAgent(bad) == nil {
			t.Errorf("%.40q is taken", bad)
		}
	}
}

func FuzzCheckAddress(f *testing.F) {
	for _, s := range []string{"https://a.example/", "https://127.0.0.1/", "https://a.example:443/", "https://[::1]/", "https://a@b.example", "https://0x7f.1/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if CheckAddress(address) != nil {
			return
		}
		rest, ok := strings.CutPrefix(strings.ToLower(address), "https://")
		host, _, _ := strings.Cut(strings.NewReplacer("?", "/", "#", "/").Replace(rest), "/")
		if !ok || strings.ContainsAny(host, "@:[]\\%") || checkPublic(host) != nil {
			t.Errorf("%q is taken", address)
		}
	})
}
