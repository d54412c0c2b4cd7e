package staff

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
)

// Device is one place where somebody is signed in. It says no more than the
// person needs to know it again: no address and no exact version.
type Device struct {
	ID              string
	Browser, System string // names such as "Firefox" and "Windows"; empty if not known
	Began, Seen     time.Time
	Here            bool // it is the one that asks

	token, person string
}

// Devices lists where a person is signed in, the one used last first.
func (s *Service) Devices(ctx context.Context, name string) ([]Device, error) {
	a, err := s.accounts.Account(Fold(name))
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", name, err)
	}
	here := s.web.GetString(ctx, keyID)
	var mine []Device
	err = s.each(func(d Device, epoch uint64) {
		if d.person == a.Name && epoch == a.Epoch {
			d.Here = d.ID == here
			mine = append(mine, d)
		}
	})
	slices.SortFunc(mine, func(x, y Device) int {
		if c := y.Seen.Compare(x.Seen); c != 0 {
			return c
		}
		return strings.Compare(x.ID, y.ID)
	})
	return mine, err
}

// EndDevice signs a person out in one place, at once. ErrNotFound if it is
// over already, or somebody else's.
func (s *Service) EndDevice(by, name, id string) error {
	mine := func(d Device) bool { return id != "" && d.ID == id && d.person == Fold(name) }
	found := false
	if err := s.each(func(d Device, _ uint64) { found = found || mine(d) }); err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("end a session: %w", ErrNotFound)
	}
	if err := s.note(by, "session_ended", s.site(name), Fold(name)); err != nil {
		return err
	}
	if err := s.drop(mine); err != nil {
		return err
	}
	s.cut(func(st stream) bool { return st.id == id })
	return nil
}

// EndOthers signs a person out everywhere but where the request comes from.
func (s *Service) EndOthers(ctx context.Context) error {
	p, ok := From(ctx)
	if !ok {
		return nil
	}
	here := s.web.GetString(ctx, keyID)
	if err := s.note(p.Name, "sessions_ended", only(p.Grants), p.Name); err != nil {
		return err
	}
	if err := s.drop(func(d Device) bool { return d.person == p.Name && d.ID != here }); err != nil {
		return err
	}
	s.cut(func(st stream) bool { return st.name == p.Name && st.id != here })
	return nil
}

// EndAll signs a person out everywhere.
func (s *Service) EndAll(by, name string) error {
	err := s.change(by, "sessions_ended", name, s.site(name), "", func(a *Account) error {
		a.Epoch++
		return nil
	})
	if err != nil {
		return err
	}
	s.cutPerson(name)
	return s.drop(func(d Device) bool { return d.person == Fold(name) })
}

// each goes through all sessions of people who are signed in.
func (s *Service) each(f func(d Device, epoch uint64)) error {
	all, err := s.sessions.All()
	if err != nil {
		return fmt.Errorf("list sessions: %w", err)
	}
	for token, data := range all {
		end, v, err := scs.GobCodec{}.Decode(data)
		name, _ := v[keyName].(string)
		if err != nil || name == "" || !s.now().Before(end) {
			continue // nobody can be signed in with it
		}
		text := func(key string) string { s, _ := v[key].(string); return s }
		at := func(key string) time.Time { n, _ := v[key].(int64); return time.Unix(n, 0) }
		epoch, _ := v[keyEpoch].(int64)
		f(Device{ID: text(keyID), Browser: text(keyBrowser), System: text(keySystem), Began: at(keyBegan), Seen: at(keySeen),
			token: token, person: name}, uint64(epoch))
	}
	return nil
}

// drop deletes sessions.
func (s *Service) drop(which func(Device) bool) error {
	var tokens []string
	err := s.each(func(d Device, _ uint64) {
		if which(d) {
			tokens = append(tokens, d.token)
		}
	})
	for _, t := range tokens {
		err = errors.Join(err, s.sessions.Delete(t))
	}
	return err
}

// device reads of a browser's own words what people call it. What is not on
// the lists is not kept.
func device(agent string) (browser, system string) {
	first := func(pairs ...[2]string) string {
		for _, p := range pairs {
			if strings.Contains(agent, p[0]) {
				return p[1]
			}
		}
		return ""
	}
	// Every browser claims to be those before it, so the order counts.
	browser = first([2]string{"Edg", "Edge"}, [2]string{"OPR/", "Opera"}, [2]string{"SamsungBrowser/", "Samsung Internet"},
		[2]string{"Vivaldi/", "Vivaldi"}, [2]string{"Firefox/", "Firefox"}, [2]string{"FxiOS/", "Firefox"},
		[2]string{"CriOS/", "Chrome"}, [2]string{"Chrome/", "Chrome"}, [2]string{"Safari/", "Safari"})
	system = first([2]string{"Android", "Android"}, [2]string{"iPhone", "iPhone"}, [2]string{"iPad", "iPad"}, [2]string{"CrOS", "ChromeOS"},
		[2]string{"Windows", "Windows"}, [2]string{"Mac OS X", "Mac"}, [2]string{"Linux", "Linux"})
	return browser, system
}
