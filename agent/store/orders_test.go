package store_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"yhteiskone/agent/figures"
	"yhteiskone/agent/gate"
	"yhteiskone/agent/store"
	"yhteiskone/internal/fleet"
)

// What became of an order is in the audit, also when nobody answered; an
// answer that comes twice is there once. The note of a machine that is out of
// service stays until it is back.
func TestResultsAndNotes(t *testing.T) {
	s, err := store.Open(t.TempDir(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	const id = fleet.KioskID("kaaaaaaaaaaaa")
	now := time.Now()
	give := func(n string, c fleet.Command) {
		t.Helper()
		c.ID = "000000000000000" + n
		if err := s.PutOrder("satu", gate.Order{Kiosk: id, Command: c, Expires: now.Add(time.Minute)}, "ranta", now); err != nil {
			t.Fatal(err)
		}
	}
	last := func(action string, name fleet.CommandName) {
		t.Helper()
		e, err := s.Entries(id, 1)
		if err != nil || len(e) != 1 || e[0].Action != action || e[0].Detail != string(name) || e[0].Who != "satu" || e[0].Site != "ranta" {
			t.Errorf("want %s %s: %+v, %v", action, name, e, err)
		}
	}
	give("1", fleet.Command{Name: fleet.TakeOutOfService, Text: "Hiiri puuttuu"})
	if text, who, at, err := s.Note(id); err != nil || text != "Hiiri puuttuu" || who != "satu" || !at.Equal(now) {
		t.Errorf("%q %q %v %v", text, who, at, err)
	}
	if all, _ := s.Orders(id, now); len(all) != 1 || all[0].Command.Text != "" {
		t.Errorf("the note goes to the machine: %+v", all)
	}
	answer := func(seq uint64, n string, ok bool, why string) {
		t.Helper()
		if _, _, _, err := s.ApplyResult(id, seq, fleet.Result{Command: "000000000000000" + n, OK: ok, Why: why}, now); err != nil {
			t.Fatal(err)
		}
	}
	answer(1, "1", true, "")
	last("result_ok", fleet.TakeOutOfService)
	answer(1, "1", false, "failed")
	last("result_ok", fleet.TakeOutOfService)
	give("2", fleet.Command{Name: fleet.OpenWeb})
	answer(2, "2", false, "invalid")
	last("result_invalid", fleet.OpenWeb)
	give("3", fleet.Command{Name: fleet.RestartKiosk})
	answer(3, "3", false, "out of paper")
	last("result_failed", fleet.RestartKiosk)
	give("5", fleet.Command{Name: fleet.Reboot})
	answer(4, "5", false, "unable")
	last("result_unable", fleet.Reboot)
	// An order about another machine is in the audit of that one, and so is what
	// became of it.
	if err := s.PutOrder("satu", gate.Order{Kiosk: id, For: "kbbbbbbbbbbbb", Command: fleet.Command{ID: "0000000000000006", Name: fleet.Wake, MAC: "52:54:00:12:34:56"}, Expires: now.Add(time.Minute)}, "ranta", now); err != nil {
		t.Fatal(err)
	}
	if all, _ := s.Orders(id, now); len(all) != 1 || all[0].Command.MAC != "52:54:00:12:34:56" || all[0].For != "kbbbbbbbbbbbb" {
		t.Errorf("%+v", all)
	}
	answer(5, "6", true, "")
	if e, err := s.Entries("kbbbbbbbbbbbb", 5); err != nil || len(e) != 2 || e[0].Action != "result_ok" || e[1].Action != "command" || e[1].Detail != "wake" {
		t.Errorf("%+v, %v", e, err)
	}
	give("4", fleet.Command{Name: fleet.PutInService})
	if _, _, at, err := s.Note(id); err != nil || !at.IsZero() {
		t.Errorf("the note is still there: %v, %v", at, err)
	}
	if err := s.Tidy(now.Add(30 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	last("command", fleet.PutInService) // its answer may still come
	if err := s.Tidy(now.Add(2 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	last("result_expired", fleet.PutInService)
}

// Calls are counted by week and whole minutes at their first answer, or when
// they end without one; no call can be told from the sums.
func TestHelpWeeks(t *testing.T) {
	s, err := store.Open(t.TempDir(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	const id = fleet.KioskID("kaaaaaaaaaaaa")
	begun := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for i, after := range []time.Duration{0, 2*time.Minute - 1, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 99 * time.Hour, -1} {
		call := fmt.Sprintf("%016x", i)
		if _, err := s.ApplyHelp(fleet.HelpCall{ID: call, Kiosk: id, At: begun}, uint64(i+1), "b"); err != nil {
			t.Fatal(err)
		}
		for _, a := range []fleet.HelpAnswer{fleet.CannotCome, fleet.Done} { // the first one counts
			if i < 6 {
				if _, err := s.AnswerHelp(id, "ranta", call, store.HelpReply{By: "satu", Answer: a, At: begun.Add(after)}); err != nil {
					t.Fatal(err)
				}
			}
			after += time.Hour
		}
	}
	if err := s.DropHelp(id, "0000000000000006"); err != nil {
		t.Fatal(err)
	}
	east := time.FixedZone("two hours east", 2*60*60)
	s.In(east) // there it is Monday already
	sunday := time.Date(2026, 12, 6, 22, 30, 0, 0, time.UTC)
	if err := s.AddCalls("kulma", sunday, figures.Calls{Unanswered: 9}); err != nil {
		t.Fatal(err)
	}
	if all, err := s.HelpWeeks(sunday); err != nil || len(all) != 1 || all[0].Week != "2026-50" {
		t.Errorf("a call in the night to Monday: %+v, %v", all, err)
	}
	all, err := s.HelpWeeks(begun.AddDate(0, 0, -1))
	all = slices.DeleteFunc(all, func(w store.HelpWeek) bool { return w.Site == "kulma" })
	sum := figures.Calls{Minutes: map[int]uint64{}}
	for _, w := range all {
		if w.Week != "2026-48" {
			t.Errorf("%+v", w)
		}
		sum.Answered, sum.Unanswered = sum.Answered+w.Calls.Answered, sum.Unanswered+w.Calls.Unanswered
		for m, n := range w.Calls.Minutes {
			sum.Minutes[m] += n
		}
	}
	if want := (figures.Calls{Answered: 6, Unanswered: 1, Minutes: map[int]uint64{0: 1, 1: 1, 2: 1, 5: 1, 15: 1, figures.LongestRing: 1}}); err != nil || !reflect.DeepEqual(sum, want) {
		t.Errorf("%+v, %v, want %+v", sum, err, want)
	}
	if all, _ := s.HelpWeeks(begun.AddDate(0, 0, 21)); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}
