package main

import (
	"yhteiskone/kiosk/catalogue"
	"yhteiskone/kiosk/services"
	"yhteiskone/kiosk/session"
)

// servicesMost is how many services a report names.
const servicesMost = 32

// entries are the tiles of the catalogue that lead to an address, in its order.
func entries(c *catalogue.Shelf, lang string, each func(catalogue.Entry, session.Tile)) {
	add := func(e catalogue.Entry) {
		if t, ok := c.Tile(e.ID); ok && t.Address != "" {
			each(e, t)
		}
	}
	for _, e := range c.First(lang) {
		if !e.Group {
			add(e)
			continue
		}
		for _, inside := range c.Inside(e.ID, lang) {
			add(inside)
		}
	}
}

// newServices makes the probe of the catalogue's services.
func newServices(k *kiosk) *services.Prober {
	return services.New(services.Config{Targets: k.targets(), Every: k.config.Services.Every.Duration, Log: k.log})
}

// targets are the services to ask, as the catalogue in use has them.
func (k *kiosk) targets() (all []services.Target) {
	entries(k.tiles, k.config.Language, func(e catalogue.Entry, t session.Tile) {
		all = append(all, services.Target{ID: e.ID, Address: t.Address})
	})
	return all
}

// allowed are the hosts on which errands are run, as the catalogue in use has
// them.
func (k *kiosk) allowed() []string {
	hosts, err := k.tiles.Hosts()
	if err != nil { // the built-in catalogue was read before
		k.log.Error("the services' hosts are not known", "err", err)
	}
	return hosts
}

// servicesDown names the services that do not answer as the catalogue does: for
// staff, who do not know its identifiers.
func (k *kiosk) servicesDown() (names []string) {
	down := map[string]bool{}
	for _, id := range k.services.Down() {
		down[id] = true
	}
	entries(k.tiles, k.config.Language, func(e catalogue.Entry, _ session.Tile) {
		if down[e.ID] && len(names) < servicesMost {
			names = append(names, e.Name)
		}
	})
	return names
}
