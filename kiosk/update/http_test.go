package update_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"yhteiskone/kiosk/update"
)

// From the agent: with its ticket, from a place on, and what is refused for
// good is told apart from what is not.
func TestHTTP(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789"), 1000)
	status, ranges := 0, true
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t1" || r.URL.Path != "/release/1.2/vmlinuz" {
			t.Errorf("%s %v", r.URL, r.Header)
		}
		if status != 0 {
			w.WriteHeader(status)
			return
		}
		if !ranges {
			r.Header.Del("Range")
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
	}))
	defer s.Close()
	h := update.HTTP{Client: s.Client(), Agent: s.URL + "/", Version: "1.2", Ticket: "t1"}
	for _, from := range []int64{0, 1, 9999} {
		body, err := h.Open(t.Context(), "vmlinuz", from)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		if err != nil || !bytes.Equal(got, text[from:]) {
			t.Errorf("from %d: %d bytes, %v", from, len(got), err)
		}
		if err := body.Close(); err != nil {
			t.Error(err)
		}
	}
	ranges = false // a proxy that gives all of it again must not be written behind what is there
	if _, err := h.Open(t.Context(), "vmlinuz", 5); err == nil || errors.Is(err, update.ErrRefused) {
		t.Errorf("the whole file for a part of it: %v", err)
	}
	for code, refused := range map[int]bool{403: true, 404: true, 429: false, 500: false, 503: false, 302: false} {
		status = code
		if _, err := h.Open(t.Context(), "vmlinuz", 0); err == nil || errors.Is(err, update.ErrRefused) != refused {
			t.Errorf("%d: %v", code, err)
		}
	}
}
