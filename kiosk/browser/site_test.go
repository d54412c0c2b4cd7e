package browser_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"yhteiskone/internal/e2e/slow"
)

// site is a service on this machine that leaves as much as it can in the
// browser that opens it.
type site struct {
	*httptest.Server
	marker string
	told   chan told
	mu     sync.Mutex
	asked  map[string]int
}

// told is what the page says of itself.
type told struct {
	History   int
	WebDriver bool
	Referrer  string
	Languages []string
	Stored    bool
	Wrong     string
}

const sitePage = `<!doctype html><meta charset=utf-8><title>%[1]s</title><link rel=icon href="data:,"><p>%[1]s
<script>
(async () => {
  const m = '%[1]s', said = { History: history.length, WebDriver: navigator.webdriver, Referrer: document.referrer, Languages: navigator.languages };
  try {
    document.cookie = 'c=' + m + ';max-age=86400';
    localStorage.setItem('l', m);
    await new Promise((ok, no) => {
      const o = indexedDB.open('d', 1);
      o.onupgradeneeded = () => o.result.createObjectStore('s');
      o.onsuccess = () => { const t = o.result.transaction('s', 'readwrite'); t.objectStore('s').put(m.repeat(1000), 'k'); t.oncomplete = ok; t.onerror = no };
      o.onerror = no;
    });
    await (await caches.open('x')).put('/cached', new Response(m));
    said.Stored = document.cookie.includes(m) && localStorage.getItem('l') === m;
    const a = document.createElement('a');
    a.href = '/statement.pdf'; a.download = m + '.pdf'; document.body.append(a); a.click();
  } catch (e) { said.Wrong = String(e) }
  await fetch('/told', { method: 'POST', body: JSON.stringify(said) });
})();
</script>`

func newSite(t testing.TB, d *desk, marker string) *site {
	s := &site{marker: marker, told: make(chan told, 8), asked: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, sitePage, marker)
	})
	mux.HandleFunc("GET /statement.pdf", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/pdf")
		io.WriteString(w, "%PDF-1.4 "+marker)
	})
	mux.HandleFunc("POST /told", func(w http.ResponseWriter, r *http.Request) {
		var x told
		if err := json.NewDecoder(r.Body).Decode(&x); err != nil {
			t.Error(err)
		}
		s.told <- x
	})
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked[r.URL.Path]++
		s.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	d.reach = append(d.reach, netip.MustParseAddrPort(s.Listener.Addr().String()))
	return s
}

func (s *site) times(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[path]
}

func (s *site) hear(t testing.TB) told {
	t.Helper()
	select {
	case x := <-s.told:
		return x
	case <-time.After(slow.Stretch(15 * time.Second)):
		t.Fatal("the page did not open")
	}
	return told{}
}
