package staff

import (
	"context"
	"fmt"

	"yhteiskone/internal/fleet"
)

// AddWithPassword adds a person whose password somebody has chosen already.
// It is for the agent's own command line; Invite is the ordinary way.
func (s *Service) AddWithPassword(ctx context.Context, by, name string, role Role, site fleet.SiteID, password string) error {
	if err := checkPassword(password, name); err != nil {
		return err
	}
	hash, err := s.hasher.make(ctx, password)
	if err != nil {
		return err
	}
	if _, _, err := s.Invite(by, name, role, site); err != nil {
		return err
	}
	err = s.accounts.ChangeAccount(Fold(name), func(a *Account) error {
		a.PasswordHash, a.CodeHash = hash, nil
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep the password of %s: %w", name, err)
	}
	return nil
}
