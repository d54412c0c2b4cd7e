package dashboard

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"yhteiskone/agent/staff"
)

// What never changes comes compressed to who unpacks it, and so do the pages
// that have a card for every machine; no page does on which a secret may stand.
func TestWhatIsCompressed(t *testing.T) {
	h := newHouse(t)
	h.town()
	for i := range 140 { // more than would stay light otherwise
		h.put(kiosk(100+i, "illusia", "Illusia", fmt.Sprint("Kone ", 100+i), ""))
	}
	person := h.person("satu", staff.Admin, "")
	ask := func(path, accepts string) *http.Response {
		r := must(http.NewRequest("GET", h.url+path, nil))
		r.Header.Set("Accept-Encoding", accepts) // so that the client leaves the answer as it is
		resp, err := person.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	want := string(must(staticFiles.ReadFile("static/dashboard.css")))
	for accepts, packed := range map[string]bool{"gzip, deflate, br, zstd": true, "br, gzip;q=0.5": true, "br": false, "gzip;q=0, br": false, "gzip; q=0.0": false, "*": false, "": false, "xgzip": false} {
		resp := ask("/static/dashboard.css", accepts)
		if resp.Header.Get("Content-Encoding") == "gzip" != packed || resp.Header.Get("Vary") != "Accept-Encoding" || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/css") {
			t.Errorf("%q: %v", accepts, resp.Header)
		}
		body := io.Reader(resp.Body)
		if packed {
			body = must(gzip.NewReader(body))
		}
		if got := string(must(io.ReadAll(body))); got != want {
			t.Errorf("%q: %d bytes of %d", accepts, len(got), len(want))
		}
	}
	for _, path := range []string{"/", "/sites/illusia"} {
		resp := ask(path, "gzip")
		packed := must(io.ReadAll(resp.Body))
		page := string(must(io.ReadAll(must(gzip.NewReader(bytes.NewReader(packed))))))
		if len(packed) > 60_000 || len(page) < 80_000 || !strings.Contains(page, "Kone 239") || !slices.Contains(resp.Header["Vary"], "Accept-Encoding") {
			t.Errorf("%s: %d bytes for %d, %v", path, len(packed), len(page), resp.Header)
		}
		if resp := ask(path, "br"); resp.Header.Get("Content-Encoding") != "" || string(must(io.ReadAll(resp.Body)))[:15] != "<!doctype html>" {
			t.Errorf("%s comes compressed to who does not unpack it", path)
		}
	}
	for _, path := range []string{"/sign-in", "/walls", "/staff", "/account", "/invite", "/audit"} {
		if resp := ask(path, "gzip"); resp.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s is compressed", path)
		}
	}
}
