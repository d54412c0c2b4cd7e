// Package front is what stands between the network and the agent's handlers:
// how many connections there may be, whose address a request comes from, which
// certificate is shown, and what every answer says to browsers.
//
// It never knows what a request is about, and lets no header of a request say
// who sent it, but for one that a configured proxy wrote.
package front

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the addresses of the proxies in front of the agent.
type Proxies []netip.Prefix

// ParseProxies reads addresses ("127.0.0.1") and networks ("10.0.0.0/24"). The
// error names the one that is neither.
func ParseProxies(all []string) (Proxies, error) {
	var p Proxies
	for _, text := range all {
		prefix, err := netip.ParsePrefix(text)
		if addr, bad := netip.ParseAddr(text); bad == nil && addr.Zone() == "" {
			prefix, err = addr.Unmap().Prefix(addr.Unmap().BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address such as \"127.0.0.1\" nor a network such as \"10.0.0.0/24\"", text)
		}
		p = append(p, prefix.Masked())
	}
	return p, nil
}

func (p Proxies) has(a netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

type seenKey struct{}

// seen is what the front found out about a request.
type seen struct {
	client netip.Addr
	secure bool // the client's own connection is TLS
	direct bool // no proxy is between, known or not
}

// Handler finds out where requests come from. After it RemoteAddr is the
// client's, whoever stands between, and no header says anything about it any
// more: so what comes later need not know of proxies.
func (p Proxies) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer := address(r.RemoteAddr)
		s := seen{client: peer, secure: r.TLS != nil, direct: true}
		for _, name := range []string{"X-Forwarded-For", "Forwarded", "Via", "X-Real-Ip"} {
			s.direct = s.direct && len(r.Header[name]) == 0
		}
		if p.has(peer) {
			s.client, s.direct = p.client(peer, r.Header["X-Forwarded-For"]), false
			s.secure = s.secure || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
			r.RemoteAddr = netip.AddrPortFrom(s.client, 0).String()
		}
		for name := range r.Header {
			if strings.HasPrefix(name, "X-Forwarded-") || name == "Forwarded" || name == "X-Real-Ip" {
				r.Header.Del(name)
			}
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), seenKey{}, s)))
	})
}

// client is the last address that no proxy of ours has: everything before it
// anybody can have written.
func (p Proxies) client(peer netip.Addr, headers []string) netip.Addr {
	hops := strings.Split(strings.Join(headers, ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		a := address(strings.TrimSpace(hops[i]))
		if !a.IsValid() {
			return peer // the proxy says nothing that we understand
		}
		if peer = a; !p.has(a) {
			return a
		}
	}
	return peer
}

// address reads "192.0.2.1", "192.0.2.1:80", "2001:db8::1" and "[2001:db8::1]:80".
func address(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

func of(r *http.Request) seen {
	if s, ok := r.Context().Value(seenKey{}).(seen); ok {
		return s
	}
	return seen{client: address(r.RemoteAddr), secure: r.TLS != nil, direct: true}
}

// Client is the address that a request comes from.
func Client(r *http.Request) netip.Addr { return of(r).client }

// Secure reports whether the client's own connection is encrypted.
func Secure(r *http.Request) bool { return of(r).secure }

// Local reports whether a request comes from this machine itself, and not
// through any proxy on it, not even one that nobody told us of: such a one says
// so, or hands on the name that its own client asked for, which is none of this
// machine's names for itself, or speaks HTTP/1.0, as nginx does when it is told
// nothing but where to.
func Local(r *http.Request) bool {
	s := of(r)
	return s.direct && r.ProtoAtLeast(1, 1) && s.client.IsLoopback() && namesItself(r.Host)
}

// namesItself reports whether a request asked for a host as only this machine
// can call itself.
func namesItself(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && a.Unmap().IsLoopback()
}
