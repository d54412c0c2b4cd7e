package main

import (
	"errors"
	"fmt"
	"time"

	"yhteiskone/agent/store"
)

// kept is what the agent has of one kiosk.
type kept struct {
	newest uint64 // number of the newest proof
	doubt  bool   // one did not follow the one before it
	rings  bool   // a call still does
	calls  uint32 // that are over
}

// count compares what kiosks told with what the agent has.
func (s *soak) count() error {
	st, err := store.Open(s.agent.data, time.Second)
	if err != nil {
		return err
	}
	defer st.Close()
	if _, err := st.Check(); err != nil {
		return fmt.Errorf("the agent's store: %w", err)
	}
	weeks, err := st.HelpWeeks(time.Time{})
	if err != nil {
		return err
	}
	var wrong []error
	var sum ledger
	for i, k := range append(s.kiosks, s.echo.kiosk) {
		var has kept
		p, err := st.Proof(k.member.Kiosk)
		if err != nil {
			return err
		}
		if has.doubt = !p.Invalid.IsZero(); p.Newest != nil {
			has.newest = p.Newest.Seq
		}
		if _, _, has.rings, err = st.Help(k.member.Kiosk); err != nil {
			return err
		}
		for _, w := range weeks {
			if w.Site == k.site {
				has.calls += uint32(w.Calls.Answered + w.Calls.Unanswered)
			}
		}
		told := k.ledger
		if i == len(s.kiosks) {
			told = s.echo.account()
		}
		if err := compare(told, has); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", k.site, err))
		}
		sum = ledger{sum.proofs + told.proofs, sum.placed + told.placed, sum.heard + told.heard}
	}
	s.say("%d proofs, %d calls placed, %d of them acknowledged", sum.proofs, sum.placed, sum.heard)
	if sum.proofs == 0 || sum.heard == 0 {
		wrong = append(wrong, errors.New("nothing was told, so nothing was tried"))
	}
	return errors.Join(wrong...)
}

// compare says what is lost or doubled. A call that was taken back before it
// was ever sent is nobody's business: so calls have two bounds. The newest proof
// stands for all: it was taken in only if it followed the one before.
func compare(told ledger, has kept) error {
	switch {
	case has.newest < told.proofs:
		return fmt.Errorf("%d of %d proofs are lost", told.proofs-has.newest, told.proofs)
	case has.newest > told.proofs:
		return fmt.Errorf("there are %d proofs, and %d were made", has.newest, told.proofs)
	case has.doubt:
		return errors.New("a proof came that did not follow the one before: one was lost, or came twice")
	case has.rings:
		return errors.New("a call rings that is over")
	case has.calls < told.heard:
		return fmt.Errorf("%d calls are lost: %d were acknowledged and %d counted", told.heard-has.calls, told.heard, has.calls)
	case has.calls > told.placed:
		return fmt.Errorf("%d calls came twice: %d were placed and %d counted", has.calls-told.placed, told.placed, has.calls)
	}
	return nil
}
