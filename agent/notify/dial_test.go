package notify

import (
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// The address is looked at when the connection is made: a name that leads to
// this machine gets no connection, whatever was thought of it before.
func TestDial(t *testing.T) {
	var hits atomic.Int32
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	named := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	for _, address := range []string{server.URL, named} {
		if _, err := net.DefaultResolver.LookupHost(t.Context(), "localhost"); err != nil && address == named {
			t.Logf("a name was not tried: this machine knows none of its own (%v)", err)
			continue
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if why := post(web(nil, roots), r); why != WhyAddress || hits.Load() != 0 {
			t.Errorf("%s: %q, %d connections", address, why, hits.Load())
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if why := post(web([]string{server.URL}, roots), r); why != WhyNone || hits.Load() != 1 {
		t.Errorf("an exception: %q", why)
	}
}
