package publish_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"yhteiskone/internal/release"
	"yhteiskone/internal/wire"
	"yhteiskone/provision/publish"
)

// agent keeps a release as the real one does, and loses its line now and then.
type agent struct {
	sync.Mutex // a request whose line was lost may still be answered
	got        map[string][]byte
	kept       bool
	asked      int
	losesAt    func(n int) (before, after bool) // the request, or its answer
	refuse     int
}

func (a *agent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.Lock()
	defer a.Unlock()
	a.asked++
	before, after := false, false
	if a.losesAt != nil {
		before, after = a.losesAt(a.asked)
	}
	if before {
		panic(http.ErrAbortHandler)
	}
	if a.refuse != 0 {
		body, _ := wire.EncodeBody(wire.Refusal{Code: wire.RefusedAccess, Text: "No.", Todo: "Ask somebody else."})
		w.WriteHeader(a.refuse)
		w.Write(body)
		return
	}
	has := wire.ReleaseHas{Version: "1.0", Have: map[string]int64{}, Kept: a.kept}
	name := strings.TrimPrefix(r.URL.Path, wire.ReleasesPath+"/1.0/")
	switch {
	case r.Header.Get("Authorization") != "Bearer t":
		w.WriteHeader(http.StatusUnauthorized)
		return
	case r.Method == http.MethodPut:
		from, _ := strconv.Atoi(r.URL.Query().Get("from"))
		piece, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.ReleasePiece))
		if from == len(a.got[name]) {
			a.got[name] = append(a.got[name], piece...)
		}
	case r.URL.Path == wire.ReleasesPath+"/1.0":
		a.kept, has.Kept = true, true
	}
	if after {
		panic(http.ErrAbortHandler)
	}
	for name, text := range a.got {
		has.Have[name] = int64(len(text))
	}
	json.NewEncoder(w).Encode(has)
}

func made(t *testing.T) (dir string, root string) {
	t.Helper()
	dir, root = t.TempDir(), strings.Repeat("0123456789abcdef", 200_000) // four pieces
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(release.Root, root)
	put(release.Kernel, "kernel")
	put(release.Initrd, "initrd")
	put(release.SlotConfig, "set version=1.0\nset roothash="+strings.Repeat("ab", 32)+"\n")
	m, err := release.Describe(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	put(release.ManifestName, string(text))
	return dir, root
}

func start(t *testing.T, a *agent) publish.Agent {
	t.Helper()
	a.got = map[string][]byte{}
	s := httptest.NewServer(a)
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	return publish.Agent{Client: s.Client(), Base: s.URL, Token: "t", Pause: time.Millisecond}
}

// A line that loses every third request, and every fourth answer, brings all of
// it, once.
func TestLossyLine(t *testing.T) {
	dir, root := made(t)
	a := &agent{losesAt: func(n int) (bool, bool) { return n%3 == 0, n%4 == 0 }}
	to := start(t, a)
	var last, all int64
	s, err := publish.Run(t.Context(), to, dir, func(n, most int64) { last, all = n, most })
	if err != nil {
		t.Fatal(err)
	}
	if !a.kept || string(a.got[release.Root]) != root || string(a.got[release.Kernel]) != "kernel" || last != s.Size() || all != s.Size() {
		t.Errorf("kept %v, %d bytes of the root, said %d of %d", a.kept, len(a.got[release.Root]), last, all)
	}
	// What is there is not brought again.
	a.Lock()
	asked := a.asked
	a.losesAt = nil
	a.Unlock()
	if _, err := publish.Run(t.Context(), to, dir, func(int64, int64) {}); err != nil || a.asked != asked+1 {
		t.Errorf("%v, asked %d times more", err, a.asked-asked)
	}
}

// A tool that was ended goes on where it was.
func TestGoesOn(t *testing.T) {
	dir, root := made(t)
	a := &agent{losesAt: func(n int) (bool, bool) { return n > 3, false }}
	to := start(t, a)
	if _, err := publish.Run(t.Context(), to, dir, func(int64, int64) {}); !errors.Is(err, publish.ErrNotNow) {
		t.Fatal(err)
	}
	if len(a.got[release.Root]) != 2*wire.ReleasePiece || a.kept {
		t.Fatalf("%d bytes", len(a.got[release.Root]))
	}
	a.Lock()
	a.losesAt, a.asked = nil, 0
	a.Unlock()
	if _, err := publish.Run(t.Context(), to, dir, func(int64, int64) {}); err != nil || string(a.got[release.Root]) != root {
		t.Errorf("%d bytes, %v", len(a.got[release.Root]), err)
	}
	if a.asked != 1+2+3+1 { // begin, two pieces of the root, three small files, the end
		t.Errorf("asked %d times", a.asked)
	}
}

func TestRefused(t *testing.T) {
	dir, _ := made(t)
	for status, later := range map[int]bool{400: false, 403: false, 429: true, 503: true} {
		a := &agent{refuse: status}
		to := start(t, a)
		_, err := publish.Run(t.Context(), to, dir, func(int64, int64) {})
		if err == nil || errors.Is(err, publish.ErrNotNow) != later || !strings.Contains(err.Error(), "No. Ask somebody else.") {
			t.Errorf("%d: %v", status, err)
		}
		if !later && a.asked != 1 {
			t.Errorf("%d: asked %d times", status, a.asked)
		}
	}
}
