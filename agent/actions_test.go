package main

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"yhteiskone/agent/dashboard"
	"yhteiskone/agent/gate"
	"yhteiskone/agent/state"
	"yhteiskone/agent/store"
	"yhteiskone/agent/watch"
	"yhteiskone/internal/fleet"
	"yhteiskone/internal/identity"
)

// staffed is an agent with one kiosk at which a client asks for help.
func staffed(t *testing.T) (*actions, fleet.KioskID, string) {
	t.Helper()
	const id, call = fleet.KioskID("kaaaaaaaaaaaa"), "00000000000000aa"
	st, err := store.Open(t.TempDir(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	key, err := identity.NewAgent()
	if err != nil {
		t.Fatal(err)
	}
	a := &agent{log: slog.New(slog.DiscardHandler), store: st, id: key, board: state.NewBoard(watch.Judge)}
	a.gate = gate.New(gate.Config{Store: st, Presence: a.board, Signer: key, Pin: key.Pin(), Log: a.log})
	a.board.Put(state.Known{Kiosk: fleet.Kiosk{ID: id, Site: "ranta", Name: "Kone 1"}})
	c := fleet.HelpCall{ID: call, Kiosk: id, At: time.Now()}
	if _, err := st.ApplyHelp(c, 1, "b"); err != nil {
		t.Fatal(err)
	}
	a.board.Help(c)
	return &actions{a}, id, call
}

// An answer keeps who comes and when, for the kiosk and for the dashboard;
// nobody is named who does not come, and nonsense is refused.
func TestAnswerHelp(t *testing.T) {
	a, id, call := staffed(t)
	for _, bad := range []dashboard.Reply{{}, {Answer: "maybe"}, {Answer: fleet.ComingSoon, Minutes: 121}, {Answer: fleet.ComingSoon, Minutes: -1}} {
		if err := a.Answer(t.Context(), "satu", id, call, bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if now, _, _, _ := a.store.Help(id); now.Answer != fleet.NoAnswer {
		t.Errorf("a refused answer is kept: %+v", now)
	}
	for _, c := range []struct {
		give dashboard.Reply
		who  string
	}{
		{dashboard.Reply{Answer: fleet.ComingSoon, Minutes: 5, Who: "Satu V."}, "Satu V."},
		{dashboard.Reply{Answer: fleet.Coming, Who: "Satu V."}, "Satu V."},
		{dashboard.Reply{Answer: fleet.CannotCome, Who: "Satu V."}, ""},
	} {
		if err := a.Answer(t.Context(), "satu", id, call, c.give); err != nil {
			t.Fatal(err)
		}
		kept, _, _, err := a.store.Help(id)
		view, _ := a.board.View(id)
		for _, got := range []fleet.HelpCall{kept, *view.Help} {
			if err != nil || got.Answer != c.give.Answer || got.Minutes != c.give.Minutes || got.Who != c.who || got.AnsweredBy != "satu" {
				t.Errorf("%+v: %+v, %v", c.give, got, err)
			}
		}
	}
	if err := a.Answer(t.Context(), "satu", id, call, dashboard.Reply{Answer: fleet.Done, Who: "Satu V."}); err != nil {
		t.Fatal(err)
	}
	if view, _ := a.board.View(id); view.Help != nil {
		t.Error("still open after it was done")
	}
	if err := a.Answer(t.Context(), "satu", id, call, dashboard.Reply{Answer: fleet.Coming}); !errors.Is(err, dashboard.ErrNoCall) {
		t.Errorf("an answer to a call that is over: %v", err)
	}
}

// What staff do for a client's session is kept in the audit by its name alone:
// no address, no text.
func TestCommandsOfASession(t *testing.T) {
	a, id, _ := staffed(t)
	for _, name := range []fleet.CommandName{fleet.SomeoneWaits, fleet.NobodyWaits, fleet.OpenWeb, fleet.Reboot, fleet.UpdateConfig} {
		if _, err := a.Command(t.Context(), "satu", id, fleet.Command{Name: name, Text: "https://kela.fi/"}); err == nil {
			t.Errorf("%s takes a text", name)
		}
		if _, err := a.Command(t.Context(), "satu", id, fleet.Command{Name: name, TTL: time.Minute}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		e, err := a.store.Entries(id, 1)
		if err != nil || len(e) != 1 || e[0].Who != "satu" || e[0].Action != "command" || e[0].Detail != string(name) {
			t.Errorf("the audit has %+v, %v", e, err)
		}
	}
	if orders, _ := a.store.Orders(id, time.Now()); len(orders) != 5 {
		t.Errorf("%d orders wait", len(orders))
	}
}
