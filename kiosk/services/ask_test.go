package services

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// trusting asks as the program does, but knows a test server's authority.
func trusting(t *testing.T, s *httptest.Server) func(context.Context, string, string) error {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	client := &http.Client{Timeout: 2 * time.Second, CheckRedirect: follow,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	return func(ctx context.Context, method, address string) error { return ask(ctx, client, method, address) }
}

func TestAsk(t *testing.T) {
	var seen []*http.Request
	mux := http.NewServeMux()
	mux.HandleFunc("/status/{n}", func(w http.ResponseWriter, r *http.Request) {
		var n int
		fmt.Sscan(r.PathValue("n"), &n)
		http.SetCookie(w, &http.Cookie{Name: "who", Value: "kiosk"})
		w.WriteHeader(n)
	})
	mux.HandleFunc("/chain/{n}", func(w http.ResponseWriter, r *http.Request) {
		var n int
		fmt.Sscan(r.PathValue("n"), &n)
		to := fmt.Sprintf("/chain/%d", n-1)
		if n == 0 {
			to = r.URL.Query().Get("end")
		}
		http.Redirect(w, r, to+"?"+r.URL.RawQuery, http.StatusFound)
	})
	mux.HandleFunc("/local", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://localhost:1/", http.StatusFound)
	})
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
	})
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/half", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.Write([]byte("half"))
		panic(http.ErrAbortHandler)
	})
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r)
		mux.ServeHTTP(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	asks := trusting(t, s)
	for path, answers := range map[string]bool{
		"/status/200": true, "/status/204": true, "/status/301": true, "/status/401": true, "/status/403": true, "/status/404": true,
		"/status/429": true, "/status/500": false, "/status/502": false, "/status/503": false, "/status/599": false,
		"/chain/2?end=/status/200": true, "/chain/2?end=/status/503": false,
		"/chain/9?end=/status/503": true, // we stop before its end
		"/local":                   true, "/file": true, "/endless": true, "/half": false,
	} {
		for _, method := range []string{"HEAD", "GET"} {
			if path == "/half" && method == "HEAD" || path == "/endless" && method == "HEAD" {
				continue // they have no body then
			}
			if err := asks(t.Context(), method, s.URL+path); (err == nil) != answers {
				t.Errorf("%s %s: %v", method, path, err)
			}
		}
	}
	for _, r := range seen {
		if r.Header.Get("User-Agent") != agentName || r.Header.Get("Cookie") != "" || r.Header.Get("Referer") != "" || r.Header.Get("Authorization") != "" {
			t.Errorf("%s carries %v", r.URL.Path, r.Header)
		}
	}
	chain := 0
	for _, r := range seen {
		if strings.HasPrefix(r.URL.RequestURI(), "/chain/") && strings.Contains(r.URL.RawQuery, "503") {
			chain++
		}
	}
	if chain > 2*(3+redirectsOK+1) {
		t.Errorf("%d redirects were followed", chain)
	}
}

// What does not speak, or badly, does not answer.
func TestAskTheDead(t *testing.T) {
	listen := func(serve func(net.Conn)) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				serve(c)
			}
		}()
		return l.Addr().String()
	}
	stop := make(chan struct{})
	defer close(stop)
	hangs := listen(func(c net.Conn) { go func() { <-stop; c.Close() }() })
	resets := listen(func(c net.Conn) { c.(*net.TCPConn).SetLinger(0); c.Close() })
	babbles := listen(func(c net.Conn) { fmt.Fprint(c, "SSH-2.0-OpenSSH_9.2\r\n"); c.Close() })
	stranger := httptest.NewUnstartedServer(http.NotFoundHandler())
	stranger.Config.ErrorLog = log.New(io.Discard, "", 0)
	stranger.StartTLS()
	defer stranger.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	known := httptest.NewTLSServer(http.NotFoundHandler())
	defer known.Close()
	other := "https://" + strings.Replace(strings.TrimPrefix(known.URL, "https://"), "127.0.0.1", "127.0.0.2", 1)
	asks := newAsker()
	for name, address := range map[string]string{
		"nobody listens":      gone.URL,
		"resets":              "http://" + resets,
		"resets under TLS":    "https://" + resets,
		"babbles":             "http://" + babbles,
		"no such name":        "https://no-such-service.invalid/",
		"unknown certificate": stranger.URL,
		"plain under TLS":     "https://" + babbles,
		"not an address":      "https://%zz/",
		"another's":           other,
	} {
		if err := asks(t.Context(), "HEAD", address); err == nil {
			t.Errorf("%s: it answers", name)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := asks(ctx, "GET", "http://"+hangs); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("hangs: %v", err)
	}
	if d := askTime; d != 10*time.Second {
		t.Errorf("a question may take %v", d)
	}
}
