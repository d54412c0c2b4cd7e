package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"yhteiskone/agent/dashboard"
	"yhteiskone/agent/premises"
	"yhteiskone/internal/fleet"
)

// What a machine could not read is refused and not kept; what is decided
// counts for calls as well.
func TestDecide(t *testing.T) {
	act, id, _ := staffed(t)
	act.config.Alerts.help = 2 * time.Minute
	p := &places{act.agent}
	if err := p.store.PutSettings(fleet.DefaultSettings(), nil); err != nil {
		t.Fatal(err)
	}
	long := premises.Edit{Fields: []premises.Field{premises.Blocked}}
	for i := range 400 {
		long.Values.Blocked = append(long.Values.Blocked, strings.Repeat("a23456789.", 24)+string(rune('a'+i%26))+".fi")
	}
	if err := p.Decide("satu", "ranta", long, 0); !errors.Is(err, dashboard.ErrTooLong) {
		t.Errorf("%v", err)
	}
	if all, err := p.Versions("ranta"); err != nil || len(all) != 0 {
		t.Errorf("kept: %+v, %v", all, err)
	}
	if c := p.Call("ranta"); c != (premises.Call{After: 2 * time.Minute}) {
		t.Errorf("%+v", c)
	}
	e := premises.Edit{Fields: []premises.Field{premises.Idle, premises.Help}, Values: premises.Values{Settings: fleet.Settings{Idle: time.Hour}, Call: premises.Call{After: time.Minute, To: "mesta"}}}
	if err := p.Decide("satu", "ranta", e, 0); err != nil {
		t.Fatal(err)
	}
	k, _ := p.board.Kiosk(id)
	if set, err := p.store.Settings(k); err != nil || set.Idle != time.Hour {
		t.Errorf("%+v, %v", set, err)
	}
	if c := p.Call("ranta"); c != (premises.Call{After: time.Minute, To: "mesta"}) {
		t.Errorf("%+v", c)
	}
}
