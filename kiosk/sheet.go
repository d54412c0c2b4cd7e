package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/internal/proof"
	"yhteiskone/kiosk/accept"
	"yhteiskone/kiosk/accept/look"
	"yhteiskone/kiosk/check"
	"yhteiskone/kiosk/health"
	"yhteiskone/kiosk/session"
	"yhteiskone/kiosk/wipe"
)

// How long a check may take, and how long it waits for a machine that is about
// to be ready: without a browser there are no policies to look at.
const (
	checkTime  = 2 * time.Minute
	settleTime = time.Minute
)

// checked looks at this machine for a command of the agent or for who stands
// before it, and hands the signed sheet to the uplink. Nothing of a session is looked at.
func (k *kiosk) checked(m *session.Machine, id fleet.KioskID) func(command string) (fleet.Sheet, error) {
	return func(command string) (fleet.Sheet, error) {
		ctx, cancel := context.WithTimeout(context.Background(), checkTime)
		defer cancel()
		settle(ctx, m.Status)
		r := k.readings(ctx, m.Status())
		sheet := fleet.Sheet{Kiosk: id, Command: command, At: time.Now().Add(k.offset()), Build: build(), Image: r.Image,
			Hardware: health.Hardware(ctx), Proof: r.Proof, Rows: accept.Rows(r)}
		sheet = proof.SignSheet(k.prover.key, sheet)
		return sheet, k.uplink.Sheet(sheet)
	}
}

// about is what this machine knows of itself.
func (k *kiosk) about() session.About {
	image, _ := look.Machine{}.Image()
	return session.About{Build: build(), Image: image, Agent: k.uplink.Address()}
}

// settle waits until the machine stands in a state that lasts; what still
// changes after a while is looked at as it is.
func settle(ctx context.Context, status func() session.Status) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		if s := status().State; s != fleet.Starting && s != fleet.Erasing {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// readings gathers what a sheet is made of.
func (k *kiosk) readings(ctx context.Context, s session.Status) accept.Readings {
	r := accept.Readings{Health: k.sensors.Collect(ctx).Health, State: s.State, Tried: committed(debug.ReadBuildInfo()),
		Root: new(os.Geteuid() == 0), OwnUser: new(k.client != nil), Bounded: &k.bounded, Untrusted: &k.guarded,
		Services: accept.Services{All: len(k.targets()), Probed: k.services.Probed(), Down: k.servicesDown()}}
	look.Machine{}.Fill(ctx, &r)
	r.Software = k.software(ctx)
	if last := k.prover.Last(); last != nil {
		r.Proof = &fleet.ProofSummary{Seq: last.Seq, At: last.At, Clean: last.Clean()}
		err := k.prover.verify()
		if err != nil {
			k.log.Error("the proofs do not hold", "err", err)
		}
		r.Chain = new(err == nil)
	}
	if socket := k.config.Print.Socket; socket != "" {
		r.Printing.Server = true
		if n, err := wipe.Printers(ctx, socket); err == nil {
			r.Printing.Printers = &n
		} else {
			k.log.Warn("whether there is a printer is not known", "err", err)
		}
	}
	policies, err := k.browser.Held()
	if err != nil {
		k.log.Warn("the policies were not looked at", "err", err)
	}
	r.Policies = policies
	return r
}

// software are the codes of what `kiosk check` finds missing or too old among
// the programs. What has a row of its own is not among them.
func (k *kiosk) software(ctx context.Context) *[]string {
	wrong := []string{}
	for _, f := range check.Check(ctx, check.Config{State: k.config.State, Chromium: k.config.Browser.Chromium, Walled: k.config.walled(),
		Screen: func(context.Context) (int, int, error) { w, h := k.display.Size(); return w, h, nil }}) {
		if f.Level != check.OK && !slices.Contains([]string{"user", "display", "memory", "swap", "clock"}, f.Code) {
			wrong = append(wrong, f.Code)
		}
	}
	return &wrong
}

// committed reports whether this program was built from a commit as it is: the
// checks were run on those, and on nothing else.
func committed(info *debug.BuildInfo, ok bool) bool {
	if !ok {
		return false
	}
	revision, clean := false, false
	for _, s := range info.Settings {
		revision = revision || s.Key == "vcs.revision" && len(s.Value) >= 12
		clean = clean || s.Key == "vcs.modified" && s.Value == "false"
	}
	return revision && clean
}

// verify reads the proofs that are kept once more: they are ours, signed, and
// in a chain that ends with the newest.
func (p *prover) verify() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, err := os.Open(p.path)
	if err != nil {
		return fmt.Errorf("verify the proofs: %w", err)
	}
	defer f.Close()
	head, proofs, err := readProofs(p.path, f)
	if err != nil {
		return fmt.Errorf("verify the proofs: %w", err)
	}
	last := p.last()
	if head.Kiosk != p.kiosk || !bytes.Equal(head.Key, p.key.Public().(ed25519.PublicKey)) || last == nil || len(proofs) == 0 ||
		!bytes.Equal(proof.Hash(proofs[len(proofs)-1]), proof.Hash(*last)) {
		return errors.New("verify the proofs: the file is not this kiosk's, or its end is missing")
	}
	return nil
}
