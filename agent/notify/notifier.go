package notify

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"yhteiskone/internal/fleet"
)

// Notifier tells people. Its methods may be called from any goroutine.
type Notifier struct {
	c    Config
	web  *http.Client
	wake chan struct{}

	mu   sync.Mutex
	busy map[string]bool // targets that a message is on its way to
}

// New returns a notifier; Run sends what it is told.
func New(c Config) *Notifier {
	return &Notifier{c: c, web: web(c.Allow, c.Roots), wake: make(chan struct{}, 1), busy: map[string]bool{}}
}

// Check says what is wrong with a target, or returns nil.
func (n *Notifier) Check(t Target) error {
	if t.Channel == ByMail && n.c.Mail == nil {
		return ErrNoMail
	}
	return t.Check(n.c.Allow)
}

// HasMail reports whether a mail server is configured.
func (n *Notifier) HasMail() bool { return n.c.Mail != nil }

// NewID returns a new identifier, 16 hexadecimal digits.
func NewID() string {
	raw := make([]byte, 8)
	rand.Read(raw)
	return hex.EncodeToString(raw)
}

// Tell keeps an event for everybody who wants to know of it. Once it returns
// nil they will be told, whatever happens.
func (n *Notifier) Tell(e Event, now time.Time) error {
	targets, err := n.c.Store.Targets()
	if err != nil {
		return fmt.Errorf("tell people: %w", err)
	}
	var letters []Letter
	for _, t := range targets {
		if !t.wants(e, n.c.Reach) {
			continue
		}
		if due, ever := t.due(e, now, n.c.Location); ever {
			letters = append(letters, Letter{NewID(), t.ID, due, e})
		}
	}
	if _, err := n.c.Store.Tell(e, letters); err != nil {
		return fmt.Errorf("tell people: %w", err)
	}
	n.Wake()
	return nil
}

// Wake makes Run look at once, for after a change of targets.
func (n *Notifier) Wake() {
	select {
	case n.wake <- struct{}{}:
	default: // it is about to look
	}
}

// gatherTime is how long letters to one target wait for each other: eight
// machines that go at once are one message.
const gatherTime = 3 * time.Second

// lookTime is how often Run looks although nobody woke it.
const lookTime = time.Minute

// Run sends what waits until the context ends.
func (n *Notifier) Run(ctx context.Context) error {
	var sending sync.WaitGroup
	defer sending.Wait()
	failing := false
	for ctx.Err() == nil {
		pause, err := n.round(ctx, time.Now(), &sending)
		if err != nil && !failing {
			n.c.Log.Error("messages to people wait", "why", err)
		}
		if failing = err != nil; failing {
			pause = lookTime
		}
		timer := time.NewTimer(min(max(pause, time.Second), lookTime))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-n.wake:
		}
		timer.Stop()
	}
	return nil
}

// round makes messages of the letters that are due, and begins to send those
// whose time has come. It returns how long nothing will be due.
func (n *Notifier) round(ctx context.Context, now time.Time, sending *sync.WaitGroup) (pause time.Duration, err error) {
	targets, err := n.byID()
	if err != nil {
		return 0, err
	}
	pause, err = n.compose(now, targets)
	if err != nil {
		return 0, err
	}
	messages, err := n.c.Store.Messages()
	if err != nil {
		return 0, err
	}
	open, err := n.c.Store.Open()
	if err != nil {
		return 0, err
	}
	for _, m := range messages {
		if wait := m.Next.Sub(now); wait > 0 {
			pause = min(pause, wait)
			continue
		}
		t, known := targets[m.Target]
		if !known || n.pointless(m, open) || !n.mayRead(t, m) {
			if err := n.c.Store.Drop(m); err != nil {
				return 0, err
			}
			continue
		}
		if !n.take(t.ID) {
			continue // it wakes us when it is done
		}
		sending.Go(func() {
			defer n.Wake()
			defer n.leave(t.ID)
			n.try(ctx, t, m)
		})
	}
	return pause, nil
}

func (n *Notifier) byID() (map[string]Target, error) {
	all, err := n.c.Store.Targets()
	if err != nil {
		return nil, err
	}
	by := map[string]Target{}
	for _, t := range all {
		by[t.ID] = t
	}
	return by, nil
}

