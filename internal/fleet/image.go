package fleet

import (
	"errors"
	"strings"
)

// ImageOffer is a release of the image that a kiosk is to take. Where it comes
// from is not in it: a kiosk asks its own agent only.
type ImageOffer struct {
	Version  string // 1 to 40 of a-z, 0-9, '.', '-' and '+', beginning with a digit
	Manifest string // SHA-256 of its manifest, 64 hexadecimal digits
	Ticket   string // lets this kiosk fetch it for as long as the order lives; no secret of the kiosk's
	Older    bool   // also if it is older than what runs
}

// TicketLimit is how long a ticket may be.
const TicketLimit = 200

// Check says in one sentence what is wrong with an offer, or returns nil.
func (o ImageOffer) Check() error {
	within := func(s, more string) bool {
		for i := range len(s) {
			c := s[i]
			if (c < '0' || c > '9') && (c < 'a' || c > 'z') && strings.IndexByte(more, c) < 0 {
				return false
			}
		}
		return true
	}
	switch {
	case len(o.Version) == 0 || len(o.Version) > 40 || o.Version[0] < '0' || o.Version[0] > '9' || !within(o.Version, ".-+"):
		return errors.New("the offered version is not a version")
	case len(o.Manifest) != 64 || !within(o.Manifest, ""):
		return errors.New("the offered manifest is not a SHA-256")
	case len(o.Ticket) > TicketLimit || !within(o.Ticket, ".-_ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
		return errors.New("the ticket is not a ticket")
	}
	return nil
}

// UpdateWhys are the words with which a kiosk answers that it did not take an
// image, besides those of every command.
func UpdateWhys() []string { return []string{"no_image", "older", "too_old", "untrusted", "on_trial"} }
