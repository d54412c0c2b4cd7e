package front

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestParseProxies(t *testing.T) {
	p := must(ParseProxies([]string{"127.0.0.1", "10.1.0.0/16", "2001:db8::/32", "::ffff:192.0.2.1"}))
	for addr, want := range map[string]bool{"127.0.0.1": true, "127.0.0.2": false, "10.1.9.9": true, "10.2.0.1": false,
		"2001:db8::7": true, "2001:db9::7": false, "192.0.2.1": true} {
		if got := p.has(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
	for _, bad := range []string{"", "proxy.example", "10.0.0.0/33", "fe80::1%eth0", "1.2.3"} {
		if _, err := ParseProxies([]string{bad}); err == nil || !strings.Contains(err.Error(), "neither") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Whose address a request has: nobody but a configured proxy may say anything
// about it.
func TestClient(t *testing.T) {
	proxies := must(ParseProxies([]string{"127.0.0.1", "10.0.0.0/24"}))
	for _, c := range []struct {
		peer    string
		headers map[string][]string
		client  string
		secure  bool
		local   bool
	}{
		{"192.0.2.7:99", nil, "192.0.2.7", false, false},
		{"192.0.2.7:99", map[string][]string{"X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Proto": {"https"}}, "192.0.2.7", false, false},
		{"10.0.0.9:99", map[string][]string{"X-Forwarded-For": {"203.0.113.5"}, "X-Forwarded-Proto": {"https"}}, "203.0.113.5", true, false},
		{"10.0.0.9:99", map[string][]string{"X-Forwarded-For": {"6.6.6.6, 203.0.113.5, 10.0.0.3"}}, "203.0.113.5", false, false},
		{"10.0.0.9:99", map[string][]string{"X-Forwarded-For": {"6.6.6.6", "203.0.113.5"}}, "203.0.113.5", false, false},
		{"10.0.0.9:99", map[string][]string{"X-Forwarded-For": {"[2001:db8::5]:1234"}}, "2001:db8::5", false, false},
		{"10.0.0.9:99", map[string][]string{"X-Forwarded-For": {"127.0.0.1"}}, "127.0.0.1", false, false},
		{"10.0.0.9:99", map[string][]string{"X-Forwarded-For": {"203.0.113.5, nonsense"}}, "10.0.0.9", false, false},
		{"10.0.0.9:99", nil, "10.0.0.9", false, false},
		{"127.0.0.1:99", nil, "127.0.0.1", false, false}, // a proxy: whoever is behind it is not here
		{"[::1]:99", nil, "::1", false, true},
		{"[::1]:99", map[string][]string{"X-Forwarded-For": {"::1"}}, "::1", false, false}, // nobody told us of this proxy
		{"[::1]:99", map[string][]string{"Forwarded": {"for=x"}}, "::1", false, false},
		{"[::1]:99", map[string][]string{"Via": {"1.1 x"}}, "::1", false, false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Host = c.peer, "127.0.0.1:8443"
		for k, v := range c.headers {
			r.Header[k] = v
		}
		proxies.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if got := Client(r).String(); got != c.client || Secure(r) != c.secure || Local(r) != c.local {
				t.Errorf("%+v: client %s, secure %v, local %v", c, got, Secure(r), Local(r))
			}
			if host := must(netip.ParseAddrPort(r.RemoteAddr)).Addr().String(); host != c.client {
				t.Errorf("%+v: RemoteAddr is %s", c, r.RemoteAddr)
			}
			for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-Ip"} {
				if len(r.Header[name]) > 0 {
					t.Errorf("%+v: %s is still there", c, name)
				}
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	}
}

// A proxy of this machine that says nothing of itself hands on the name that its
// client asked for.
func TestLocalByName(t *testing.T) {
	for host, want := range map[string]bool{"127.0.0.1:8443": true, "127.0.0.1": true, "[::1]:8443": true, "[::1]": true, "localhost:8443": true, "LOCALHOST": true, "[::ffff:127.0.0.1]:1": true,
		"agent.example.fi": false, "agent.example.fi:8443": false, "": false, "192.0.2.1:8443": false, "localhost.example.fi": false, "127.0.0.1.example.fi": false, "0.0.0.0": false} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Host = "127.0.0.1:99", host
		Proxies(nil).Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if Local(r) != want {
				t.Errorf("%q: local is %v", host, !want)
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	}
}

// nginx with nothing but proxy_pass asks for 127.0.0.1 by HTTP/1.0 and says
// nothing of itself.
func TestLocalSpeaksNewHTTP(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr, r.Host = "127.0.0.1:99", "127.0.0.1:8443"
	if !Local(r) {
		t.Error("HTTP/1.1 is not local")
	}
	if r.Proto, r.ProtoMinor = "HTTP/1.0", 0; Local(r) {
		t.Error("HTTP/1.0 is local")
	}
}

func FuzzClient(f *testing.F) {
	f.Add("10.0.0.9:99", "203.0.113.5, 10.0.0.3")
	f.Add("[::1]:1", ",,[")
	f.Add("", "1.2.3.4%eth0")
	proxies := must(ParseProxies([]string{"10.0.0.0/24"}))
	f.Fuzz(func(t *testing.T, peer, header string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = peer
		r.Header["X-Forwarded-For"] = []string{header}
		proxies.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if !proxies.has(address(peer)) && Client(r) != address(peer) {
				t.Errorf("%q made %v of %q", header, Client(r), peer)
			}
			if Local(r) {
				t.Errorf("%q from %q counts as local", header, peer)
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	})
}

func TestHeaders(t *testing.T) {
	for strict, want := range map[bool]string{true: "max-age=31536000", false: ""} {
		h := Headers(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "x") }), strict)
		r := httptest.NewRequest("GET", "https://agent.example/", nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get("Strict-Transport-Security"); got != want {
			t.Errorf("strict %v over TLS: %q", strict, got)
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%q", csp)
		}
		r.TLS = nil
		w = httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get("Strict-Transport-Security"); got != "" {
			t.Errorf("without TLS: %q", got)
		}
	}
}

// from is a listener whose connections come from where the test says.
type from struct {
	next chan string
	gone chan string // addresses whose connections were closed
}

type pretended struct {
	net.Conn
	addr string
	gone chan string
}

func (p pretended) RemoteAddr() net.Addr { return must(net.ResolveTCPAddr("tcp", p.addr)) }
func (p pretended) Close() error         { p.gone <- p.addr; return nil }

func (f from) Accept() (net.Conn, error) {
	addr, ok := <-f.next
	if !ok {
		return nil, net.ErrClosed
	}
	return pretended{nil, addr, f.gone}, nil
}
func (f from) Close() error   { return nil }
func (f from) Addr() net.Addr { return nil }

func TestLimit(t *testing.T) {
	f := from{make(chan string, 20), make(chan string, 20)}
	l := Limit(f, Limits{All: 6, Each: 2}, must(ParseProxies([]string{"10.0.0.1"})))
	for _, a := range []string{"192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3", // the third is too many
		"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1", // one house
		"10.0.0.1:1", "127.0.0.1:1", "127.0.0.1:2"} { // the last: all are six
		f.next <- a
	}
	close(f.next)
	var open []net.Conn
	for {
		c, err := l.Accept()
		if err != nil {
			break
		}
		open = append(open, c)
	}
	var refused []string
	for range 3 {
		refused = append(refused, <-f.gone)
	}
	if got := strings.Join(refused, " "); got != "192.0.2.1:3 [2001:db8::3]:1 127.0.0.1:2" {
		t.Errorf("refused: %s", got)
	}
	if n, no := l.Count(); n != 6 || no != 3 || len(open) != 6 {
		t.Errorf("%d open, %d refused, %d accepted", n, no, len(open))
	}
	for _, c := range open {
		c.Close()
		c.Close() // a second time counts nothing
	}
	if n, _ := l.Count(); n != 0 || len(l.each) != 0 {
		t.Errorf("after all are closed: %d, %v", n, l.each)
	}
}

// Connections that a handler took over count until they are closed, too.
func TestLimitHijacked(t *testing.T) {
	inner := must(net.Listen("tcp", "127.0.0.1:0"))
	l := Limit(inner, Limits{All: 2, Each: 1}, nil)
	taken := make(chan net.Conn, 1)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		taken <- c
	})}
	go s.Serve(l)
	defer s.Close()
	c := must(net.Dial("tcp", inner.Addr().String()))
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	conn := <-taken
	if n, _ := l.Count(); n != 1 {
		t.Errorf("%d open", n)
	}
	conn.Close()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(5 * time.Second); ; <-tick.C {
		if n, _ := l.Count(); n == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("a connection that was taken over and closed still counts")
		}
	}
}
