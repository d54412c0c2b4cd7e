package browser

import (
	"fmt"
	"slices"
	"sync"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/session"
)

// reign is what holds in one running browser and can be changed while it runs:
// where the client may go, and how pages look.
type reign struct {
	make func(Policy, said) ([]byte, error)
	book *rulebook

	mu     sync.Mutex
	policy Policy
	said   said
	ended  bool
}

// reign begins the reign of a browser that is about to start.
func (b *Browser) reign(setup session.Setup) (*reign, error) {
	id, err := extensionID()
	if err != nil {
		return nil, err
	}
	size := setup.Comfort.Size
	if size == 0 {
		size = session.Plain().Size
	}
	pages := "http://" + b.server.host
	r := &reign{
		make: func(p Policy, s said) ([]byte, error) { return JSON(b.o.rules(p), p.Extension, s) },
		policy: Policy{Pages: pages, Extension: id, SearchName: b.o.SearchName, SearchURL: b.o.SearchURL,
			Errands: setup.Mode == fleet.Errands, Allow: b.o.Allow(), Blocked: setup.Blocked},
		said: said{Pages: pages, List: setup.Mode != fleet.Errands, Contrast: setup.Comfort.Contrast, Sizes: []int{size}},
	}
	text, err := r.make(r.policy, r.said)
	if err != nil {
		return nil, err
	}
	if r.book, err = openRulebook(b.o.Dir, text); err != nil {
		return nil, err
	}
	b.reigns.Store(r)
	return r, nil
}

// change changes what holds, for the rest of the session.
func (r *reign) change(f func(*Policy, *said)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return nil
	}
	policy, say := r.policy, r.said
	f(&policy, &say)
	text, err := r.make(policy, say)
	if err != nil {
		return err
	}
	if err := r.book.write(text); err != nil {
		return err
	}
	r.policy, r.said = policy, say
	return nil
}

func (r *reign) end() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	return r.book.close()
}

// Adjust implements session.Running. The size of every page follows at once.
// High contrast follows on our own pages alone: Chromium decides at its start
// how it draws those of others.
func (r *running) Adjust(c session.Comfort) error {
	r.wait.visit.change(func(v *visit) { v.contrast = c.Contrast })
	err := r.reign.change(func(_ *Policy, s *said) {
		s.Contrast = c.Contrast
		if size := c.Size; size > 0 && s.Sizes[len(s.Sizes)-1] != size {
			// In order of choice, each once: the extension goes by the last.
			s.Sizes = append(slices.DeleteFunc(slices.Clone(s.Sizes), func(n int) bool { return n == size }), size)
		}
	})
	if err != nil {
		return fmt.Errorf("change how pages look: %w", err)
	}
	return nil
}

// OpenWeb implements session.Running.
func (r *running) OpenWeb() error {
	r.wait.visit.change(func(v *visit) { v.opened = true })
	err := r.reign.change(func(p *Policy, s *said) { p.Errands, s.List = false, true })
	if err != nil {
		return fmt.Errorf("open the web: %w", err)
	}
	return nil
}

// Help tells that a client asked for help on one of our pages in the browser.
// It says nothing of the page. Never closed.
func (b *Browser) Help() <-chan struct{} { return b.server.help }
