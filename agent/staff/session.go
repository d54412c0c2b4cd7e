package staff

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"

	"yhteiskone/internal/fleet"
)

// How long somebody stays signed in: without doing anything, and at all. The
// first is longer than a working day, so that a dashboard in a corner rings
// all day.
const (
	IdleLimit = 12 * time.Hour
	LifeLimit = 7 * 24 * time.Hour
)

// Keys of a web session's data.
const (
	keyName    = "name"
	keyEpoch   = "epoch"
	keyFlash   = "flash"
	keyNext    = "next"
	keyID      = "id" // what others call the session: its token is a secret
	keyBegan   = "began"
	keySeen    = "seen"
	keyBrowser = "browser"
	keySystem  = "system"
)

func newWeb(c Config, store scs.Store) *scs.SessionManager {
	// Not scs.New: it starts a store in memory that nothing ever stops.
	web := &scs.SessionManager{
		IdleTimeout: IdleLimit, Lifetime: LifeLimit, Codec: scs.GobCodec{},
		Store:            store,
		HashTokenInStore: true, // a stolen backup signs nobody in
		Cookie:           scs.SessionCookie{Name: "yhteiskone", HttpOnly: true, Path: "/", SameSite: http.SameSiteLaxMode},
	}
	if c.Secure {
		web.Cookie.Name, web.Cookie.Secure = "__Host-yhteiskone", true
	}
	web.ErrorFunc = func(w http.ResponseWriter, _ *http.Request, err error) {
		c.Log.Error("web session", "err", err)
		http.Error(w, "The agent cannot read or keep web sessions. Try again, then call the technician.", http.StatusInternalServerError)
	}
	return web
}

// burial keeps a session dead that was deleted: a request that was on its way
// when its owner signed out would otherwise store it again at its end.
type burial struct {
	Sessions
	now  func() time.Time
	mu   sync.Mutex
	dead map[string]time.Time
}

// burialTime is longer than a request takes before its first byte.
const burialTime = 5 * time.Minute

// Delete removes a session for good.
func (b *burial) Delete(token string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	for t, at := range b.dead {
		if now.Sub(at) > burialTime {
			delete(b.dead, t)
		}
	}
	b.dead[token] = now
	return b.Sessions.Delete(token)
}

// Commit stores a session that was not deleted meanwhile.
func (b *burial) Commit(token string, data []byte, expiry time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, dead := b.dead[token]; dead {
		return nil
	}
	return b.Sessions.Commit(token, data, expiry)
}

type personKey struct{}

// Load puts the person of the request's web session, if there is one, into its
// context. It must be around every handler that calls From, a sign-in method
// or Live.
func (s *Service) Load(next http.Handler) http.Handler {
	return s.web.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok, err := s.person(r.Context())
		if err != nil {
			s.web.ErrorFunc(w, r, err)
			return
		}
		if ok {
			s.web.Put(r.Context(), keySeen, s.now().Unix())
			r = r.WithContext(context.WithValue(r.Context(), personKey{}, p))
		} else if s.web.Exists(r.Context(), keyName) {
			if err := s.web.Destroy(r.Context()); err != nil {
				s.web.ErrorFunc(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	}))
}

// person asks the accounts anew on every request, so that a change of role or
// a disabled account counts at once.
func (s *Service) person(ctx context.Context) (Person, bool, error) {
	name := s.web.GetString(ctx, keyName)
	if name == "" {
		return Person{}, false, nil
	}
	a, err := s.accounts.Account(name)
	if errors.Is(err, ErrNotFound) {
		return Person{}, false, nil
	}
	if err != nil {
		return Person{}, false, fmt.Errorf("look up an account: %w", err)
	}
	if a.Disabled || a.Epoch != uint64(s.web.GetInt64(ctx, keyEpoch)) {
		return Person{}, false, nil
	}
	p, err := s.holder(a)
	return p, err == nil, err
}

// holder is the person that an account is of, as May needs them.
func (s *Service) holder(a Account) (Person, error) {
	rules, err := s.rules.StaffRules()
	if err != nil {
		return Person{}, fmt.Errorf("read the rules: %w", err)
	}
	return Person{Name: a.Name, Shown: a.Shown, Grants: a.Grants, Bare: rules.needs(a.Grants) && !a.Factor.On()}, nil
}

