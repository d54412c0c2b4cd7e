package releases_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yhteiskone/agent/releases"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/release"
)

// signed makes a release in a folder.
func signed(t *testing.T, key release.SecretKey, version, kernel string) string {
	t.Helper()
	dir := t.TempDir()
	put := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(release.Root, bytes.Repeat([]byte("root"), 1000))
	put(release.Kernel, []byte(kernel))
	put(release.Initrd, []byte("initrd"))
	put(release.SlotConfig, []byte("set version="+version+"\nset roothash="+strings.Repeat("ab", 32)+"\n"))
	m, err := release.Describe(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	signature, err := key.Sign(text, version)
	if err != nil {
		t.Fatal(err)
	}
	put(release.ManifestName, text)
	put(release.SignatureName, signature)
	return dir
}

func keeper(t *testing.T, key release.SecretKey) (*releases.Keeper, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "releases")
	k := releases.Open(dir)
	if _, err := k.SetKey(key.Public().Encode()); err != nil {
		t.Fatal(err)
	}
	return k, dir
}

func versions(t *testing.T, k *releases.Keeper) (out string) {
	t.Helper()
	all, err := k.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		out += s.Version + " "
	}
	return out
}

func TestAdd(t *testing.T) {
	key := release.NewKey()
	none := releases.Open(filepath.Join(t.TempDir(), "no"))
	if _, err := none.Add(signed(t, key, "1.0", "k")); !errors.Is(err, releases.ErrNoKey) {
		t.Errorf("without a key: %v", err)
	}
	k, _ := keeper(t, key)
	for _, v := range []string{"1.2", "1.10", "1.9"} {
		if _, err := k.Add(signed(t, key, v, "k")); err != nil {
			t.Fatal(err)
		}
	}
	if got := versions(t, k); got != "1.10 1.9 1.2 " {
		t.Error(got)
	}
	if _, err := k.Add(signed(t, key, "1.2", "k")); err != nil { // the very same
		t.Error(err)
	}
	if _, err := k.Add(signed(t, key, "1.2", "another")); !errors.Is(err, releases.ErrOther) {
		t.Errorf("another 1.2: %v", err)
	}
	if _, err := k.Add(signed(t, release.NewKey(), "2.0", "k")); !errors.Is(err, releases.ErrRefused) || !strings.Contains(err.Error(), "another key") {
		t.Errorf("another key: %v", err)
	}
	changed := signed(t, key, "2.0", "kernel")
	if err := os.WriteFile(filepath.Join(changed, release.Kernel), []byte("kornel"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Add(changed); !errors.Is(err, releases.ErrRefused) || !strings.Contains(err.Error(), "vmlinuz was changed") {
		t.Errorf("a changed file: %v", err)
	}
	if err := k.Remove("1.9"); err != nil {
		t.Error(err)
	}
	if err := k.Remove("../1.9"); !errors.Is(err, releases.ErrUnknown) {
		t.Error(err)
	}
	if got := versions(t, k); got != "1.10 1.2 " {
		t.Error(got)
	}
}

// A release that comes in pieces is shown once it is whole, goes on where it
// was, and takes no piece that does not follow.
func TestPieces(t *testing.T) {
	key := release.NewKey()
	k, dir := keeper(t, key)
	from := signed(t, key, "1.0", "kernel")
	s, err := release.Read(from)
	if err != nil {
		t.Fatal(err)
	}
	begin := func() map[string]int64 {
		version, have, kept, err := k.Begin(s.Text, s.Signature)
		if err != nil || version != "1.0" || kept {
			t.Fatal(version, kept, err)
		}
		return have
	}
	begin()
	text := bytes.Repeat([]byte("root"), 1000)
	if n, err := k.Write("1.0", release.Root, 0, bytes.NewReader(text[:1500])); n != 1500 || err != nil {
		t.Fatal(n, err)
	}
	k = releases.Open(dir) // the agent was started anew
	if have := begin(); have[release.Root] != 1500 || have[release.Kernel] != 0 {
		t.Errorf("have %v", have)
	}
	if n, err := k.Write("1.0", release.Root, 1000, bytes.NewReader(text[1000:])); n != 1500 || !errors.Is(err, releases.ErrPlace) {
		t.Errorf("a piece again: %d, %v", n, err)
	}
	if _, err := k.Finish("1.0"); !errors.Is(err, releases.ErrRefused) || len(versions(t, k)) > 0 {
		t.Errorf("half a release: %v", err)
	}
	if _, err := k.Write("1.0", release.Kernel, 0, strings.NewReader("kernel and more")); !errors.Is(err, releases.ErrRefused) {
		t.Errorf("too long: %v", err)
	}
	for name, piece := range map[string]string{"../x": "x", "manifest": "x"} {
		if _, err := k.Write("1.0", name, 0, strings.NewReader(piece)); !errors.Is(err, releases.ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := k.Write("1.0", release.Root, 1500, bytes.NewReader(text[1500:])); err != nil {
		t.Fatal(err)
	}
	for name, piece := range map[string]string{release.Kernel: "kernel", release.Initrd: "initrd", release.SlotConfig: "set version=1.0\nset roothash=" + strings.Repeat("ab", 32) + "\n"} {
		if _, err := k.Write("1.0", name, 0, strings.NewReader(piece)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the first answer was lost
		if _, err := k.Finish("1.0"); err != nil || versions(t, k) != "1.0 " {
			t.Error(err)
		}
	}
	if _, _, kept, err := k.Begin(s.Text, s.Signature); !kept || err != nil {
		t.Error(kept, err)
	}
}

// A ticket is good for its kiosk, its release and its time; the files come also
// from a place on.
func TestServe(t *testing.T) {
	key := release.NewKey()
	k, _ := keeper(t, key)
	for _, v := range []string{"1.0", "2.0"} {
		if _, err := k.Add(signed(t, key, v, "0123456789")); err != nil {
			t.Fatal(err)
		}
	}
	const id fleet.KioskID = "kaaaaaaaaaaaa"
	ticket := func(until time.Duration, version string) string {
		made, err := k.Ticket(id, version, time.Now().Add(until))
		if err != nil {
			t.Fatal(err)
		}
		if (fleet.ImageOffer{Version: version, Manifest: strings.Repeat("0", 64), Ticket: made}).Check() != nil {
			t.Errorf("%q does not go over the wire", made)
		}
		return made
	}
	known := true
	mux := http.NewServeMux()
	mux.HandleFunc("GET /release/{version}/{file}", k.Serve(func(got fleet.KioskID) bool { return known && got == id }))
	get := func(path, ticket, ranges string) (int, string) {
		r := httptest.NewRequest("GET", path, nil)
		if ticket != "" {
			r.Header.Set("Authorization", "Bearer "+ticket)
		}
		if ranges != "" {
			r.Header.Set("Range", ranges)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		text, _ := io.ReadAll(w.Body)
		return w.Code, string(text)
	}
	good := ticket(time.Hour, "1.0")
	if code, text := get("/release/1.0/vmlinuz", good, ""); code != 200 || text != "0123456789" {
		t.Error(code, text)
	}
	if code, text := get("/release/1.0/vmlinuz", good, "bytes=7-"); code != 206 || text != "789" {
		t.Error(code, text)
	}
	for _, name := range []string{release.ManifestName, release.SignatureName, release.Root, release.Initrd, release.SlotConfig} {
		if code, _ := get("/release/1.0/"+name, good, ""); code != 200 {
			t.Errorf("%s: %d", name, code)
		}
	}
	for _, c := range []struct {
		path, ticket string
		want         int
	}{
		{"/release/1.0/vmlinuz", "", 403}, {"/release/1.0/vmlinuz", "a.b.c", 403}, {"/release/2.0/vmlinuz", good, 403},
		{"/release/1.0/vmlinuz", ticket(-time.Second, "1.0"), 403}, {"/release/1.0/vmlinuz", "kbbbbbbbbbbbb" + good[13:], 403},
		{"/release/1.0/vmlinuz", strings.Replace(good, ".1", ".2", 1), 403}, {"/release/1.0/other", good, 404},
		{"/release/1.0/..%2f..%2frelease.pub", good, 404}, {"/release/3.0/vmlinuz", ticket(time.Hour, "3.0"), 404},
	} {
		if code, text := get(c.path, c.ticket, ""); code != c.want || strings.Contains(text, "01234") {
			t.Errorf("%s with %q: %d, want %d", c.path, c.ticket, code, c.want)
		}
	}
	known = false // the kiosk was taken away
	if code, _ := get("/release/1.0/vmlinuz", good, ""); code != 403 {
		t.Error(code)
	}
}
