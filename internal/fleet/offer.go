package fleet

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Offer is what a site says of the services on its machines' welcome page:
// which are shown, in which order, and the centre's own. Nil is the kiosk's own
// catalogue.
type Offer struct {
	// Shown are the first page's entries in order, by identifier: those of
	// OfferEntries, and OwnID of the centre's own. A kiosk passes over one that
	// it does not know.
	Shown []string
	Own   []Service
}

// Service is a service of the centre's own. It is called by its place in
// Offer.Own; see OwnID.
type Service struct {
	Name    Text
	Address string   // https, of a host that has a name
	Hosts   []string // that belong to it besides the address's, as CheckHost has them: for machines that are for errands only
}

// Limits of an Offer.
const (
	ShownMost        = 8 // entries on the first page, and services of the centre's own
	ServiceNameLimit = 28
	AddressLimit     = 300
	ServiceHostsMost = 10
)

// OfferEntry is one entry of the kiosk's own catalogue on its first page.
type OfferEntry struct {
	ID   string
	Name Text
}

// OfferEntries are the entries that every kiosk has, in their order. A test of
// kiosk/catalogue holds them equal to its built-in file.
func OfferEntries() []OfferEntry {
	return []OfferEntry{
		{"kela", Text{"Kela", "FPA", "Kela"}},
		{"bank", Text{"Pankki", "Bank", "Bank"}},
		{"suomifi", Text{"Suomi.fi", "Suomi.fi", "Suomi.fi"}},
		{"health", Text{"Terveys", "Hälsa", "Health"}},
		{"heka", Text{"Asuminen", "Boende", "Housing"}},
		{"tyomarkkinatori", Text{"Työ", "Arbete", "Work"}},
		{"email", Text{"Sähköposti", "E-post", "E-mail"}},
		{"other", Text{"Muu asia", "Något annat", "Something else"}},
	}
}

// OwnID is the identifier of the i-th service of the centre's own, from 0.
func OwnID(i int) string { return "own-" + strconv.Itoa(i+1) }

var entryShape = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// Validate says in one sentence which field is wrong, or returns nil.
func (o *Offer) Validate() error {
	switch {
	case o == nil:
		return nil
	case len(o.Shown) < 1 || len(o.Shown) > ShownMost:
		return fmt.Errorf("offer shows %d services; it must be 1 to %d", len(o.Shown), ShownMost)
	case len(o.Own) > ShownMost:
		return fmt.Errorf("offer has %d services of its own; at most %d", len(o.Own), ShownMost)
	}
	for i, id := range o.Shown {
		n, err := strconv.Atoi(strings.TrimPrefix(id, "own-"))
		switch {
		case !entryShape.MatchString(id):
			return fmt.Errorf("offer shows %.50q, which is not an identifier", id)
		case slices.Contains(o.Shown[:i], id):
			return fmt.Errorf("offer shows %q twice", id)
		case strings.HasPrefix(id, "own-") && (err != nil || n < 1 || n > len(o.Own) || OwnID(n-1) != id):
			return fmt.Errorf("offer shows %q, and there is no such service of its own", id)
		}
	}
	for i, s := range o.Own {
		if err := s.Validate(); err != nil {
			return fmt.Errorf("%s: %w", OwnID(i), err)
		}
	}
	return nil
}

// Validate says in one sentence which field is wrong, or returns nil.
func (s Service) Validate() error {
	if lang, err := s.Name.Check(1, ServiceNameLimit); err != nil {
		return fmt.Errorf("name in %s %w", lang, err)
	}
	if err := CheckAddress(s.Address); err != nil {
		return err
	}
	return CheckServiceHosts(s.Hosts)
}

// CheckAddress says in one sentence what is wrong with an address that clients
// are to be sent to, or returns nil.
func CheckAddress(address string) error {
	switch {
	case address == "":
		return errors.New("the address is missing")
	case len(address) > AddressLimit:
		return fmt.Errorf("the address is longer than %d characters", AddressLimit)
	case !readable.MatchString(address):
		return errors.New("the address cannot be read")
	}
	rest, ok := strings.CutPrefix(address, "https://")
	if !ok {
		return errors.New("the address must begin with https://")
	}
	host := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		host = rest[:end]
	}
	switch {
	case strings.Contains(host, "@"):
		return errors.New("the address must not hold a user name")
	case strings.Contains(host, ":") && !strings.HasPrefix(host, "["):
		return errors.New("the address must not hold a port")
	}
	if err := checkPublic(strings.ToLower(host)); err != nil {
		return fmt.Errorf("the address: %w", err)
	}
	return nil
}

// readable are addresses of printable characters in which every % stands
// before two digits.
var readable = regexp.MustCompile(`^(?:[!-$&-[\]-~]|%[0-9A-Fa-f]{2})+$`)

// CheckServiceHosts says in one sentence what is wrong with the hosts of a
// service, or returns nil.
func CheckServiceHosts(hosts []string) error {
	if len(hosts) > ServiceHostsMost {
		return fmt.Errorf("there are %d hosts; at most %d", len(hosts), ServiceHostsMost)
	}
	for i, h := range hosts {
		if slices.Contains(hosts[:i], h) {
			return fmt.Errorf("the host %.60q is there twice", h)
		}
		if err := checkPublic(strings.TrimPrefix(h, "*.")); err != nil {
			return err
		}
	}
	return nil
}

// checkPublic refuses what is no host's name on the internet: numbers, this
// machine, the house's own network, and a whole top-level domain.
func checkPublic(host string) error {
	if err := CheckHost(host); err != nil || strings.HasPrefix(host, "*.") {
		return fmt.Errorf("%.60q is not a host such as \"kela.fi\"", host)
	}
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	switch {
	case last[0] >= '0' && last[0] <= '9':
		return fmt.Errorf("%.60q is a number, not a name", host)
	case len(labels) < 2 || slices.Contains([]string{"localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "arpa", "test", "invalid", "onion"}, last):
		return fmt.Errorf("%.60q is not a name on the internet", host)
	}
	return nil
}
