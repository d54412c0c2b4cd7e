package main

import (
	"context"

	"yhteiskone/kiosk/session"
)

// rings rings for a client who asked for help on a page of ours in their
// browser, as the button on the strip does. It knows nothing of the page.
func rings(ctx context.Context, asked <-chan struct{}, m *session.Machine) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-asked:
			if m.Press(ctx, session.Press{What: "help"}) != nil {
				return // the machine has ended
			}
		}
	}
}
