package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"yhteiskone/internal/fleet"
	"yhteiskone/kiosk/health"
	"yhteiskone/kiosk/session"
	"yhteiskone/kiosk/uplink"
)

// report is one look at the kiosk by itself.
func (k *kiosk) report(m *session.Machine) fleet.Report {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	s, reading := m.Status(), k.sensors.Collect(ctx)
	r := fleet.Report{At: reading.At.Add(k.offset()), State: s.State, Since: s.Since.UTC(), Uptime: reading.Uptime,
		Faults: append(s.Faults[:len(s.Faults):len(s.Faults)], k.updater.Faults()...), Health: reading.Health,
		Serves: fleet.Serves{Mode: s.Mode, Web: s.Web, Waiting: s.Waiting, Settings: s.Settings,
			Probed: k.services.Probed(), Down: k.servicesDown()}}
	if last := k.prover.Last(); last != nil {
		r.Proof = &fleet.ProofSummary{Seq: last.Seq, At: last.At, Clean: last.Clean()}
	}
	return r
}

// own are the readings of our own parts, of the machine's last look.
func (k *kiosk) own(m *session.Machine) health.Own {
	s := m.Status()
	o := health.Own{ShellPaints: &s.Shell}
	o.Screens, o.Resolution = k.screens.read(k.display.Screens)
	if s.State.InSession() || s.State == fleet.Ready {
		o.BrowserAlive, o.BrowserInPlace = &s.Alive, &s.Placed
	}
	return o
}

func (k *kiosk) offset() time.Duration {
	if k.config.Test.ClockOffset == nil {
		return 0
	}
	return k.config.Test.ClockOffset.Duration
}

// status is the answer to `kiosk status`.
func (k *kiosk) status(m *session.Machine, member uplink.Member) status {
	s := m.Status()
	out := status{State: s.State, Since: s.Since.UTC().Truncate(time.Second), Kiosk: member.Kiosk, Name: member.Name,
		Agent:  agentStatus{k.uplink.Address(), k.uplink.Connected(), k.uplink.Trouble(), k.uplink.Waiting()},
		Faults: []faultStatus{}, Help: s.Help}
	for _, f := range s.Faults {
		out.Faults = append(out.Faults, faultStatus{f})
	}
	if last := k.prover.Last(); last != nil {
		out.Proof = &proofStatus{last.At, last.Clean(), last.Seq}
	}
	return out
}

// sayStatus prints the status for people.
func sayStatus(body []byte, out io.Writer) error {
	var s status
	if err := json.Unmarshal(body, &s); err != nil {
		return fmt.Errorf("read the kiosk's answer: %w", err)
	}
	var b bytes.Buffer
	if s.Snag != session.NoSnag {
		_, err := fmt.Fprintf(out, "not serving yet, %s: %s\n", s.Snag, s.Why)
		return err
	}
	fmt.Fprintf(&b, "%s (%s): %s since %s\n", s.Name, s.Kiosk, s.State, s.Since.Local().Format("15:04:05"))
	if s.Agent.Connected {
		fmt.Fprintf(&b, "agent %s: connected, %d messages wait\n", s.Agent.Address, s.Agent.Waiting)
	} else {
		fmt.Fprintf(&b, "agent %s: not connected (%s), %d messages wait\n", s.Agent.Address, s.Agent.Trouble, s.Agent.Waiting)
	}
	if s.Proof == nil {
		fmt.Fprintln(&b, "no wipe was proved yet")
	} else {
		fmt.Fprintf(&b, "last proof %d at %s: clean %v\n", s.Proof.Seq, s.Proof.At.Local().Format("2006-01-02 15:04"), s.Proof.OK)
	}
	for _, f := range s.Faults {
		fmt.Fprintf(&b, "fault: %s\n", f.Code)
	}
	_, err := out.Write(b.Bytes())
	return err
}

// timings writes the moments that the bench measures, as JSON lines.
type timings struct {
	mu sync.Mutex
	f  *os.File
}

func openTimings(path string) (*timings, error) {
	if path == "" {
		return &timings{}, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the timings: %w", err)
	}
	return &timings{f: f}, nil
}

func (t *timings) mark(event string) {
	if t.f == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.f, "{\"event\":%q,\"at_us\":%d}\n", event, time.Now().UnixMicro())
}

// Close closes the file, if there is one.
func (t *timings) Close() error {
	if t.f == nil {
		return nil
	}
	return errors.Join(t.f.Sync(), t.f.Close())
}
