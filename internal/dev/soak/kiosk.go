package main

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/proof"
	"yhteiskone/kiosk/uplink"
)

// pace is the longest pause between two things that a kiosk has to tell.
const pace = 2 * time.Second

// kiosk is a kiosk's real line with a made-up machine behind it.
type kiosk struct {
	dir    string
	site   fleet.SiteID
	member uplink.Member
	key    ed25519.PrivateKey
	rng    *rand.Rand
	lines  *lines

	mu     sync.Mutex
	up     *uplink.Uplink
	ahead  time.Duration // how far its clock is ahead
	last   *fleet.WipeProof
	ledger ledger
	heard  map[string]bool // calls of which it was told that they ring
	broken error
	off    context.CancelFunc // ends its program, as a power cut does
	busy   bool               // it has something to tell just now
}

// ledger is what one kiosk told.
type ledger struct {
	proofs uint64 // made and kept on its disk
	placed uint32 // calls for help
	heard  uint32 // of these, those that the agent acknowledged
}

func newKiosk(ctx context.Context, a *agent, dir string, n int, seed uint64) (*kiosk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	k := &kiosk{dir: dir, site: fleet.SiteID(fmt.Sprintf("s%d", n)), rng: rand.New(rand.NewPCG(seed, uint64(n)+1)),
		lines: newLines(), heard: map[string]bool{}, busy: true}
	private := make([]byte, ed25519.SeedSize)
	for i := 0; i < len(private); i += 8 {
		binary.BigEndian.PutUint64(private[i:], k.rng.Uint64())
	}
	k.key = ed25519.NewKeyFromSeed(private) // of a kiosk that does not exist: it need not be secret
	code, err := a.code(ctx, string(k.site))
	if err != nil {
		return nil, err
	}
	k.member, err = uplink.Enrol(ctx, uplink.Join{Agent: a.base(), Pin: string(a.pin), Code: code}, k.key, "soak",
		filepath.Join(dir, "member.toml"))
	return k, err
}

// live runs the kiosk's program again and again until live ends; until work
// ends it has something to tell.
func (k *kiosk) live(live, work context.Context) {
	for live.Err() == nil {
		if err := k.program(live, work); err != nil {
			k.mu.Lock()
			k.broken = err
			k.mu.Unlock()
			return
		}
	}
}

// program is one run of the kiosk's program; it ends at a random moment, as by
// a power cut.
func (k *kiosk) program(live, work context.Context) error {
	up, err := uplink.Open(uplink.Config{Dir: k.dir, Member: k.member, Key: k.key, Build: "soak", Now: k.now,
		Log: slog.New(slog.DiscardHandler), Dial: k.lines.dial})
	if err != nil {
		return fmt.Errorf("open the line: %w", err)
	}
	ctx, cut := context.WithCancel(live)
	k.mu.Lock()
	k.up, k.off = up, cut
	k.mu.Unlock()
	var line sync.WaitGroup
	line.Go(func() { up.Run(ctx, k.report, k) })
	defer line.Wait()
	defer cut()
	for ctx.Err() == nil && pause(work, time.Duration(k.rng.Int64N(int64(pace)))) == nil {
		if err := k.something(work, up); err != nil {
			return err
		}
		if k.rng.IntN(40) == 0 {
			return nil
		}
	}
	if work.Err() != nil {
		k.mu.Lock()
		k.busy = false
		k.mu.Unlock()
		<-ctx.Done()
	}
	return nil
}

// power ends the kiosk's program, which is started again at once.
func (k *kiosk) power() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.off != nil {
		k.off()
	}
}

// something happens at the machine.
func (k *kiosk) something(ctx context.Context, up *uplink.Uplink) error {
	switch n := k.rng.IntN(10); {
	case n < 3:
		return k.call(ctx, up)
	case n < 4:
		k.jump()
		return nil
	default:
		up.Changed()
		up.Day.Session("bank", time.Minute, fleet.EndButton)
		return k.prove(up)
	}
}

// call rings, and takes the call back after a while.
func (k *kiosk) call(ctx context.Context, up *uplink.Uplink) error {
	id := fmt.Sprintf("%016x", k.rng.Uint64())
	if err := up.Help(id); err != nil {
		return err
	}
	k.mu.Lock()
	k.ledger.placed++
	k.mu.Unlock()
	pause(ctx, time.Duration(k.rng.Int64N(int64(pace))))
	if k.rng.IntN(8) == 0 {
		k.power() // the session ends with its machine
		return nil
	}
	return up.HelpOver(id)
}

// prove makes the next proof of the chain.
func (k *kiosk) prove(up *uplink.Uplink) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := proof.Sign(k.key, k.last, fleet.WipeProof{Kiosk: k.member.Kiosk, At: time.Now().Add(k.ahead).UTC(),
		Looks: []fleet.Look{{At: "files", Looked: 2000}}, TookMS: 80})
	if err := up.Proof(p); err != nil {
		return err
	}
	k.last = &p
	k.ledger.proofs++
	return nil
}

// jump sets the kiosk's clock: to another day, so that a day's sums are due, or
// back to what is right.
func (k *kiosk) jump() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ahead += 24 * time.Hour
	if k.ahead > 72*time.Hour {
		k.ahead = -24 * time.Hour
	}
}

func (k *kiosk) now() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.Now().Add(k.ahead)
}

func (k *kiosk) report() fleet.Report {
	now := k.now().UTC()
	return fleet.Report{At: now, State: fleet.Ready, Since: now, Uptime: time.Minute}
}

// Command is uplink.Obeyer's.
func (k *kiosk) Command(_ context.Context, c fleet.Command, answer func(fleet.Result)) {
	answer(fleet.Result{Command: c.ID, OK: true})
}

// Update is uplink.Obeyer's.
func (k *kiosk) Update(fleet.Settings) {}

// HelpHeard is uplink.Obeyer's: the agent has kept the call.
func (k *kiosk) HelpHeard(call string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.heard[call] {
		k.heard[call] = true
		k.ledger.heard++
	}
}

// HelpAnswered is uplink.Obeyer's.
func (k *kiosk) HelpAnswered(string, fleet.HelpAnswer, int, string) {}

// missing says why the kiosk is not connected or, if it is to be quiet, what it
// still has to tell. It is empty when all is well.
func (k *kiosk) missing(quiet bool) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.broken != nil:
		return fmt.Sprintf("%s: %v", k.site, k.broken)
	case k.up == nil || !k.up.Connected():
		why := ""
		if k.up != nil {
			why = k.up.Trouble()
		}
		return fmt.Sprintf("%s is not connected: %s", k.site, why)
	case quiet && k.busy:
		return fmt.Sprintf("%s is not quiet", k.site)
	case quiet && k.up.Waiting() > 0:
		return fmt.Sprintf("%s: %d messages wait", k.site, k.up.Waiting())
	}
	return ""
}
