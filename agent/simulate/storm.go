package simulate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// line is the connection of a kiosk as a storm sees it. Its fields belong to
// run.mu.
type line struct {
	cut   context.CancelFunc // ends the connection; nil between two
	swept bool               // a storm ended it: the kiosk comes back without a pause
}

// storms cuts kiosks off, again and again, once all were connected.
func (r *run) storms(ctx context.Context, kiosks []*kiosk) {
	select {
	case <-ctx.Done():
		return
	case <-r.full:
	}
	rng := rand.New(rand.NewPCG(r.c.Seed, 1<<32))
	tick := time.NewTicker(r.c.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.storm(choose(rng, kiosks, r.c.Storm))
		}
	}
}

// choose takes n of the kiosks, others each time.
func choose(rng *rand.Rand, from []*kiosk, n int) (some []*kiosk) {
	for _, i := range rng.Perm(len(from))[:min(n, len(from))] {
		some = append(some, from[i])
	}
	return some
}

// storm cuts all of these off in one moment. Those that are away already stay
// as they are.
func (r *run) storm(kiosks []*kiosk) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, k := range kiosks {
		if k.line.cut != nil && r.live[k] {
			k.line.swept = true
			k.line.cut()
			n++
		}
	}
	r.c.Told(fmt.Sprintf("storm: %d kiosks cut off", n))
}

// begin is a new connection's context.
func (r *run) begin(ctx context.Context, k *kiosk) context.Context {
	ctx, cut := context.WithCancel(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	k.line = line{cut: cut}
	return ctx
}

// end says whether the connection that ended was a storm's.
func (r *run) end(k *kiosk) (swept bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k.line.cut()
	swept = k.line.swept
	k.line = line{}
	return swept
}
