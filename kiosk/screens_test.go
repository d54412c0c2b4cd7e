package main

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// An X server that hangs, or fails, costs the reading and nothing else.
func TestScreens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s screens
		var asked atomic.Int32
		var fails atomic.Bool
		hang := make(chan struct{})
		close(hang)
		ask := func() (int, int, int, error) {
			asked.Add(1)
			<-hang
			if fails.Load() {
				return 0, 0, 0, errors.New("no server")
			}
			return 1, 1366, 768, nil
		}
		if n, size := s.read(ask); n != nil || size != nil {
			t.Errorf("before it asked it says %v, %v", n, size)
		}
		synctest.Wait()
		for range 10 {
			if n, size := s.read(ask); n == nil || *n != 1 || size == nil || *size != "1366x768" {
				t.Fatalf("it says %v, %v", n, size)
			}
		}
		if asked.Load() != 1 {
			t.Errorf("asked %d times", asked.Load())
		}
		hang = make(chan struct{})
		time.Sleep(screensTime / 2)
		for range 10 {
			if n, _ := s.read(ask); n == nil {
				t.Error("the last answer does not hold while the server hangs")
			}
		}
		time.Sleep(screensTime)
		if n, _ := s.read(ask); n != nil || asked.Load() != 2 {
			t.Errorf("a server that hangs is asked %d times and still has %v", asked.Load(), n)
		}
		fails.Store(true)
		close(hang)
		synctest.Wait()
		s.read(ask)
		synctest.Wait()
		if n, _ := s.read(ask); n != nil {
			t.Error("a server that fails says something")
		}
	})
}
