package catalogue

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"yhteiskone/internal/fleet"
)

// What fits on the page.
const (
	firstMost  = 8
	groupLimit = 12
	nameLimit  = 28
	hintLimit  = 44
	hostsLimit = 200
	sizeLimit  = 1 << 18
)

var (
	idShape       = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
	categoryShape = regexp.MustCompile(`^[a-z][a-z_]{0,31}$`)
)

// Icons are the names of the pictures that an entry may have.
func Icons() []string {
	return []string{"banknote", "book-open", "briefcase", "bus", "car", "credit-card", "file-text", "globe", "heart-pulse",
		"hospital", "house", "id-card", "landmark", "mail", "message-square-text", "phone", "scale", "search", "users"}
}

// Parse reads a catalogue; name is what errors call it.
func Parse(name string, data []byte) (*Catalogue, error) {
	if len(data) > sizeLimit {
		return nil, fmt.Errorf("%s: larger than %d KiB", name, sizeLimit>>10)
	}
	var doc document
	err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(&doc)
	var strict *toml.StrictMissingError
	var decode *toml.DecodeError
	switch {
	case errors.As(err, &strict) && len(strict.Errors) > 0:
		line, _ := strict.Errors[0].Position()
		return nil, fmt.Errorf("%s:%d: unknown key %q", name, line, strings.Join(strict.Errors[0].Key(), "."))
	case errors.As(err, &decode):
		line, _ := decode.Position()
		return nil, fmt.Errorf("%s:%d: %s", name, line, strings.TrimPrefix(decode.Error(), "toml: "))
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if f := doc.fault(); f != nil {
		return nil, fmt.Errorf("%s:%d: %s", name, line(data, f.table, f.index, f.key), f.says)
	}
	return &Catalogue{doc}, nil
}

// fault is one thing wrong with a document that reads well.
type fault struct {
	table string // "tile", "group" or "" for the top
	index int
	key   string
	says  string
}

func (d document) fault() *fault {
	groups, seen := map[string]int{}, map[string]bool{}
	for i, g := range d.Groups {
		if f := checkEntry("group", i, g.ID, g.Icon, g.Name, g.Hint, g.More, seen); f != nil {
			return f
		}
		groups[g.ID] = 0
		if !slices.Contains(d.First, g.ID) {
			return &fault{"group", i, "id", fmt.Sprintf("group %q is not in first, so nobody can open it", g.ID)}
		}
	}
	for i, t := range d.Tiles {
		if f := checkEntry("tile", i, t.ID, t.Icon, t.Name, t.Hint, t.More, seen); f != nil {
			return f
		}
		bad := func(key, format string, args ...any) *fault {
			return &fault{"tile", i, key, fmt.Sprintf(format, args...)}
		}
		if !categoryShape.MatchString(t.Category) {
			return bad("category", "tile %q: category must be 1 to 32 characters of a-z and _", t.ID)
		}
		if t.Home != (t.Address == "") {
			return bad("address", "tile %q needs either an address or home = true", t.ID)
		}
		if err := checkAddress(t.Address); err != nil {
			return bad("address", "tile %q: %v", t.ID, err)
		}
		if err := checkHosts(t.Allow); err != nil {
			return bad("allow", "tile %q: allow: %v", t.ID, err)
		}
		_, known := groups[t.Group]
		first := slices.Contains(d.First, t.ID)
		switch {
		case t.Group != "" && !known:
			return bad("group", "tile %q: there is no group %q", t.ID, t.Group)
		case (t.Group != "") == first:
			return bad("id", "tile %q must be either in first or in a group", t.ID)
		}
		groups[t.Group]++
	}
	for i, g := range d.Groups {
		if n := groups[g.ID]; n < 2 || n > groupLimit {
			return &fault{"group", i, "id", fmt.Sprintf("group %q has %d tiles; it must have 2 to %d", g.ID, n, groupLimit)}
		}
	}
	if len(d.First) < 1 || len(d.First) > firstMost {
		return &fault{"", 0, "first", fmt.Sprintf("first has %d entries; it must have 1 to %d", len(d.First), firstMost)}
	}
	for _, list := range []struct {
		key   string
		hosts []string
	}{{"identification", d.Identification}, {"also", d.Also}} {
		if err := checkHosts(list.hosts); err != nil {
			return &fault{"", 0, list.key, fmt.Sprintf("%s: %v", list.key, err)}
		}
	}
	for i, lang := range d.Draft {
		if !slices.Contains(More(), lang) || slices.Contains(d.Draft[:i], lang) {
			return &fault{"", 0, "draft", fmt.Sprintf("draft: %q is there twice or none of %s", lang, strings.Join(More(), ", "))}
		}
	}
	for i, id := range d.First {
		if !seen[id] || slices.Contains(d.First[:i], id) {
			return &fault{"", 0, "first", fmt.Sprintf("first: %q is unknown or there twice", id)}
		}
	}
	return nil
}

func checkEntry(table string, i int, id, icon string, name, hint fleet.Text, more map[string]words, seen map[string]bool) *fault {
	bad := func(key, format string, args ...any) *fault {
		return &fault{table, i, key, fmt.Sprintf(format, args...)}
	}
	if !idShape.MatchString(id) {
		return bad("id", "%s: id must be 1 to 40 characters of a-z, 0-9 and -", table)
	}
	if seen[id] {
		return bad("id", "%s %q: the id is used twice", table, id)
	}
	seen[id] = true
	if !slices.Contains(Icons(), icon) {
		return bad("icon", "%s %q: there is no icon %q; there are %s", table, id, icon, strings.Join(Icons(), ", "))
	}
	for lang, t := range name.Each() {
		if err := fleet.CheckText(t, 1, nameLimit); err != nil {
			return bad("name", "%s %q: name in %s %v", table, id, lang, err)
		}
	}
	for lang, t := range hint.Each() {
		if err := fleet.CheckText(t, 0, hintLimit); err != nil {
			return bad("hint", "%s %q: hint in %s %v", table, id, lang, err)
		}
	}
	for _, lang := range slices.Sorted(maps.Keys(more)) {
		if !slices.Contains(More(), lang) {
			return bad("more", "%s %q: more has no language %q; it has %s", table, id, lang, strings.Join(More(), ", "))
		}
		if err := fleet.CheckText(more[lang].Name, 1, nameLimit); err != nil {
			return bad("more", "%s %q: name in %s %v", table, id, lang, err)
		}
		if err := fleet.CheckText(more[lang].Hint, 0, hintLimit); err != nil {
			return bad("more", "%s %q: hint in %s %v", table, id, lang, err)
		}
	}
	return nil
}

// checkAddress lets only addresses through that a client may be sent to: https,
// or http to this very machine.
func checkAddress(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || len(s) > 2000 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("the address cannot be read")
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	here := host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
	switch {
	case host == "" || u.Opaque != "":
		return errors.New("the address has no host")
	case u.User != nil:
		return errors.New("the address must not hold a user name")
	case u.Scheme == "https", u.Scheme == "http" && here:
		return nil
	}
	return errors.New("the address must begin with https://")
}

func checkHosts(hosts []string) error {
	if len(hosts) > hostsLimit {
		return fmt.Errorf("there are %d hosts; at most %d", len(hosts), hostsLimit)
	}
	for _, h := range hosts {
		if err := fleet.CheckHost(h); err != nil {
			return err
		}
	}
	return nil
}

// line finds where a key of the table's index-th entry stands; where the entry
// begins when it has no such key; 1 when there is no such entry.
func line(data []byte, table string, index int, key string) int {
	var p unstable.Parser
	p.Reset(data)
	at, begins, count := "", 1, -1
	for p.NextExpression() {
		e := p.Expression()
		k := e.Key()
		if !k.Next() {
			continue
		}
		name, where := string(k.Node().Data), p.Shape(p.Range(k.Node().Data)).Start.Line
		switch e.Kind {
		case unstable.ArrayTable:
			at = name
			if at == table {
				if count++; count == index {
					begins = where
				}
			}
		case unstable.Table: // [tile.name] belongs to the entry above it
			if at == table && count == index && k.Next() && string(k.Node().Data) == key {
				return where
			}
		case unstable.KeyValue:
			if name == key && (table == "" && at == "" || at == table && count == index) {
				return where
			}
		}
	}
	return begins
}
