package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A kiosk whose state machine is stuck ends; one that is only busy does not.
func TestDeadman(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var well atomic.Bool
		var code atomic.Int64
		well.Store(true)
		code.Store(-1)
		ctx, cancel := context.WithCancel(t.Context())
		go deadman(ctx, slog.New(slog.DiscardHandler), well.Load, func(c int) { code.Store(int64(c)) })
		time.Sleep(time.Hour)
		synctest.Wait()
		if code.Load() != -1 {
			t.Error("a kiosk that answers was ended")
		}
		well.Store(false)
		time.Sleep(stuckTime + time.Second)
		synctest.Wait()
		if code.Load() != 1 {
			t.Errorf("a stuck kiosk ended with %d", code.Load())
		}
		cancel()
	})
	stuck := stuckMachine{}
	synctest.Test(t, func(t *testing.T) {
		from := time.Now()
		if answers(t.Context(), stuck) {
			t.Error("a stuck machine answers")
		}
		if took := time.Since(from); took != stuckTime {
			t.Errorf("given up after %v", took)
		}
	})
}

type stuckMachine struct{}

func (stuckMachine) Answers(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