// May asks May about somebody who need not be signed in: whether they would be
// let in with the account that they have now. Who cannot be looked up may
// nothing.
func (s *Service) May(name string, a Action, site fleet.SiteID) bool {
	account, err := s.accounts.Account(name)
	if err != nil || account.Disabled {
		return false
	}
	p, err := s.holder(account)
	return err == nil && May(p, a, site)
}

// From returns the person who is signed in.
func From(ctx context.Context) (Person, bool) {
	p, ok := ctx.Value(personKey{}).(Person)
	return p, ok
}

// begin opens a web session for a person who proved who they are, under a
// token that nobody has seen before.
func (s *Service) begin(r *http.Request, a Account) error {
	ctx := r.Context()
	if err := s.web.RenewToken(ctx); err != nil {
		return fmt.Errorf("open a web session: %w", err)
	}
	for _, key := range []string{keyHalf, keyHalfEpoch, keyHalfUntil, keyPending, keyPassage, keyNext} {
		s.web.Remove(ctx, key)
	}
	now := s.now().Unix()
	browser, system := device(r.UserAgent())
	s.web.Put(ctx, keyName, a.Name)
	s.web.Put(ctx, keyEpoch, int64(a.Epoch))
	s.web.Put(ctx, keyID, rand.Text())
	s.web.Put(ctx, keyBegan, now)
	s.web.Put(ctx, keySeen, now)
	s.web.Put(ctx, keyBrowser, browser)
	s.web.Put(ctx, keySystem, system)
	return nil
}

// SignOut ends the web session of the request and its live streams.
func (s *Service) SignOut(ctx context.Context) error {
	p, ok := From(ctx)
	if !ok {
		return nil
	}
	id := s.web.GetString(ctx, keyID)
	if err := s.web.Destroy(ctx); err != nil {
		return fmt.Errorf("end a web session: %w", err)
	}
	s.cut(func(st stream) bool { return st.id == id })
	return s.note(p.Name, "signed_out", only(p.Grants), "")
}

// SetFlash keeps a word for the next page that the person opens.
func (s *Service) SetFlash(ctx context.Context, word string) { s.web.Put(ctx, keyFlash, word) }

// TakeFlash returns that word, once.
func (s *Service) TakeFlash(ctx context.Context) string { return s.web.PopString(ctx, keyFlash) }

// SetNext keeps where somebody goes after signing in, for when that takes more
// than one page.
func (s *Service) SetNext(ctx context.Context, path string) { s.web.Put(ctx, keyNext, path) }

// Next returns it.
func (s *Service) Next(ctx context.Context) string { return s.web.GetString(ctx, keyNext) }

// Language returns the language that the person who has just signed in chose.
func (s *Service) Language(ctx context.Context) string {
	a, err := s.find(s.web.GetString(ctx, keyName))
	if err != nil {
		return ""
	}
	return a.Language
}

// stream is one live stream to somebody's browser.
type stream struct {
	name, id string
	end      context.CancelFunc
}

// Live returns a context that ends when the person signs out, changes the
// password, is shut out or gets another role. Call end when the stream is over.
func (s *Service) Live(ctx context.Context) (live context.Context, end func()) {
	p, _ := From(ctx)
	live, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	s.count++
	n := s.count
	s.live[n] = stream{p.Name, s.web.GetString(ctx, keyID), cancel}
	s.mu.Unlock()
	return live, func() {
		s.mu.Lock()
		delete(s.live, n)
		s.mu.Unlock()
		cancel()
	}
}

// Still reports whether the web session of a live stream has neither expired
// nor been revoked. It does not count as activity of the person.
func (s *Service) Still(ctx context.Context) bool {
	fresh, err := s.web.Load(context.Background(), s.web.Token(ctx))
	if err != nil {
		s.log.Error("web session", "err", err)
		return false
	}
	_, ok, err := s.person(fresh)
	return ok && err == nil
}

func (s *Service) cutPerson(name string) {
	s.cut(func(st stream) bool { return st.name == Fold(name) })
}

func (s *Service) cut(which func(stream) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.live {
		if which(st) {
			st.end()
		}
	}
}
