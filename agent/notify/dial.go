package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// errAddress says that a name led to an address that we do not connect to.
var errAddress = errors.New("an address that the agent does not connect to")

// refused are the networks that a webhook never reaches: this machine, what is
// around it, and what may stand for those.
func refused() []netip.Prefix {
	var all []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
		"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		"224.0.0.0/4", "240.0.0.0/4",
		"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
		"::/3", "4000::/2", "8000::/1", // all but what is given out for the whole network
	} {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

// mayReach reports whether a webhook may connect to the address.
func mayReach(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return a.IsValid() && !slices.ContainsFunc(refused(), func(p netip.Prefix) bool { return p.Contains(a) })
}

// literallyRefused tells early what the dialler would refuse anyway, for a
// host that is written as an address or that names this machine.
func literallyRefused(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && !mayReach(a)
}

// webTime is how long a webhook may take, from the first packet to the last.
const webTime = 20 * time.Second

// answerLimit is how much of an answer is read, to keep the line usable; it is
// thrown away.
const answerLimit = 4 << 10

// web makes the client for webhooks. The address that a name leads to is looked
// at when the connection is made, after the look-up, so that a name cannot
// lead to one place when it is checked and to another when it is used.
func web(allow []string, roots *x509.CertPool) *http.Client {
	var excepted []string // host:port
	for _, s := range allow {
		if u, err := url.Parse(s); err == nil {
			port := u.Port()
			if port == "" {
				port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
			}
			excepted = append(excepted, net.JoinHostPort(strings.ToLower(u.Hostname()), port))
		}
	}
	open := net.Dialer{Timeout: webTime / 2}
	guarded := net.Dialer{Timeout: webTime / 2, Control: func(_, address string, _ syscall.RawConn) error {
		a, err := netip.ParseAddrPort(address)
		if err != nil || !mayReach(a.Addr()) {
			return errAddress
		}
		return nil
	}}
	return &http.Client{Timeout: webTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: nil, // what stands between us and the address would make the look at it worthless
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				if slices.Contains(excepted, strings.ToLower(address)) {
					return open.DialContext(ctx, network, address)
				}
				return guarded.DialContext(ctx, network, address)
			},
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			TLSHandshakeTimeout:    webTime / 2,
			ResponseHeaderTimeout:  webTime / 2,
			MaxResponseHeaderBytes: 16 << 10,
			DisableKeepAlives:      true, // a message now and then needs no line that stays
			DisableCompression:     true,
		}}
}

// post sends a request and says why it failed.
func post(c *http.Client, r *http.Request) Why {
	resp, err := c.Do(r)
	if err != nil {
		return whyOf(err)
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, answerLimit)) // whatever it says is not for us
	switch resp.StatusCode / 100 {
	case 2:
		return WhyNone
	case 3:
		return WhyRedirect
	}
	return WhyRefused
}

// whyOf puts an error of a connection into a word. The error itself names the
// address, so it goes no further.
func whyOf(err error) Why {
	var name *net.DNSError
	var timeout net.Error
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var check *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errAddress):
		return WhyAddress
	case errors.As(err, &name) && !name.IsTimeout:
		return WhyName
	case errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid), errors.As(err, &check):
		return WhyTrust
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return WhyTime
	}
	return WhyLine
}
