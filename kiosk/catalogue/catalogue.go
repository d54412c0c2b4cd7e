// Package catalogue is the list of services that the welcome page offers:
// tiles that lead to an address, and groups that open a second level of tiles.
//
// It is read from a file that a site may write itself, strictly: whatever is
// unknown, missing or too long is an error with its line. It says which hosts
// belong to its services, for a kiosk that is for errands only. It never reaches
// out to a service and never decides what a browser may open.
//
// Caveat: a tile without an address leads to the browser's own home page.
package catalogue

import (
	_ "embed"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/session"
)

//go:embed default.toml
var defaultFile []byte

// More are the languages that a catalogue may have besides.
func More() []string { return []string{"ru", "ar", "so", "et", "uk", "fa"} }

// words are what one entry says in one more language.
type words struct {
	Name string `toml:"name"`
	Hint string `toml:"hint"`
}

// said is what an entry says in the language.
func said(lang string, name, hint fleet.Text, more map[string]words) (string, string) {
	if w, ok := more[lang]; ok {
		return w.Name, w.Hint
	}
	return name.In(lang), hint.In(lang)
}

// Entry is one thing to press.
type Entry struct {
	ID    string
	Icon  string
	Name  string
	Hint  string
	Group bool // opens a second level
}

type tile struct {
	ID       string `toml:"id"`
	Group    string `toml:"group"`
	Category string `toml:"category"`
	Icon     string `toml:"icon"`
	Address  string `toml:"address"`
	Home     bool   `toml:"home"`
	// Allow are hosts that belong to it, besides that of the address.
	Allow []string   `toml:"allow"`
	Name  fleet.Text `toml:"name"`
	Hint  fleet.Text `toml:"hint"`

	More map[string]words `toml:"more"`
}

type group struct {
	ID   string     `toml:"id"`
	Icon string     `toml:"icon"`
	Name fleet.Text `toml:"name"`
	Hint fleet.Text `toml:"hint"`

	More map[string]words `toml:"more"`
}

type document struct {
	First []string `toml:"first"`
	// Draft are the languages whose words nobody has reviewed.
	Draft []string `toml:"draft"`
	// Identification are hosts of strong identification, Also those of services
	// without a tile.
	Identification []string `toml:"identification"`
	Also           []string `toml:"also"`

	Groups []group `toml:"group"`
	Tiles  []tile  `toml:"tile"`
}

// Catalogue is one checked list. It does not change.
type Catalogue struct{ doc document }

// Default is the catalogue that is built in.
func Default() (*Catalogue, error) { return Parse("the built-in catalogue", defaultFile) }

// Load reads a catalogue from a file.
func Load(path string) (*Catalogue, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	return Parse(path, data)
}

// Hosts are the hosts on which errands are run, sorted, in the words of
// fleet.CheckHost: those of the services, and of every identification that we
// know of, whatever the site's own file says: without it no errand is finished.
func (c *Catalogue) Hosts() ([]string, error) {
	known, err := Default()
	if err != nil {
		return nil, err
	}
	all := slices.Concat(known.doc.Identification, c.doc.Identification, c.doc.Also)
	for _, t := range c.doc.Tiles {
		all = append(all, t.Allow...)
		if u, err := url.Parse(t.Address); err == nil && t.Address != "" {
			host := u.Hostname()
			if strings.Contains(host, ":") { // an address of IPv6
				host = "[" + host + "]"
			}
			all = append(all, strings.ToLower(host))
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// Tile finds a tile, on whatever level it is.
func (c *Catalogue) Tile(id string) (session.Tile, bool) {
	for _, t := range c.doc.Tiles {
		if t.ID == id {
			return session.Tile{ID: t.ID, Category: t.Category, Address: t.Address}, true
		}
	}
	return session.Tile{}, false
}

// First is what the welcome page shows at first, in order.
func (c *Catalogue) First(lang string) []Entry {
	var all []Entry
	for _, id := range c.doc.First {
		for _, g := range c.doc.Groups {
			if g.ID == id {
				name, hint := said(lang, g.Name, g.Hint, g.More)
				all = append(all, Entry{g.ID, g.Icon, name, hint, true})
			}
		}
		for _, t := range c.doc.Tiles {
			if t.ID == id {
				all = append(all, t.entry(lang))
			}
		}
	}
	return all
}

// Groups are the entries of the first view that open a second level.
func (c *Catalogue) Groups(lang string) []Entry {
	var all []Entry
	for _, e := range c.First(lang) {
		if e.Group {
			all = append(all, e)
		}
	}
	return all
}

// Inside is what a group opens, in order.
func (c *Catalogue) Inside(group, lang string) []Entry {
	var all []Entry
	for _, t := range c.doc.Tiles {
		if t.Group == group && group != "" {
			all = append(all, t.entry(lang))
		}
	}
	return all
}

func (t tile) entry(lang string) Entry {
	name, hint := said(lang, t.Name, t.Hint, t.More)
	return Entry{t.ID, t.Icon, name, hint, false}
}
