// Package simulate runs kiosks that do not exist but speak as real ones do:
// own keys, enrolment, the link, reports, help calls, signed and chained
// proofs. It is for seeing a full dashboard and for measuring the agent.
//
// It never starts a browser and there are no clients: what it reports is made
// up, though always the same for the same seed. A new version of the image it
// takes in appearance only: nothing of it is fetched.
//
// Caveat: how it looks follows from the seed, when it looks so does not quite,
// since it depends on when lines come up.
package simulate

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
	"yhteiskone/internal/wire"
)

// Config says what to simulate.
type Config struct {
	Agent       string       // base address
	Pin         identity.Pin // how to know it
	Codes       []string     // enrolment codes; the kiosks are spread over them
	Kiosks      int
	Seed        uint64
	Steady      bool          // all are ready and only report
	ReportEvery time.Duration // 0: as the agent says
	Storm       int           // so many lose their line at once and are back at once; 0: none do
	Every       time.Duration // how often, from when all were connected
	Enrolled    func() error  // is called when all are enrolled, before they connect; may be nil
	Told        func(string)  // gets a line when something worth telling happened; may be nil
}

// run is one simulation.
type run struct {
	c    Config
	tls  *tls.Config
	host string
	fail context.CancelCauseFunc

	mu   sync.Mutex
	live map[*kiosk]bool // true while connected
	full chan struct{}   // closed when all were connected at one time
}

// enrolAtOnce is how many kiosks enrol at a time when there are many. A few
// are enrolled in order, so that each gets the name it had the last time.
const enrolAtOnce = 32

// Run simulates until the context ends, which is no error.
func Run(ctx context.Context, c Config) error {
	host, err := hostOf(c.Agent)
	if err != nil {
		return err
	}
	conf, err := tlsOf(c.Agent, c.Pin)
	if err != nil {
		return err
	}
	if c.Told == nil {
		c.Told = func(string) {}
	}
	inner, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	r := &run{c: c, tls: conf, host: host, fail: fail, live: map[*kiosk]bool{}, full: make(chan struct{})}
	kiosks, err := r.enrolAll(inner)
	if err != nil {
		return err
	}
	c.Told(fmt.Sprintf("%d kiosks enrolled", len(kiosks)))
	if c.Enrolled != nil {
		if err := c.Enrolled(); err != nil {
			return err
		}
	}
	for _, k := range kiosks {
		r.live[k] = false
	}
	var all sync.WaitGroup
	if c.Storm > 0 {
		all.Go(func() { r.storms(inner, kiosks) })
	}
	for i, k := range kiosks {
		all.Go(func() {
			wait(inner, time.Duration(i)*time.Millisecond) // a thousand in a second
			k.run(inner)
		})
	}
	all.Wait()
	if ctx.Err() == nil {
		return context.Cause(inner)
	}
	return nil
}

func (r *run) enrolAll(ctx context.Context) ([]*kiosk, error) {
	client := &http.Client{Timeout: 30 * time.Second,
		Transport: &http.Transport{TLSClientConfig: r.tls.Clone(), MaxIdleConnsPerHost: enrolAtOnce}}
	defer client.CloseIdleConnections()
	kiosks := make([]*kiosk, r.c.Kiosks)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(1)
	if r.c.Kiosks > 100 {
		group.SetLimit(enrolAtOnce)
	}
	for i := range kiosks {
		group.Go(func() (err error) {
			kiosks[i], err = r.enrol(ctx, client, i)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("enrol the simulated kiosks: %w", err)
	}
	return kiosks, nil
}

// enrol makes kiosk number i, with a key of its own.
func (r *run) enrol(ctx context.Context, client *http.Client, i int) (*kiosk, error) {
	rng := rand.New(rand.NewPCG(r.c.Seed, uint64(i)))
	seed := make([]byte, ed25519.SeedSize)
	for j := 0; j < len(seed); j += 8 {
		binary.BigEndian.PutUint64(seed[j:], rng.Uint64())
	}
	key := ed25519.NewKeyFromSeed(seed) // of a kiosk that does not exist: it need not be secret
	ask := wire.EnrolRequest{Code: r.c.Codes[i%len(r.c.Codes)], PublicKey: key.Public().(ed25519.PublicKey),
		Hardware: hardware(rng)}
	body, err := wire.EncodeBody(ask)
	if err != nil {
		return nil, err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(r.c.Agent, "/")+wire.EnrolPath, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	q.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(q)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, wire.EnrolLimit+1))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		refusal, err := wire.DecodeBody[wire.Refusal](text)
		if err != nil {
			return nil, fmt.Errorf("the agent answered %s", resp.Status)
		}
		return nil, refusal
	}
	answer, err := wire.DecodeBody[wire.EnrolAnswer](text)
	if err != nil {
		return nil, err
	}
	if answer.Pin != string(r.c.Pin) || !identity.VerifyAgent(r.c.Pin, answer.Signed(ask), answer.Signature) {
		return nil, errors.New("the answer is not from the agent of this pin")
	}
	return r.kiosk(rng, i, answer.Kiosk, key), nil
}

func (r *run) kiosk(rng *rand.Rand, i int, id fleet.KioskID, key ed25519.PrivateKey) *kiosk {
	as := serving
	if !r.c.Steady {
		as = roleOf(i)
	}
	now := time.Now()
	m := newMachine(rng, as, r.c.Steady, id, key, now)
	m.days = daysOf(r.c.Kiosks, now)
	return &kiosk{machine: m, fleet: r, boot: hex16(rng)}
}

func hardware(rng *rand.Rand) string {
	return []string{"Dell OptiPlex 3040, 4 cores, 8 GB", "HP ProDesk 600 G2, 4 cores, 8 GB", "Lenovo ThinkCentre M73, 2 cores, 4 GB",
		"Fujitsu Esprimo Q556, 4 cores, 16 GB", "HP EliteDesk 800 G1, 4 cores, 4 GB"}[rng.IntN(5)]
}

func (r *run) up(k *kiosk) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.live[k] = true
	n := 0
	for _, up := range r.live {
		if up {
			n++
		}
	}
	if n == len(r.live) {
		word := "connected"
		select {
		case <-r.full:
			word = "connected again"
		default:
			close(r.full)
		}
		r.c.Told(fmt.Sprintf("%d kiosks %s", n, word))
	}
}

func (r *run) down(k *kiosk) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.live[k] = false
}
