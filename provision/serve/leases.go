package serve

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Range is the addresses that are handed out, both ends included.
type Range struct{ First, Last netip.Addr }

// mostLeases is more than a network for installing has.
const mostLeases = 1024

// ParseRange reads 192.168.77.100-192.168.77.150, or 192.168.77.100-150.
func ParseRange(text string) (Range, error) {
	from, to, ok := strings.Cut(text, "-")
	if !ok {
		return Range{}, fmt.Errorf("%q is no range; say for example 192.168.77.100-150", text)
	}
	first, err := netip.ParseAddr(strings.TrimSpace(from))
	if err != nil || !first.Is4() {
		return Range{}, fmt.Errorf("%q is no IPv4 address", from)
	}
	if to = strings.TrimSpace(to); !strings.Contains(to, ".") {
		to = from[:strings.LastIndex(from, ".")+1] + to
	}
	last, err := netip.ParseAddr(to)
	if err != nil || !last.Is4() {
		return Range{}, fmt.Errorf("%q is no IPv4 address", to)
	}
	r := Range{first, last}
	if last.Less(first) || r.size() > mostLeases {
		return Range{}, errors.New("the range has to go upwards, over 1024 addresses at most")
	}
	return r, nil
}

func (r Range) size() int {
	a, b := r.First.As4(), r.Last.As4()
	n := func(a [4]byte) int { return int(a[0])<<24 | int(a[1])<<16 | int(a[2])<<8 | int(a[3]) }
	return n(b) - n(a) + 1
}

func (r Range) has(a netip.Addr) bool {
	return a.Is4() && !a.Less(r.First) && !r.Last.Less(a)
}

// leases say who has which address. They are kept in memory: a machine that
// asks for the address that it had gets it, unless another has it.
type leases struct {
	of  Range
	now func() time.Time

	mu    sync.Mutex
	byMAC map[string]lease
	taken map[netip.Addr]string // card, or the reason why nobody has it
}

type lease struct {
	at  netip.Addr
	end time.Time
}

const notOurs = "somebody else has it"

func newLeases(of Range, own netip.Prefix, now func() time.Time) *leases {
	l := &leases{of: of, now: now, byMAC: map[string]lease{}, taken: map[netip.Addr]string{own.Addr(): notOurs}}
	for _, a := range []netip.Addr{of.First, of.Last} { // the network's own two are nobody's
		if before, after := a.Prev(), a.Next(); !own.Contains(before) || !own.Contains(after) {
			l.taken[a] = notOurs
		}
	}
	return l
}

// take is the address of a card: that which it has, that which it wishes for,
// the first free one, or one whose lease has run out.
func (l *leases) take(mac string, wish netip.Addr) (netip.Addr, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	give := func(a netip.Addr) (netip.Addr, bool) {
		if before, ok := l.byMAC[mac]; ok && before.at != a {
			delete(l.taken, before.at)
		}
		l.byMAC[mac], l.taken[a] = lease{a, now.Add(leaseTime)}, mac
		return a, true
	}
	if has, ok := l.byMAC[mac]; ok {
		return give(has.at)
	}
	if l.of.has(wish) && l.taken[wish] == "" {
		return give(wish)
	}
	for a := l.of.First; l.of.has(a); a = a.Next() {
		if l.taken[a] == "" {
			return give(a)
		}
	}
	for other, has := range l.byMAC {
		if now.After(has.end) {
			delete(l.byMAC, other)
			return give(has.at)
		}
	}
	return netip.Addr{}, false
}

// spoil takes an address out: a machine found that another has it.
func (l *leases) spoil(a netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of.has(a) {
		delete(l.byMAC, l.taken[a])
		l.taken[a] = notOurs
	}
}

// free gives back what a card had.
func (l *leases) free(mac string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if has, ok := l.byMAC[mac]; ok {
		delete(l.byMAC, mac)
		delete(l.taken, has.at)
	}
}
