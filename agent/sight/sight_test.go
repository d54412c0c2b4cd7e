package sight_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"yhteiskone/agent/sight"
)

func TestOwnNetwork(t *testing.T) {
	loop := net.Interface{Name: "lo", Flags: net.FlagLoopback | net.FlagUp | net.FlagRunning}
	for name, c := range map[string]struct {
		all []net.Interface
		err error
		cut bool
	}{
		"plugged in":     {[]net.Interface{loop, {Name: "eth0", Flags: net.FlagUp | net.FlagRunning}}, nil, false},
		"cable out":      {[]net.Interface{loop, {Name: "eth0", Flags: net.FlagUp}}, nil, true},
		"switched off":   {[]net.Interface{loop, {Name: "eth0"}}, nil, true},
		"nothing at all": {[]net.Interface{loop}, nil, true},
		"not known":      {nil, errors.New("no"), false},
	} {
		w := sight.Way{Own: func() ([]net.Interface, error) { return c.all, c.err }}
		if got := w.Cut(t.Context()); got != c.cut {
			t.Errorf("%s: cut is %v", name, got)
		}
	}
}

// One that answers is enough, and so is one that refuses; none that does in
// time is not.
func TestAsk(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	open := l.Addr().String()
	if (sight.Way{Ask: []string{"[::1]:1x", open}}).Cut(t.Context()) {
		t.Error("cut, and one answers")
	}
	l.Close()
	if (sight.Way{Ask: []string{open}}).Cut(t.Context()) {
		t.Error("cut, and one refuses")
	}
	if !(sight.Way{Ask: []string{"[::1]:1x"}}).Cut(t.Context()) {
		t.Error("not cut, and the only one is no address")
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		w := sight.Way{Ask: []string{"a:1", "b:1"}, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		if !w.Cut(t.Context()) || time.Since(began) > 5*time.Second {
			t.Errorf("nobody answers, said after %v", time.Since(began))
		}
	})
}
