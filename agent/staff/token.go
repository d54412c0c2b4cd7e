package staff

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"yhteiskone/internal/fleet"
)

// tokenMark begins every bearer token, so that one that leaked is recognised.
const tokenMark = "yk_"

// ErrToken says that a request for /api does not carry a token of this agent.
var ErrToken = errors.New("the bearer token is missing or not known")

// tokenPerson begins the name of whoever holds a token; no person's does.
const tokenPerson = "token "

// AddToken makes a bearer token for /api. It is returned once; only its hash
// is kept.
func (s *Service) AddToken(by, name string, grants []Grant) (string, error) {
	if err := fleet.CheckName("the name", name); err != nil {
		return "", err
	}
	grants, err := CheckGrants(grants)
	if err != nil {
		return "", err
	}
	token := tokenMark + rand.Text()
	if err := s.note(by, "token_added", only(grants), name); err != nil {
		return "", err
	}
	if err := s.tokens.AddToken(Token{Hash: hashToken(token), Name: name, Grants: grants, Created: s.now()}); err != nil {
		return "", fmt.Errorf("add the token %s: %w", name, err)
	}
	return token, nil
}

// RemoveToken makes a token worthless at once.
func (s *Service) RemoveToken(by, name string) error {
	all, err := s.tokens.Tokens()
	if err != nil {
		return fmt.Errorf("remove the token %s: %w", name, err)
	}
	i := slices.IndexFunc(all, func(t Token) bool { return t.Name == name })
	if i < 0 {
		return fmt.Errorf("remove the token %s: %w", name, ErrNotFound)
	}
	if err := s.note(by, "token_removed", only(all[i].Grants), name); err != nil {
		return err
	}
	if err := s.tokens.DeleteToken(name); err != nil {
		return fmt.Errorf("remove the token %s: %w", name, err)
	}
	return nil
}

// ListTokens lists the tokens without what they are known by.
func (s *Service) ListTokens() ([]Token, error) {
	all, err := s.tokens.Tokens()
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	for i := range all {
		all[i].Hash = nil
	}
	return all, nil
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
	return Person{Name: tokenPerson + t.Name, Shown: t.Name, Grants: t.Grants}, nil
}

func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte("yhteiskone token " + token))
	return sum[:]
}
