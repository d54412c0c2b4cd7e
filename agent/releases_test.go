package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"yhteiskone/agent/gate"
	"yhteiskone/agent/staff"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/release"
	"yhteiskone/internal/wire"
)

// enrolled has the store know the kiosk that the board knows.
func enrolled(t *testing.T, a *agent) fleet.KioskID {
	t.Helper()
	now := time.Now()
	if err := a.store.PutCode(store.Code{Hash: []byte("code"), Site: "ranta", Name: "Kone 1", Uses: 1, Expires: now.Add(time.Hour)}, "x", now); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.store.Enrol(gate.Use{CodeHash: []byte("code"), PublicKey: []byte("key"), At: now, NewID: walkKiosk}); err != nil {
		t.Fatal(err)
	}
	return walkKiosk
}

// A release comes in over the network, is offered to a kiosk, and the kiosk's
// ticket fetches it.
func TestReleaseWay(t *testing.T) {
	a, _ := insideAgent(t)
	c := a.people.console
	handler := a.routes()
	token, err := a.people.staff.AddToken(staff.Console, "tech", staff.At(staff.Technician))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path, bearer string, body []byte) (int, []byte) {
		r := httptest.NewRequest(method, path, bytes.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+bearer)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Code, w.Body.Bytes()
	}
	files := map[string]string{release.Root: "the root and its tree\n", release.Kernel: "a kernel\n", release.Initrd: "an initrd\n",
		release.SlotConfig: "set version=2026.11.29\nset roothash=" + fmt.Sprintf("%064d", 0) + "\n"}
	dir, key := t.TempDir(), release.NewKey()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m, err := release.Describe(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	signature, err := key.Sign(text, "x")
	if err != nil {
		t.Fatal(err)
	}
	begin, err := json.Marshal(wire.ReleaseBegin{Manifest: text, Signature: signature})
	if err != nil {
		t.Fatal(err)
	}
	if code, said := ask("POST", wire.ReleasesPath, token, begin); code != http.StatusConflict {
		t.Errorf("without a key: %d %s", code, said)
	}
	if _, err := c.releases.SetKey(key.Public().Encode()); err != nil {
		t.Fatal(err)
	}
	if code, said := ask("POST", wire.ReleasesPath, token, begin); code != 200 {
		t.Fatalf("%d %s", code, said)
	}
	at := wire.ReleasesPath + "/2026.11.29"
	if code, _ := ask("POST", at, token, nil); code != http.StatusBadRequest {
		t.Errorf("an empty release: %d", code)
	}
	for name, text := range files {
		for from := 0; from < len(text); from += 10 {
			code, said := ask("PUT", fmt.Sprintf("%s/%s?from=%d", at, name, from), token, []byte(text[from:min(from+10, len(text))]))
			if code != 200 {
				t.Fatalf("%s from %d: %d %s", name, from, code, said)
			}
		}
	}
	// A piece that came before says how far it is.
	if code, said := ask("PUT", at+"/vmlinuz?from=0", token, []byte("a")); code != 200 || !bytes.Contains(said, []byte(`"vmlinuz":9`)) {
		t.Errorf("%d %s", code, said)
	}
	if code, said := ask("POST", at, token, nil); code != 200 {
		t.Fatalf("%d %s", code, said)
	}
	// The kiosk is in the store as well, so that it has orders.
	id := enrolled(t, a)
	elsewhere, err := a.people.staff.AddToken(staff.Console, "tori", staff.At(staff.Technician, "tori"))
	if err != nil {
		t.Fatal(err)
	}
	for _, bearer := range []string{elsewhere, token} {
		want := map[string]int{elsewhere: http.StatusForbidden, token: http.StatusOK}[bearer]
		if code, said := ask("POST", at+"/offers", bearer, []byte(`{"site":"ranta"}`)); code != want || want == 200 && string(said) != "{\"names\":[\"Kone 1\"]}\n" {
			t.Errorf("offered: %d %s, not %d", code, said, want)
		}
	}
	for _, bad := range []string{"{}", `{"site":"ranta","all":true}`, `{"kiosks":["kbbbbbbbbbbbb"]}`, "x"} {
		if code, said := ask("POST", at+"/offers", token, []byte(bad)); code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", bad, code, said)
		}
	}
	orders, err := a.store.Orders(id, time.Now())
	if err != nil || len(orders) != 1 {
		t.Fatal(orders, err)
	}
	image := orders[0].Command.Image
	if want := (fleet.ImageOffer{Version: "2026.11.29", Manifest: release.SumOf(text), Ticket: image.Ticket}); image != want {
		t.Errorf("%+v, not %+v", image, want)
	}
	orders[0].Command.TTL = time.Minute // as the gate gives it what is left of its life
	if _, err := wire.Encode(wire.OrderOf(orders[0].Command)); err != nil {
		t.Error(err)
	}
	if code, said := ask("GET", "/release/2026.11.29/vmlinuz", image.Ticket, nil); code != 200 || string(said) != files[release.Kernel] {
		t.Errorf("%d %s", code, said)
	}
	if code, _ := ask("GET", "/release/2026.11.29/vmlinuz", token, nil); code != http.StatusForbidden {
		t.Errorf("a token is no ticket: %d", code)
	}
	entries, err := a.store.Entries("", 10)
	if err != nil || len(entries) < 2 || entries[0].Action != "command" || entries[0].Detail != "update_image 2026.11.29" || entries[0].Who != "token tech" {
		t.Errorf("%+v, %v", entries, err)
	}
	found := false
	for _, e := range entries {
		found = found || e.Action == "release_added" && e.Who == "token tech" && e.Detail == "2026.11.29"
	}
	if !found {
		t.Errorf("nothing of the release in %+v", entries)
	}
}

// Whoever publishes over a line that stands still keeps nobody waiting: neither
// a kiosk that gets its ticket nor another who publishes.
func TestReleaseStandsStill(t *testing.T) {
	a, _ := insideAgent(t)
	keep, handler := a.people.console.releases, a.routes()
	token, err := a.people.staff.AddToken(staff.Console, "tech", staff.At(staff.Technician))
	if err != nil {
		t.Fatal(err)
	}
	key := release.NewKey()
	if _, err := keep.SetKey(key.Public().Encode()); err != nil {
		t.Fatal(err)
	}
	m := release.Manifest{Version: "1.0", RootHash: fmt.Sprintf("%064d", 0)}
	for _, name := range release.Names() {
		m.Files = append(m.Files, release.File{Name: name, Size: 100, SHA256: fmt.Sprintf("%064d", 0)})
	}
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	signature, err := key.Sign(text, "x")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := keep.Begin(text, signature); err != nil {
		t.Fatal(err)
	}
	body, line := io.Pipe()
	ended := make(chan struct{})
	t.Cleanup(func() { // it writes its last into the folder, which goes next
		line.Close()
		<-ended
	})
	go func() {
		defer close(ended)
		r := httptest.NewRequest("PUT", wire.ReleasesPath+"/1.0/vmlinuz?from=0", body)
		r.Header.Set("Authorization", "Bearer "+token)
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}()
	if _, err := line.Write([]byte("x")); err != nil { // it is being read now
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := keep.Ticket(walkKiosk, "1.0", time.Now().Add(time.Hour))
		if err == nil {
			_, _, _, err = keep.Begin(text, signature)
		}
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("a line that stands still keeps others waiting")
	}
}
