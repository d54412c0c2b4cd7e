package early

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yhteiskone/provision/lan"
)

// host stands for a machine.
type host struct {
	up, down int
	memory   int64
	disk     []byte
}

func (h *host) Up(context.Context, lan.Line) error { h.up++; return nil }
func (h *host) Down(lan.Line) error                { h.down++; return nil }
func (h *host) Memory(folder string, bytes int64) error {
	h.memory = bytes
	return os.MkdirAll(folder, 0o700)
}
func (h *host) Disk(_ context.Context, path string) (err error) {
	h.disk, err = os.ReadFile(path)
	return err
}

// office is the server, as a machine meets it.
type office struct {
	list   []byte
	pieces map[string][]byte
	spoil  func(path string) (text []byte, code int) // nil text: as it is
}

func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if o.spoil != nil {
		if text, code := o.spoil(r.URL.Path); code != 0 {
			w.WriteHeader(code)
			w.Write(text)
			return
		}
	}
	switch {
	case r.URL.Path == "/list":
		w.Write(o.list)
	case r.URL.Path == PlanPath && r.URL.Query().Get("mac") == "52:54:00:77:00:01":
		fmt.Fprint(w, `{"machines":1}`)
	case o.pieces[r.URL.Path] != nil:
		w.Write(o.pieces[r.URL.Path])
	default:
		http.NotFound(w, r)
	}
}

// rig is a machine before a server that hands out 3 pieces of an image.
func rig(t *testing.T, memory string) (Options, *office, *host, *[]string) {
	t.Helper()
	o := &office{pieces: map[string][]byte{}}
	l := lan.List{Size: 100_000}
	for i, at := range []int64{0, 40_000, 99_000} {
		text := bytes.Repeat([]byte{byte(i + 1)}, 1000)
		sum := sha256.Sum256(text)
		l.Pieces = append(l.Pieces, lan.Piece{At: at, Size: 1000, SHA256: hex.EncodeToString(sum[:])})
		o.pieces[fmt.Sprintf("/pieces/%d", i)] = text
	}
	var err error
	if o.list, err = json.Marshal(l); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	root := t.TempDir()
	if err := errors.Join(os.MkdirAll(filepath.Join(root, "proc"), 0o755), os.WriteFile(filepath.Join(root, "proc/meminfo"), []byte("MemTotal: 1 kB\nMemAvailable: "+memory+" kB\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	h := &host{}
	sum := sha256.Sum256(o.list)
	said := &[]string{}
	return Options{Line: lan.Line{From: s.URL, List: hex.EncodeToString(sum[:]), MAC: "52:54:00:77:00:01"}, Root: root, Owner: os.Getuid(), Host: h, Client: s.Client(), Patient: 30 * time.Second,
		Tell: func(r lan.Report) { *said = append(*said, fmt.Sprint(r.Step, r.Percent)) }, Say: func(string) {}}, o, h, said
}

func TestFetches(t *testing.T) {
	o, server, h, said := rig(t, "4000000")
	began := map[string]int{}
	server.spoil = func(path string) ([]byte, int) { // everything goes wrong once
		if began[path]++; began[path] > 1 || path == PlanPath {
			return nil, 0
		}
		if path == "/pieces/1" {
			return bytes.Repeat([]byte{9}, 1000), http.StatusOK
		}
		return nil, http.StatusBadGateway
	}
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	want := make([]byte, 100_000)
	for i, at := range []int{0, 40_000, 99_000} {
		copy(want[at:], bytes.Repeat([]byte{byte(i + 1)}, 1000))
	}
	if !bytes.Equal(h.disk, want) || h.up != 1 {
		t.Error("the disk in memory is not the image")
	}
	if got := strings.Join(*said, " "); got != "fetching0 fetching33 fetching66 fetching100 beginning0" {
		t.Error(got)
	}
	plan, err := os.ReadFile(filepath.Join(o.Root, "run/kiosk-net/conf/install.json"))
	if err != nil || string(plan) != `{"machines":1}` {
		t.Errorf("%s, %v", plan, err)
	}
	for _, unit := range []string{"conf.mount", "var-lib-yhteiskone.mount"} {
		text, err := os.ReadFile(filepath.Join(o.Root, "run/systemd/system", unit))
		if err != nil || !strings.Contains(string(text), "What=/run/kiosk-net/") || !strings.Contains(string(text), "Options=bind,") {
			t.Errorf("%s: %s, %v", unit, text, err)
		}
	}
	if to, err := os.Readlink(filepath.Join(o.Root, "run/systemd/system/boot-esp.mount")); err != nil || to != "/dev/null" {
		t.Errorf("%s, %v", to, err)
	}
}

// What goes wrong is said in a sentence, and no disk is made of half an image.
func TestFails(t *testing.T) {
	for name, c := range map[string]struct {
		memory string
		spoil  func(*Options, *office)
		says   string
	}{
		"little memory": {"300000", func(*Options, *office) {}, "too little memory"},
		"another list":  {"4000000", func(o *Options, s *office) { s.list = append(s.list, '\n') }, "start the machine again"},
		"a bad piece":   {"4000000", func(o *Options, s *office) { s.pieces["/pieces/2"][7]++ }, "fetch piece 2 of the image: what arrived is damaged"},
		"a short piece": {"4000000", func(o *Options, s *office) { s.pieces["/pieces/2"] = s.pieces["/pieces/2"][:999] }, "damaged"},
		"no plan": {"4000000", func(o *Options, s *office) {
			s.spoil = func(path string) ([]byte, int) {
				if path == PlanPath {
					return []byte("no machine with\x1b[2J this card"), http.StatusForbidden
				}
				return nil, 0
			}
		}, "the server says: no machine with [2J this card"},
		"nobody": {"4000000", func(o *Options, s *office) {
			o.Patient = time.Millisecond
			s.spoil = func(string) ([]byte, int) { return nil, http.StatusBadGateway }
		}, "look after the cable"},
	} {
		o, server, h, _ := rig(t, c.memory)
		c.spoil(&o, server)
		if err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if h.disk != nil {
			t.Errorf("%s: a disk was made", name)
		}
	}
}
