package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"yhteiskone/internal/dev/stage"
	"yhteiskone/internal/fleet"
)

// catalogue is a whole one, since a kiosk takes no other; every tile leads to
// our own page.
func catalogue(address string) []byte {
	ids := []string{"bench", "b2", "b3", "b4", "b5", "b6", "b7", "b8"}
	text := "first = [\"" + strings.Join(ids, `", "`) + "\"]\n"
	for _, id := range ids {
		text += fmt.Sprintf("\n[[tile]]\nid = %q\ncategory = \"other\"\nicon = \"globe\"\naddress = %q\n", id, address)
		for _, field := range []string{"name", "hint"} {
			text += fmt.Sprintf("%s = { fi = %[2]q, sv = %[2]q, en = %[2]q }\n", field, "Bench "+id)
		}
	}
	return []byte(text)
}

// page says when it has drawn two frames.
const page = `<!doctype html><meta charset="utf-8"><title>Bench</title><h1>Bench</h1>
<script>requestAnimationFrame(()=>requestAnimationFrame(()=>fetch('/painted',{method:'POST'})))</script>`

// event is one line of the kiosk's timings.
type event struct {
	Event string `json:"event"`
	AtUS  int64  `json:"at_us"`
}

// kiosk measures the real one in a mode, driven from the outside. Its figures
// are named with the prefix.
func kiosk(ctx context.Context, t *table, mode fleet.Mode, prefix string, rounds int) error {
	s, clear, err := newStage()
	if err != nil {
		return err
	}
	defer clear()
	painted := make(chan int64, 16)
	site, err := serve(painted)
	if err != nil {
		return err
	}
	defer site.Close()
	if err := s.Who.WriteFile(s.File("catalogue.toml"), catalogue("http://"+site.Addr+"/")); err != nil {
		return err
	}
	if _, err := s.StartAgent(ctx, false); err != nil {
		return err
	}
	screen, err := s.OpenScreen(ctx, false)
	if err != nil {
		return err
	}
	if err := s.Enrol(ctx); err != nil {
		return err
	}
	begin := time.Now()
	k, err := s.StartKiosk(ctx, stage.Kiosk{Screen: screen, Catalogue: s.File("catalogue.toml"), Timings: s.File("timings"), Reach: site.Addr,
		Mode: mode})
	if err != nil {
		return err
	}
	t.add(prefix+"start_ms", time.Since(begin).Seconds()*1000)
	if err := kioskRest(ctx, t, prefix, k.PID); err != nil {
		return err
	}
	var tiles []float64
	for n := range rounds {
		took, err := oneSession(ctx, s, k, painted)
		if err != nil {
			return fmt.Errorf("session %d: %w", n+1, err)
		}
		tiles = append(tiles, took...)
	}
	if len(tiles) > 0 {
		t.add(prefix+"tile_to_painted_p95_ms", percentile(tiles, 95))
	}
	events, err := timings(s.File("timings"))
	if err != nil {
		return err
	}
	for name, to := range map[string]string{"end_to_curtain_p95_ms": "curtain", "end_to_proof_p95_ms": "proof", "end_to_ready_p95_ms": "ready"} {
		if took := spans(events, "end_pressed", to); len(took) > 0 {
			t.add(prefix+name, percentile(took, 95))
		}
	}
	return nil
}

// kioskRest measures a kiosk that waits for a client.
func kioskRest(ctx context.Context, t *table, prefix string, pid int) error {
	if err := wait(ctx, rest); err != nil {
		return err
	}
	before, err := worked(pid)
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := wait(ctx, window/2); err != nil {
		return err
	}
	after, err := worked(pid)
	if err != nil {
		return err
	}
	t.add(prefix+"cpu_percent", 100*float64(after-before)/float64(time.Since(begin)))
	memory, err := rss(pid)
	if err != nil {
		return err
	}
	t.add(prefix+"rss_mb", memory*1024/1e6)
	all, err := stackPSS(pid)
	if err != nil {
		return err
	}
	t.add(prefix+"stack_pss_mb", all*1024/1e6)
	return nil
}

// oneSession is a tile, its page, the end, until the next client can
// come. It returns how long the page took, if the kiosk said when the tile was
// pressed.
func oneSession(ctx context.Context, s *stage.Stage, k *stage.Part, painted <-chan int64) ([]float64, error) {
	if _, err := s.Do(ctx, nil, "kiosk", "start", "--tile", "bench", "--config", s.Config()); err != nil {
		return nil, err
	}
	var at int64
	select {
	case at = <-painted:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(15 * time.Second):
		return nil, fmt.Errorf("the tile's page was not painted; see %s", k.Log)
	}
	events, err := timings(s.File("timings"))
	if err != nil {
		return nil, err
	}
	var took []float64
	if pressed := last(events, "tile_pressed"); pressed != 0 {
		took = []float64{float64(at-pressed) / 1000}
	}
	if err := wait(ctx, time.Second); err != nil { // a client reads
		return nil, err
	}
	if _, err := s.Do(ctx, nil, "kiosk", "end", "--config", s.Config()); err != nil {
		return nil, err
	}
	// The timings tell it: asking the kiosk again and again would take the
	// processor that is measured.
	return took, stage.Await(ctx, k, 30*time.Second, func(context.Context) bool {
		events, err := timings(s.File("timings"))
		return err == nil && last(events, "ready") > last(events, "end_pressed")
	})
}

// last is when the event happened last, 0 if it never did.
func last(events []event, name string) (at int64) {
	for _, e := range events {
		if e.Event == name {
			at = e.AtUS
		}
	}
	return at
}

// serve is the local test page.
func serve(painted chan<- int64) (*http.Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, page)
	})
	mux.HandleFunc("POST /painted", func(w http.ResponseWriter, _ *http.Request) {
		select {
		case painted <- time.Now().UnixMicro():
		default: // nobody waits: a page that was loaded twice
		}
		w.WriteHeader(http.StatusNoContent)
	})
	server := &http.Server{Addr: l.Addr().String(), Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(l)
	return server, nil
}

// timings reads what the kiosk wrote. A line that is being written is left for
// the next time.
func timings(path string) ([]event, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if end := bytes.LastIndexByte(text, '\n'); end >= 0 {
		text = text[:end]
	} else {
		text = nil
	}
	var events []event
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("read the kiosk's timings: %w", err)
		}
		events = append(events, e)
	}
	return events, nil
}

// spans are the times in ms from each event to the next of another kind. One
// that is begun anew counts from the later beginning.
func spans(events []event, from, to string) []float64 {
	var out []float64
	begun := int64(0)
	for _, e := range events {
		switch {
		case e.Event == from:
			begun = e.AtUS
		case e.Event == to && begun != 0:
			out = append(out, float64(e.AtUS-begun)/1000)
			begun = 0
		}
	}
	return out
}
