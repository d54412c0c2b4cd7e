package dashboard

import (
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"yhteiskone/agent/staff"
)

// TestBrowserWeighsTheFirstPage counts every byte of every answer that the
// first page, the sign-in before it and a board cause in a fresh browser, and
// looks that no page asks anything of another host. The browser goes through a
// proxy that counts; it knows one host only, and refuses what the browser asks
// of its maker's.
func TestBrowserWeighsTheFirstPage(t *testing.T) {
	h := newHouse(t)
	h.town()
	h.call(kioskID(1), 2)
	board := h.hang("illusia")
	var mu sync.Mutex
	bytes := map[string]int{}
	proxy := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, _ := url.Parse(h.url)
		if r.Host != u.Host {
			http.Error(w, "nothing but our own host", http.StatusForbidden)
			return
		}
		out := must(http.NewRequestWithContext(r.Context(), r.Method, h.url+r.URL.RequestURI(), r.Body))
		out.Header = r.Header.Clone()
		resp, err := http.DefaultTransport.RoundTrip(out)
		if err != nil {
			http.Error(w, "gone", http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		for k, v := range resp.Header {
			w.Header()[k] = v
		}
		w.WriteHeader(resp.StatusCode)
		buf := make([]byte, 4096)
		for {
			n, err := resp.Body.Read(buf)
			mu.Lock()
			bytes[r.URL.Path] += n
			mu.Unlock()
			w.Write(buf[:n])
			http.NewResponseController(w).Flush()
			if err != nil {
				return
			}
		}
	})}
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	go proxy.Serve(l)
	defer proxy.Close()
	ctx := browser(t, chromedp.ProxyServer("http://"+l.Addr().String()), chromedp.Flag("proxy-bypass-list", "<-loopback>"),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true))
	h.enter(ctx, "satu", staff.Admin)
	wait(t, ctx, 10*time.Second, `document.querySelector("[data-ring]") !== null`)
	mu.Lock()
	first := 0
	for p, n := range bytes { // the sign-in page, the first page, and all that both need
		first += n
		t.Logf("%s: %d bytes", p, n)
	}
	if first > 100_000 || bytes["/"] == 0 || bytes["/static/dashboard.css"] == 0 || bytes["/static/live.js"] == 0 {
		t.Errorf("the first page weighs %d bytes: %v", first, bytes)
	}
	clear(bytes)
	mu.Unlock()
	for _, path := range []string{board, "/reports", "/tally", "/kiosks/" + string(kioskID(3)), "/help", "/audit", "/staff", "/walls", "/releases"} {
		do(t, ctx, chromedp.Navigate(h.url+path))
		wait(t, ctx, 10*time.Second, `document.readyState === "complete" && performance.getEntriesByType("resource").length >= 2`)
		others, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`performance.getEntriesByType("resource").map((e) => e.name).filter((n) => !n.startsWith(location.origin + "/"))`))
		if err != nil || len(others) > 0 {
			t.Errorf("%s asks %q (%v)", path, others, err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if bytes[board] == 0 || bytes["/reports"] == 0 {
		t.Error("the proxy saw nothing: this test looks at nothing")
	}
}
