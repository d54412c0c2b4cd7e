package browser

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"yhteiskone/internal/fleet"
)

func TestFilters(t *testing.T) {
	for _, c := range []struct {
		name         string
		h            hosts
		allow, block []string
	}{
		{"nothing", hosts{}, nil, nil},
		{"a host alone", hosts{allowed: []string{"www.kela.fi"}}, []string{"https://.www.kela.fi"}, nil},
		{"below only", hosts{allowed: []string{"*.kela.fi"}}, []string{"https://kela.fi"}, []string{".kela.fi"}},
		{"both", hosts{allowed: []string{"*.kela.fi", "kela.fi"}}, []string{"https://.kela.fi", "https://kela.fi"}, nil},
		{"of this machine", hosts{allowed: []string{"pankki.localhost", "127.0.0.1"}}, []string{".pankki.localhost", "127.0.0.1"}, nil},
		{"blocked in the open web", hosts{all: true, blocked: []string{"*.casino.example"}}, []string{".casino.example"}, []string{"casino.example"}},
		{"blocked wins", hosts{allowed: []string{"www.kela.fi", "*.kela.fi"}, blocked: []string{"*.kela.fi"}}, nil,
			[]string{".kela.fi", ".www.kela.fi", "kela.fi"}},
		{"blocked below an allowed", hosts{allowed: []string{"*.kela.fi"}, blocked: []string{"*.a.kela.fi"}},
			[]string{"https://.a.kela.fi", "https://kela.fi"}, []string{".kela.fi", "a.kela.fi"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			allow, block := c.h.filters()
			if d := cmp.Diff(c.allow, allow); d != "" {
				t.Errorf("allow (-want +got):\n%s", d)
			}
			if d := cmp.Diff(c.block, block); d != "" {
				t.Errorf("block (-want +got):\n%s", d)
			}
		})
	}
}

// chromium decides as Chromium's URL block list does, for https.
func chromium(allow, block []string, host string) bool {
	type filter struct {
		host         string
		alone, allow bool
	}
	var best *filter
	take := func(list []string, ok bool) {
		for _, s := range list {
			f := filter{allow: ok}
			f.host, f.alone = strings.CutPrefix(strings.TrimPrefix(s, "https://"), ".")
			if s == "*" {
				f.host = ""
			}
			match := f.host == host || !f.alone && (f.host == "" || strings.HasSuffix(host, "."+f.host))
			switch {
			case !match:
			case best == nil, f.alone && !best.alone, f.alone == best.alone && len(f.host) > len(best.host),
				f.alone == best.alone && len(f.host) == len(best.host) && f.allow:
				best = &f
			}
		}
	}
	take(block, false)
	take(allow, true)
	return best == nil || best.allow
}

// What Chromium makes of the filters is what the patterns say, for any lists.
func TestFiltersMeanThePatterns(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	host := func() string {
		labels := []string{}
		for range 1 + r.IntN(4) {
			labels = append(labels, string("ab"[r.IntN(2)]))
		}
		return strings.Join(labels, ".")
	}
	pattern := func() string { return []string{"", "*."}[r.IntN(2)] + host() }
	seen := map[bool]int{}
	for range 3000 {
		h := hosts{all: r.IntN(3) == 0}
		for range r.IntN(5) {
			h.blocked = append(h.blocked, pattern())
		}
		for range r.IntN(5) {
			if !h.all {
				h.allowed = append(h.allowed, pattern())
			}
		}
		for _, p := range slices.Concat(h.allowed, h.blocked) {
			if err := fleet.CheckHost(p); err != nil {
				t.Fatal(err)
			}
		}
		allow, block := h.filters()
		if !h.all {
			block = append(block, "*")
		}
		for range 20 {
			name := host()
			want := h.ok(name)
			seen[want]++
			if got := chromium(allow, block, name); got != want {
				t.Fatalf("%s: Chromium would say %v, the patterns %v\n%+v\nallow %v\nblock %v", name, got, want, h, allow, block)
			}
		}
	}
	if seen[true] < 1000 || seen[false] < 1000 {
		t.Errorf("the lists were too much alike: %v", seen)
	}
}
