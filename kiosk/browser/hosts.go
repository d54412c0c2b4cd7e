package browser

import (
	"net"
	"slices"
	"strings"
)

// hosts are the host patterns that decide where a client may go, in the words
// of fleet.CheckHost: "host" is that host alone, "*.host" every host below it.
type hosts struct {
	all     bool     // every host, unless it is blocked
	allowed []string // else these
	blocked []string // and never these
}

// ok reports whether a client may go to the host.
func (h hosts) ok(host string) bool {
	return !covers(h.blocked, host) && (h.all || covers(h.allowed, host))
}

// below reports whether a client may go to the hosts below the domain that no
// longer pattern names.
func (h hosts) below(domain string) bool {
	return !covers(h.blocked, "x."+domain) && (h.all || covers(h.allowed, "x."+domain))
}

func covers(patterns []string, host string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		domain, wild := strings.CutPrefix(p, "*")
		return p == host || wild && strings.HasSuffix(host, domain)
	})
}

// filters are the patterns in Chromium's own language, in which a leading dot
// means that host alone and no dot the host and all below it. There the more
// particular filter wins: a host alone over a domain, the longer domain over
// the shorter, and only then "allow" over "block". So every pattern is written
// with what holds for it by both lists together, and a "*.host" for the host
// itself as well.
func (h hosts) filters() (allow, block []string) {
	add := func(ok bool, name, dot string) {
		scheme := ""
		if !h.all && ok && !local(name) {
			scheme = "https://" // an errand is never run in the open
		}
		if ok {
			allow = append(allow, scheme+dot+name)
		} else {
			block = append(block, dot+name)
		}
	}
	for _, p := range slices.Concat(h.allowed, h.blocked) {
		domain, wild := strings.CutPrefix(p, "*.")
		if wild {
			add(h.below(domain), domain, "")
		}
		dot := "."
		if net.ParseIP(strings.Trim(domain, "[]")) != nil {
			dot = "" // an address has nothing below it
		}
		add(h.ok(domain), domain, dot)
	}
	return sorted(allow), sorted(block)
}

func sorted(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}

// local reports whether the name is one of this machine, where there are no
// certificates.
func local(name string) bool {
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || ip != nil && ip.IsLoopback()
}
