package fleet_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"yhteiskone/internal/fleet"
)

func TestCheckHost(t *testing.T) {
	long := strings.Repeat("a", 63)
	for pattern, good := range map[string]bool{
		"kela.fi": true, "*.kela.fi": true, "localhost": true, "a-b.example": true, "xn--4dbrk0ce.example": true, "10.0.0.1": true,
		long + ".fi": true, long + "." + long + "." + long + "." + long[:61]: true,
		"": false, "*": false, "*.": false, "*.*.fi": false, "ke*la.fi": false, "Kela.fi": false, "kela.fi.": false, ".kela.fi": false,
		"kela..fi": false, "-kela.fi": false, "kela-.fi": false, "https://kela.fi": false, "kela.fi/": false, "kela.fi:443": false,
		"kela fi": false, "kéla.fi": false, long + "a.fi": false, long + "." + long + "." + long + "." + long: false,
		"kela.fi\n": false, "user@kela.fi": false, "[::1]": false, "kela.fi?": false, "kela_x.fi": false,
	} {
		if err := fleet.CheckHost(pattern); (err == nil) != good {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

func FuzzCheckHost(f *testing.F) {
	for _, s := range []string{"kela.fi", "*.kela.fi", "", "a..b", "https://a/b?c", "ä.fi"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		if fleet.CheckHost(pattern) != nil {
			return
		}
		if strings.ContainsAny(pattern, " \t\n/:@?#[]%_") || strings.Contains(pattern, "..") || strings.Count(pattern, "*") > 1 ||
			pattern != strings.ToLower(pattern) || len(pattern) > 255 {
			t.Errorf("%q is taken for a host", pattern)
		}
	})
}

func TestSettingsValidate(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	set := func(change func(*fleet.Settings)) fleet.Settings {
		s := fleet.DefaultSettings()
		change(&s)
		return s
	}
	for name, s := range map[string]fleet.Settings{
		"defaults": fleet.DefaultSettings(),
		"no mode":  set(func(s *fleet.Settings) { s.Mode = "" }),
		"all": set(func(s *fleet.Settings) {
			s.Mode, s.Limit, s.Notice = fleet.Errands, time.Hour, 0
			s.Blocked, s.Languages, s.Phone = []string{"a.example", "*.b.example"}, []string{"fi", "sv", "so"}, "09 123 4567"
			s.Hours, s.Support = centre(), []fleet.Support{{From: at, To: at.Add(time.Hour)}}
		}),
	} {
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for field, s := range map[string]fleet.Settings{
		"idle":      set(func(s *fleet.Settings) { s.Idle = time.Second }),
		"warn":      set(func(s *fleet.Settings) { s.Warn = s.Idle }),
		"limit":     set(func(s *fleet.Settings) { s.Limit = s.Warn }),
		"notice":    set(func(s *fleet.Settings) { s.Notice = -time.Second }),
		"mode":      set(func(s *fleet.Settings) { s.Mode = "shop" }),
		"blocked":   set(func(s *fleet.Settings) { s.Blocked = []string{"ok.example", "https://casino.example/"} }),
		"languages": set(func(s *fleet.Settings) { s.Languages = []string{"fi", "<b>"} }),
		"support":   set(func(s *fleet.Settings) { s.Support = []fleet.Support{{From: at, To: at}} }),
		"phone":     set(func(s *fleet.Settings) { s.Phone = "09 123\n4567" }),
		"hours":     set(func(s *fleet.Settings) { s.Hours = &fleet.Hours{Days: map[string][]fleet.Span{"x": nil}} }),
	} {
		if err := s.Validate(); err == nil || !strings.HasPrefix(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	for field, s := range map[string]fleet.Settings{
		"blocked":   set(func(s *fleet.Settings) { s.Blocked = many(501, "h%d.example") }),
		"languages": set(func(s *fleet.Settings) { s.Languages = many(21, "l%d") }),
		"support":   set(func(s *fleet.Settings) { s.Support = make([]fleet.Support, 21) }),
		"phone":     set(func(s *fleet.Settings) { s.Phone = strings.Repeat("0", 41) }),
	} {
		if err := s.Validate(); err == nil || !strings.HasPrefix(err.Error(), field) {
			t.Errorf("too many of %s: %v", field, err)
		}
	}
}

func many(n int, format string) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf(format, i))
	}
	return all
}
