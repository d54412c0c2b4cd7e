package lan

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// ProgressPath is where a machine's reports go, at the server.
const ProgressPath = "/progress"

// Office tells the server how far its machine is. Only the newest report
// matters: one that cannot be sent is sent again, or a newer one in its place.
type Office struct {
	line   Line
	client *http.Client
	tick   time.Duration

	mu   sync.Mutex
	last Report
	sent Report
	wake chan struct{}
}

// NewOffice is the office of a machine; Run must run for anything to be sent.
func NewOffice(l Line, client *http.Client) *Office {
	return &Office{line: l, client: client, tick: time.Second, wake: make(chan struct{}, 1)}
}

// Tell says how far the machine is. It does not wait.
func (o *Office) Tell(r Report) {
	o.mu.Lock()
	r.MAC = o.line.MAC
	if r.Name == "" {
		r.Name = o.last.Name
	}
	if r.Disk == "" {
		r.Disk = o.last.Disk
	}
	if r.About == "" {
		r.About = o.last.About
	}
	r.Name, r.Disk, r.About, r.Why = Plain(r.Name), Plain(r.Disk), Plain(r.About), Plain(r.Why)
	o.last = r
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Run sends what was told until ctx ends.
func (o *Office) Run(ctx context.Context) {
	tick := time.NewTicker(o.tick)
	defer tick.Stop()
	for {
		select {
		case <-o.wake:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		o.send(ctx)
	}
}

// Wait returns once the newest report has arrived, or ctx ends.
func (o *Office) Wait(ctx context.Context) error {
	tick := time.NewTicker(o.tick / 10)
	defer tick.Stop()
	for {
		o.mu.Lock()
		same := o.last == o.sent
		o.mu.Unlock()
		if same {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (o *Office) send(ctx context.Context) {
	o.mu.Lock()
	r := o.last
	same := r == o.sent
	o.mu.Unlock()
	if same {
		return
	}
	if err := o.post(ctx, r); err != nil {
		return // at the next tick again
	}
	o.mu.Lock()
	o.sent = r
	o.mu.Unlock()
}

func (o *Office) post(ctx context.Context, r Report) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.line.From+ProgressPath, bytes.NewReader(text))
	if err != nil {
		return err
	}
	resp, err := o.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<10))
	if resp.StatusCode >= 500 { // what it refuses, it refuses for good
		return fmt.Errorf("the server says %s", resp.Status)
	}
	return nil
}
