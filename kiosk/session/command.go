package session

import (
	"context"
	"time"

	"yhteiskone/internal/fleet"
)

// pending is a command that waits for the session's end.
type pending struct {
	command fleet.Command
	heard   time.Time
	answer  func(fleet.Result)
}

// Command carries out a command, or keeps it until the session's end, and
// gives its result to answer, once. A command that was carried out before is
// answered with the same result and not carried out again.
func (m *Machine) Command(ctx context.Context, c fleet.Command, answer func(fleet.Result)) {
	m.tell(func() {
		if r, ok := m.seen[c.ID]; ok {
			answer(r)
			return
		}
		for _, w := range m.waiting {
			if w.command.ID == c.ID {
				return // it waits already
			}
		}
		if m.reboots == c.ID && c.ID != "" || m.checks[c.ID] {
			return // it is being carried out
		}
		w := pending{c, time.Now(), answer}
		if m.view.State.InSession() && !c.Now && disturbs(c.Name) {
			m.waiting = append(m.waiting, w)
			return
		}
		m.carryOut(ctx, w)
	})
}

// disturbs reports whether a command waits for the session's end: it would take
// the session away, or look around beside it.
func disturbs(n fleet.CommandName) bool {
	return n == fleet.EndSession || n == fleet.RestartKiosk || n == fleet.TakeOutOfService || n == fleet.Reboot || n == fleet.UpdateConfig || n == fleet.Check
}

func (m *Machine) carryOut(ctx context.Context, w pending) {
	why, after := "expired", func() {}
	if time.Since(w.heard) <= w.command.TTL {
		if w.command.Name == fleet.Reboot && m.Reboot != nil {
			m.reboot(ctx, w)
			return
		}
		if w.command.Name == fleet.Check && m.Check != nil {
			m.check(w)
			return
		}
		why, after = m.do(ctx, w.command)
	}
	m.finish(w, why)
	after()
}

// finish keeps the result of a command and gives it to who asked.
func (m *Machine) finish(w pending, why string) {
	r := fleet.Result{Command: w.command.ID, OK: why == "", Why: why}
	if len(m.seen) >= 256 { // the agent repeats only what it got no result for
		clear(m.seen)
	}
	m.seen[w.command.ID] = r
	w.answer(r)
}

// do carries out one command and returns why not, and what is to be done once
// the answer is kept.
func (m *Machine) do(ctx context.Context, c fleet.Command) (why string, after func()) {
	after = func() {}
	switch c.Name {
	case fleet.EndSession:
		if m.view.State.InSession() {
			after = func() { m.end(ctx, fleet.EndCommand) }
		}
	case fleet.RestartKiosk:
		after = m.Restart
	case fleet.UpdateConfig:
		if err := m.CheckConfig(); err != nil {
			m.Log.Error("the configuration stays as it was", "err", err)
			return "invalid", after
		}
		after = m.Restart
	case fleet.Reboot, fleet.Check:
		return "unable", after
	case fleet.TakeOutOfService:
		if err := m.Memory.SetOutOfService(true); err != nil {
			m.Log.Error("the kiosk cannot keep its state", "err", err)
			return "failed", after
		}
		if m.view.State.InSession() {
			after = func() { m.end(ctx, fleet.EndCommand) }
		} else if m.view.State == fleet.Ready || m.view.State == fleet.Closed {
			m.rest()
			m.show(ctx)
		}
	case fleet.PutInService:
		m.takeBack(fleet.TakeOutOfService)
		if err := m.Memory.SetOutOfService(false); err != nil {
			m.Log.Error("the kiosk cannot keep its state", "err", err)
			return "failed", after
		}
		if m.view.State == fleet.OutOfService && m.painted {
			m.rest()
			m.show(ctx)
		}
	case fleet.Identify:
		m.view.Identify, m.identify = true, time.Now()
		m.show(ctx)
	case fleet.ShowMessage:
		if err := fleet.CheckMessage(c.Text); err != nil {
			return "invalid", after
		}
		m.view.Message, m.message = c.Text, time.Now()
		m.show(ctx)
	case fleet.Wake:
		if err := fleet.CheckMAC(c.MAC); err != nil {
			return "invalid", after
		}
		if err := m.Wake(c.MAC); err != nil {
			m.Log.Error("the other machine was not woken", "err", err)
			return "failed", after
		}
	case fleet.SomeoneWaits, fleet.NobodyWaits:
		if m.view.State.InSession() { // otherwise the machine is, or will be, free
			m.someoneWaits(c.Name == fleet.SomeoneWaits)
			m.limits()
			m.show(ctx)
		}
	case fleet.OpenWeb:
		if !m.view.State.InSession() {
			return "invalid", after
		}
		if m.setup.Mode != fleet.Errands {
			break // it is open already
		}
		if err := m.running.OpenWeb(); err != nil {
			m.Log.Error("the web was not opened", "err", err)
			return "failed", after
		}
		m.view.Web = true
		m.show(ctx)
	default:
		return "unknown", after
	}
	return "", after
}

// reboot restarts the whole machine. The answer is given once it is known
// whether the machine will: one that does not says that it cannot.
func (m *Machine) reboot(ctx context.Context, w pending) {
	m.reboots = w.command.ID
	if m.view.State.InSession() {
		m.end(ctx, fleet.EndCommand)
	}
	go func() { // it may take a while, and the machine must answer meanwhile
		why := ""
		if err := m.Reboot(w.command.ID); err != nil {
			m.Log.Error("the machine does not restart", "err", err)
			why = "unable"
		}
		m.tell(func() {
			m.reboots = ""
			m.finish(w, why)
		})
	}()
}

// check has the machine looked at. The answer is given once the sheet is on its
// way; clients are served meanwhile.
func (m *Machine) check(w pending) {
	m.lookAt(w.command.ID, func(_ fleet.Sheet, err error) {
		why := ""
		if err != nil {
			why = "failed"
		}
		m.finish(w, why)
	})
}

// lookAt has the machine looked at for a command, and then does with the sheet
// what is to be done.
func (m *Machine) lookAt(id string, then func(fleet.Sheet, error)) {
	m.checks[id] = true
	go func() { // it takes a while, and the machine must answer meanwhile
		sheet, err := m.Check(id)
		if err != nil {
			m.Log.Error("the machine was not checked", "err", err)
		}
		m.tell(func() {
			delete(m.checks, id)
			then(sheet, err)
		})
	}()
}

// takeBack answers commands that still wait, and that a later one has made
// pointless, as too late.
func (m *Machine) takeBack(name fleet.CommandName) {
	var stay []pending
	for _, w := range m.waiting {
		if w.command.Name != name {
			stay = append(stay, w)
			continue
		}
		m.finish(w, "expired")
	}
	m.waiting = stay
}

// Queue says that somebody waits for the machine, or that nobody does any more.
func (m *Machine) Queue(ctx context.Context, waits bool) error {
	return m.ask(ctx, func() error {
		if !m.view.State.InSession() {
			return ErrNoSession
		}
		m.someoneWaits(waits)
		m.limits()
		m.redraw(context.WithoutCancel(ctx))
		return nil
	})
}
