package services

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Limits of one question.
const (
	askTime     = 10 * time.Second
	bodyMost    = 4 << 10
	headerMost  = 64 << 10
	redirectsOK = 5
)

// agentName is what services see: what it is, and of no machine.
const agentName = "Yhteiskone/1 (availability check)"

// newAsker returns the ordinary way to ask: every certificate is checked,
// nothing is kept from one question to the next.
func newAsker() func(ctx context.Context, method, address string) error {
	client := &http.Client{
		Timeout:       askTime,
		CheckRedirect: follow,
		Transport: &http.Transport{DisableKeepAlives: true, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: headerMost,
			TLSHandshakeTimeout: askTime},
	}
	return func(ctx context.Context, method, address string) error { return ask(ctx, client, method, address) }
}

// ask returns nil if the service answers: with anything but its own failure.
func ask(ctx context.Context, client *http.Client, method, address string) error {
	r, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return fmt.Errorf("ask a service: %w", err)
	}
	r.Header.Set("User-Agent", agentName)
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("ask a service: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 500 {
		return fmt.Errorf("ask a service: it answers %d", answer.StatusCode)
	}
	// A page whose beginning does not come is no page.
	if _, err := io.CopyN(io.Discard, answer.Body, bodyMost); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("ask a service: %w", err)
	}
	return nil
}

// follow goes along with a few redirects; at the end of them the service has
// answered. None may send us to a number instead of a name: that could be this
// machine or its neighbours.
func follow(r *http.Request, via []*http.Request) error {
	if len(via) > redirectsOK || !elsewhere(r.URL, via[0].URL) {
		return http.ErrUseLastResponse
	}
	r.Header.Del("Referer")
	return nil
}

func elsewhere(to, from *url.URL) bool {
	if to.Scheme != "http" && to.Scheme != "https" {
		return false
	}
	return to.Hostname() == from.Hostname() || to.Hostname() != "localhost" && net.ParseIP(to.Hostname()) == nil
}