// compose makes one message for each target that has a letter which is due.
func (n *Notifier) compose(now time.Time, targets map[string]Target) (pause time.Duration, err error) {
	letters, err := n.c.Store.Letters()
	if err != nil {
		return 0, err
	}
	pause = lookTime
	first := map[string]time.Time{}
	due := map[string][]Letter{}
	for _, l := range letters {
		if wait := l.Due.Sub(now); wait > 0 {
			pause = min(pause, wait)
			continue
		}
		due[l.Target] = append(due[l.Target], l)
		if at, ok := first[l.Target]; !ok || l.Due.Before(at) || l.Event.help() {
			first[l.Target] = l.Due
			if l.Event.help() { // nobody waits for company who waits for help
				first[l.Target] = now.Add(-gatherTime)
			}
		}
	}
	for id, all := range due {
		if wait := gatherTime - now.Sub(first[id]); wait > 0 && targets[id].ID != "" {
			pause = min(pause, wait)
			continue
		}
		m := Message{ID: NewID(), Target: id, Made: now, Next: now}
		var ids []string
		for _, l := range all {
			m.Events, ids = append(m.Events, l.Event), append(ids, l.ID)
		}
		if err := n.c.Store.Compose(m, ids); err != nil {
			return 0, err
		}
	}
	return pause, nil
}

// pointless reports whether a message is only about calls for help that are
// over.
func (n *Notifier) pointless(m Message, open map[string]Event) bool {
	return !slices.ContainsFunc(m.Events, func(e Event) bool {
		_, still := open[e.Incident]
		return !e.help() || still
	})
}

// mayRead reports whether the owner may still see every site of the message.
func (n *Notifier) mayRead(t Target, m Message) bool {
	return !slices.ContainsFunc(m.Events, func(e Event) bool { return !t.reaches(e, n.c.Reach) })
}

func (n *Notifier) take(target string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.busy[target] {
		return false
	}
	n.busy[target] = true
	return true
}

func (n *Notifier) leave(target string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.busy, target)
}

// try sends a message once, and keeps how it went.
func (n *Notifier) try(ctx context.Context, t Target, m Message) {
	why := n.send(ctx, t, m, time.Now())
	if why != WhyNone && ctx.Err() != nil {
		return // the agent stops: the next one tries again
	}
	now, err := time.Now(), error(nil)
	m.Tries, m.Why = m.Tries+1, why
	m.Next = now.Add(pauseAfter(m.Tries))
	switch {
	case why == WhyNone:
		err = n.c.Store.Sent(m)
	case m.Next.After(m.Made.Add(m.life())):
		n.c.Log.Error("a message to people is given up", "channel", t.Channel, "tries", m.Tries, "why", why)
		err = n.c.Store.GiveUp(m, now)
	default:
		err = n.c.Store.Retry(m)
	}
	if err != nil {
		n.c.Log.Error("what became of a message was not kept", "why", err)
	}
}

// pauseAfter is how long to wait after so many tries that failed.
func pauseAfter(tries int) time.Duration {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.Multiplier, b.MaxInterval = 5*time.Second, 2, 15*time.Minute
	b.Reset()
	var d time.Duration
	for range min(tries, 20) {
		d = b.NextBackOff()
	}
	return d
}

// send sends a message and says why it failed.
func (n *Notifier) send(ctx context.Context, t Target, m Message, now time.Time) Why {
	tell := n.teller(t.Lang, now)
	l := tell.letter(m.Events)
	if len(l.Parts) == 0 {
		return WhyNone // there is nothing left to say
	}
	if t.Channel == ByMail {
		if n.c.Mail == nil {
			return WhyNoMail
		}
		foot := tell.words["foot"]
		if t.Owner != "" {
			foot += "\n" + tell.words["change"] + ": " + tell.address + "/alerts"
		}
		return n.c.Mail.send(ctx, t.Address, m.ID, l, foot)
	}
	if t.Check(n.c.Allow) != nil {
		return WhyAddress // an exception that was taken back
	}
	r, err := request(ctx, t, m.ID, l, m.Events)
	if err != nil {
		return WhyAddress
	}
	return post(n.web, r)
}

// Try sends a test message to a target now, and says why it did not arrive.
func (n *Notifier) Try(ctx context.Context, t Target, site fleet.SiteID) Why {
	now := time.Now()
	return n.send(ctx, t, Message{ID: NewID(), Target: t.ID, Made: now, Events: []Event{{Kind: Test, At: now, Began: now, Site: site}}}, now)
}
