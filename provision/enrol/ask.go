package enrol

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/wire"
)

// Codes asks which codes could still be used.
func Codes(ctx context.Context, o Options) (wire.EnrolmentList, error) {
	return list[wire.EnrolmentList](ctx, o, wire.EnrolmentsPath)
}

// Kiosk is what a label says of a kiosk.
type Kiosk struct {
	ID    fleet.KioskID `json:"id"`
	Name  string        `json:"name"`
	Place string        `json:"place"`
	Site  fleet.SiteID  `json:"site"`
}

// Kiosks asks which kiosks there are. It needs an address, not a socket.
func Kiosks(ctx context.Context, o Options) ([]Kiosk, error) {
	return list[[]Kiosk](ctx, o, "/api/v1/kiosks")
}

// Revoke makes the code with the identifier worthless.
func Revoke(ctx context.Context, o Options, id string) error {
	client, base, err := o.client()
	if err != nil {
		return err
	}
	_, err = call(ctx, client, http.MethodDelete, base+wire.EnrolmentsPath+"/"+url.PathEscape(id), o.Token, nil, http.StatusNoContent)
	return err
}

func list[T any](ctx context.Context, o Options, path string) (all T, err error) {
	client, base, err := o.client()
	if err != nil {
		return all, err
	}
	text, err := call(ctx, client, http.MethodGet, base+path, o.Token, nil, http.StatusOK)
	if err != nil {
		return all, err
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return all, fmt.Errorf("the agent's answer cannot be read: %w", err)
	}
	return all, nil
}
