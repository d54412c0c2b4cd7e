package staff

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"yhteiskone/internal/fleet"
)

// tokenMark begins every bearer token, so that one that leaked is recognised.
const tokenMark = "yk_"

// ErrToken says that a request for /api does not carry a token of this agent.
var ErrToken = errors.New("the bearer token is missing or not known")

// AddToken makes a bearer token for /api. It is returned once; only its hash
// is kept.
func (s *Service) AddToken(by, name string, role Role, site fleet.SiteID) (string, error) {
	if err := fleet.CheckName("the name", name); err != nil {
		return "", err
	}
	if _, err := ParseRole(string(role)); err != nil {
		return "", err
	}
	if site != "" && !site.Valid() {
		return "", fmt.Errorf("site %q is not an identifier: use a-z, 0-9 and '-'", site)
	}
	token := tokenMark + rand.Text()
	if err := s.note(by, "token_added", site, name); err != nil {
		return "", err
	}
	if err := s.tokens.AddToken(Token{Hash: hashToken(token), Name: name, Role: role, Site: site, Created: s.now()}); err != nil {
		return "", fmt.Errorf("add the token %s: %w", name, err)
	}
	return token, nil
}

// RemoveToken makes a token worthless at once.
func (s *Service) RemoveToken(by, name string) error {
	if err := s.note(by, "token_removed", "", name); err != nil {
		return err
	}
	if err := s.tokens.DeleteToken(name); err != nil {
		return fmt.Errorf("remove the token %s: %w", name, err)
	}
	return nil
}

// TokenPerson returns who holds the token of an Authorization header, or
// ErrToken. What they may do, May decides as for everybody.
func (s *Service) TokenPerson(_ context.Context, header string) (Person, error) {
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "bearer") || !strings.HasPrefix(token, tokenMark) || len(token) > 100 {
		return Person{}, ErrToken
	}
	t, err := s.tokens.Token(hashToken(token))
	if errors.Is(err, ErrNotFound) {
		return Person{}, ErrToken
	}
	if err != nil {
		return Person{}, fmt.Errorf("look up a token: %w", err)
	}
	return Person{Name: "token " + t.Name, Shown: t.Name, Role: t.Role, Site: t.Site}, nil
}

func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte("yhteiskone token " + token))
	return sum[:]
}
